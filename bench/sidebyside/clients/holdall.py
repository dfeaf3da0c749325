"""holdall, by its command."""

from pathlib import Path

from ..measure import Run
from ..places import HOLDALL, LOCAL
from ..servers import BUCKET, Server
from .base import FILES_AT_ONCE, PART_MIB, PARTS_AT_ONCE, STEPS_AT_ONCE, Client


class Holdall(Client):
    name = "holdall"

    @staticmethod
    def version_command() -> list[object]:
        return [HOLDALL, "--version"]

    def __init__(self, server: Server, home: Path, **settings: str) -> None:
        super().__init__(server, home)
        self.settings = settings

    def environment(self) -> dict[str, str]:
        settings = {f"HOLDALL_{name.upper()}": value for name, value in self.settings.items()}
        return super().environment() | {"S3_ENDPOINT_URL": self.server.endpoint, "S3_BUCKET": BUCKET} | settings

    def command(self, *words: object, at_once: int = FILES_AT_ONCE, **given: object) -> Run:
        sizes = {"HOLDALL_CONCURRENCY": str(at_once), "HOLDALL_PART_SIZE": f"{PART_MIB}MiB"}
        return Run([HOLDALL, "--quiet", *words], self.environment() | sizes, **given)

    def in_parts(self, *words: object, **given: object) -> Run:
        return self.command(*words, at_once=PARTS_AT_ONCE, **given)

    def put_file(self, file: Path, key: str) -> Run:
        return self.in_parts("put", file, key)

    def get_file(self, key: str, file: Path) -> Run:
        return self.in_parts("get", key, file)

    def put_stream(self, key: str, feed: list[str]) -> Run:
        return self.in_parts("put", "-", key, feed=feed)

    def put_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("push", "--force", folder, f"{prefix}/")

    def get_folder(self, prefix: str, folder: Path) -> Run:
        return self.command("pull", f"{prefix}/", folder)

    def sync_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("push", folder, f"{prefix}/")

    def put_steps(self, folder: Path, session: str) -> Run:
        # The command stores one step each time that it is started.
        settings = {"HOLDALL_CONCURRENCY": str(STEPS_AT_ONCE), "HOLDALL_ROOTS": "sessions=steps/"}
        return Run([LOCAL, "steps", folder, session], self.environment() | settings)

    def list_all(self, keys: int) -> Run:
        return self.command("ls", "--recursive")

    def delete_folder(self, prefix: str) -> Run:
        return self.command("rm", "--recursive", f"{prefix}/")

    def presign(self, keys: Path) -> Run:
        return self.command("presign", "-", stdin=keys)
