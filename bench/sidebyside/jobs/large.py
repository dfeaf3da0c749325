"""Large objects, and objects of every size: J1, J2, J12 and J1 over https."""

from collections.abc import Iterable
from pathlib import Path

from ..bench import Bench, Samples
from ..clients import Client, Holdall
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
        return _put(bench, server, {"crc64nvme": {"checksum": "crc64nvme"}, "whole digest": {"digest": "whole"}})


def put_over_https(bench: Bench) -> Samples:
    with bench.server("--remember", tls=True) as server:
        return _put(bench, server, {"crc64nvme": {"checksum": "crc64nvme"}, "no checksum": {"checksum": "none"}})


def _put(bench: Bench, server: Server, variants: dict[str, dict[str, str]]) -> Samples:
    file, everybody = big(bench), bench.clients(server)
    for name, settings in variants.items():
        everybody[f"holdall, {name}"] = bench.warm(Holdall(server, bench.home(), **settings))
    return bench.compare(everybody, lambda client, _: client.put_file(file, f"big/{client.name}"), moved=file)


def get(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        bench.fill(Holdall(server, bench.home()).put_file(big(bench), "big"))
        return bench.compare(everybody, lambda client, to: client.get_file("big", to), clear=True)


def each_size_up(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        return _merged(_up(bench, everybody, label) for label in SIZES)


def _up(bench: Bench, everybody: dict[str, Client], label: str) -> Samples:
    file = file_of(bench.work / f"file-{SIZES[label]}", SIZES[label])
    return bench.compare(everybody, lambda client, _: client.put_file(file, label), label, moved=file)


def each_size_down(bench: Bench) -> Samples:
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        return _merged(_down(bench, server, everybody, label) for label in SIZES)


def _down(bench: Bench, server: Server, everybody: dict[str, Client], label: str) -> Samples:
    file = file_of(bench.work / f"file-{SIZES[label]}", SIZES[label])
    bench.fill(Holdall(server, bench.home()).put_file(file, label))
    large = SIZES[label] > MIB
    return bench.compare(everybody, lambda client, to: client.get_file(label, to), label, clear=large)


def _merged(parts: Iterable[Samples]) -> Samples:
    return {name: taken for part in parts for name, taken in part.items()}


J1 = (
    Aim(0.5, "s5cmd"),
    Aim(0.85, "obstore"),
    Aim(0.3, "s5cmd", "holdall, crc64nvme"),
    Aim(0.65, "s5cmd", "holdall, whole digest"),
)
JOBS = (
    Job("J1", "put 1 GiB (on Ceph 128 MiB), parts of 16 MiB, 8 at once", put, J1, on_ceph=True),
    Job("J1S", "J1 over https", put_over_https),
    Job("J2", "get 1 GiB (on Ceph 128 MiB) to a file", get, (Aim(0.75, "s5cmd"),), on_ceph=True),
    Job("J12U", "put one object of 1 KiB to 1 GiB", each_size_up),
    Job("J12D", "get one object of 1 KiB to 1 GiB to a file", each_size_down),
)
