"""Delivery measured: chaos on both databases, Alertmanager beside ours, latency, a burst.

python -m tests.bench_alerts [chaos] [rival] [latency] [burst]   writes docs/bench/alerts.json
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests import bench_alertmanager, chaos
from tests.chaos import Chaos
from tests.pg_server import pg_url

OUT = Path(__file__).parent.parent / "docs" / "bench" / "alerts.json"
FULL = Chaos(messages=1_000, kills=100)
BLIND = Chaos(messages=200, kills=10, blind=True)
BURST = Chaos(messages=1_000, kills=0, faulty=False)


def run(database: str, plan: Chaos) -> dict[str, object]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(pg_url(migrated=True)) if database == "postgresql" else None
        home = stack.enter_context(tempfile.TemporaryDirectory())
        outcome = chaos.run(Path(home), url, plan)
    figures = {"clean": outcome.clean, **asdict(outcome), "plan": asdict(plan)}
    print(database, json.dumps(figures), flush=True)
    return figures


def rival() -> dict[str, object]:
    path = bench_alertmanager.program()
    if path is None:
        print("no Alertmanager: apt-get install --no-install-recommends prometheus-alertmanager")
    rows = bench_alertmanager.head_to_head(path)
    return {"alertmanager": path and bench_alertmanager.version(path), "alerts": 200, "rows": rows}


def latency() -> dict[str, object]:
    from tests import bench_latency

    figures = asdict(bench_latency.measure(float(os.environ.get("EWS_BENCH_SECONDS", "120"))))
    print(json.dumps(figures), flush=True)
    return figures


BENCHES: dict[str, Callable[[], dict[str, object]]] = {
    "chaos-sqlite": lambda: run("sqlite", FULL),
    "chaos-postgresql": lambda: run("postgresql", FULL),
    "chaos-without-looking": lambda: run("sqlite", BLIND),  # must double
    "burst-sqlite": lambda: run("sqlite", BURST),
    "burst-postgresql": lambda: run("postgresql", BURST),
    "latency": latency,
    "rival": rival,
}


def main() -> None:
    for name in sys.argv[1:] or list(BENCHES):
        load = [round(one, 1) for one in os.getloadavg()]
        machine = {
            "cores": os.cpu_count(),
            "load_before": load,
            "python": platform.python_version(),
        }
        measured = {"machine": machine, **BENCHES[name]()}
        figures = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
        figures[name] = measured
        OUT.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
