"""What every client can be asked to do."""

import os
from pathlib import Path

from ..measure import Run
from ..servers import Server

FILES_AT_ONCE = 64
STEPS_AT_ONCE = 32
PARTS_AT_ONCE = 8
PART_MIB = 16


class Client:
    """A client of one server. What it cannot do at all is `None`, and it is left out of that job."""

    name = ""

    def __init__(self, server: Server, home: Path) -> None:
        self.server = server
        self.home = home

    @staticmethod
    def version_command() -> list[object]:
        """What prints the version, in the first line."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Nothing of the user's own settings, and the keys in the variables that all of them read."""
        server = self.server
        variables = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_REGION": server.region,
            "AWS_DEFAULT_REGION": server.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        if server.ca_bundle:
            variables |= {"AWS_CA_BUNDLE": str(server.ca_bundle), "SSL_CERT_FILE": str(server.ca_bundle)}
        return variables

    def put_file(self, file: Path, key: str) -> Run | None:
        """One file, in parts of 16 MiB where it is longer, 8 at once."""

    def get_file(self, key: str, file: Path) -> Run | None:
        """One object to a file, in ranges where it is long, 8 at once."""

    def put_stream(self, key: str, feed: list[str]) -> Run | None:
        """Standard input of unknown length, in parts of 16 MiB, 8 at once."""

    def put_folder(self, folder: Path, prefix: str) -> Run | None:
        """All files below a folder, whatever is there already, 64 at once."""

    def get_folder(self, prefix: str, folder: Path) -> Run | None:
        """All objects below a prefix into a new folder, 64 at once."""

    def sync_folder(self, folder: Path, prefix: str) -> Run | None:
        """What differs below a folder."""

    def put_steps(self, folder: Path, session: str) -> Run | None:
        """The folders below a folder as steps of a session, each with its marker, 32 at once; below `steps/`."""

    def list_all(self, keys: int) -> Run | None:
        """All keys of the bucket."""

    def delete_folder(self, prefix: str) -> Run | None:
        """All objects below a prefix."""

    def presign(self, keys: Path) -> Run | None:
        """A URL for each key of a file of keys."""
