"""ESRI on invented scale-free networks beside scipy CSR and networkx loops, and beside the memory.

    python -m tests.bench_graph_esri

Ten links a firm, 100 sectors, others of the sector step in, 30 % of output goes to final demand,
eps 1e-6. Times are CPU time on one core, best of a few. The scipy rival is one shock at a time
on vectors, with its matrices made before the clock starts; it is leaner than `graph.esri`, whose
matrices take many shocks. The networkx rival is the loop of `graph.esri_loops`, its graph ready
too. Ours is the question itself (`esri_of`, `esri_all`), arrays compiled, operators packed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
from scipy import sparse

from graph.arrays import ESSENTIAL, NON_ESSENTIAL, Floats, Ints, SupplyArrays
from graph.block_kernels import block
from graph.esri import closures, sold_part
from graph.esri_loops import networkx_sweep
from graph.jit import njit
from graph.lanes import LANES, level, line, plus, put
from graph.operators import Numbers, Parts, operators
from graph.planner import Systemic, esri_all, esri_of
from graph.steps import SOLD_OUT
from graph.synthetic import synthetic_network

EPS = 1e-6
Shock = Callable[[int], tuple[Floats, Floats, int]]  # node closed -> l^d, l^u, sweeps


def cpu_s(work: Callable[[], object], repeats: int = 3) -> float:
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def scipy_rival(arrays: SupplyArrays) -> Shock:
    """One shock on vectors: three products, a maximum by buyer, a sum by market, a sweep."""
    n, supplier, group = arrays.nodes, arrays.link_supplier, arrays.link_group
    sold = sparse.csr_array((arrays.link_sold_part, (supplier, arrays.link_buyer)), shape=(n, n))
    kind = arrays.group_class
    essential = np.flatnonzero(kind == ESSENTIAL)
    parts = sparse.csr_array((arrays.link_part, (group, supplier)), shape=(arrays.groups, n))
    by_group = parts[essential]
    buyers, first = np.unique(arrays.group_buyer[essential], return_index=True)
    other = kind[group] == NON_ESSENTIAL
    spread = (arrays.link_part * arrays.group_part[group])[other]
    by_buyer = sparse.csr_array((spread, (arrays.link_buyer[other], supplier[other])), shape=(n, n))
    markets, sales = arrays.sector, arrays.sold_weight

    def shock(closed: int) -> tuple[Floats, Floats, int]:
        psi = np.zeros(n)
        psi[closed] = 1.0
        down, up, sweeps, rise = psi, psi, 0, np.inf
        while rise > EPS:
            orders = np.minimum(1.0, np.maximum(psi, np.asarray(sold @ up)))
            left = np.bincount(markets, sales * (1.0 - down))[markets]
            ratio = np.divide(sales, left, out=np.ones(n), where=left > SOLD_OUT)
            sent = np.minimum(1.0, ratio) * down
            short = np.maximum(psi, np.asarray(by_buyer @ sent))
            worst = np.maximum.reduceat(np.asarray(by_group @ sent), first)
            short[buyers] = np.maximum(short[buyers], worst)
            short = np.minimum(1.0, short)
            rise = max((short - down).max(), (orders - up).max())
            down, up, sweeps = short, orders, sweeps + 1
        return down, up, sweeps

    return shock


def networkx_rival(arrays: SupplyArrays) -> Shock:
    sweep = networkx_sweep(arrays, sold_part(arrays, True), True, True)

    def shock(closed: int) -> tuple[Floats, Floats, int]:
        psi = closures(arrays.nodes, [closed])
        down, up, sweeps, rise = psi, psi, 0, np.inf
        while rise > EPS:
            short, orders = sweep(psi, down, up)
            rise = max((short - down).max(), (orders - up).max())
            down, up, sweeps = short, orders, sweeps + 1
        return down[:, 0], up[:, 0], sweeps

    return shock


def beside(
    shock: Shock, closed: Ints, ours: Systemic, ours_s: float, repeats: int
) -> dict[str, float]:
    """The rival's CPU time over the same shocks, its numbers checked against ours."""
    answers: list[tuple[Floats, Floats, int]] = []
    rival_s = cpu_s(lambda: answers.extend(shock(int(node)) for node in closed), repeats)
    apart = 0.0
    for k in range(len(closed)):
        down, up, sweeps = answers[k]
        apart = max(apart, abs(ours.down[:, k] - down).max(), abs(ours.up[:, k] - up).max())
        assert ours.sweeps[k] == sweeps
    assert apart < 1e-12
    return {
        "shocks": len(closed),
        "rival_ms": rival_s / len(closed) * 1e3,
        "ours_ms": ours_s / len(closed) * 1e3,
        "ratio": rival_s / ours_s,
        "greatest_difference": apart,
    }


