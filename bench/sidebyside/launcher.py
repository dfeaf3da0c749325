"""Starts commands and tells what each took: run as a process of its own, which stays small.

What a process has at its peak counts the pages of the process that started it, so a large starter would hide the
figures of small commands. A request and its answer are a line of JSON each.
"""

import json
import os
import signal
import sys
import time

# As a shell has it.
NOT_FOUND = 127


def serve() -> None:
    for line in sys.stdin:
        print(json.dumps(launch(json.loads(line))), flush=True)


def launch(run: dict) -> dict:
    stdin, feeder = source(run)
    stdout, stderr = (
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for path in (run["stdout"] or "/dev/null", run["stderr"])
    )
    actions = [(os.POSIX_SPAWN_DUP2, fd, to) for to, fd in enumerate((stdin, stdout, stderr))]
    start = time.perf_counter()
    try:
        pid = os.posix_spawnp(run["command"][0], run["command"], run["environment"], file_actions=actions)
    except FileNotFoundError as error:
        os.write(stderr, str(error).encode())
        return {"wall": 0.0, "cpu": 0.0, "peak": 0.0, "code": NOT_FOUND}
    finally:
        for fd in (stdin, stdout, stderr):
            os.close(fd)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(run["limit"])
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    signal.alarm(0)
    if feeder:
        os.waitpid(feeder, 0)
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
        "code": os.waitstatus_to_exitcode(status),
    }


def source(run: dict) -> tuple[int, int | None]:
    """What standard input is read from, and the process that feeds it."""
    if not run["feed"]:
        return os.open(run["stdin"] or "/dev/null", os.O_RDONLY), None
    reader, writer = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1)]
    feeder = os.posix_spawnp(run["feed"][0], run["feed"], dict(os.environ), file_actions=actions)
    os.close(writer)
    return reader, feeder


serve()
