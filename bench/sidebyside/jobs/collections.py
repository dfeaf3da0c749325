"""Collections: steps of sessions, and documents of a job: C1 to C3."""

import json
import os
from functools import partial
from pathlib import Path

from ..bench import Bench, Make, Samples
from ..clients import Client, Holdall
from ..data import MIB, small_files, steps
from ..measure import Run
from .base import Aim, Job
from .local import holdall

STEPS, DOCUMENTS = 1000, 400
# A document has to be there to be ingested; what an ingester does with it is not holdall's.
INGEST = ("--exec", "true {}")


def stored_steps(bench: Bench) -> Samples:
    """Each run begins without the steps of those before it, whose memory a server may need."""
    folder = steps(bench.work / "steps", STEPS)
    with bench.server("--remember") as server:
        everybody = bench.clients(server)
        client = Holdall(server, bench.home())

        def emptied() -> None:
            bench.fill(client.put_file(folder / "0000" / "action.json", "steps/one"))
            bench.fill(client.delete_folder("steps"))

        def stored(client: Client, to: Path) -> Run | None:
            return client.put_steps(folder, to.name)

        return bench.compare(everybody, stored, before=emptied, moved=folder)


def published(bench: Bench) -> Samples:
    """The job, and the bare puts of its files. Documents are read back where a server does not verify what it gets."""
    folder = small_files(bench.work / "documents", DOCUMENTS, MIB)
    with bench.server("--remember", "--verify") as server:
        client = bench.warm(Holdall(server, bench.home()))
        run = partial(client.command, "document", "run")
        return bench.take_turns(
            {
                "holdall push": lambda _: client.put_folder(folder, "bare"),
                "holdall document run": lambda to: run(job_of(folder, to)),
                "holdall document run --exec": lambda to: run(job_of(folder, to), *INGEST),
            },
            before=os.sync,
            moved=folder,
        )


def kept_in_folder(bench: Bench) -> Samples:
    """The job where documents stay as they are, and the files put into a folder that is a store."""
    folder = small_files(bench.work / "documents", DOCUMENTS, MIB)

    def stored(to: Path, *words: object) -> Run:
        return holdall(bench, "--store", f"file://{to}/store", *words)

    makes: dict[str, Make] = {
        "holdall document run --exec": lambda to: stored(to, "document", "run", job_of(folder, to), *INGEST),
        "holdall push": lambda to: stored(to, "push", folder, "documents/"),
    }
    return bench.take_turns(makes, before=os.sync, clear=True, moved=folder)


def job_of(folder: Path, to: Path) -> Path:
    """A job of these files. It has names of its own for them, since it deletes them."""
    to.mkdir()
    documents = []
    for path in sorted(folder.iterdir()):
        os.link(path, to / path.name)
        documents.append({"path": path.name, "source_url": f"https://portal.example/{path.stem}"})
    job = to / "job.json"
    job.write_text(json.dumps({"reference": "25/00284/F", "documents": documents}))
    return job


FASTER = (Aim(0.2, "boto3"), Aim(0.6, "s5cmd"))
JOBS = (
    Job(
        "C1",
        "store 1,000 steps of 60 KiB HTML, 300 KiB PNG, 1 KiB JSON, 32 at once",
        stored_steps,
        FASTER + tuple(Aim(aim.at_most, aim.of, on="ceph") for aim in FASTER),
        on_ceph=True,
        local=True,
    ),
    Job(
        "C2",
        "publish 400 documents of 1 MiB in one job (holdall alone)",
        published,
        (Aim(1.25, "holdall push", "holdall document run"),),
    ),
    Job(
        "C3",
        "the same job where the store is a folder (holdall alone)",
        kept_in_folder,
        tuple(Aim(20, None, client) for client in ("holdall document run --exec", "holdall push")),
    ),
)
