"""How long may one sending take in all? A socket's own timeout starts anew with every byte."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from threading import Timer


@contextlib.contextmanager
def deadline(opened: Callable[[], socket.socket | None], seconds: float) -> Iterator[None]:
    """Shuts the socket after so many seconds, whatever it is doing; the reader then gets an error.

    A request that hung may not land long after somebody looked for it (alerts/delivery.py).
    """
    timer = Timer(seconds, _shut, (opened,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(opened: Callable[[], socket.socket | None]) -> None:
    if (found := opened()) is not None:
        with contextlib.suppress(OSError):
            # Not the TLS socket's own shutdown: that turns the socket plain under the writer.
            socket.socket.shutdown(found, socket.SHUT_RDWR)
