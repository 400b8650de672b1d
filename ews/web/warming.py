"""What a server has ready before the first reader asks: compiled kernels, networks held open."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from threading import Thread

from fastapi import FastAPI

from ews.reports import OPERATOR
from ews.reports.network_files import KEPT, networks, open_network
from ews.reports.network_what_if import warm

LOG = logging.getLogger(__name__)


def warming(home: Path) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan for the application: makes ready in a thread, so that nobody waits for it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        Thread(target=_make_ready, args=(home,), name="warming", daemon=True).start()
        yield

    return lifespan


def _make_ready(home: Path) -> None:
    try:
        warm()
        for line in networks(home, OPERATOR)[:KEPT]:
            open_network(home, line.name, OPERATOR)
    except Exception:  # a reader who asks meets the same fault, and is told of it
        LOG.warning("could not make ready", exc_info=True)
