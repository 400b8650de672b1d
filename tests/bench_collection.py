"""Does collection keep its bars? All its benches, one after the other, into docs/bench/collection.json.

    python -m tests.bench_collection [PART ...] [--quick]      PART: one of PARTS; none means all

Each part runs in a process of its own and stands in the file with the machine, its load and the
commit. `--quick`: small sizes, printed, nothing written. Exit 1 when a bar is missed. What the
figures mean for the bars says tests/collection_bars.py.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from tests.collection_bars import bars

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "bench" / "collection.json"
Figures = dict[str, Any]

# part -> (module, what measure() is given, and given with --quick); short ones first
PARTS: dict[str, tuple[str, Figures, Figures]] = {
    "sources": ("sources", {}, {}),
    "addresses": ("addresses", {}, {}),
    "lists": ("lists", {}, {}),
    "tests": ("", {}, {}),
    "texts": ("text", {}, {}),
    "bombs": ("bombs", {}, {}),
    "scale": ("scale", {}, {"seconds": 15.0, "idle_s": 5.0}),
    "gdelt": ("gdelt", {}, {"slots": 4}),
    "feeds": ("feeds", {}, {"count": 500}),
    "day": ("day", {"pace": 180.0}, {"pace": 180.0, "restarts": 8, "hours": 3.0}),
}
# The tests behind bars of which a bench has no figure of its own.
TESTS = ("torture", "naughty", "charsets", "guard", "parse_bombs")


def of_tests() -> Figures:
    """Tests of those files, torture included: how many passed, which did not. A skip is no pass."""
    files = [f"tests/test_scrapers_{name}.py" for name in TESTS]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-m", "torture or not torture", *files,
             f"--junitxml={report}"],
            cwd=ROOT, check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        cases = list(ET.parse(report).getroot().iter("testcase"))
    found: Figures = {name: {"passed": 0, "not_passed": {}} for name in TESTS}
    for case in cases:
        name, how = (case.get("classname") or "").partition("test_scrapers_")[2], _ended(case)
        found[name]["passed"] += how == "passed"
        found[name]["not_passed"] |= {case.get("name"): how} if how != "passed" else {}
    return {"files": found}


def _ended(case: ET.Element) -> str:
    """passed, or how it ended and the first words of why."""
    for one in case:
        if one.tag in ("failure", "error", "skipped"):
            return f"{one.tag}: {(one.get('message') or '')[:200]}"
    return "passed"


def measured(part: str, quick: bool) -> Figures:
    """The figures of one part, measured here."""
    module, whole, small = PARTS[part]
    if not module:
        return of_tests()
    measure = import_module(f"tests.bench_collection_{module}").measure
    return cast(Callable[..., Figures], measure)(**(small if quick else whole))


def apart(part: str, quick: bool) -> Figures:
    """The same in a fresh process, with the machine. Raises CalledProcessError."""
    before, begun = os.getloadavg()[0], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "tests.bench_collection", part, "--into", str(out)]
        subprocess.run(command + ["--quick"] * quick, cwd=ROOT, check=True)
        found: Figures = json.loads(out.read_text("utf-8"))
    return found | {"machine": machine(before), "took_s": round(time.monotonic() - begun)}


def machine(load_before: float) -> Figures:
    return {
        "cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version(),
        "load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1),
        "commit": _git("rev-parse", "--short", "HEAD"),
    }  # fmt: skip


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or os.environ.get("BENCH_COMMIT", "not known")


def kept(part: str, found: Figures) -> Figures:
    """The file with that part new, and its summary made anew."""
    figures: Figures = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    figures[part] = found
    order = [name for name in PARTS if name in figures]
    figures = {"summary": bars(figures)} | {name: figures[name] for name in order}
    OUT.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return figures


def told(figures: Figures, quick: bool) -> int:
    """Prints each bar that was measured. 1 when one is missed; small sizes are not judged."""
    rows = [row for row in bars(figures) if row["met"] is not None]
    for row in rows:
        mark = "    " if quick else "ok  " if row["met"] else "MISS"
        print(f"{mark} {row['bar']}: {row['figure']}")
    return 0 if quick or all(row["met"] for row in rows) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.into is not None:
        found = measured(given.part[0], given.quick)
        given.into.write_text(json.dumps(found, ensure_ascii=False), "utf-8")
        return 0
    figures: Figures = {}
    for part in given.part or PARTS:
        print(f"{part} ...", flush=True)
        figures[part] = apart(part, given.quick)
        if not given.quick:
            kept(part, figures[part])
    return told(figures, given.quick)


if __name__ == "__main__":
    sys.exit(main())
