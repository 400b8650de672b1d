"""What do 300 sources every ten minutes cost, apart from parsing? The service on a loopback port: figures.

`python -m tests.bench_collection_scale`. A turn that finds nothing new (304) through the real scheduler,
Client and Store, in processor seconds of the service's process; times two turns a second make the share
of one core, the idle clock added. Feeds are synthetic.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ews.storage import Store
from tests.day_service import clock_of
from tests.day_world import FEEDS, HOSTS, World, feeds

ROOT = Path(__file__).parent.parent
CADENCE_S = 600
BAR = 0.10  # of one core
PACE = 20.0
SEED = 1


@contextmanager
def service(home: Path, world: World, t0: float, pace: float, tick_s: float) -> Iterator[int]:
    """A service on those feeds; its process id."""
    proc = subprocess.Popen(
        [sys.executable, "-m", "tests.day_service", str(home), repr(t0), repr(pace),
         str(world.port), str(SEED), str(FEEDS), str(HOSTS), str(tick_s)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield proc.pid
    finally:
        proc.terminate()
        proc.wait(60)


def cpu_s(pid: int) -> float:
    """Processor seconds of the process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def turns(home: Path) -> int:
    journal = home / "journal"
    return journal.read_text().count('"planned"') if journal.exists() else 0


def measure(seconds: float = 45.0, idle_s: float = 20.0) -> dict[str, object]:
    """Figures of turns that find nothing new, and of the clock with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        Store.open(home).close()
        t0 = time.time()
        world = World(SEED, feeds(SEED), clock_of(t0, 0.0))  # stands still: nothing new comes
        world.calm = True
        try:
            with service(home, world, t0, PACE, 0.05) as pid:
                _until(lambda: turns(home) >= FEEDS, 120)
                begun, before, cpu = time.time(), turns(home), cpu_s(pid)
                time.sleep(seconds)
                made, spent, took = turns(home) - before, cpu_s(pid) - cpu, time.time() - begun
            kinds = world.ledger.kinds()
            # at pace 1 nothing is due for minutes
            with service(home, world, time.time() - (time.time() - t0) * PACE, 1.0, 0.5) as pid:
                time.sleep(8)
                quiet, n = cpu_s(pid), turns(home)
                time.sleep(idle_s)
                idle, meant = (cpu_s(pid) - quiet) / idle_s, turns(home) - n
        finally:
            world.close()
    per_turn = spent / made
    share = per_turn * FEEDS / CADENCE_S + idle
    return {
        "synthetic": True, "sources": FEEDS, "cadence_s": CADENCE_S, "turns": made,
        "seconds": round(took, 1), "ms_per_turn": round(1000 * per_turn, 2), "answers": kinds,
        "idle_share_of_a_core": round(idle, 4), "turns_while_idle": meant,
        "share_of_a_core": round(share, 4), "bar": BAR, "met": share < BAR,
        "machine": {"cores": os.cpu_count(), "cpu": platform.machine(),
                    "python": platform.python_version(), "load_1m": os.getloadavg()[0]},
    }  # fmt: skip


def _until(there: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while callable(there) and not there():
        if time.monotonic() > end:
            raise TimeoutError(f"not in {seconds:g} s")
        time.sleep(0.2)


def main() -> None:
    found = measure()
    print(json.dumps(found, indent=1))
    sys.exit(0 if found["met"] else 1)


if __name__ == "__main__":
    main()
