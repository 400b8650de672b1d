"""How many runs of the model one server makes at once, and one run for all who ask the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar, cast

Found = TypeVar("Found")
CORES = os.cpu_count() or 1


class Models:
    """Runs at most `at_once` computations; those who ask the same at the same time share one.

    More at once than cores only make each other slow, and every reader waits for the slowest.
    """

    def __init__(self, at_once: int = CORES) -> None:
        self._slots = BoundedSemaphore(at_once)
        self._lock = Lock()
        self._running: dict[Hashable, Future[Any]] = {}

    def run(self, asked: Hashable, compute: Callable[[], Found]) -> Found:
        """What `compute` returns or raises. `asked` must hold all that the answer depends on, the
        viewer too."""
        with self._lock:
            running = self._running.get(asked)
            if running is None:
                mine: Future[Any] = Future()
                self._running[asked] = mine
        if running is not None:
            return cast("Found", running.result())
        try:
            with self._slots:
                found = compute()
        except BaseException as err:
            mine.set_exception(err)
            raise
        else:
            mine.set_result(found)
            return found
        finally:
            with self._lock:
                del self._running[asked]
