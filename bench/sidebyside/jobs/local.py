"""A folder as the store, beside what the system has for it: F1 to F5."""

import os
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from ..bench import Bench, Make, Samples
from ..clients import Holdall
from ..data import GIB, empty_files, file_of, small_files
from ..measure import Run
from ..places import HOLDALL, LOCAL
from ..servers import NOWHERE
from .base import Aim, Job
from .small import FILES

MILLION = 1_000_000


def holdall(bench: Bench, *words: object, **settings: str) -> Run:
    """Run with the settings and none of S3's, as somebody has them who keeps things in a folder."""
    client = Holdall(NOWHERE, bench.home(), **settings)
    environment = {n: v for n, v in client.environment().items() if not n.startswith(("S3_", "AWS_"))}
    return Run([HOLDALL, "--quiet", *words], environment | {"AWS_EC2_METADATA_DISABLED": "true"})


def plain(*words: object) -> Run:
    return Run(words, dict(os.environ))


def small_objects(fsync: str) -> dict[str, Make]:
    """The libraries by one program, 32 at once."""
    return {n: lambda to, n=n: plain(LOCAL, n, to, FILES, fsync) for n in ("holdall", "object_store")}


def put_small(bench: Bench) -> Samples:
    files = small_files(bench.work / "small", FILES)
    copytree = "import shutil, sys; shutil.copytree(*sys.argv[1:])"
    push = partial(holdall, bench, fsync="none")
    return bench.take_turns(
        small_objects("none")
        | {
            "holdall push": lambda to: push("--store", f"file://{to}", "push", files, "small/"),
            "cp -r": lambda to: plain("cp", "-r", files, to),
            "shutil.copytree": lambda to: plain(sys.executable, "-c", copytree, files, to),
        }
    )


def put_small_synced(bench: Bench) -> Samples:
    return bench.take_turns(small_objects("data"))


def _one_at_a_time(bench: Bench, runs: Mapping[str, Run], target: Path) -> Samples:
    """Each begins with an empty folder and a disk at rest."""

    def empty() -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        os.sync()

    try:
        return bench.take_turns({name: lambda _, run=run: run for name, run in runs.items()}, before=empty)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def put_large(bench: Bench) -> Samples:
    big, target = file_of(bench.work / f"file-{GIB}", GIB), bench.work / "target"
    words = ("--store", f"file://{target}/store", "put", big, "big")
    runs = {
        "holdall put": holdall(bench, *words),
        "cp and sync": plain("sh", "-c", 'cp "$1" "$2" && sync "$2"', "sh", big, target / "big"),
        "holdall put, no fsync": holdall(bench, *words, fsync="none"),
        "cp": plain("cp", big, target / "big"),
    }
    return _one_at_a_time(bench, runs, target)


def get_large(bench: Bench) -> Samples:
    store, target = bench.work / "store", bench.work / "target"
    url = f"file://{store}"
    bench.fill(holdall(bench, "--store", url, "put", file_of(bench.work / f"file-{GIB}", GIB), "big", fsync="none"))
    runs = {
        "holdall get": holdall(bench, "--store", url, "get", "big", target / "big"),
        "cp": plain("cp", store / "big", target / "big"),
    }
    try:
        return _one_at_a_time(bench, runs, target)
    finally:
        shutil.rmtree(store)


def list_million(bench: Bench) -> Samples:
    folder = empty_files(bench.work / "million", MILLION)
    runs: dict[str, Make] = {
        "holdall ls": lambda _: holdall(bench, "--store", f"file://{folder}", "ls", "--recursive"),
        "find": lambda _: plain("find", folder),
    }
    return bench.take_turns(runs)


COPIED = (Aim(1.15, "cp and sync", "holdall put"), Aim(1.15, "cp", "holdall put, no fsync"))
JOBS = (
    Job("F1", "put 10,000 objects of 4 KiB into a folder, without fsync", put_small, (Aim(1.3, "object_store"),), local=True),
    Job("F2", "the same with fsync", put_small_synced, (Aim(1.1, "object_store"),), local=True),
    Job(
        "F3",
        "put 1 GiB into a folder",
        put_large,
        COPIED,
    ),
    Job("F4", "get 1 GiB from a folder", get_large, (Aim(1.15, "cp", "holdall get"),)),
    Job("F5", "list a folder of 1,000,000 files", list_million, (Aim(1.5, "find", "holdall ls"),)),
)
