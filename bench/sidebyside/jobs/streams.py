"""Standard input of unknown length: J10."""

from ..bench import Bench, Samples
from .base import Job

FEED = ["head", "-c", str(5 << 30), "/dev/zero"]


def put(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        times = min(2, bench.options.rounds)
        return bench.compare(bench.clients(server), lambda client, _: client.put_stream("stream", FEED), times=times)


JOBS = (Job("J10", "put 5 GiB from standard input", put),)
