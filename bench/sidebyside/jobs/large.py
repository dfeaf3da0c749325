"""Large objects, and objects of every size: J1, J2, J12 and J1 over https."""

from pathlib import Path

from ..bench import Bench, Samples
from ..clients import Holdall
from ..data import GIB, KIB, MIB, file_of
from ..servers import Server
from .base import Aim, Job

SIZES = {"1 KiB": KIB, "32 KiB": 32 * KIB, "1 MiB": MIB, "32 MiB": 32 * MIB, "1 GiB": GIB}


def big(bench: Bench) -> Path:
    """1 GiB; on Ceph, which keeps it twice in memory for some minutes after it was replaced, 128 MiB."""
    size = 128 * MIB if bench.ceph else GIB
    return file_of(bench.work / f"file-{size}", size)


def put(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        return _put(bench, server, {"crc64nvme": {"checksum": "crc64nvme"}})


def put_over_https(bench: Bench) -> Samples:
    with bench.server("--remember", tls=True) as server:
        return _put(bench, server, {"crc64nvme": {"checksum": "crc64nvme"}, "no checksum": {"checksum": "none"}})


def _put(bench: Bench, server: Server, variants: dict[str, dict[str, str]]) -> Samples:
    file, everybody = big(bench), bench.clients(server)
    for name, settings in variants.items():
        everybody[f"holdall, {name}"] = bench.warm(Holdall(server, bench.home(), **settings))
    # A key of each client's own, for who looks whether it is there.
    return bench.take_turns({n: lambda _, n=n, c=c: c.put_file(file, f"big/{n}") for n, c in everybody.items()})


def get(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        bench.fill(Holdall(server, bench.home()).put_file(big(bench), "big"))
        return bench.take_turns({n: lambda to, c=c: c.get_file("big", to) for n, c in everybody.items()}, clear=True)


def each_size_up(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody, samples = bench.clients(server), {}
        for label, size in SIZES.items():
            file = file_of(bench.work / f"file-{size}", size)
            makes = {f"{n}: {label}": lambda _, c=c: c.put_file(file, label) for n, c in everybody.items()}
            samples |= bench.take_turns(makes)
        return samples


def each_size_down(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody, samples = bench.clients(server), {}
        for label, size in SIZES.items():
            file = file_of(bench.work / f"file-{size}", size)
            bench.fill(Holdall(server, bench.home()).put_file(file, label))
            makes = {f"{n}: {label}": lambda to, c=c: c.get_file(label, to) for n, c in everybody.items()}
            samples |= bench.take_turns(makes, clear=size > MIB)
        return samples


J1 = (Aim(0.5, "s5cmd"), Aim(0.85, "obstore"), Aim(0.3, "s5cmd", "holdall, crc64nvme"))
JOBS = (
    Job("J1", "put 1 GiB (on Ceph 128 MiB), parts of 16 MiB, 8 at once", put, J1, on_ceph=True),
    Job("J1S", "J1 over https", put_over_https),
    Job("J2", "get 1 GiB (on Ceph 128 MiB) to a file", get, (Aim(0.75, "s5cmd"),), on_ceph=True),
    Job("J12U", "put one object of 1 KiB to 1 GiB", each_size_up),
    Job("J12D", "get one object of 1 KiB to 1 GiB to a file", each_size_down),
)
