"""Long listings: J5, and the memory that 1,000,000 and 10,000,000 keys take."""

from functools import partial

from ..bench import Bench, Samples
from ..clients import Holdall
from .base import Aim, Job


def listed(bench: Bench, keys: int) -> Samples:
    with bench.server("--keys", str(keys)) as server:
        return bench.compare(bench.clients(server), lambda client, _: client.list_all(keys))


def listed_alone(bench: Bench, keys: int) -> Samples:
    with bench.server("--keys", str(keys)) as server:
        client = Holdall(server, bench.home())
        return bench.take_turns({"holdall": lambda _: client.list_all(keys)}, times=1)


def pulled_dry(bench: Bench, keys: int) -> Samples:
    with bench.server("--keys", str(keys)) as server:
        client = Holdall(server, bench.home())
        return bench.take_turns({"holdall": lambda to: client.command("pull", "all/", to, "--dry-run")}, times=1)


MILLION = 1_000_000
PULL = partial(pulled_dry, keys=10 * MILLION)
JOBS = (
    Job("J5", "list 100,000 keys", partial(listed, keys=MILLION // 10), (Aim(0.25, "obstore"),)),
    Job("L1M", "list 1,000,000 keys (holdall alone, for its memory)", partial(listed_alone, keys=MILLION)),
    Job("L10M", "list 10,000,000 keys", partial(listed_alone, keys=10 * MILLION), peak=96, long=True),
    Job(
        "P10M",
        "say what a pull of 10,000,000 keys would write",
        partial(pulled_dry, keys=10 * MILLION),
        peak=96,
        long=True,
    ),
)
