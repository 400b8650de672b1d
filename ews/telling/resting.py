"""Has anything happened, or any time come, since the last look that found nothing more to tell?

`ews run` asks every two seconds. A look costs what is open and held; this costs four small reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.quiet import next_digest, quiet_until
from alerts.routes import Routes
from ews.model import Silence, content_id
from ews.storage import Store

KEY = "tell.rest"
# Acceptances by channels and the like start clocks of minutes: they need no look at once.
SOON = timedelta(seconds=15)
WAITING = timedelta(seconds=30)  # between looks while something is held or a clock runs
IDLE = timedelta(minutes=10)


def rests(store: Store, routes: Routes, now: datetime) -> bool:
    """Whether a look now could find nothing that the last one did not."""
    said = json.loads(store.get(KEY) or "null")
    if not isinstance(said, dict) or said.get("mark") != _mark(store, routes):
        return False
    at, until = (datetime.fromisoformat(said[key]) for key in ("at", "until"))
    if not at <= now < until or store.any_unrouted():
        return False
    return said.get("head") == store.audit_head()[0] or now < at + SOON


def rest(tx: Store, routes: Routes, waiting: bool, now: datetime) -> None:
    """Keep what this look has seen, and when to look again though nothing happens."""
    times = [now + (WAITING if waiting else IDLE)]
    for receiver in routes.receivers:
        times += [at for at in (next_digest(receiver, now), quiet_until(receiver, now)) if at]
    times += [one.ends_at for one in tx.silences() if one.ends_at > now]
    tx.put(KEY, json.dumps({
        "at": now.isoformat(), "until": min(times).isoformat(),
        "head": tx.audit_head()[0], "mark": _mark(tx, routes),
    }))  # fmt: skip


def _mark(store: Store, routes: Routes) -> str:
    """Of what must be looked at once when it changes: the routes, silences and planned events."""
    return content_id("rst", repr(routes), _ends(store.silences()))


def _ends(silences: Sequence[Silence]) -> str:
    return repr([(one.id, one.starts_at, one.ends_at) for one in silences])
