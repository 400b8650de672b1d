"""A sweep in turn, by the process pool and by Ray: the same bits, and how much sooner.

    python -m venv sweep && sweep/bin/pip install -e '.[sweep]'
    sweep/bin/python -m tests.bench_graph_sweeps

Two sweeps on an invented scale-free network: ESRI of every firm closed in turn (blocks of
sixteen), and time-stepped scenarios of the reference model. Wall time, best of two, workers
started and stopped each time; the machine has as many cores as `cores` says. Ray runs on this
machine only, dashboards off, and is stopped at the end; without the extra `sweep` it is left out.
"""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Callable

import numpy as np

from graph.arrays import SupplyArrays
from graph.planner import esri_all
from graph.scenario import Hit, Scenario, scenario
from graph.steps import run
from graph.sweeps import sweep
from graph.synthetic import synthetic_network

WORKERS = 2


def losses(arrays: SupplyArrays, job: Scenario) -> bytes:
    """The loss curve of a scenario, to the bit."""
    return run(arrays, job).curve(arrays).tobytes()


def scenarios(nodes: int, count: int) -> list[Scenario]:
    rng = np.random.default_rng(7)
    return [
        scenario(30, [Hit(rng.integers(0, nodes, 3), float(rng.uniform(0.2, 1.0)), 1.0, 10.0)])
        for _ in range(count)
    ]


def ways() -> list[str]:
    return ["serial", "pool", *(["ray"] if importlib.util.find_spec("ray") else [])]


def compared(run_by: Callable[[str], bytes], repeats: int) -> dict[str, object]:
    """Wall time of each way, that it gave the bits of the serial one, and how much sooner."""
    told: dict[str, object] = {}
    serial, serial_s = b"", 0.0
    for how in ways():
        taken, answer = [], b""
        for _ in range(repeats):
            start = time.perf_counter()
            answer = run_by(how)
            taken.append(time.perf_counter() - start)
        if how == "serial":
            serial, serial_s = answer, min(taken)
        assert answer == serial, how
        told[how] = {
            "wall_s": min(taken),
            "bit_equal": answer == serial,
            "times_serial": serial_s / min(taken),
        }
    return told


def measure(quick: bool = False) -> dict[str, object]:
    """Both sweeps by each way that is installed; `quick` takes small ones."""
    firms, closed, stepped = (2_000, 2_000, 16) if quick else (10_000, 10_000, 24)
    arrays = synthetic_network(firms, 10 * firms, seed=5)
    which, jobs = np.arange(closed), scenarios(firms, stepped)

    def every_firm(how: str) -> bytes:
        out = esri_all(arrays, which, market=True, how=how, workers=WORKERS)
        return b"".join((out.esri.tobytes(), out.sweeps.tobytes(), out.residual.tobytes()))

    def in_time(how: str) -> bytes:
        return b"".join(sweep(losses, arrays, jobs, how=how, workers=WORKERS))

    every_firm("serial")  # compiled before the clock starts
    repeats = 1 if quick else 2
    return {
        "data": "synthetic",
        "cores": os.cpu_count(),
        "workers": WORKERS,
        "load_average": os.getloadavg()[0],
        "ray": "ray" in ways() or "not installed",
        f"ESRI of {closed} firms": compared(every_firm, repeats),
        f"{stepped} scenarios x 30 days, {firms} firms": compared(in_time, repeats),
    }


def main() -> None:
    print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
