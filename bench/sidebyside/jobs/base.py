"""What a job is."""

from collections.abc import Callable
from dataclasses import dataclass

from ..bench import Bench, Samples


@dataclass(frozen=True)
class Aim:
    """What holdall's time is meant to be at most, as a part of a peer's; of nobody's, in seconds.

    It is wall time on the sink, and the client's processor time on Ceph.
    """

    at_most: float
    of: str | None
    client: str = "holdall"
    on: str = "sink"


@dataclass(frozen=True)
class Job:
    """A job, and what is compared in it."""

    name: str
    work: str
    run: Callable[[Bench], Samples]
    aims: tuple[Aim, ...] = ()
    # What holdall may take at its peak, in MiB.
    peak: float | None = 64
    # Runs against a real server too, where processor time is compared.
    on_ceph: bool = False
    # Needs the program that drives the libraries.
    local: bool = False
    # Is left out unless it is asked for: it takes many minutes.
    long: bool = False
