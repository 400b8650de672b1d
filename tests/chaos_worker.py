"""The worker that chaos kills: a parent that has imported everything forks it, so it starts at once.

Commands come on stdin, one a line: `start`, `kill`, `poll`; each is answered with one line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.channels.slack import Slack
from alerts.messages import Message
from ews.delivering import RATES, Worker
from ews.storage import Store
from tests.fake_slack import HIDDEN

WORDS = Message("hello\n", (), "hello", (), "hello")
FAR = timedelta(days=365)
TIMEOUT_S = 8.0  # of one call, in fast seconds; as in production


@dataclass(frozen=True, slots=True)
class FastClock:
    """A clock that runs `speed` times faster from one moment on: waits become tests' seconds."""

    epoch: datetime
    began: float  # time.time() at the epoch
    speed: float

    def __call__(self) -> datetime:
        return self.epoch + timedelta(seconds=(time.time() - self.began) * self.speed)

    def seconds(self) -> float:
        return self().timestamp()


@dataclass(frozen=True, slots=True)
class Job:
    """Where a worker works; travels as JSON."""

    home: str
    database: str | None
    slack: str
    epoch: str
    began: float
    speed: float
    blind: bool = False  # never looks for what it may have sent: must double
    rates: bool = True
    once: bool = True  # ends when nothing is open

    @property
    def clock(self) -> FastClock:
        return FastClock(datetime.fromisoformat(self.epoch).astimezone(UTC), self.began, self.speed)


class BlindSlack(Slack):
    """Without the look; to show that the check can fail."""

    def find(self, *_: object, **__: object) -> None:
        return None


def work(job: Job) -> None:
    """Deliver until nothing is open."""
    store = Store.open(Path(job.home), job.database)
    kind = BlindSlack if job.blind else Slack
    slack = kind(HIDDEN, job.slack, TIMEOUT_S / job.speed)  # type: ignore[arg-type]
    worker = Worker(store, {"slack": slack}, lambda told, now: WORDS, job.clock,
                    f"worker-{os.getpid()}", rates=RATES if job.rates else {})  # fmt: skip
    stop = threading.Event()

    def watch() -> None:
        while store.due(job.clock() + FAR):
            time.sleep(0.05)
        stop.set()

    if job.once:
        threading.Thread(target=watch, daemon=True).start()
    worker.serve(stop, poll_s=0.2 / job.speed)
    store.close()


def fork(job: Job) -> int:
    child = os.fork()
    if child == 0:
        sys.stdin.close()
        try:
            work(job)
        except BaseException as error:
            print(f"worker failed: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def main() -> None:
    job = Job(**json.loads(sys.argv[1]))
    child = 0
    print("ready", flush=True)
    for line in sys.stdin:
        command = line.strip()
        if command == "start":
            child = fork(job)
            print(child, flush=True)
        elif command == "kill":
            os.kill(child, signal.SIGKILL)  # dead or not yet waited for: the id is still ours
            _, status = os.waitpid(child, 0)
            print("ended" if os.WIFEXITED(status) else "killed", flush=True)
        elif command == "poll":
            pid, status = os.waitpid(child, os.WNOHANG)
            print("running" if pid == 0 else os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
