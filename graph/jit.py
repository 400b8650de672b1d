"""numba where it is installed, plain Python where it is not: the one place that asks.

Without numba, or with NUMBA_DISABLE_JIT, a kernel still runs, as slow as Python is, and gives the
same numbers; whoever picks an engine (graph.planner) reads `HAVE_NUMBA` and takes scipy instead.

Machine code is kept in the user's cache, not beside the sources: an installation may be read-only.
numba asks only whether a kernel's own file has changed, so the folder is named after all sources
that kernels are made of: constants and kernels of other modules are compiled in as well.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

try:
    import numba
except ModuleNotFoundError:
    HAVE_NUMBA = False
else:
    HAVE_NUMBA = not numba.config.DISABLE_JIT

IMPORTS = re.compile(rb"^from graph\.(\w+) import", re.MULTILINE)


def sources(folder: Path) -> list[Path]:
    """The modules of a package that hold kernels, and all in it that these import, by name.

    >>> {"jit.py", "kernels.py", "steps.py"} <= {one.name for one in sources(Path(__file__).parent)}
    True
    """
    texts = {one.stem: one.read_bytes() for one in folder.glob("*.py")}
    imports = {name: IMPORTS.findall(text) for name, text in texts.items()}
    found: set[str] = set()
    waiting = [name for name, text in texts.items() if b"\n@njit(" in text]
    while waiting:
        name = waiting.pop()
        if name in imports and name not in found:
            found.add(name)
            waiting += [one.decode() for one in imports[name]]
    return [folder / f"{name}.py" for name in sorted(found)]


def cache_folder(bases: Iterable[str], name: str) -> str | None:
    """A folder of that name in the first base where we may write; None where there is none.

    One that another user made is passed by: machine code is run as it is found.

    >>> cache_folder(["/dev/null", "not/absolute"], "ews-numba-1") is None
    True
    """
    for base in bases:
        folder = Path(base, name)
        try:
            if not folder.is_absolute():
                continue
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                continue
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return str(folder)
    return None


def _bases() -> Iterable[str]:
    if numba.config.CACHE_DIR:  # NUMBA_CACHE_DIR
        yield os.path.abspath(numba.config.CACHE_DIR)
        return
    yield os.path.expanduser("~/.cache")
    try:
        yield tempfile.gettempdir()
    except FileNotFoundError:
        return


def _kept() -> str | None:
    """Where this version of the kernels is kept; None where nothing can be."""
    digest = hashlib.sha256()
    for one in sources(Path(__file__).parent):
        digest.update(one.name.encode() + b"\0" + one.read_bytes())
    return cache_folder(_bases(), f"ews-numba-{digest.hexdigest()[:16]}")


FOLDER = _kept() if HAVE_NUMBA else None


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

    def compiled(kernel: Kernel) -> Kernel:
        others = numba.config.CACHE_DIR  # of other packages in this process: not ours to move
        numba.config.CACHE_DIR = FOLDER or others
        try:
            made: Kernel = numba.njit(**{"cache": FOLDER is not None, **options})(kernel)
        finally:
            numba.config.CACHE_DIR = others
        return made

    return compiled
