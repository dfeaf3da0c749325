"""The libraries for Python, by a script as somebody would write it."""

import json
from pathlib import Path

from ..measure import Run
from ..places import PEERS, TOOLS
from ..servers import BUCKET
from .base import FILES_AT_ONCE, PART_MIB, PARTS_AT_ONCE, STEPS_AT_ONCE, Client


class Script(Client):
    def command(self, job: str, *words: object, at_once: int = FILES_AT_ONCE, **given: object) -> Run:
        server = self.server
        settings = {
            "bucket": BUCKET,
            "endpoint": server.endpoint,
            "region": server.region,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "files_at_once": at_once,
            "parts_at_once": PARTS_AT_ONCE,
            "part_size": PART_MIB << 20,
        }
        environment = self.environment() | {"BENCH": json.dumps(settings)}
        return Run([TOOLS / "python", PEERS / f"{self.name}_jobs.py", job, *words], environment, **given)

    def put_file(self, file: Path, key: str) -> Run:
        return self.command("put_file", file, key)

    def get_file(self, key: str, file: Path) -> Run:
        return self.command("get_file", key, file)

    def put_stream(self, key: str, feed: list[str]) -> Run:
        return self.command("put_stream", key, feed=feed)

    def put_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("put_folder", folder, f"{prefix}/")

    def get_folder(self, prefix: str, folder: Path) -> Run:
        return self.command("get_folder", f"{prefix}/", folder)

    def put_steps(self, folder: Path, session: str) -> Run:
        return self.command("put_steps", folder, f"steps/{session}/", at_once=STEPS_AT_ONCE)

    def list_all(self, keys: int) -> Run:
        return self.command("list_all", keys)

    def delete_folder(self, prefix: str) -> Run:
        return self.command("delete_folder", f"{prefix}/")

    def presign(self, keys: Path) -> Run:
        return self.command("presign", keys)


class Obstore(Script):
    name = "obstore"

    @staticmethod
    def version_command() -> list[object]:
        return [TOOLS / "python", "-c", "import obstore; print('obstore', obstore.__version__)"]


class Boto3(Script):
    name = "boto3"

    @staticmethod
    def version_command() -> list[object]:
        return [TOOLS / "python", "-c", "import boto3; print('boto3', boto3.__version__)"]
