"""rclone."""

from pathlib import Path

from ..measure import Run
from ..servers import BUCKET
from .base import FILES_AT_ONCE, PART_MIB, PARTS_AT_ONCE, Client

# A bucket that is there already is not asked for, and a copy that must be made is not first looked for.
EVERYWHERE = ("--transfers", FILES_AT_ONCE, "--checkers", FILES_AT_ONCE, "--s3-no-check-bucket", "--log-level", "ERROR")
PART = f"{PART_MIB}M"
PARTS = ("--s3-chunk-size", PART, "--s3-upload-cutoff", PART, "--s3-upload-concurrency", PARTS_AT_ONCE)
RANGES = ("--multi-thread-cutoff", PART, "--multi-thread-streams", PARTS_AT_ONCE)
REMOTE = f"bench:{BUCKET}"


class Rclone(Client):
    name = "rclone"

    @staticmethod
    def version_command() -> list[object]:
        return ["rclone", "version"]

    def environment(self) -> dict[str, str]:
        server = self.server
        remote = {
            "TYPE": "s3",
            "PROVIDER": "Other",
            "ACCESS_KEY_ID": server.access_key,
            "SECRET_ACCESS_KEY": server.secret_key,
            "ENDPOINT": server.endpoint,
            "REGION": server.region,
            "FORCE_PATH_STYLE": "true",
        }
        # It is given the authority by an option, and does not start where this variable is set.
        variables = {name: value for name, value in super().environment().items() if name != "AWS_CA_BUNDLE"}
        return variables | {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in remote.items()}

    def command(self, *words: object, **given: object) -> Run:
        authority = ("--ca-cert", self.server.ca_bundle) if self.server.ca_bundle else ()
        return Run(["rclone", *EVERYWHERE, *authority, *words], self.environment(), **given)

    def put_file(self, file: Path, key: str) -> Run:
        return self.command("copyto", "--no-check-dest", *PARTS, file, f"{REMOTE}/{key}")

    def get_file(self, key: str, file: Path) -> Run:
        return self.command("copyto", "--no-check-dest", *RANGES, f"{REMOTE}/{key}", file)

    def put_stream(self, key: str, feed: list[str]) -> Run:
        return self.command("rcat", *PARTS, f"{REMOTE}/{key}", feed=feed)

    def put_folder(self, folder: Path, prefix: str) -> Run:
        return self.command("copy", "--no-check-dest", folder, f"{REMOTE}/{prefix}")

    def get_folder(self, prefix: str, folder: Path) -> Run:
        return self.command("copy", "--no-check-dest", f"{REMOTE}/{prefix}", folder)

    def sync_folder(self, folder: Path, prefix: str) -> Run:
        # Its own time of a file would cost a request for each object; this is what its manual advises for S3.
        by_time = ("--update", "--use-server-modtime", "--fast-list")
        return self.command("copy", *by_time, folder, f"{REMOTE}/{prefix}")

    def list_all(self, keys: int) -> Run:
        return self.command("lsf", "--recursive", "--files-only", "--fast-list", REMOTE)

    def delete_folder(self, prefix: str) -> Run:
        return self.command("delete", f"{REMOTE}/{prefix}")
