"""What was measured: kept as it came, and summed up."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .bench import Samples
from .measure import Sample


@dataclass(frozen=True)
class Row:
    """A client's runs of a job, summed up over those that ended well."""

    client: str
    runs: int
    failed: int
    wall: float
    fastest: float
    cpu: float
    peak: float

    @staticmethod
    def of(client: str, samples: Sequence[Sample]) -> "Row | None":
        """None where no run ended well: a run that failed is no sample."""
        good = [sample for sample in samples if sample.good]
        if not good:
            return None
        walls = [sample.wall for sample in good]
        cpu = statistics.median(sample.cpu for sample in good)
        peak = max(sample.peak for sample in good)
        return Row(client, len(samples), len(samples) - len(good), statistics.median(walls), min(walls), cpu, peak)


@dataclass(frozen=True)
class Measured:
    """A job's samples, and of when and what they are."""

    samples: Samples
    when: str
    commit: str

    def rows(self) -> dict[str, Row]:
        rows = {client: Row.of(client, samples) for client, samples in self.samples.items()}
        return {client: row for client, row in rows.items() if row}


def same_work(client: str, peer: str) -> str:
    """The row of a peer that did what a client's row did: of `holdall: 1 KiB` it is `s5cmd: 1 KiB`."""
    _, colon, variant = client.partition(": ")
    return f"{peer}{colon}{variant}"


def ratio(rows: dict[str, Row], client: str, peer: str, what: str = "wall") -> float | None:
    """A client's figure as a part of the peer's, where both have one."""
    mine, its = rows.get(client), rows.get(same_work(client, peer))
    return getattr(mine, what) / getattr(its, what) if mine and its and getattr(its, what) else None


@dataclass
class Figures:
    """All that was measured last, by table and job."""

    tables: dict[str, dict[str, Measured]] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def load(path: Path) -> "Figures":
        if not path.exists():
            return Figures()
        kept = json.loads(path.read_text())
        tables = {table: {job: _measured(it) for job, it in jobs.items()} for table, jobs in kept["tables"].items()}
        return Figures(tables, kept["machine"])

    def save(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(path)

    def all(self) -> Iterable[Measured]:
        return (measured for jobs in self.tables.values() for measured in jobs.values())


def _measured(kept: dict) -> Measured:
    samples = {client: [Sample(**sample) for sample in runs] for client, runs in kept["samples"].items()}
    return Measured(samples, kept["when"], kept["commit"])
