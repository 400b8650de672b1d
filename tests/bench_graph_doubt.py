"""Doubt and reasons on synthetic firm networks: coverage of bands, cost of worlds, cost of paths.

    python -m tests.bench_graph_doubt

Rivals, in the same run and on the same question: the reference loop (graph.steps, numpy) for the
worlds of a Monte Carlo; networkx `shortest_simple_paths` on the time-expanded graph of shares above
a thousandth for the paths of one day's loss, which must name the same best path.
"""

from __future__ import annotations

import json
import math
import time
from itertools import islice

import networkx as nx
import numpy as np

from graph.arrays import SupplyArrays
from graph.causes import Trace
from graph.scenario import Hit, Outcome, Scenario, scenario
from graph.spreads import fixed, lognormal, pert
from graph.step_kernels import run_fast
from graph.steps import run
from graph.synthetic import synthetic_network
from graph.uncertainty import coverage, task_of
from graph.uncertainty import measure as run_worlds
from graph.why import CAUSES, LEAST, Why, contribution_paths
from graph.worlds import Blow, Design, Doubt, worlds

DAYS = 60
WORLDS = 16


def hub(arrays: SupplyArrays) -> int:
    return int(np.diff(arrays.sold_start).argmax())


def design(arrays: SupplyArrays, longer: float = 1.0) -> Design:
    fire = Blow(
        "capacity",
        np.array([hub(arrays)]),
        pert("magnitude", 0.2, 0.6, 0.9),
        pert("start", 0.0, 1.0, 3.0),
        lognormal("duration", 5.0 * longer, 30.0 * longer),
        recovery="linear",
        recovery_days=fixed("recovery", 10.0),
    )
    every = np.arange(arrays.groups)
    return Design((fire,), (Doubt("stock", every, lognormal("stock", 0.5, 2.0), each=True),))


def cover(seeds: int, runs: int = 400) -> dict[str, float]:
    """Share of true worlds within P5..P95 of the bands, by a right prior and by a wrong one.

    A right prior covers 0.9 less 0.9 / (runs + 1) in the long run.
    """
    arrays = synthetic_network(300, 1500, sectors=20, seed=2)
    found: dict[str, float] = {"true_worlds": seeds * runs}
    for name, longer in (("right_prior", 1.0), ("prior_of_half_the_duration", 2.0)):
        prior, truth = design(arrays), design(arrays, longer)
        each = [
            coverage(arrays, prior, truth, worlds=runs, runs=runs, seed=seed, days=DAYS)[0]
            for seed in range(seeds)
        ]
        found[name] = sum(one.inside for one in each) / found["true_worlds"]
    return found


def worlds_cost(firms: int, links: int) -> dict[str, float]:
    """CPU ms of a world of 60 days, and the greatest difference to the reference, relative."""
    arrays = synthetic_network(firms, links, seed=1)
    task = task_of(arrays, design(arrays), 0, DAYS, {})
    run_worlds(task, range(1))  # compiles
    start = time.process_time()
    curves, _, _ = run_worlds(task, range(WORLDS))
    ours = (time.process_time() - start) / WORLDS
    start = time.process_time()
    [(own, one)] = worlds(arrays, design(arrays), 0, range(1), DAYS)
    expected = run(own, one).curve(own)
    rival = time.process_time() - start
    off = np.abs(curves[0, :, 0] - expected).max() / expected.max()
    return {
        "firms": firms,
        "links": links,
        "ours_cpu_ms": 1e3 * ours,
        "reference_cpu_ms": 1e3 * rival,
        "ratio": rival / ours,
        "relative_difference": float(off),
    }


