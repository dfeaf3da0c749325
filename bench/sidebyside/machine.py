"""Where and of what the figures are."""

import os
import platform
import re
import subprocess
from pathlib import Path

from .clients import ALL
from .measure import Launcher, Run
from .places import ROOT


def described(launcher: Launcher) -> dict[str, str]:
    """What a reader has to know of the machine, and the versions of the clients."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    floor = launcher.run(Run(["true"], dict(os.environ))).peak
    return {
        "machine": f"{os.cpu_count()} cores ({_processor()}), {memory} GiB, Linux {platform.release()}, over loopback",
        "clients": ", ".join(filter(None, (_version(kind.version_command()) for kind in ALL))),
        "least peak that can be seen": f"{floor:.0f} MiB, what the process that starts the commands takes",
    }


def commit() -> str:
    """The commit that is checked out, and whether it is all of what was built."""
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "an unknown commit"


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(command: list[object]) -> str | None:
    try:
        said = subprocess.run([str(word) for word in command], capture_output=True, text=True).stdout
    except FileNotFoundError:
        return None
    line = said.split("\n")[0].split(" Python")[0]
    return f"s5cmd {line.split('-')[0]}" if "s5cmd" in str(command[0]) else line
