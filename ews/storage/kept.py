"""Store: exposures of a revision that is past, kept small, for events that an alert stands on."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ews.model import Event, Exposure
from ews.storage import schema
from ews.storage.codec import Row, dump, from_json, to_json


def keep_exposures(connection: Connection, event: Event, row: Row[Exposure]) -> None:
    """Before those of `event` are replaced: keep them under the revision they were computed for.

    Only of an event that an alert names: nobody asks why there was no alert, path by path.
    """
    table, events, kept = schema.exposures, schema.events, schema.exposure_revisions
    query = sa.select(events.c.propagated_revision).where(events.c.id == event.id)
    revision = connection.scalar(query)
    if not revision or revision >= event.revision or not _named(connection, event.id):
        return
    there = sa.select(kept.c.revision).where(
        kept.c.event_id == event.id, kept.c.revision == revision
    )
    if connection.execute(there).first() is not None:
        return
    mine = sa.select(*row.columns).where(table.c.event_id == event.id, table.c.firm.is_(None))
    found = [row.read(one) for one in connection.execute(mine.order_by(table.c.rank))]
    values = {"event_id": event.id, "revision": revision, "exposures": packed(found)}
    connection.execute(sa.insert(kept), [values])


def packed(exposures: Iterable[Exposure]) -> bytes:
    """Exposures as compressed JSON; a firm's own are never kept so."""
    public = [json.loads(to_json(one)) for one in exposures if one.firm is None]
    return zlib.compress(dump(public).encode(), 6)


def unpacked(data: bytes) -> list[Exposure]:
    texts = cast("list[object]", json.loads(zlib.decompress(data)))
    return [from_json(Exposure, dump(one)) for one in texts]


def _named(connection: Connection, event_id: str) -> bool:
    """Whether an alert is about the event, or an open one has taken it in."""
    table = schema.alerts
    lead = sa.select(sa.literal(1)).where(table.c.event_id == event_id).limit(1)
    if connection.execute(lead).first() is not None:
        return True
    joined = table.c.more.contains(event_id, autoescape=True)
    query = sa.select(sa.literal(1)).where(schema.OPEN_ALERT, joined).limit(1)
    return connection.execute(query).first() is not None
