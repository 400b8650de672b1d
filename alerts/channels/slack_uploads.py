"""When is a picture uploaded? Behind the messages: one thread does it, and nobody waits for it."""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

WAITING = 100  # further ones are left out
LEAVE_S = 10.0  # how long a process that ends waits for what is left
Work = Callable[[], float]  # does it, and says how many seconds to pause after it


class Behind:
    """Does one piece of work after the other in a thread of its own, begun with the first."""

    def __init__(self, name: str, waiting: int = WAITING) -> None:
        self._name = name
        self._line: queue.Queue[Work] = queue.Queue(waiting)
        self._begin = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, work: Work) -> bool:
        """Whether it is taken; not when too much waits."""
        try:
            self._line.put_nowait(work)
        except queue.Full:
            return False
        with self._begin:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
                atexit.register(self.wait, LEAVE_S)
        return True

    def wait(self, seconds: float) -> bool:
        """Whether all that was taken is done, at the latest after so many seconds."""
        until, line = time.monotonic() + seconds, self._line
        with line.all_tasks_done:
            while line.unfinished_tasks:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                line.all_tasks_done.wait(left)
        return True

    def _run(self) -> None:
        while True:
            work = self._line.get()
            pause = 0.0
            try:
                pause = work()
            except Exception:  # the edge of a thread: one that ended would leave out all to come
                log.exception("work behind the messages failed")
            finally:
                self._line.task_done()
            if pause > 0:
                time.sleep(pause)
