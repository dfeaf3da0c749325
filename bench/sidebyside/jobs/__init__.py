"""The jobs, in the order of the tables."""

from . import collections, large, listings, local, mirror, outbox, small, starts, streams, trees
from .base import Aim, Job

ALL: dict[str, Job] = {
    job.name: job
    for module in (starts, large, small, listings, streams, trees, collections, mirror, outbox, local)
    for job in module.JOBS
}

__all__ = ["ALL", "Aim", "Job"]
