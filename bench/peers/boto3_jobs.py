"""The jobs as somebody would write them with boto3."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

SETTINGS = json.loads(os.environ["BENCH"])
BUCKET, FILES, PARTS, PART = (SETTINGS[name] for name in ("bucket", "files_at_once", "parts_at_once", "part_size"))
CLIENT = boto3.client(
    "s3",
    endpoint_url=SETTINGS["endpoint"],
    config=Config(max_pool_connections=max(FILES, PARTS), s3={"addressing_style": "path"}),
)
IN_PARTS = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=PARTS)


def at_once(call: Callable[[object], None], items: Iterable[object]) -> None:
    with ThreadPoolExecutor(FILES) as pool:
        for _ in pool.map(call, items):
            pass


def keys_below(prefix: str) -> Iterable[str]:
    for page in CLIENT.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []))


def put_file(file: str, key: str) -> None:
    CLIENT.upload_file(file, BUCKET, key, Config=IN_PARTS)


def put_stream(key: str) -> None:
    CLIENT.upload_fileobj(sys.stdin.buffer, BUCKET, key, Config=IN_PARTS)


def get_file(key: str, file: str) -> None:
    CLIENT.download_file(BUCKET, key, file, Config=IN_PARTS)


def put_folder(folder: str, prefix: str) -> None:
    def send(path: Path) -> None:
        CLIENT.put_object(Bucket=BUCKET, Key=f"{prefix}{path.relative_to(folder)}", Body=path.read_bytes())

    at_once(send, (path for path in sorted(Path(folder).rglob("*")) if path.is_file()))


def get_folder(prefix: str, folder: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)

    def fetch(key: str) -> None:
        answer = CLIENT.get_object(Bucket=BUCKET, Key=key)
        (target / key.removeprefix(prefix)).write_bytes(answer["Body"].read())

    at_once(fetch, keys_below(prefix))


def put_steps(folder: str, prefix: str) -> None:
    def send(step: Path) -> None:
        # The marker is the last of their names.
        for path in sorted(step.iterdir()):
            CLIENT.put_object(Bucket=BUCKET, Key=f"{prefix}{step.name}/{path.name}", Body=path.read_bytes())

    at_once(send, sorted(Path(folder).iterdir()))


def list_all(keys: str) -> None:
    count = sum(1 for _ in keys_below(""))
    assert count == int(keys), count


def delete_folder(prefix: str) -> None:
    for page in CLIENT.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        names = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if names:
            answer = CLIENT.delete_objects(Bucket=BUCKET, Delete={"Objects": names, "Quiet": True})
            assert not answer.get("Errors"), answer["Errors"]


def presign(keys: str) -> None:
    for key in Path(keys).read_text().splitlines():
        url = CLIENT.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=3600)
        sys.stdout.write(f"{url}\n")


JOBS = {
    job.__name__: job
    for job in (put_file, put_stream, get_file, put_folder, get_folder, put_steps, list_all, delete_folder, presign)
}
JOBS[sys.argv[1]](*sys.argv[2:])
