"""A sweep gives the same bits in each way, and leaves nothing behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from graph.arrays import SupplyArrays, compile_arrays
from graph.scenario import Hit, Scenario, scenario
from graph.steps import run
from graph.sweeps import SweepError, sweep

NODES = 40


def drawn_arrays(seed: int = 4) -> SupplyArrays:
    rng = np.random.default_rng(seed)
    links = 160
    supplier = rng.integers(0, NODES, links)
    buyer = (supplier + rng.integers(1, NODES, links)) % NODES
    return compile_arrays(
        NODES,
        supplier,
        buyer,
        rng.integers(0, 5, links),
        rng.uniform(1, 100, links),
        stock=rng.integers(0, 4, links),
        final=0.3,
    )


def drawn_scenarios(count: int, seed: int = 5) -> list[Scenario]:
    rng = np.random.default_rng(seed)
    return [
        scenario(12, [Hit(rng.integers(0, NODES, 2), float(rng.uniform()), 1.0, 5.0)])
        for _ in range(count)
    ]


def losses(arrays: SupplyArrays, job: Scenario) -> bytes:
    return run(arrays, job).level.tobytes()


def fail_at_three(arrays: SupplyArrays, job: int) -> int:
    if job == 3:
        raise LookupError("job 3 is bad")
    return job


def die(arrays: SupplyArrays, job: int) -> None:
    os._exit(1)


class Unreadable(Exception):
    def __init__(self, job: int, why: str) -> None:  # pickle gives one argument back, not two
        super().__init__(f"job {job}: {why}")


def fail_unreadably(arrays: SupplyArrays, job: int) -> None:
    raise Unreadable(int(job), "bad")


def where_the_links_lie(arrays: SupplyArrays, job: int) -> bool:
    return bool(arrays.link_weight.flags.owndata)


KEPT = 4 * 2**20  # bytes that multiprocessing keeps for its next piece of shared memory


def left_behind() -> tuple[int, list[object]]:
    """Shared memory still mapped beyond what is kept (its file has no name), and workers alive."""
    gc.collect()
    maps = Path("/proc/self/maps")
    ends = [
        line.split()[0].split("-")
        for line in (maps.read_text().splitlines() if maps.exists() else [])
        if "pym-" in line
    ]
    mapped = sum(int(end, 16) - int(start, 16) for start, end in ends)
    return max(0, mapped - KEPT), list(multiprocessing.active_children())


def large_arrays() -> SupplyArrays:
    """Of more bytes than are kept, so that a copy left behind is seen."""
    n = 200_000
    ring = np.arange(n)
    return compile_arrays(n, ring, (ring + 1) % n, np.zeros(n), np.ones(n), final=0.5)


def test_the_pool_gives_the_bits_of_the_serial_loop() -> None:
    arrays, jobs = drawn_arrays(), drawn_scenarios(37)
    serial = sweep(losses, arrays, jobs)
    assert len(set(serial)) > 30  # the scenarios do differ
    assert sweep(losses, arrays, jobs, how="pool", workers=2) == serial
    assert sweep(losses, arrays, jobs, how="pool", workers=1) == serial


def test_workers_read_one_copy_and_nothing_is_left_of_it() -> None:
    before = left_behind()
    arrays = large_arrays()
    assert sweep(where_the_links_lie, arrays, range(4), how="pool", workers=2) == [False] * 4
    assert left_behind() == before


def test_an_error_in_a_worker_comes_out_and_the_workers_stop() -> None:
    before = left_behind()
    with pytest.raises(LookupError, match="job 3 is bad"):
        sweep(fail_at_three, drawn_arrays(), range(64), how="pool", workers=2)
    assert left_behind() == before


def test_a_worker_that_dies_is_told_with_what_to_do() -> None:
    before = left_behind()
    with pytest.raises(SweepError, match="take fewer workers"):
        sweep(die, drawn_arrays(), range(4), how="pool", workers=2)
    assert left_behind() == before


def test_no_jobs_are_no_results_and_no_workers() -> None:
    assert sweep(losses, drawn_arrays(), [], how="pool") == []


def test_what_cannot_be_swept_is_refused() -> None:
    arrays = drawn_arrays()
    with pytest.raises(ValueError, match="serial, pool, ray"):
        sweep(losses, arrays, drawn_scenarios(1), how="dask")
    with pytest.raises(ValueError, match="at least one worker"):
        sweep(losses, arrays, drawn_scenarios(1), how="pool", workers=0)
    with pytest.raises(SweepError, match="top of a module"):
        sweep(lambda _, job: job, arrays, range(2), how="pool")


def test_ray_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SweepError, match=r"pip install 'ews-supply-chain\[sweep\]'"):
        sweep(losses, drawn_arrays(), drawn_scenarios(1), how="ray")


@pytest.mark.enable_socket
@pytest.mark.filterwarnings("default")
def test_ray_gives_the_bits_of_the_serial_loop_and_its_errors() -> None:
    pytest.importorskip("ray", reason="the extra sweep is not installed")
    arrays, jobs = drawn_arrays(), drawn_scenarios(37)
    assert sweep(losses, arrays, jobs, how="ray", workers=2) == sweep(losses, arrays, jobs)
    with pytest.raises(LookupError, match="job 3 is bad"):
        sweep(fail_at_three, arrays, range(8), how="ray", workers=2)


def test_an_error_that_cannot_be_sent_is_told_and_not_blamed_on_memory() -> None:
    with pytest.raises(SweepError, match="Unreadable: job 0: bad"):
        sweep(fail_unreadably, drawn_arrays(), range(1), how="pool", workers=1)


def test_jobs_may_be_an_array() -> None:
    assert sweep(pow, 2, np.array([3, 4])) == [8, 16]
    assert sweep(pow, 2, np.array([], dtype=int)) == []
