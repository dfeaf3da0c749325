"""The servers that jobs run against."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .places import CEPH, HOLDALL, SINK

BUCKET = "bench"


@dataclass(frozen=True)
class Server:
    """How to reach a server's bucket, and whom to trust there."""

    endpoint: str
    access_key: str = "key"
    secret_key: str = "secret"
    region: str = "us-east-1"
    ca_bundle: Path | None = None


NOWHERE = Server("http://127.0.0.1:9")


@contextmanager
def sink(*options: str, tls: Path | None = None) -> Iterator[Server]:
    """The bare server, for one job; with `tls` over https, by the authority that it writes there."""
    words = [*options, "--tls", str(tls)] if tls else options
    process = subprocess.Popen([SINK, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin and process.stdout
    try:
        yield Server(process.stdout.readline().strip(), ca_bundle=tls)
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def ceph() -> Iterator[Server]:
    """A Ceph cluster in memory, with the bucket."""
    with tempfile.TemporaryDirectory(prefix="holdall-bench-ceph-") as folder:
        place = str(Path(folder) / "ceph")
        start = [str(CEPH), "start", place, str(os.getpid())]
        said = subprocess.run(start, stdout=subprocess.PIPE, text=True, check=True).stdout
        try:
            words = dict(re.findall(r"(\w+)=([^ ']+)", said.split("='", 1)[1]))
            server = Server(words["endpoint"], words["access_key"], words["secret_key"], words["region"])
            create = [HOLDALL, "--quiet", "--store", f"s3://{BUCKET}", "bucket", "create"]
            subprocess.run(create, env=_holdall(server), stdout=subprocess.DEVNULL, check=True)
            yield server
        finally:
            subprocess.run([CEPH, "stop", place], check=True)


def _holdall(server: Server) -> dict[str, str]:
    keys = {"S3_ACCESS_KEY_ID": server.access_key, "S3_SECRET_ACCESS_KEY": server.secret_key}
    return dict(os.environ) | keys | {"S3_ENDPOINT_URL": server.endpoint, "S3_REGION": server.region}
