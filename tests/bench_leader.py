"""How soon a standby takes over, and what runs twice or never: figures to docs/bench/leader.json.

    python -m tests.bench_leader            # 40 restarts; 5 kills, freezes and cuts; about 6 minutes

Real processes on the PostgreSQL of tests/pg_server.py. Freezes and cuts are done twice over: with a
short lease, and once with the lease that ships.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ews.scheduler import LEASE_S
from tests.leader_runs import Ring, Wire, restarts, ring, wire
from tests.pg_server import pg_url, socket_of

SHORT_S = 3.0
OUT = Path(__file__).parents[1] / "docs" / "bench" / "leader.json"


@contextmanager
def made(lease_s: float) -> Iterator[tuple[Ring, Wire, str]]:
    """A group of schedulers, a wire to cut, and the address through it."""
    with (
        tempfile.TemporaryDirectory() as home,
        pg_url(migrated=True) as url,
        wire(socket_of(url)) as line,
        ring(Path(home), url, lease_s) as group,
    ):
        name = url.partition("@/")[2].partition("?")[0]
        yield group, line, f"postgresql+psycopg://postgres@127.0.0.1:{line.port}/{name}"


def restarted(times: int) -> dict[str, object]:
    """Restarts by SIGTERM and SIGKILL in turn: take-over times, runs committed twice, never run."""
    with made(SHORT_S) as (group, _, _):
        took = restarts(group, times)
        never = group.never_run(time.time())
        return {
            "restarts": len(took),
            "take_over_s": {
                how: spread([s for name, s in took if name == how])
                for how in ("SIGTERM", "SIGKILL")
            },
            "runs": sum(group.runs().values()),
            "committed_twice": len(group.committed_twice()),
            "begun_twice_by_the_living": len(group.begun_twice()),
            "sources_never_run_again": len(never),
            "latest_run_s": round(group.latest_s(), 3),
        }


def silenced(times: int, lease_s: float, cut: bool) -> dict[str, object]:
    """The leader frozen or cut off while it writes, and woken after the take-over."""
    took: list[float] = []
    refused: list[str] = []
    with made(lease_s) as (group, line, through):
        leader = group.start(through)
        group.led(leader)
        standby = group.start(None if cut else through)
        for _ in range(times):
            group.at_work(leader)
            if cut:
                line.cut()
                at = time.time()
            else:
                at = group.signal(leader, signal.SIGSTOP)
            heir, seconds = group.taken_over(leader, at, 4 * lease_s + 10)
            assert heir == standby
            took.append(seconds)
            if cut:
                line.mend()
            else:
                group.signal(leader, signal.SIGCONT)
            refused.append(group.refused(leader, at))
            group.stands_by(leader, at)
            if cut:  # the one behind the wire must lead again: the other is stopped
                group.signal(standby, signal.SIGKILL)
                group.taken_over(standby, time.time() - 0.1, 10)
                standby = group.start()
            else:
                leader, standby = standby, leader
        group.settle()
        return {
            "lease_s": lease_s, "times": times, "take_over_s": spread(took),
            "bar_s": lease_s + 2, "stale_writers_refused": len(refused),
            "committed_twice": len(group.committed_twice()),
            "begun_twice_by_the_living": len(group.begun_twice()),
        }  # fmt: skip


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {"median": round(ordered[len(ordered) // 2], 3), "worst": round(ordered[-1], 3)}


def main() -> int:
    figures = {
        "machine": {"cores": os.cpu_count(), "load_1m": os.getloadavg()[0],
                    "python": platform.python_version()},
        "restarts": restarted(40),
        "frozen": [silenced(5, SHORT_S, cut=False), silenced(1, LEASE_S, cut=False)],
        "cut_off": [silenced(5, SHORT_S, cut=True), silenced(1, LEASE_S, cut=True)],
    }  # fmt: skip
    OUT.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
