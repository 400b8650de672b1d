"""`ews run` on a faster clock: the scheduler, scraping and the store as they are, no cycles.

Run as `python -m tests.day_service HOME T0 PACE PORT SEED COUNT HOSTS [TICK]`; SIGTERM and SIGKILL are expected. Each turn
is noted in HOME/journal before it begins and after it is stored.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, cast

import ews.scheduler as scheduler
from alerts.messages import Names
from ews.model import Source
from ews.pipeline import Pipeline, Rooms
from ews.storage import Store
from scrapers import Client, parse
from scrapers.collected import Parser
from scrapers.worker import Workers
from tests.day_world import START, feeds

if TYPE_CHECKING:
    from alerts.routing import Routes
    from ews.config import Settings
    from graph import Network
    from nlp.classifier import Classifier

GAP_S = 120.0  # between two requests to one host, in simulated seconds
DEADLINE_S = 2.5  # of a request, in real seconds
NOTHING: MappingProxyType[str, object] = MappingProxyType({})


def clock_of(t0: float, pace: float) -> Callable[[], datetime]:
    """Simulated time: `pace` seconds for each real one since `t0`."""
    return lambda: START + timedelta(seconds=(time.time() - t0) * pace)


def client_of(
    store: Store, clock: Callable[[], datetime], sleep: Callable[[float], None]
) -> Client:
    return Client(
        "day@sim.example", hosts=store, allow_loopback=True, resolver=lambda *_: ["127.0.0.1"],
        clock=clock, sleep=sleep, min_gap_s=GAP_S, deadline_s=DEADLINE_S, patience_s=2 * GAP_S,
    )  # fmt: skip


def rooms(parser: Parser = parse) -> Rooms:
    """Rooms for a pipeline that only scrapes."""
    return Rooms(
        classifier=cast("Classifier", None), network=cast("Network", None),
        routes=cast("Routes", None), channels={}, names=cast("Names", None),
        parser=parser,
    )  # fmt: skip


class Scraping(Pipeline):
    """The real `scrape`, with a note before and after."""

    def __init__(
        self, store: Store, clock: Callable[[], datetime], journal: int, parser: Parser
    ) -> None:
        super().__init__(store, rooms(parser))
        self._now = clock
        self._journal = journal

    def _say(self, **line: object) -> None:
        os.write(self._journal, (json.dumps(line) + "\n").encode())

    def scrape(self, source: Source, client: Client, now: datetime) -> int:
        due = self.store.polling(source.name).next_due
        self._say(what="begins", source=source.name, at=now.isoformat(),
                  due=due and due.isoformat(), real=time.time())  # fmt: skip
        new = super().scrape(source, client, now)
        planned = self.store.polling(source.name)
        self._say(what="planned", source=source.name, at=now.isoformat(), why=planned.why,
                  due=planned.next_due and planned.next_due.isoformat())  # fmt: skip
        return new

    def cycle(self, now: datetime, clock: object = None, deliver: bool = True) -> dict[str, int]:
        return {}

    def tend(self, now: datetime) -> int:
        return 0


def main() -> None:
    home, t0, pace, port, seed, count, hosts = sys.argv[1:8]
    logging.basicConfig(level="ERROR", stream=sys.stderr)
    clock = clock_of(float(t0), float(pace))
    made = [one.source(int(port)) for one in feeds(int(seed), int(count), int(hosts))]
    journal = os.open(Path(home) / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    world = scheduler.World(
        clock=clock, sources=lambda *_: made,
        tick_s=float(sys.argv[8]) if len(sys.argv) > 8 else 0.02,
        client=lambda _, store: client_of(
            store, clock, lambda s: time.sleep(s / float(pace))
        ),
    )  # fmt: skip
    workers = Workers()
    settings = SimpleNamespace(home=Path(home), database_url=None, cycle_every_s=900)
    store = Store.open(Path(home))
    os.write(journal, (json.dumps({"what": "starts", "real": time.time()}) + "\n").encode())
    scheduler.serve_forever(
        cast("Settings", settings), store, lambda fenced: Scraping(fenced, clock, journal, workers.parse),
        tasks=lambda _: [], world=world,
    )  # fmt: skip
    store.close()


if __name__ == "__main__":
    main()
