"""Seconds and peak memory of the demo and of the half-year replay: `python -m tests.bench_replay`.

Measured and printed, never asserted. Each run is a fresh process in a fresh home; figures go to
docs/bench/replay.json with the machine's facts.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("EWS_RECORDED_DATA", ROOT.parent / "shared" / "data"))
FEED = DATA / "feeds" / "rss2023" / "rss_2023_h2.jsonl.gz"


def measured(*command: str) -> dict[str, float]:
    """Wall seconds, CPU seconds and peak MB of the process and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-m", "ews", *command], check=True, cwd=ROOT,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(cpu, 1),
        "peak_mb": round(after.ru_maxrss / 1024, 1),
    }


def main() -> None:
    figures: dict[str, object] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(),
                    "system": platform.system(), "arch": platform.machine()},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        figures["demo"] = measured("demo", "--home", f"{folder}/demo")
        if FEED.exists():
            figures["replay_2023h2"] = measured(
                "replay", "--feed", str(FEED), "--from", "2023-07-01", "--to", "2023-12-31",
                "--home", f"{folder}/replay",
            )  # fmt: skip
        else:
            print(f"no recorded feed at {FEED.name}: the replay is left out (EWS_RECORDED_DATA)")
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    print(text)
    (ROOT / "docs" / "bench" / "replay.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
