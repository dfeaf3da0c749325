"""The files that jobs move. What they hold is random, what they are called and how long they are is not."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
# Before anything that the sink says of its objects' times, so that who goes by time finds them unchanged.
OLD = 1_700_000_000
PNG = b"\x89PNG\r\n\x1a\n"


def file_of(path: Path, size: int) -> Path:
    """A file of so many bytes; one that is there is taken as it is."""
    if not path.exists():
        with path.open("wb") as file:
            for start in range(0, size, 8 * MIB):
                file.write(os.urandom(min(8 * MIB, size - start)))
            os.fsync(file.fileno())
    return path


def look_at(path: Path) -> None:
    """Reads a file, or all files below a folder."""
    for file in [path] if path.is_file() else path.rglob("*"):
        if file.is_file():
            with file.open("rb", buffering=0) as reader:
                while reader.read(MIB):
                    pass


def kept(write: Callable[..., None]) -> Callable[..., Path]:
    """What is written to a folder stays until the bench ends, for all jobs that ask for it: deleting many files makes
    the next ones slow."""

    def files(folder: Path, *how: int) -> Path:
        if not folder.exists():
            folder.mkdir()
            write(folder, *how)
            os.sync()
        return folder

    return files


@kept
def small_files(folder: Path, count: int, size: int = 4 * KIB) -> None:
    """Files of one size in one folder."""
    for n in range(count):
        (folder / f"{n:05}.bin").write_bytes(os.urandom(size))


@kept
def nested_files(folder: Path, count: int) -> None:
    """Files of 1 B to 1 MiB, as many of 1 to 2 B as of 512 KiB to 1 MiB, three folders deep."""
    chance = random.Random(9)
    for n in range(count):
        place = folder / f"{n % 7}" / f"{n % 31}" / f"{n % 101}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{n:05}.bin").write_bytes(os.urandom(int(2 ** chance.uniform(0, 20))))


@kept
def old_files(folder: Path, count: int) -> None:
    """Files of 1 KiB that were last changed long ago, a thousand in each folder."""
    for n in range(count):
        path = folder / f"{n // 1000:04}" / f"{n:07}.bin"
        if n % 1000 == 0:
            path.parent.mkdir()
        path.write_bytes(n.to_bytes(8, "little") * 128)
        os.utime(path, (OLD, OLD))


@kept
def topics(folder: Path, count: int, scenes: int) -> None:
    """Topics as a video pipeline leaves them: for each scene a video of 1 MiB, a picture of 64 KiB and its source."""
    files = {"scene.mp4": MIB, "frame.png": 64 * KIB, "scene.py": 4 * KIB}
    for topic in range(count):
        for scene in range(scenes):
            place = folder / f"topic-{topic:02}" / f"scene-{scene:02}"
            place.mkdir(parents=True)
            for name, size in files.items():
                (place / name).write_bytes(os.urandom(size))


@kept
def steps(folder: Path, count: int) -> None:
    """Steps as an agent leaves them: the page, the screenshot and the action; and, the last of their names, the marker
    that somebody without holdall would put behind them."""
    for n in range(count):
        place = folder / f"{n:04}"
        place.mkdir()
        (place / "page.html").write_bytes(b"<!doctype html><p>" + os.urandom(30 * KIB).hex().encode())
        (place / "screenshot.png").write_bytes(PNG + os.urandom(300 * KIB - len(PNG)))
        (place / "action.json").write_text(json.dumps({"click": os.urandom(KIB // 2).hex()}))
        (place / "step.json").write_text(json.dumps({"step": n, "digests": [os.urandom(32).hex() for _ in range(12)]}))


@kept
def empty_files(folder: Path, count: int) -> None:
    """Files without a byte, in one folder, not in the order of their names."""
    for n in range(count):
        (folder / f"object-{n * 7919 % count:07}.bin").touch()
