"""What a job is given: a folder, the clients, and rounds in which they take turns."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from . import clients, data, servers
from .clients import Client
from .measure import Launcher, Run, Sample
from .servers import Server

Samples = dict[str, list[Sample]]
"""Each client's runs."""

Ask = Callable[[Client, Path], Run | None]
"""What a client is asked to do; the path is the run's own, and does not exist yet."""

Make = Callable[[Path], Run | None]
"""The same of one client."""


@dataclass(frozen=True)
class Options:
    """How thoroughly to measure, and whom."""

    rounds: int = 5
    peers: Sequence[str] = ()
    # A client that took so many seconds in a job is not run in its next rounds.
    budget: float = 180.0


class Bench:
    """Runs clients in turn."""

    def __init__(self, work: Path, options: Options, launcher: Launcher, ceph: Server | None = None) -> None:
        self.work = work
        self.options = options
        self.launcher = launcher
        self.ceph = ceph
        self._runs = count()

    def server(self, *sink: str, tls: bool = False) -> AbstractContextManager[Server]:
        """Ceph where the table is about it, else a sink with these options."""
        if self.ceph:
            return nullcontext(self.ceph)
        return servers.sink(*sink, tls=self.work / "authority.pem" if tls else None)

    def clients(self, server: Server) -> dict[str, Client]:
        """The chosen clients of a server; each has put one small object there, so that nobody's first run counts."""
        chosen = [kind for kind in clients.ALL if kind.name == "holdall" or kind.name in self.options.peers]
        return {kind.name: self.warm(kind(server, self.home())) for kind in chosen}

    def warm(self, client: Client) -> Client:
        small = self.work / "warm"
        small.write_bytes(b"warm")
        if client.server is not servers.NOWHERE:
            self.launcher.run(client.put_file(small, f"warm/size=4/{client.name}"))
        return client

    def home(self) -> Path:
        home = self.work / "home"
        home.mkdir(exist_ok=True)
        return home

    def fill(self, run: Run) -> None:
        """A run that a job needs to be there before, and that is not measured."""
        assert self.launcher.run(run).good, "the server could not be filled"

    def compare(self, everybody: Mapping[str, Client], ask: Ask, label: str = "", **how: object) -> Samples:
        """Asks all of these clients for one thing, in turn; with a label their rows are `client: label`."""
        named = {f"{name}: {label}" if label else name: client for name, client in everybody.items()}
        return self.take_turns({name: partial(ask, client) for name, client in named.items()}, **how)

    def take_turns(
        self,
        makes: Mapping[str, Make],
        times: int = 0,
        before: Callable[[], None] = lambda: None,
        clear: bool = False,
        moved: Path | None = None,
    ) -> Samples:
        """Runs everybody once in each round, beginning with another one each time.

        What a run writes is at a path of its own, and stays until the bench ends: ext4 makes files slowly for minutes
        after many were deleted. With `clear`, for few files that are too large to be kept, it is removed after the run.
        The next run begins with a disk at rest, and with what is `moved` in the page cache: some machines give memory
        back that nobody has looked at for a minute, and a slow client takes longer than that.
        """
        samples: Samples = {}
        names = list(makes)
        for turn in range(times or self.options.rounds):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                taken = samples.setdefault(name, [])
                path = self._output(name)
                run = makes[name](path) if sum(sample.wall for sample in taken) <= self.options.budget else None
                if run is None:
                    continue
                before()
                if moved:
                    data.look_at(moved)
                taken.append(self.launcher.run(run))
                if path.exists():
                    _settle(path, clear)
        return {name: taken for name, taken in samples.items() if taken}

    def _output(self, name: str) -> Path:
        """A path that no other run of the bench has."""
        outputs = self.work / "outputs"
        outputs.mkdir(exist_ok=True)
        return outputs / f"{next(self._runs)}-{re.split('[ ,:]', name)[0]}"


def _settle(path: Path, clear: bool) -> None:
    if clear and path.is_dir():
        shutil.rmtree(path)
    elif clear:
        path.unlink()
    os.sync()
