"""Many small objects: J3, J4, J6, and J3 over https."""

from functools import partial

from ..bench import Bench, Samples
from ..clients import Holdall
from ..data import small_files
from ..servers import Server
from .base import Aim, Job

FILES = 10_000


def put(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        return _put(bench, server)


def put_over_https(bench: Bench) -> Samples:
    with bench.server("--remember", tls=True) as server:
        return _put(bench, server)


def _put(bench: Bench, server: Server) -> Samples:
    folder = small_files(bench.work / "small", FILES)
    return bench.compare(bench.clients(server), lambda client, _: client.put_folder(folder, "small"), moved=folder)


def get(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        _fill(bench, server)
        return bench.compare(everybody, lambda client, to: client.get_folder("small", to))


def delete(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        again = partial(_fill, bench, server)
        return bench.compare(everybody, lambda client, _: client.delete_folder("small"), before=again)


def _fill(bench: Bench, server: Server) -> None:
    folder = small_files(bench.work / "small", FILES)
    bench.fill(Holdall(server, bench.home()).put_folder(folder, "small"))


JOBS = (
    Job("J3", "put 10,000 files of 4 KiB, 64 at once", put, (Aim(0.15, "s5cmd"),), on_ceph=True),
    Job("J3S", "J3 over https", put_over_https),
    Job("J4", "get 10,000 objects of 4 KiB into a folder, 64 at once", get, (Aim(0.15, "s5cmd"),), on_ceph=True),
    Job("J6", "delete 10,000 objects below a prefix", delete, (Aim(0.4, "obstore"),), on_ceph=True),
)
