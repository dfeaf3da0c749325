"""Writes that wait: Q1, beside the same ones made directly."""

from pathlib import Path

from ..bench import Bench, Samples
from ..clients import Holdall
from ..data import small_files
from ..measure import Run
from ..servers import Server
from .base import Aim, Job

FILES = 10_000


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


JOBS = (
    Job(
        "Q1",
        "put 10,000 files of 4 KiB that wait, and send them (holdall alone)",
        waiting,
        (Aim(1.25, "holdall", "holdall, drain"),),
        on_ceph=True,
    ),
)
