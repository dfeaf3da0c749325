"""One run of one command, and what it took."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

LIMIT = 900


@dataclass(frozen=True)
class Run:
    """A command with all that it is given."""

    command: Sequence[object]
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: Path | None = None
    feed: Sequence[str] = ()
    # The command prints the seconds that count, which are not those of its whole run.
    tells: bool = False


@dataclass(frozen=True)
class Sample:
    """What a run took: seconds, seconds of processor time, MiB at its peak, and how it ended."""

    wall: float
    cpu: float
    peak: float
    code: int

    @property
    def good(self) -> bool:
        return self.code == 0


class Launcher:
    """The small process that starts the commands."""

    def __init__(self, work: Path) -> None:
        self._stderr, self._stdout = work / "stderr", work / "stdout"
        script = Path(__file__).with_name("launcher.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Launcher":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, run: Run) -> Sample:
        """Runs a command to its end; what a failing one said last goes to standard error."""
        request = {
            "command": [str(word) for word in run.command],
            "environment": dict(run.environment),
            "stdin": str(run.stdin) if run.stdin else None,
            "feed": list(run.feed),
            "stderr": str(self._stderr),
            "stdout": str(self._stdout) if run.tells else None,
            "limit": LIMIT,
        }
        assert self._process.stdin and self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        sample = Sample(**json.loads(self._process.stdout.readline()))
        if not sample.good:
            said = self._stderr.read_text(errors="replace")[-500:].strip()
            print(f"exit {sample.code}: {' '.join(request['command'])[:200]}\n{said}", file=sys.stderr)
        elif run.tells:
            return replace(sample, wall=float(self._stdout.read_text()))
        return sample
