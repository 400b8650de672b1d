"""Every benchmark of the supply graph, each section in a process of its own: `make bench-graph`.

    python -m tests.bench_graph [--quick] [--only SECTION ...]

Writes docs/bench/graph.json: figures, rivals in the same run, ratios and what machine it was.
A section that was not asked for keeps what the file held. All graphs are synthetic.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

OUT = Path(__file__).parents[1] / "docs" / "bench" / "graph.json"
SECTIONS = ("supply", "esri", "steps", "ario", "doubt", "survival", "page", "sweeps")
LIMIT_S = 3000


def run(section: str, quick: bool) -> dict[str, object]:
    """The figures of one section; its own memory and its own compiled code."""
    code = (
        f"import json; from tests.bench_graph_{section} import measure; "
        f"print('FIGURES' + json.dumps(measure(quick={quick})))"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT_S
    )
    if done.returncode:
        raise SystemExit(f"bench_graph_{section} failed:\n{done.stderr[-3000:]}")
    found = done.stdout.rpartition("FIGURES")[2]
    return {**json.loads(found), "wall_s": round(time.monotonic() - started)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes; writes nothing")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    asked = parser.parse_args()
    held = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    figures: dict[str, object] = dict(held)
    for section in asked.only:
        load = round(os.getloadavg()[0], 1)
        figures[section] = {**run(section, asked.quick), "load_before": load}
        print(json.dumps({section: figures[section]}, indent=2), flush=True)
    figures["machine"] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "note": "synthetic networks; CPU time unless a name says wall",
    }
    if not asked.quick:
        OUT.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
