"""Standard input of unknown length: J10."""

from ..bench import Bench, Samples
from .base import Job

FEED = ["head", "-c", str(5 << 30), "/dev/zero"]


def put(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        makes = {n: lambda _, c=c: c.put_stream("stream", FEED) for n, c in bench.clients(server).items()}
        return bench.take_turns(makes, times=min(2, bench.options.rounds))


JOBS = (Job("J10", "put 5 GiB from standard input", put),)
