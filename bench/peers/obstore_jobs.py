"""The jobs as somebody would write them with obstore."""

import asyncio
import datetime
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import obstore
from obstore.store import S3Store

SETTINGS = json.loads(os.environ["BENCH"])
FILES, PARTS, PART = SETTINGS["files_at_once"], SETTINGS["parts_at_once"], SETTINGS["part_size"]
STORE = S3Store(
    SETTINGS["bucket"],
    endpoint=SETTINGS["endpoint"],
    region=SETTINGS["region"],
    access_key_id=SETTINGS["access_key"],
    secret_access_key=SETTINGS["secret_key"],
    client_options={"allow_http": True},
    virtual_hosted_style_request=False,
)


async def at_once(limit: int, calls: Iterable[Callable[[], Awaitable[None]]]) -> None:
    gate = asyncio.Semaphore(limit)

    async def one(call: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await call()

    await asyncio.gather(*(one(call) for call in calls))


def put_file(file: str, key: str) -> None:
    if Path(file).stat().st_size < PART:
        obstore.put(STORE, key, Path(file).read_bytes())
    else:
        obstore.put(STORE, key, Path(file), use_multipart=True, chunk_size=PART, max_concurrency=PARTS)


def put_stream(key: str) -> None:
    chunks = iter(lambda: sys.stdin.buffer.read(PART), b"")
    obstore.put(STORE, key, chunks, use_multipart=True, chunk_size=PART, max_concurrency=PARTS)


def get_file(key: str, file: str) -> None:
    size = obstore.head(STORE, key)["size"]
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    async def fetch(start: int) -> None:
        end = min(start + PART, size)
        os.pwrite(target, memoryview(await obstore.get_range_async(STORE, key, start=start, end=end)), start)

    asyncio.run(at_once(PARTS, [lambda start=start: fetch(start) for start in range(0, size, PART)]))
    os.close(target)


def put_folder(folder: str, prefix: str) -> None:
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())

    async def send(path: Path) -> None:
        await obstore.put_async(STORE, f"{prefix}{path.relative_to(folder)}", path.read_bytes())

    asyncio.run(at_once(FILES, [lambda path=path: send(path) for path in files]))


def get_folder(prefix: str, folder: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)

    async def fetch(key: str) -> None:
        answer = await obstore.get_async(STORE, key)
        (target / key.removeprefix(prefix)).write_bytes(await answer.bytes_async())

    keys = [entry["path"] for page in obstore.list(STORE, prefix=prefix, chunk_size=1000) for entry in page]
    asyncio.run(at_once(FILES, [lambda key=key: fetch(key) for key in keys]))


def put_steps(folder: str, prefix: str) -> None:
    async def send(step: Path) -> None:
        # The marker is the last of their names.
        for path in sorted(step.iterdir()):
            await obstore.put_async(STORE, f"{prefix}{step.name}/{path.name}", path.read_bytes())

    steps = sorted(Path(folder).iterdir())
    asyncio.run(at_once(FILES, [lambda step=step: send(step) for step in steps]))


def list_all(keys: str) -> None:
    count = sum(len(page) for page in obstore.list(STORE, chunk_size=1000))
    assert count == int(keys), count


def delete_folder(prefix: str) -> None:
    for page in obstore.list(STORE, prefix=prefix, chunk_size=1000):
        obstore.delete(STORE, [entry["path"] for entry in page])


def presign(keys: str) -> None:
    urls = obstore.sign(STORE, "GET", Path(keys).read_text().splitlines(), datetime.timedelta(hours=1))
    sys.stdout.write("\n".join(urls))


JOBS = {
    job.__name__: job
    for job in (put_file, put_stream, get_file, put_folder, get_folder, put_steps, list_all, delete_folder, presign)
}
JOBS[sys.argv[1]](*sys.argv[2:])
