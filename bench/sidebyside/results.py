"""The page of results: what was measured goes between two marks, what was written by hand stays."""

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
    page.write_text(replaced(page.read_text(), section(figures, picture.name)))
    picture.write_text(plot.draw(plot.bars(ALL, figures.tables.get("sink", {}))))


def replaced(text: str, figures: str) -> str:
    """A page with other figures. One without both marks, in order, is an error: it would be overwritten else."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"the page has no {END if begin else BEGIN!r}")
    return f"{before}{BEGIN}\n\n{figures}\n{END}{after}"


def section(figures: Figures, picture: str) -> str:
    """The machine, the picture and a table for each kind of server."""
    parts = [_origin(figures), f"![Wall time of holdall as a part of its peers']({picture})\n"]
    for name, measured in figures.tables.items():
        rows = [
            line for job in ALL.values() if job.name in measured for line in table.lines(name, job, measured[job.name])
        ]
        parts.append("\n".join([TITLES[name], "", table.head(name), *rows, ""]))
    return "\n".join(parts)


def _origin(figures: Figures) -> str:
    days = sorted({measured.when[:10] for measured in figures.all()})
    commits = sorted({measured.commit for measured in figures.all()})
    when = days[0] if days[:1] == days[-1:] else f"{days[0]} to {days[-1]}"
    machine = "\n".join(f"- {name}: {value}" for name, value in figures.machine.items())
    return (
        f"Measured {when} at {', '.join(commits)}. Medians, and the largest peak; a run that failed is no sample.\n\n"
        f"{machine}\n"
    )
