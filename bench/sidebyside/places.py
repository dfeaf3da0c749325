"""Where things of the repository are."""

import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
PEERS = BENCH / "peers"
TOOLS = Path(os.environ.get("HOLDALL_TOOLS", ROOT / "target" / "tools")) / "bench" / "bin"
RELEASE = ROOT / "target" / "release"
HOLDALL = RELEASE / "holdall"
SINK = RELEASE / "holdall-sink"
LOCAL = ROOT / "target" / "local-jobs" / "release" / "local-jobs"
CEPH = ROOT / "crates" / "holdall-testing" / "servers" / "ceph"
FIGURES = BENCH / "out" / "figures.json"
RESULTS = BENCH / "RESULTS.md"
PLOT = BENCH / "results.svg"
