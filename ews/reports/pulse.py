"""Does this ews work? The signs of its store, for `ews doctor`, /healthz and the metrics."""

from __future__ import annotations

from datetime import datetime, timedelta

from ews.config import Settings
from ews.liveness.beats import Missed, missing, on_the_list
from ews.liveness.pulse import Sign, signs
from ews.model import Source
from ews.reports.collection import sources_here
from ews.reports.receivers import routes_seen
from ews.storage import Store


def pulse(settings: Settings, store: Store, now: datetime) -> list[Sign]:
    """Every sign that ews works; none where `ews run` never ran on this store."""
    return signs(
        store, asked_here(store, now), missed_beats(settings, store, now),
        settings.cycle_every_s, settings.heartbeat_url is not None, now,
    )  # fmt: skip


def asked_here(store: Store, now: datetime) -> list[Source]:
    """The sources that are asked and that somebody vouches for."""
    return [one for one in sources_here(store, now) if one.enabled and one.trusted]


def missed_beats(settings: Settings, store: Store, now: datetime) -> list[Missed]:
    """Heartbeats that should have been delivered by now and are not."""
    routes, _ = routes_seen(settings)
    grace = timedelta(minutes=settings.heartbeat_grace_min)
    return missing(store, on_the_list(routes), settings.heartbeat_at, grace, now)
