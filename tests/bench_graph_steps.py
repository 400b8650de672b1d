"""The engines of the time-stepped model on synthetic firm networks, beside its readable reference.

    python -m tests.bench_graph_steps

Each case runs in a process of its own, which loads the kernels that the disk keeps; its memory is
that of the process and its workers together (PSS, sampled). The rival is graph.steps (numpy), in
the same process on the same graph, hence with the same load of the machine.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from graph.arrays import SupplyArrays
from graph.scenario import Hit, Scenario, scenario
from graph.step_kernels import LANES, run_block, run_fast, run_many
from graph.steps import run
from graph.synthetic import synthetic_network
from graph.why import contribution_paths

DAYS = 60


def closure(targets: np.ndarray) -> Scenario:
    """80 % lost from day 2 for 30 days, back over 10."""
    return scenario(DAYS, [Hit(np.sort(targets), 0.8, 2, 30, "linear", 10)])


def one_firm(arrays: SupplyArrays) -> np.ndarray:
    """The firm with more buyers than 98 of 100."""
    return np.argsort(np.diff(arrays.sold_start), kind="stable")[-arrays.nodes // 50 :][:1]


def country_sector(arrays: SupplyArrays) -> np.ndarray:
    """A hundred firms of the sector of middling size, as a country's part of it."""
    sizes = np.bincount(arrays.sector)
    members = np.flatnonzero(arrays.sector == np.argsort(sizes, kind="stable")[len(sizes) // 2])
    return np.random.default_rng(0).choice(members, min(100, len(members)), replace=False)


def timed(function: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return {
        "wall_s": round(time.perf_counter() - wall, 3),
        "cpu_s": round(time.process_time() - cpu, 3),
    }


def best(function: Callable[[], object], tries: int = 3) -> dict[str, float]:
    return min((timed(function) for _ in range(tries)), key=lambda times: times["cpu_s"])


def what_if(firms: int, links: int) -> dict[str, object]:
    """First and later answers to a question about one firm, exact and with theta 1e-6."""
    arrays = synthetic_network(firms, links, seed=1)
    asked = closure(one_firm(arrays))
    first = timed(lambda: run_fast(arrays, asked))
    exact = best(lambda: run_fast(arrays, asked))
    rival = best(lambda: run(arrays, asked), 1)
    outcome, reference = run_fast(arrays, asked), run(arrays, asked)
    return {
        "first_answer": first,
        "exact": exact,
        "theta_1e-6": best(lambda: run_fast(arrays, asked, theta=1e-6)),
        "reference": rival,
        "ratio_cpu": round(rival["cpu_s"] / exact["cpu_s"], 1),
        "greatest_difference": float(
            np.abs(outcome.level - reference.level[:, outcome.nodes]).max()
        ),
        "moved": len(outcome.nodes),
    }


def many(firms: int, links: int, count: int) -> dict[str, object]:
    """Scenarios of a hundred firms each, every one with stocks of its own, on all cores."""
    arrays = synthetic_network(firms, links, seed=1)
    rng = np.random.default_rng(3)
    asked = [
        scenario(
            DAYS,
            [
                Hit(
                    np.sort(rng.choice(firms, 100, replace=False)),
                    float(rng.uniform(0.2, 1.0)),
                    float(rng.integers(0, 10)),
                    float(rng.uniform(5, 40)),
                    "linear",
                    10,
                )
            ],
        )
        for _ in range(count)
    ]
    stocks = partial(drawn_stocks, arrays.group_stock)
    run_block(arrays, asked[:1])  # compiles
    block = best(lambda: run_block(arrays, asked[:LANES], stocks=stocks(range(LANES))), 2)
    rival = best(lambda: run(arrays, asked[0]), 1)
    wall = time.perf_counter()
    outcome = run_many(arrays, asked, stocks=stocks, how="pool")
    wall = time.perf_counter() - wall
    alone = run_many(arrays, asked[:LANES], stocks=stocks)
    return {
        "scenarios": count,
        "wall_s": round(wall, 1),
        "workers": os.cpu_count(),
        "cpu_s_of_a_block": block["cpu_s"],
        "cpu_s_of_all_blocks": round(block["cpu_s"] * count / LANES, 1),
        "reference_cpu_s_of_one": rival["cpu_s"],
        "ratio_cpu": round(rival["cpu_s"] * LANES / block["cpu_s"], 1),
        "pool_equals_serial": bool((outcome.lost_days[:, :LANES] == alone.lost_days).all()),
    }


def drawn_stocks(stock: np.ndarray, numbers: range) -> np.ndarray:
    """Stocks (days) of each scenario: those of the graph times 0.5 to 1.5, by its number."""
    rows = [np.random.default_rng(b).random(len(stock), np.float32) + 0.5 for b in numbers]
    return np.stack([stock.astype(np.float32) * row for row in rows], axis=1)


def huge(firms: int, links: int) -> dict[str, object]:
    """One event with the five best paths of the firm that loses most without being hit."""
    arrays = synthetic_network(firms, links, seed=1)
    found: dict[str, object] = {}
    for name, pick in (("one_firm", one_firm), ("a_hundred_firms", country_sector)):
        targets = pick(arrays)
        asked = closure(targets)
        for theta in (1e-6, 1e-5, 1e-4):
            times = best(lambda asked=asked, theta=theta: run_fast(arrays, asked, theta=theta), 2)
            outcome = run_fast(arrays, asked, theta=theta)
            loss = outcome.loss(arrays) * ~np.isin(outcome.nodes, targets)
            worst = int(outcome.nodes[loss.argmax()])
            found[f"{name}, theta {theta:g}"] = times | {
                "moved": len(outcome.nodes),
                "paths": best(
                    lambda a=asked, o=outcome, w=worst: contribution_paths(arrays, o, a, w), 1
                ),
                "switches": outcome.switches,
            }
    return found


CASES = {"what_if": what_if, "many": many, "huge": huge}


def in_its_own_process(name: str, *sizes: int) -> dict[str, object]:
    """The figures of a case, with the firms, the links and the greatest memory in GB."""
    most, stop = [0.0], threading.Event()
    watch = threading.Thread(target=remember_most, args=(most, stop))
    watch.start()
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            found = alone.submit(CASES[name], *sizes).result()
    finally:
        stop.set()
        watch.join()
    sized = {"firms": sizes[0], "links": sizes[1]}
    return {**sized, **found, "peak_memory_gb": round(most[0], 2)}


def remember_most(most: list[float], stop: threading.Event) -> None:
    while not stop.wait(1.0):
        most[0] = max(most[0], memory_gb())


def memory_gb() -> float:
    """PSS of all processes that descend from this one; itself is not counted."""
    parent = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    family, total = {os.getpid()}, 0
    while more := {pid for pid, above in parent.items() if above in family} - family:
        family |= more
    for pid in family - {os.getpid()}:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(row.split()[1]) for row in rollup.splitlines() if row.startswith("Pss:"))
    return total * 1024 / 1e9


def measure(quick: bool = False) -> dict[str, object]:
    small = (2_000, 20_000)
    return {
        "data": "synthetic",
        "days": DAYS,
        "what_if": in_its_own_process("what_if", *(small if quick else (100_000, 1_000_000))),
        "many": in_its_own_process(
            "many", *((*small, 64) if quick else (100_000, 1_000_000, 1000))
        ),
        "huge": in_its_own_process("huge", *(small if quick else (1_000_000, 10_000_000))),
    }


def main() -> None:
    print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
