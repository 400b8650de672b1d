"""Which kept bodies go? Those older than the setting, and the oldest where they take too much room."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ews.storage import StaleLeader, Store
from ews.storage.tallies import KEPT

log = logging.getLogger(__name__)

KEY = "raws.trimmed"  # key of the store: the day on which it was done last
POLL_S = 300.0
HOSTS_KEPT = timedelta(days=30)  # since they were asked last: redirects lead to ever new ones
MB = 1_000_000


def trim_raws(store: Store, now: datetime, days: int, megabytes: int) -> int:
    """Forget bodies older than `days`, then the oldest of what takes more than `megabytes`
    (compressed); how many went. Of a body that came again the newest turn counts. Those that take
    most make place first: what one source sends must not push out what all others sent."""
    cap = megabytes * MB
    with store.begin() as tx:
        gone = tx.drop_raws(now - timedelta(days=days))
        if tx.raw_bytes() <= cap:
            return gone
        weights = tx.raw_weights()
        share = fair_share(list(weights.values()), cap)
        for name in [one for one, weight in weights.items() if weight > share]:
            before = tx.raws_over(share, name)
            gone += tx.drop_raws(before, [name]) if before is not None else 0
        before = tx.raws_over(cap)
        return gone + (tx.drop_raws(before) if before is not None else 0)


def fair_share(weights: list[int], cap: int) -> int:
    """The most that each may take so that all fit into `cap` and none that takes less must give.

    >>> fair_share([100, 100, 9000], 1000), fair_share([600, 800], 1000), fair_share([1], 5)
    (800, 500, 5)
    """
    left = cap
    for place, weight in enumerate(sorted(weights)):
        among = len(weights) - place
        if weight * among >= left:
            return left // among
        left -= weight
    return cap


def trim_daily(store: Store, now: datetime, days: int, megabytes: int) -> int | None:
    """`trim_raws` once a day, and whenever a quarter more than `megabytes` is kept; None when it was
    done today."""
    if store.get(KEY) == (today := now.date().isoformat()):
        flooded = store.raw_bytes() > megabytes * MB * 5 // 4
        return trim_raws(store, now, days, megabytes) if flooded else None
    gone = trim_raws(store, now, days, megabytes)
    store.drop_tallies(now - KEPT)
    store.drop_hosts(now - HOSTS_KEPT)
    store.put(KEY, today)
    return gone


def trimming(
    store: Store, clock: Callable[[], datetime], days: int, megabytes: int
) -> Callable[[threading.Event], None]:
    """A task beside the cycles that trims once a day for as long as this process leads."""

    def task(over: threading.Event) -> None:
        while not over.is_set():
            try:
                gone = trim_daily(store, clock(), days, megabytes)
            except StaleLeader:
                raise
            except Exception:
                log.exception("kept bodies could not be trimmed; the next turn does it")
            else:
                if gone:
                    log.info("%d kept bodies were dropped", gone)
            over.wait(POLL_S)

    return task
