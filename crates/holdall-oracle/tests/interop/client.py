"""What boto3 writes and reads: `client.py write|read BUCKET`, objects as JSON on standard input or output.

The server and its keys are in the environment, as boto3 itself reads them.
"""

import base64
import io
import json
import sys
from email.header import decode_header, make_header

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

# Checksum trailers are boto3's default since 2025 and refused by Ceph 16.
PLAIN = Config(
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
HEADERS = {"content_type": "ContentType", "cache_control": "CacheControl", "content_disposition": "ContentDisposition"}


def write(s3, bucket):
    for key, object in json.load(sys.stdin).items():
        extra = {HEADERS[name]: object[name] for name in HEADERS if name in object}
        body = base64.b64decode(object["body"])
        # Above 8 MiB this is an upload in parts.
        s3.upload_fileobj(
            io.BytesIO(body),
            bucket,
            key,
            ExtraArgs={"Metadata": object["metadata"], **extra},
            Config=TransferConfig(use_threads=False),
        )


def read(s3, bucket):
    objects = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 7}):
        for entry in page.get("Contents", []):
            answer = s3.get_object(Bucket=bucket, Key=entry["Key"])
            body = answer["Body"].read()
            assert len(body) == entry["Size"] and answer["ETag"] == entry["ETag"], entry
            metadata = {name: str(make_header(decode_header(value))) for name, value in answer["Metadata"].items()}
            object = {"body": base64.b64encode(body).decode(), "metadata": metadata}
            object.update({name: answer[field] for name, field in HEADERS.items() if field in answer})
            objects[entry["Key"]] = object
    json.dump(objects, sys.stdout)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](boto3.client("s3", config=PLAIN), sys.argv[2])
