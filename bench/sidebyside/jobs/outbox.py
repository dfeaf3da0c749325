"""Writes that wait: Q1 to Q3, beside the same ones made directly and what the disk itself takes."""

from dataclasses import replace
from pathlib import Path

from ..bench import Bench, Make, Samples
from ..clients import Holdall
from ..data import small_files
from ..measure import Run
from ..places import LOCAL
from ..servers import Server
from .base import Aim, Job
from .local import plain

FILES = 10_000
MILLION = 1_000_000


def waiting(bench: Bench) -> Samples:
    """Queues files, drains queues of them, and puts the files directly. Each run has an outbox of its own."""
    with bench.server("--remember") as server:
        folder = small_files(bench.work / "small", FILES)

        def queue(to: Path) -> Run:
            return _behind(bench, server, to).put_folder(folder, "waiting")

        def drain(to: Path) -> Run:
            bench.fill(queue(to))
            return _behind(bench, server, to).command("outbox", "drain")

        direct = bench.warm(Holdall(server, bench.home()))
        ready = Holdall(server, bench.home(), on_remote_error="outbox")
        makes = {
            "holdall": lambda _: direct.put_folder(folder, "waiting"),
            "holdall, outbox not needed": lambda _: ready.put_folder(folder, "waiting"),
            "holdall, behind": queue,
            "holdall, drain": drain,
        }
        return bench.take_turns(makes)


def _behind(bench: Bench, server: Server, to: Path) -> Holdall:
    settings = {"write": "behind", "outbox_dir": str(to), "outbox_min_free": "0"}
    return Holdall(server, bench.home(), **settings)


def acknowledgements(bench: Bench) -> Samples:
    """How long one write takes until it is acknowledged, and how many are in a second."""

    def acks(what: str, writers: int, each: int) -> Make:
        def run(to: Path) -> Run:
            return replace(plain(LOCAL, "acks", to, writers, each, what), tells=True)

        return run

    makes: dict[str, Make] = {
        "write, fsync, rename, p99": lambda to: replace(plain(LOCAL, "fsyncs", to, 2000, "p99"), tells=True),
        "holdall, 1 writer, p99": acks("p99", 1, 2000),
        "holdall, 64 writers, p99": acks("p99", 64, 400),
        "holdall, 1 writer, a write": acks("mean", 1, 2000),
        "holdall, 64 writers, a write": acks("mean", 64, 400),
    }
    return bench.take_turns(makes)


def many_entries(bench: Bench) -> Samples:
    folder = bench.work / "entries"
    bench.fill(plain(LOCAL, "fill", folder, MILLION))
    names = {"holdall, open": "open", "holdall, open and list": "list"}
    return bench.take_turns({name: lambda _, verb=verb: plain(LOCAL, verb, folder) for name, verb in names.items()})


JOBS = (
    Job(
        "Q1",
        "put 10,000 files of 4 KiB that wait, and send them (holdall alone)",
        waiting,
        (Aim(1.25, "holdall", "holdall, drain"),),
        on_ceph=True,
    ),
    Job(
        "Q2",
        "acknowledge writes of 4 KiB that wait (seconds of one write)",
        acknowledgements,
        (
            Aim(5, "write, fsync, rename, p99", "holdall, 1 writer, p99"),
            Aim(0.020, None, "holdall, 64 writers, p99"),
            Aim(0.2, "holdall, 1 writer, a write", "holdall, 64 writers, a write"),
        ),
        local=True,
    ),
    Job(
        "Q3",
        "open and list an outbox of 1,000,000 entries",
        many_entries,
        (Aim(5, None, "holdall, open"),),
        local=True,
    ),
)
