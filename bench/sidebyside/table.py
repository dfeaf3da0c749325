"""The figures as a table in Markdown."""

from collections.abc import Mapping

from .figures import Measured, Row, ratio
from .jobs import Job

HEAD = (
    "| job | client | runs | wall s | fastest | CPU s | peak MiB | {what} ÷ s5cmd | ÷ obstore | aim |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)
WHAT = {"sink": "wall", "ceph": "cpu"}


def head(table: str) -> str:
    return HEAD.format(what="CPU" if table == "ceph" else "wall")


def lines(table: str, job: Job, measured: Measured) -> list[str]:
    """The rows of one job."""
    rows = measured.rows()
    return [
        _line(table, job, rows, rows[client])
        if client in rows
        else f"| {job.name} | {client} | {len(samples)}, all failed | | | | | | | |"
        for client, samples in measured.samples.items()
    ]


def _line(table: str, job: Job, rows: Mapping[str, Row], row: Row) -> str:
    runs = f"{row.runs}, {row.failed} failed" if row.failed else f"{row.runs}"
    against = [_two(ratio(rows, row.client, peer, WHAT[table])) for peer in ("s5cmd", "obstore")]
    aims = judged(table, job, rows, row)
    cells = [job.name, row.client, runs, _three(row.wall), _three(row.fastest), _three(row.cpu), f"{row.peak:.0f}"]
    return f"| {' | '.join([*cells, *against, '; '.join(aims)])} |"


def judged(table: str, job: Job, rows: Mapping[str, Row], row: Row) -> list[str]:
    """Each aim that a row is meant to meet in a table, with the figure, the missed ones in bold."""
    said = []
    for aim in (aim for aim in job.aims if aim.on == table and aim.client == row.client):
        part = row.wall if aim.of is None else ratio(rows, row.client, aim.of, WHAT[table])
        if part is not None:
            figure = _three(part) if aim.of is None else _two(part)
            said.append(_verdict(f"≤ {aim.at_most} {aim.of or 's'}", part <= aim.at_most, figure))
    if job.peak and table == "sink" and row.client.startswith("holdall"):
        said.append(_verdict(f"peak ≤ {job.peak:.0f} MiB", row.peak <= job.peak, f"{row.peak:.0f}"))
    return said


def _verdict(aim: str, met: bool, figure: str) -> str:
    return f"{aim}: {figure}" if met else f"**{aim}: {figure}, missed**"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3f}" if value >= 0.1 else f"{value:.4f}" if value >= 0.001 else f"{value:.6f}"
