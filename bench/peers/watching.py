"""Watches a folder with a command of holdall, and tells what that took.

`watching.py idle FOLDER SECONDS -- holdall watch FOLDER … --json` tells the seconds of processor time in a hundred seconds
in which nothing happens; `latency FOLDER FILES A_SECOND -- …` the 99th of a hundred times from a file's closing to the
line that tells of its receipt.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

SIZE = 4096


def processor(pid: int) -> float:
    """Seconds of a process's threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def events(watch: subprocess.Popen):
    assert watch.stdout
    return map(json.loads, watch.stdout)


def until_scanned(watch: subprocess.Popen) -> None:
    assert any(event["event"] == "scanned" for event in events(watch)), "the watch ended"


def idle(watch: subprocess.Popen, _: Path, seconds: float) -> float:
    # A look at everything that stored much is followed by another one soon.
    until_scanned(watch)
    threading.Thread(target=lambda: list(events(watch)), daemon=True).start()
    time.sleep(5)
    before = processor(watch.pid)
    time.sleep(seconds)
    return (processor(watch.pid) - before) * 100 / seconds


def latency(watch: subprocess.Popen, folder: Path, files: float, a_second: float) -> float:
    closed: dict[str, float] = {}
    took: list[float] = []

    def hear() -> None:
        for event in events(watch):
            if event["event"] == "pushed" and event["path"] in closed:
                took.append(time.perf_counter() - closed[event["path"]])
                if len(took) == files:
                    return

    hearing = threading.Thread(target=hear)
    hearing.start()
    begun = time.perf_counter()
    for n in range(int(files)):
        path = folder / f"{n:05}"
        with path.open("wb") as file:
            file.write(n.to_bytes(8, "little") * (SIZE // 8))
            closed[str(path)] = time.perf_counter()
        time.sleep(max(0.0, begun + (n + 1) / a_second - time.perf_counter()))
    hearing.join(60)
    assert len(took) == files, f"{len(took)} files were stored"
    return sorted(took)[int(files * 0.99)]


def main() -> None:
    words = sys.argv[1 : sys.argv.index("--")]
    what, folder, *figures = words
    command = sys.argv[sys.argv.index("--") + 1 :]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            until_scanned(watch)
            print({"idle": idle, "latency": latency}[what](watch, Path(folder), *map(float, figures)))
        finally:
            watch.send_signal(signal.SIGTERM)


main()
