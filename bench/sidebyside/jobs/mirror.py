"""Proofs and watches: M1 to M4, beside what the bare listing or the bare download takes."""

import sys
from dataclasses import replace
from pathlib import Path

from ..bench import Bench, Samples
from ..clients import Holdall
from ..data import MIB, empty_files, old_files, small_files
from ..measure import Run
from ..places import PEERS
from .base import Aim, Job

MILLION = 1_000_000
IDLE = 100


def verified(bench: Bench) -> Samples:
    folder = old_files(bench.work / "old", MILLION // 10)
    with bench.server("--keep") as server:
        client = Holdall(server, bench.home())
        bench.fill(client.command("push", "--manifest", folder, "all/"))
        runs = {"holdall ls": client.command("ls", "--recursive", "all/"), "holdall verify": client.command("verify", "all/")}
        return bench.take_turns({name: lambda _, run=run: run for name, run in runs.items()})


def verified_deep(bench: Bench) -> Samples:
    with bench.server("--keep") as server:
        folder = small_files(bench.work / "films", 64, 16 * MIB)
        client = Holdall(server, bench.home())
        bench.fill(client.command("push", "--manifest", folder, "all/"))
        return bench.take_turns(
            {
                "holdall pull": lambda to: client.command("pull", "all/", to),
                "holdall verify --deep": lambda _: client.command("verify", "--deep", "all/"),
            },
            clear=True,
        )


def _watching(client: Holdall, what: list[object], folder: Path) -> Run:
    watch = client.command("watch", folder, "all/", "--json")
    words = [sys.executable, PEERS / "watching.py", *what, "--", *watch.command]
    return replace(watch, command=words, tells=True)


def watched_idle(bench: Bench) -> Samples:
    folder = empty_files(bench.work / "million", MILLION)
    with bench.server("--remember") as server:
        client = Holdall(server, bench.home())
        run = _watching(client, ["idle", folder, IDLE], folder)
        return bench.take_turns({"holdall watch": lambda _: run}, times=1)


def watched(bench: Bench) -> Samples:
    def make(to: Path) -> Run:
        to.mkdir()
        return _watching(client, ["latency", to, 2000, 200], to)

    with bench.server("--remember") as server:
        client = Holdall(server, bench.home())
        return bench.take_turns({"holdall watch": make})


JOBS = (
    Job(
        "M1",
        "prove 100,000 objects by their listing (holdall alone)",
        verified,
        (Aim(1.5, "holdall ls", "holdall verify"),),
    ),
    Job(
        "M2",
        "prove 1 GiB in 64 objects by reading it (holdall alone)",
        verified_deep,
        (Aim(1.11, "holdall pull", "holdall verify --deep"),),
    ),
    Job(
        "M3",
        "from closing a file to its receipt, 200 files a second (seconds, the 99th of 100)",
        watched,
        (Aim(1, None, "holdall watch"),),
    ),
    Job(
        "M4",
        "watch 1,000,000 files in which nothing happens (seconds of CPU in 100)",
        watched_idle,
        (Aim(0.1, None, "holdall watch"),),
        long=True,
    ),
)
