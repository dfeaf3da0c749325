"""What starting costs, and URLs: V, J7 and J8."""

from pathlib import Path

from ..bench import Bench, Samples
from ..clients import Holdall
from ..data import file_of
from ..measure import Run
from ..places import HOLDALL
from ..servers import NOWHERE
from .base import Aim, Job

SIGNED = 200_000


def start(bench: Bench) -> Samples:
    run = Run([HOLDALL, "--version"], Holdall(NOWHERE, bench.home()).environment())
    return bench.take_turns({"holdall": lambda _: run}, times=20 * bench.options.rounds)


def put_one(bench: Bench) -> Samples:
    """Each process is a sample."""
    file = file_of(bench.work / "one", 4096)
    with bench.server("--remember") as server:
        times = 4 * bench.options.rounds
        return bench.compare(bench.clients(server), lambda client, _: client.put_file(file, "one"), times=times)


def sign(bench: Bench) -> Samples:
    keys = _keys(bench.work / "keys")
    return bench.compare(bench.clients(NOWHERE), lambda client, _: client.presign(keys))


def _keys(path: Path) -> Path:
    path.write_text("".join(f"videos/topic-{n}/scene.mp4\n" for n in range(SIGNED)))
    return path


JOBS = (
    Job("V", "`holdall --version`: process start to exit", start),
    Job("J7", "put one object of 4 KiB: process start to exit", put_one, (Aim(0.5, "s5cmd"),), on_ceph=True),
    Job("J8", "make 200,000 presigned URLs", sign, (Aim(0.33, "obstore"),)),
)
