"""The AWS CLI."""

from pathlib import Path

from ..measure import Run
from ..places import TOOLS
from ..servers import BUCKET
from .base import FILES_AT_ONCE, PART_MIB, PARTS_AT_ONCE, Client


class AwsCli(Client):
    name = "awscli"

    @staticmethod
    def version_command() -> list[object]:
        return [TOOLS / "aws", "--version"]

    def command(self, *words: object, at_once: int = FILES_AT_ONCE, **given: object) -> Run:
        settings = self.home / f"aws-{at_once}"
        settings.write_text(
            f"[default]\ns3 =\n  max_concurrent_requests = {at_once}\n  multipart_chunksize = {PART_MIB}MB\n"
            f"  multipart_threshold = {PART_MIB}MB\n  addressing_style = path\n"
        )
        environment = self.environment() | {"AWS_CONFIG_FILE": str(settings)}
        return Run([TOOLS / "aws", "--endpoint-url", self.server.endpoint, "s3", *words], environment, **given)

    def copy(self, *words: object, **given: object) -> Run:
        return self.command("cp", "--only-show-errors", *words, **given)

    def put_file(self, file: Path, key: str) -> Run:
        return self.copy(file, f"s3://{BUCKET}/{key}", at_once=PARTS_AT_ONCE)

    def get_file(self, key: str, file: Path) -> Run:
        return self.copy(f"s3://{BUCKET}/{key}", file, at_once=PARTS_AT_ONCE)

    def put_stream(self, key: str, feed: list[str]) -> Run:
        return self.copy("-", f"s3://{BUCKET}/{key}", at_once=PARTS_AT_ONCE, feed=feed)

    def put_folder(self, folder: Path, prefix: str) -> Run:
        return self.copy("--recursive", folder, f"s3://{BUCKET}/{prefix}/")

    def get_folder(self, prefix: str, folder: Path) -> Run:
        return self.copy("--recursive", f"s3://{BUCKET}/{prefix}/", folder)

    def sync_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("sync", "--only-show-errors", folder, f"s3://{BUCKET}/{prefix}/")

    def list_all(self, keys: int) -> Run:
        return self.command("ls", "--recursive", f"s3://{BUCKET}/")

    def delete_folder(self, prefix: str) -> Run:
        return self.command("rm", "--only-show-errors", "--recursive", f"s3://{BUCKET}/{prefix}/")
