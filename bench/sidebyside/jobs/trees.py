"""Folders as they really are: J9, J11, J13, and a push of 1,000,000 files."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from .. import data
from ..bench import Bench, Samples
from .base import Aim, Job


def _pushed(bench: Bench, files: AbstractContextManager[Path], prefix: str) -> Samples:
    with files as folder, bench.server("--remember") as server:
        everybody = bench.clients(server)
        return bench.take_turns({n: lambda _, c=c: c.put_folder(folder, prefix) for n, c in everybody.items()})


def nested(bench: Bench) -> Samples:
    return _pushed(bench, data.nested_files(bench.work / "nested", 10_000), "nested")


def topics(bench: Bench) -> Samples:
    return _pushed(bench, data.topics(bench.work / "topics", 20, 50), "topics")


def unchanged(bench: Bench) -> Samples:
    """Each has pushed the files to a prefix of its own before."""
    with data.old_files(bench.work / "unchanged", 100_000) as folder, bench.server("--remember") as server:
        makes: dict[str, Callable] = {}
        for name, client in bench.clients(server).items():
            first = client.sync_folder(folder, name)
            if first and bench.launcher.run(first).good:
                makes[name] = lambda _, c=client, n=name: c.sync_folder(folder, n)
        return bench.take_turns(makes)


def million(bench: Bench) -> Samples:
    with data.empty_files(bench.work / "million", 1_000_000) as folder, bench.server("--remember") as server:
        client = bench.clients(server)["holdall"]
        return bench.take_turns({"holdall": lambda _: client.put_folder(folder, "million")}, times=1)


JOBS = (
    Job("J9", "put 10,000 files of 1 B to 1 MiB, log-uniform, nested", nested, (Aim(0.25, "s5cmd"),)),
    Job("J11", "push 100,000 unchanged files again", unchanged, (Aim(0.3, "s5cmd"),)),
    Job("J13", "put 20 topics of 50 scenes of three files, 1 MiB together", topics),
    Job("P1M", "push 1,000,000 empty files (holdall alone, for its memory)", million, peak=96, long=True),
)
