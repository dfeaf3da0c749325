"""Runs holdall and its peers on the same jobs, in turn, and prints medians, ratios and what was aimed at."""

import argparse
import datetime
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from . import install, machine, results, servers, table
from .bench import Bench, Options
from .clients import ALL as CLIENTS
from .figures import Figures, Measured
from .jobs import ALL, Job
from .measure import Launcher
from .places import FIGURES, PLOT, RESULTS

PEERS = [kind.name for kind in CLIENTS if kind.name != "holdall"]


def main() -> None:
    options = arguments()
    figures = Figures.load(FIGURES)
    if not options.write_only:
        jobs = chosen(options)
        prepare(options, jobs)
        measure(options, jobs, figures)
    if options.write or options.write_only:
        results.write(figures, RESULTS, PLOT)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="how often each client has its turn")
    add("--jobs", nargs="+", choices=list(ALL), metavar="JOB", help=" ".join(ALL))
    add("--peers", nargs="*", choices=PEERS, default=PEERS, metavar="PEER", help=" ".join(PEERS))
    add("--budget", type=float, default=180, metavar="SECONDS", help="what a client may take of a job")
    add("--ceph", action="store_true", help="measure against Ceph, for the second table")
    add("--long", action="store_true", help="also the jobs that take many minutes")
    add("--write", action="store_true", help="write RESULTS.md and results.svg from the figures kept so far")
    add("--write-only", action="store_true", help="the same, and measure nothing")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Job]:
    if options.jobs:
        asked = [ALL[name] for name in options.jobs]
        without = [job.name for job in asked if options.ceph and not job.on_ceph]
        if without:
            raise SystemExit(f"not for Ceph: {' '.join(without)}")
        return asked
    return [job for job in ALL.values() if (job.on_ceph or not options.ceph) and (options.long or not job.long)]


def prepare(options: argparse.Namespace, jobs: Sequence[Job]) -> None:
    install.build(with_local=any(job.local for job in jobs))
    install.peers()
    if options.ceph:
        install.ceph()
    if not shutil.which("rclone"):
        options.peers = [peer for peer in options.peers if peer != "rclone"]


def measure(options: argparse.Namespace, jobs: Sequence[Job], figures: Figures) -> None:
    """Measures the jobs, prints their rows, and keeps the figures after each."""
    name = "ceph" if options.ceph else "sink"
    how = Options(options.rounds, options.peers, options.budget)
    print(table.head(name), flush=True)
    with tempfile.TemporaryDirectory(prefix="holdall-bench-") as folder, Launcher(Path(folder)) as launcher:
        figures.machine = machine.described(launcher)
        with servers.ceph() if options.ceph else nullcontext() as ceph:
            bench = Bench(Path(folder), how, launcher, ceph)
            for job in jobs:
                measured = Measured(job.run(bench), _now(), machine.commit())
                figures.tables.setdefault(name, {})[job.name] = measured
                figures.save(FIGURES)
                print("\n".join(table.lines(name, job, measured)), flush=True)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    main()
