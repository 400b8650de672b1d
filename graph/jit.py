"""numba where it is installed, plain Python where it is not: the one place that asks.

Without numba a kernel still runs, as slow as Python is, and gives the same numbers; whoever picks
an engine (graph.planner) reads `HAVE_NUMBA` and takes scipy instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

try:
    import numba
except ModuleNotFoundError:
    HAVE_NUMBA = False
else:
    HAVE_NUMBA = True

prange: Any = numba.prange if HAVE_NUMBA else range


def njit(**options: Any) -> Callable[[Kernel], Kernel]:
    """A decorator that compiles a kernel by numba, kept on disk; the kernel itself without numba.

    >>> @njit(cache=False)
    ... def twice(x: float) -> float:
    ...     return 2.0 * x
    >>> twice(4.0)
    8.0
    """
    if not HAVE_NUMBA:
        return lambda kernel: kernel
    compiled: Callable[[Kernel], Kernel] = numba.njit(**{"cache": True, **options})
    return compiled