def by_networkx(
    arrays: SupplyArrays, outcome: Outcome, shock: Scenario, target: int, day: int, top: int
) -> list[float]:
    """Contributions of the best time-expanded paths of one day's loss, as shares of it."""
    trace, graph = Trace(arrays, outcome, shock), nx.DiGraph()
    lost = {s: float(trace.lost(s, np.array([target]))[day, 0]) for s in CAUSES}
    open_states = [(max(lost, key=lambda s: lost[s]), target, day)]
    known, seen, blow = {}, set(open_states), ("blow",)
    root = open_states[0]
    while open_states:
        side, node, t = state = open_states.pop()
        if (side, node) not in known:
            known[side, node] = CAUSES[side](trace, node)
        causes = known[side, node]
        own = causes.own[t] + causes.demand[t]
        if own > LEAST:
            graph.add_edge(blow, state, cost=-math.log(own))
        for k in np.flatnonzero(causes.through[t] > LEAST).tolist():
            link = int(causes.links[k])
            other = arrays.link_supplier[link] if side == "down" else buyer_of(arrays, link)
            before = (side, int(other), t - int(causes.lag[k]))
            graph.add_edge(before, state, cost=-math.log(causes.through[t, k]))
            if before not in seen:
                seen.add(before)
                open_states.append(before)
    ways = islice(nx.shortest_simple_paths(graph, blow, root, weight="cost"), top)
    return [math.exp(-nx.path_weight(graph, way, "cost")) for way in ways]


def buyer_of(arrays: SupplyArrays, link: int) -> int:
    group = int(np.searchsorted(arrays.link_start, link, side="right")) - 1
    return int(arrays.group_buyer[group])


def paths_cost(firms: int, links: int, targets: int = 12) -> dict[str, object]:
    """CPU of the five best paths of a day's loss, by networkx too, and of all days' loss.

    Half of the targets are spread over the losses, half are those with the most suppliers.
    """
    arrays = synthetic_network(firms, links, seed=1)
    shock = scenario(DAYS, [Hit(np.array([hub(arrays)]), 0.9, 0, 20)])
    outcome = run_fast(arrays, shock, theta=1e-6)
    loss = outcome.loss(arrays)
    order = np.argsort(-loss, kind="stable")
    inputs = np.diff(arrays.link_start[arrays.group_start])[outcome.nodes]
    widest = np.argsort(-inputs * (loss > 0), kind="stable")[: targets // 2]
    at = np.append(order[np.linspace(1, len(order) // 2, targets // 2).astype(int)], widest)
    ours, rival, whole, same = [], [], [], 0
    for column in at.tolist():
        node, day = int(outcome.nodes[column]), int((1 - outcome.level[:, column]).argmax())
        start = time.process_time()
        why: Why = contribution_paths(arrays, outcome, shock, node, day=day)
        ours.append(time.process_time() - start)
        start = time.process_time()
        shares = by_networkx(arrays, outcome, shock, node, day, 5)
        rival.append(time.process_time() - start)
        same += bool(why.paths) and math.isclose(why.paths[0].share, shares[0], rel_tol=1e-6)
        start = time.process_time()
        contribution_paths(arrays, outcome, shock, node)
        whole.append(time.process_time() - start)
    return {
        "firms": firms,
        "links": links,
        "touched": len(outcome.nodes),
        "targets": targets,
        "same_best_path": same,
        "ours_cpu_ms": 1e3 * sum(ours) / targets,
        "networkx_cpu_ms": 1e3 * sum(rival) / targets,
        "ratio": sum(rival) / sum(ours),
        "all_days_cpu_ms": 1e3 * sum(whole) / targets,
        "all_days_worst_cpu_ms": 1e3 * max(whole),
    }


def measure(quick: bool = False) -> dict[str, object]:
    sizes = [(1_000, 9_000)] if quick else [(10_000, 90_000), (100_000, 1_000_000)]
    paths = sizes if quick else [*sizes, (1_000_000, 10_000_000)]
    return {
        "data": "synthetic",
        "coverage_p5_p95": cover(2 if quick else 20),
        "worlds_60_days": [worlds_cost(*size) for size in sizes],
        "paths_top_5": [paths_cost(*size) for size in paths],
    }


def main() -> None:
    print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
