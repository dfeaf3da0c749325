"""Folders as they really are: J9, J11, J13, and a push of 1,000,000 files."""

from pathlib import Path

from .. import data
from ..bench import Bench, Samples
from ..clients import Holdall
from .base import Aim, Job


def _pushed(bench: Bench, folder: Path, prefix: str) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        return bench.compare(everybody, lambda client, _: client.put_folder(folder, prefix), moved=folder)


def nested(bench: Bench) -> Samples:
    return _pushed(bench, data.nested_files(bench.work / "nested", 10_000), "nested")


def topics(bench: Bench) -> Samples:
    return _pushed(bench, data.topics(bench.work / "topics", 20, 50), "topics")


def unchanged(bench: Bench) -> Samples:
    """The objects are there already: sizes and times, which the others compare, do not tell who put them."""
    folder = data.old_files(bench.work / "old", 100_000)
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        bench.fill(everybody["holdall"].sync_folder(folder, "unchanged"))
        return bench.compare(everybody, lambda client, _: client.sync_folder(folder, "unchanged"), moved=folder)


def million(bench: Bench) -> Samples:
    folder = data.empty_files(bench.work / "million", 1_000_000)
    with bench.server("--remember") as server:
        client = Holdall(server, bench.home())
        return bench.take_turns({"holdall": lambda _: client.put_folder(folder, "million")}, times=1)


JOBS = (
    Job("J9", "put 10,000 files of 1 B to 1 MiB, log-uniform, nested", nested, (Aim(0.25, "s5cmd"),)),
    Job("J11", "push 100,000 unchanged files again", unchanged, (Aim(0.3, "s5cmd"),)),
    Job("J13", "put 20 topics of 50 scenes of three files, 1 MiB together", topics),
    Job("P1M", "push 1,000,000 empty files (holdall alone, for its memory)", million, peak=96, long=True),
)
