"""The jobs as somebody would write them with obstore."""

import asyncio
import datetime
import pathlib
import sys

import obstore
from obstore.store import S3Store


def open_store(endpoint: str) -> S3Store:
    return S3Store(
        "bench",
        endpoint=endpoint,
        region="us-east-1",
        access_key_id="key",
        secret_access_key="secret",
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )


async def at_once(limit: int, calls) -> None:
    gate = asyncio.Semaphore(limit)

    async def one(call):
        async with gate:
            await call()

    await asyncio.gather(*(one(call) for call in calls))


def main() -> None:
    job, endpoint, argument = sys.argv[1:4]
    store = open_store(endpoint)
    if job == "J3":
        files = sorted(pathlib.Path(argument).iterdir())
        calls = [lambda p=p: obstore.put_async(store, f"small/{p.name}", p.read_bytes()) for p in files]
        asyncio.run(at_once(64, calls))
    elif job == "J4":
        target = pathlib.Path(argument)
        target.mkdir(parents=True, exist_ok=True)

        async def fetch(path: str):
            answer = await obstore.get_async(store, path)
            (target / pathlib.Path(path).name).write_bytes(await answer.bytes_async())

        paths = [entry["path"] for page in obstore.list(store, prefix="small/") for entry in page]
        asyncio.run(at_once(64, [lambda p=p: fetch(p) for p in paths]))
    elif job == "J5":
        count = sum(len(page) for page in obstore.list(store, chunk_size=1000))
        assert count == int(argument), count
    elif job == "J7":
        obstore.put(store, "one", pathlib.Path(argument).read_bytes())
    elif job == "J8":
        keys = [f"videos/topic-{n}/scene.mp4" for n in range(int(argument))]
        urls = obstore.sign(store, "GET", keys, datetime.timedelta(hours=1))
        sys.stdout.write("\n".join(urls))


main()
