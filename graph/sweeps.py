"""Many scenarios on one graph: in turn, on all cores of this machine, or on many machines.

The graph is laid out once and every worker reads the same copy; what is split is the scenarios.
A worker does what the serial loop does, so that all ways give the same bits.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

Shared = TypeVar("Shared")
Job = TypeVar("Job")
Result = TypeVar("Result")

CHUNKS_PER_WORKER = 8  # of unlike length, so that nobody waits long for the slowest
CACHE_LINE = 64  # bytes; each array starts on one


class SweepError(RuntimeError):
    """A sweep that could not be run, and what to do about it."""


def sweep(
    function: Callable[[Shared, Job], Result],
    arrays: Shared,
    jobs: Sequence[Job],
    *,
    how: str = "serial",
    workers: int | None = None,
) -> list[Result]:
    """`function(arrays, job)` of every job, in the order of the jobs, the same bits in each way.

    `how` is serial, pool (processes of this machine; the arrays lie once in shared memory) or ray
    (a cluster that is connected, else one started on this machine and stopped at the end; needs
    the extra `sweep`). `workers` is one per core that we may use unless given. For pool and ray the function
    stands at the top of a module, and must not write to the arrays. The first error that a job
    raises is raised here, after the workers have been stopped. ValueError for an unknown way,
    SweepError for a worker that died or Ray that is not installed.

    >>> sweep(pow, 2, [3, 4])
    [8, 16]
    >>> sweep(pow, 2, range(5), how="pool", workers=2)
    [1, 2, 4, 8, 16]
    """
    if how not in WAYS:
        raise ValueError(f"unknown way {how!r} to sweep; use one of {', '.join(WAYS)}")
    if workers is not None and workers < 1:
        raise ValueError(f"a sweep needs at least one worker, not {workers}")
    return WAYS[how](function, arrays, jobs, workers or _cores()) if len(jobs) else []


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _serial(
    function: Callable[[Any, Any], Any], arrays: object, jobs: Sequence[Any], workers: int
) -> list[Any]:
    return [function(arrays, job) for job in jobs]


def _pool(
    function: Callable[[Any, Any], Any], arrays: object, jobs: Sequence[Any], workers: int
) -> list[Any]:
    try:
        pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as inner:
        raise SweepError(
            f"{function!r} cannot be sent to workers: put it at the top of a module"
        ) from inner
    context = _context(function.__module__)
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), context, _open_arrays, (*_laid_out(arrays, context), function)
    )
    try:
        futures = [pool.submit(_run_chunk, chunk) for chunk in _chunks(jobs, workers)]
        for done in as_completed(futures):
            done.result()  # the first error ends the sweep, whichever job it is of
        return [result for future in futures for result in future.result()]
    except BrokenProcessPool as died:
        raise SweepError(
            "a worker of the sweep died, most often for want of memory: take fewer workers; "
            "if it said why, that is on the error output"
        ) from died
    finally:
        pool.shutdown(cancel_futures=True)


def _context(module: str) -> BaseContext:
    # Not fork: a server with threads may be forked while one of them holds a lock.
    offered = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in offered else "spawn")
    context.set_forkserver_preload([module])  # read once, not by each worker of each sweep
    return context


def _chunks(jobs: Sequence[Any], workers: int) -> list[Sequence[Any]]:
    size = -(-len(jobs) // (workers * CHUNKS_PER_WORKER))
    return [jobs[at : at + size] for at in range(0, len(jobs), size)]


def _laid_out(arrays: object, context: BaseContext) -> tuple[Any, list[tuple[int, int]], bytes]:
    """The numbers in memory that has no name, hence cannot outlive the sweep, and the rest."""
    buffers: list[pickle.PickleBuffer] = []
    frame = pickle.dumps(arrays, protocol=5, buffer_callback=buffers.append)
    views = [one.raw() for one in buffers]
    spans, size = [], 0
    for view in views:
        spans.append((size, size + view.nbytes))
        size += -(-view.nbytes // CACHE_LINE) * CACHE_LINE
    memory = context.RawArray("B", max(size, 1))
    laid = memoryview(memory).cast("B")
    for view, (start, end) in zip(views, spans, strict=True):
        laid[start:end] = view
    return memory, spans, frame


_opened: list[Any] = []  # in a worker: the function and the arrays of the sweep


def _open_arrays(
    memory: Any, spans: list[tuple[int, int]], frame: bytes, function: Callable[[Any, Any], Any]
) -> None:
    laid = memoryview(memory).cast("B")
    _opened[:] = [function, pickle.loads(frame, buffers=[laid[a:b] for a, b in spans])]


def _run_chunk(jobs: Sequence[Any]) -> list[Any]:
    function, arrays = _opened
    try:
        return [function(arrays, job) for job in jobs]
    except Exception as error:
        try:  # an error that cannot be read again would look like a worker that died
            pickle.loads(pickle.dumps(error))
        except Exception:
            raise SweepError(f"a job failed: {type(error).__name__}: {error}") from None
        raise


def _ray(
    function: Callable[[Any, Any], Any], arrays: object, jobs: Sequence[Any], workers: int
) -> list[Any]:
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError as missing:
        raise SweepError(
            "Ray is not installed: pip install 'ews-supply-chain[sweep]', or take how='pool'"
        ) from missing
    started = not ray.is_initialized()
    if started:  # a machine of its own, that nothing outside can reach
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
        )
    try:
        run = ray.remote(_serial)
        laid = ray.put(arrays)
        chunks = [run.remote(function, laid, chunk, 1) for chunk in _chunks(jobs, workers)]
        return [result for chunk in ray.get(chunks) for result in chunk]
    except ray.exceptions.RayTaskError as failed:
        raise failed.cause from failed
    finally:
        if started:
            ray.shutdown()


WAYS: dict[str, Callable[[Callable[[Any, Any], Any], Any, Sequence[Any], int], list[Any]]] = {
    "serial": _serial,
    "pool": _pool,
    "ray": _ray,
}
