"""The page of results: what was measured goes between two marks, what was written by hand stays."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from . import plot, table
from .figures import Figures
from .jobs import ALL

BEGIN, END = "<!-- figures: written by bench/run --write -->", "<!-- end of figures -->"
TITLES = {
    "sink": "## Against the sink\n\nWall time is compared: the sink does next to nothing, so it is the client's.",
    "ceph": "## Against Ceph\n\nProcessor time is compared: wall time is mostly the server's, on the same cores.",
}


def write(figures: Figures, page: Path, picture: Path) -> None:
    """Writes the page anew between its marks, and the picture beside it."""
    text = page.read_text()
    page.write_text(replaced(text, section(figures, picture.name, rows_of(text))))
    picture.write_text(plot.draw(plot.bars(ALL, figures.tables.get("sink", {}))))


def replaced(text: str, figures: str) -> str:
    """A page with other figures. One without both marks, in order, is an error: it would be overwritten else."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the page has no {END if begin else BEGIN!r}")
    return f"{before}{BEGIN}\n\n{figures}\n{END}{after}"


def rows_of(page: str) -> dict[str, dict[str, list[str]]]:
    """The rows that a page has between its marks, by table and job."""
    found: dict[str, dict[str, list[str]]] = {}
    between = page.partition(BEGIN)[2].partition(END)[0]
    for name, title in TITLES.items():
        for line in between.partition(title)[2].partition("\n## ")[0].splitlines():
            job = line.removeprefix("| ").partition(" |")[0]
            if job in ALL:
                found.setdefault(name, {}).setdefault(job, []).append(line)
    return found


def section(figures: Figures, picture: str, earlier: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """The machine, the picture and a table for each kind of server; of what has no figures the rows of the page."""
    parts = [f"![Wall time of holdall as a part of its peers']({picture})\n"]
    left = []
    for name, title in TITLES.items():
        measured, before = figures.tables.get(name, {}), earlier.get(name, {})
        rows: list[str] = []
        for job in ALL.values():
            if job.name in measured:
                rows += table.lines(name, job, measured[job.name])
            elif job.name in before:
                rows += before[job.name]
                left.append(f"{job.name} ({name})")
        if rows:
            parts.append("\n".join([title, "", table.head(name), *rows, ""]))
    return "\n".join([_origin(figures, left), *parts])


def _origin(figures: Figures, left: Sequence[str]) -> str:
    days = sorted({measured.when[:10] for measured in figures.all()})
    commits = sorted({measured.commit for measured in figures.all()})
    when = days[0] if days[:1] == days[-1:] else f"{days[0]} to {days[-1]}"
    before = f" From before are: {', '.join(left)}." if left else ""
    machine = "\n".join(f"- {name}: {value}" for name, value in figures.machine.items())
    return (
        f"Measured {when} at {', '.join(commits)}. Medians, and the largest peak; a run that failed is no sample."
        f"{before}\n\n"
        f"{machine}\n"
    )
