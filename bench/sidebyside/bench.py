"""What a job is given: a folder, the clients, and rounds in which they take turns."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import clients, servers
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
    ) -> Samples:
        """Runs everybody once in each round, beginning with another one each time.

        What they write is in a folder of each run's own, because a file system is slow to give out again what was
        just deleted; with `clear`, for what is too large to be kept, it is removed and the disk left to settle after
        each run.
        """
        samples: Samples = {}
        names = list(makes)
        with self._outputs() as outputs:
            for turn in range(times or self.options.rounds):
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    taken = samples.setdefault(name, [])
                    if sum(sample.wall for sample in taken) > self.options.budget:
                        continue
                    path = outputs / f"{len(list(outputs.iterdir()))}-{name.split()[0]}"
                    run = makes[name](path)
                    if run is None:
                        continue
                    before()
                    taken.append(self.launcher.run(run))
                    if clear:
                        _remove(path)
                        os.sync()
        return {name: taken for name, taken in samples.items() if taken}

    @contextmanager
    def _outputs(self) -> Iterator[Path]:
        folder = self.work / "outputs"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            os.sync()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