def one_shock(arrays: SupplyArrays, scipy_shocks: int, loop_shocks: int) -> dict[str, object]:
    """The same random firms closed one at a time by ours and each rival."""
    closed = np.random.default_rng(11).choice(arrays.nodes, scipy_shocks, replace=False)
    psi = closures(arrays.nodes, closed)
    out = esri_of(arrays, psi, market=True)  # compiles and packs as well

    def ours_s(count: int) -> float:
        return cpu_s(lambda: [esri_of(arrays, psi[:, k], market=True) for k in range(count)])

    return {
        "engine": out.engine,
        "sweeps_mean": float(out.sweeps.mean()),
        "links_read_share": out.links_read / float(2 * arrays.links * out.sweeps.sum()),
        "scipy": beside(scipy_rival(arrays), closed, out, ours_s(scipy_shocks), 2),
        "networkx": beside(
            networkx_rival(arrays), closed[:loop_shocks], out, ours_s(loop_shocks), 1
        ),
    }


@njit(cache=False)
def read_lines(table: Parts, rows: Numbers, into: Parts) -> None:
    """Sums lines in the order of `rows`."""
    total = level(table, 0.0)
    for k in range(np.uint32(len(rows))):
        total = plus(total, 1.0, line(table, rows[k]))
    put(into, 0, total)


def memory(firms: int) -> dict[str, float]:
    """Bytes a second of one core: reading straight on, and a random cache line of the table."""
    rng = np.random.default_rng(0)
    into = np.zeros((1, LANES), np.float32)
    long, table = block(2**21, np.float32).loss, block(firms, np.float32).loss
    long[:], table[:] = 1.0, 1.0
    straight = np.arange(len(long), dtype=np.uint32)
    anywhere = rng.integers(0, firms, 2**21).astype(np.uint32)
    read_lines(long, straight, into)
    return {
        "read_GB_s": (long.nbytes + straight.nbytes)
        / cpu_s(lambda: read_lines(long, straight, into), 7)
        / 1e9,
        "random_line_ns": cpu_s(lambda: read_lines(table, anywhere, into), 7) / 2**21 * 1e9,
    }


def all_firms(arrays: SupplyArrays, sample: int | None, scipy_shocks: int) -> dict[str, object]:
    """Every firm closed in turn; of a large network so many firms, evenly over their numbers."""
    n = arrays.nodes
    closed = np.arange(n) if sample is None else np.arange(sample) * n // sample
    out = esri_all(arrays, closed, market=True)
    ours_s = cpu_s(lambda: esri_all(arrays, closed, market=True), 3) / len(closed)
    some = closed[:: max(1, len(closed) // scipy_shocks)][:scipy_shocks]
    rival = scipy_rival(arrays)
    rival_s = cpu_s(lambda: [rival(int(node)) for node in some], 1) / len(some)
    exact = esri_all(arrays, some, market=True, engine="push")
    at = np.searchsorted(closed, some)
    seen = memory(n)
    links = out.links_read / len(closed)  # of a shock: a sixteenth of what its block read
    rows = links / arrays.links * n  # nodes computed: loss and what was sent, read and written
    rest = links * 8 + rows * 4 * LANES * 4
    streamed = (links * 64 + rest) / seen["read_GB_s"] / 1e6
    gathered = links * seen["random_line_ns"] / 1e6 + rest / seen["read_GB_s"] / 1e6
    return {
        "engine": out.engine,
        "firms_run": len(closed),
        "extrapolated": sample is not None,
        "sweeps_mean": float(out.sweeps.mean()),
        "ours_ms_a_firm": ours_s * 1e3,
        "ours_all_firms_s": ours_s * n,
        "scipy_firms": len(some),
        "scipy_ms_a_firm": rival_s * 1e3,
        "ratio_to_scipy": rival_s / ours_s,
        "greatest_difference_of_esri": float(abs(out.esri[at] - exact.esri).max()),
        "memory": seen,
        "bound_ms_a_firm_read_straight_on": streamed,
        "bound_ms_a_firm_random_lines": gathered,
        "times_the_bound_read_straight_on": ours_s * 1e3 / streamed,
        "times_the_bound_random_lines": ours_s * 1e3 / gathered,
    }


def measure(quick: bool = False) -> dict[str, object]:
    """CPU times of ours and the rivals by size; `quick` leaves out 100,000 firms."""
    sizes = ((1_000, 20, 4, None), (10_000, 24, 2, None), (100_000, 8, 1, 640))
    told: dict[str, object] = {"data": "synthetic", "eps": EPS, "market": True, "final": 0.3}
    for firms, scipy_shocks, loop_shocks, sample in sizes[: 2 if quick else 3]:
        arrays = synthetic_network(firms, 10 * firms, seed=4)
        start = time.process_time()
        operators(arrays, market=True)
        packing = time.process_time() - start
        told[f"{firms} firms"] = {
            "links": arrays.links,
            "packing_s": packing,
            "one_shock": one_shock(arrays, scipy_shocks, loop_shocks),
            "all_firms": all_firms(arrays, sample, scipy_shocks),
        }
    return told


def main() -> None:
    print(json.dumps(measure(), indent=2))


if __name__ == "__main__":
    main()
