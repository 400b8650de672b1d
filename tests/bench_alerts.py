"""Delivery measured: chaos on both databases, Alertmanager beside ours, latency, a burst.

python -m tests.bench_alerts [chaos] [rival] [latency] [burst]   writes docs/bench/alerts.json
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from tests import bench_alertmanager, chaos
from tests.chaos import Chaos
from tests.pg_server import pg_url

OUT = Path(__file__).parent.parent / "docs" / "bench" / "alerts.json"
FULL = Chaos(messages=1_000, kills=100, speed=5.0)
BURST = Chaos(messages=1_000, kills=0, faulty=False)


@contextmanager
def databases() -> Iterator[dict[str, str | None]]:
    with pg_url(migrated=True) as url:
        yield {"sqlite": None, "postgresql": url}


def run(plan: Chaos) -> dict[str, object]:
    """The plan on each database."""
    figures: dict[str, object] = {}
    with databases() as urls:
        for name, url in urls.items():
            with tempfile.TemporaryDirectory() as home:
                outcome = chaos.run(Path(home), url, plan)
            figures[name] = {"clean": outcome.clean, **asdict(outcome)}
            print(name, json.dumps(figures[name]), flush=True)
    return {"plan": asdict(plan), **figures}


def torture() -> dict[str, object]:
    figures = run(FULL)
    with tempfile.TemporaryDirectory() as home:
        blind = chaos.run(Path(home), None, replace(FULL, messages=200, kills=10, blind=True))
    figures["without looking (200 messages, 10 kills)"] = asdict(blind)  # must double
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
    "chaos": torture, "rival": rival, "latency": latency, "burst": lambda: run(BURST),
}  # fmt: skip


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
