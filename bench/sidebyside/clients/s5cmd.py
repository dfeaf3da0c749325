"""s5cmd."""

from pathlib import Path

from ..measure import Run
from ..places import TOOLS
from ..servers import BUCKET
from .base import FILES_AT_ONCE, PART_MIB, PARTS_AT_ONCE, STEPS_AT_ONCE, Client

PARTS = ("--part-size", PART_MIB, "--concurrency", PARTS_AT_ONCE)


# The binary itself: the script that the package installs starts Python first, which takes longer than a small job.
BINARY = "lib/python*/site-packages/s5cmd/bin/s5cmd"


def binary() -> Path:
    return next(TOOLS.parent.glob(BINARY), TOOLS / "s5cmd")


class S5cmd(Client):
    name = "s5cmd"

    @staticmethod
    def version_command() -> list[object]:
        return [binary(), "version"]

    def command(self, *words: object, at_once: int = FILES_AT_ONCE, **given: object) -> Run:
        start = [binary(), "--endpoint-url", self.server.endpoint, "--numworkers", at_once]
        return Run([*start, "--log", "error", *words], self.environment(), **given)

    def put_file(self, file: Path, key: str) -> Run:
        return self.command("cp", *PARTS, file, f"s3://{BUCKET}/{key}")

    def get_file(self, key: str, file: Path) -> Run:
        return self.command("cp", *PARTS, f"s3://{BUCKET}/{key}", file)

    def put_stream(self, key: str, feed: list[str]) -> Run:
        return self.command("pipe", *PARTS, f"s3://{BUCKET}/{key}", feed=feed)

    def put_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("cp", f"{folder}/", f"s3://{BUCKET}/{prefix}/")

    def get_folder(self, prefix: str, folder: Path) -> Run:
        return self.command("cp", f"s3://{BUCKET}/{prefix}/*", f"{folder}/")

    def sync_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("sync", f"{folder}/", f"s3://{BUCKET}/{prefix}/")

    def put_steps(self, folder: Path, session: str) -> Run:
        return self.command("cp", f"{folder}/", f"s3://{BUCKET}/steps/{session}/", at_once=STEPS_AT_ONCE)

    def list_all(self, keys: int) -> Run:
        return self.command("ls", f"s3://{BUCKET}/*")

    def delete_folder(self, prefix: str) -> Run:
        return self.command("rm", f"s3://{BUCKET}/{prefix}/*")
