"""The jobs, in the order of the tables."""

from . import large, listings, local, small, starts, streams, trees
from .base import Aim, Job

MODULES = (starts, large, small, listings, trees, streams, local)
ORDER = "V J7 J1 J1S J2 J3 J3S J4 J5 J6 J8 J9 J10 J11 J12U J12D J13 L1M L10M P10M P1M F1 F2 F3 F4 F5".split()
ALL: dict[str, Job] = dict(
    sorted(((job.name, job) for module in MODULES for job in module.JOBS), key=lambda item: ORDER.index(item[0]))
)

__all__ = ["ALL", "Aim", "Job"]
