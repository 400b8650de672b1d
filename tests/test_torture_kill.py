"""kill -9 at random points of a demo run, then resume: the same alerts, none lost, none doubled.

`make torture` plays the whole demo with 50 kills; `make check` a reduced form of two cases.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from ews.storage import Store


def demo(home: Path, *cases: str) -> list[str]:
    return [sys.executable, "-m", "ews", "demo", "--home", str(home), *cases]


def finished(home: Path, *cases: str) -> None:
    done = subprocess.run(demo(home, *cases), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    assert (home / "console.jsonl").exists(), done.stderr[-2000:]


def told(home: Path) -> Counter[tuple[str, str, str]]:
    """Every message that went out: (alert, revision, reason)."""
    lines = (home / "console.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    return Counter((row["alert"], str(row["revision"]), row["reason"]) for row in rows)


def alerts(home: Path) -> list[tuple[object, ...]]:
    store = Store.open(home)
    try:
        assert store.integrity_check() == []
        return sorted(
            (a.id, a.stage, a.max_stage, a.state, a.raised_at, a.revision, a.title)
            for a in store.alerts()
        )
    finally:
        store.close()


def kill_and_resume(home: Path, seed: int, kills: int, longest_s: float, *cases: str) -> int:
    """Kill the run `kills` times at random moments, then let it finish; how many kills struck."""
    rng = random.Random(seed)
    struck = 0
    for _ in range(kills):
        process = subprocess.Popen(
            demo(home, *cases), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.2, longest_s))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            struck += 1
        process.wait()
    finished(home, *cases)
    return struck


FORKS = """
import json, os, sys
import transformers.tokenization_utils_tokenizers
import ews.cli.demo, ews.storage, ews.tuning.demo, graph, nlp.classifier
from ews.cli import app
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        for stream in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), stream)
        app(json.loads(line))  # ends with its exit code
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Forks:
    """Commands as processes of their own, forked off one that has imported what they need: a kill
    strikes at the work, not at the imports."""

    def __init__(self) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.parent.communicate(timeout=60)

    def demo(self, home: Path, *cases: str, killed_after_s: float | None = None) -> int:
        """Exit code of `ews demo`; -9 when the kill struck."""
        assert self.parent.stdin is not None
        assert self.parent.stdout is not None
        print(json.dumps(demo(home, *cases)[3:]), file=self.parent.stdin, flush=True)
        pid = int(self.parent.stdout.readline())
        if killed_after_s is not None:
            time.sleep(killed_after_s)
            with suppress(ProcessLookupError):  # it was quicker
                os.kill(pid, signal.SIGKILL)
        return int(self.parent.stdout.readline())


def test_killed_twice_a_run_tells_the_same_alerts_once(tmp_path: Path) -> None:
    case, rng = "--case=graphite_2023", random.Random(7)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    with Forks() as forks:
        started = time.monotonic()
        assert forks.demo(whole, case) == 0
        took = time.monotonic() - started
        ends = [
            forks.demo(killed, case, killed_after_s=took * rng.uniform(0.2, 0.7)) for _ in range(2)
        ]
        assert -signal.SIGKILL in ends
        assert forks.demo(killed, case) == 0
    assert alerts(tmp_path / "killed") == alerts(tmp_path / "whole")
    assert told(tmp_path / "killed") == told(tmp_path / "whole")
    assert max(told(tmp_path / "killed").values()) == 1


@pytest.mark.torture
def test_fifty_kills_of_the_whole_demo_lose_and_double_nothing(tmp_path: Path) -> None:
    started = time.monotonic()
    finished(tmp_path / "whole")
    longest = time.monotonic() - started
    whole_alerts, whole_told = alerts(tmp_path / "whole"), told(tmp_path / "whole")
    assert whole_alerts
    struck = 0
    for run in range(10):
        home = tmp_path / f"killed{run}"
        struck += kill_and_resume(home, run, 5, longest * 0.6)
        lost, doubled = whole_told - told(home), told(home) - whole_told
        assert not lost, f"run {run} lost {lost}"
        assert not doubled, f"run {run} doubled {doubled}"
        assert alerts(home) == whole_alerts
    print(f"\n{struck} kills struck in 10 runs: 0 lost, 0 doubled of {sum(whole_told.values())}")
