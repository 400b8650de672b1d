"""Store: what was read of the texts of a period, in few columns; what watches over drift asks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from ews.storage import schema
from ews.storage.codec import load
from ews.storage.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, and what its current tags say."""

    article_id: str
    source: str
    outlet: str
    lang: str
    at: datetime  # when it could be known
    p_event: float | None  # None: not classified yet
    screened: bool = False
    degraded: bool = False
    triage: bool = False
    relevance: float | None = None
    tags: tuple[tuple[str, float], ...] = ()


class ReadingStore(Transactions):
    def titles_since(self, since: datetime) -> list[tuple[datetime, str, str]]:
        """(available_at, id, title) of the texts that were classified and could be known since
        then, oldest first."""
        c = schema.articles.c
        query = sa.select(c.available_at, c.id, c.title).where(
            c.available_at >= since, c.model.is_not(None)
        )
        with self._read() as connection:
            rows = connection.execute(query.order_by(c.available_at, c.id))
            return [(row.available_at, row.id, row.title) for row in rows]

    def readings(self, since: datetime, until: datetime) -> Iterator[Reading]:
        """Texts that could be known in [since, until)."""
        a, t = schema.articles, schema.tagged
        current = (t.c.article_id == a.c.id) & (t.c.model == a.c.model)
        query = (
            sa.select(a.c.id, a.c.source, a.c.outlet, a.c.lang, a.c.available_at, t.c.p_event,
                      t.c.screened, t.c.degraded, t.c.tags, t.c.more)
            .join_from(a, t, current, isouter=True)
            .where(a.c.available_at >= since, a.c.available_at < until)
        )  # fmt: skip
        with self._read() as connection:
            for (
                id,
                source,
                outlet,
                lang,
                at,
                p_event,
                screened,
                degraded,
                tags,
                more,
            ) in connection.execute(query):
                kept = load(more) if more else {}
                pairs = cast("list[dict[str, object]]", load(tags)) if tags else []
                yield Reading(
                    id, source, outlet, lang, at, p_event, bool(screened), bool(degraded),
                    bool(kept.get("triage", False)),
                    cast("float | None", kept.get("relevance")),
                    tuple((str(one["type"]), cast(float, one["probability"])) for one in pairs),
                )  # fmt: skip

    def headlines(self, since: datetime, until: datetime) -> list[tuple[str, str, str]]:
        """(id, address, title) of texts that could be known in [since, until), oldest first."""
        a = schema.articles
        query = (
            sa.select(a.c.id, a.c.url, a.c.title)
            .where(a.c.available_at >= since, a.c.available_at < until)
            .order_by(a.c.available_at, a.c.id)
        )
        with self._read() as connection:
            return [(id, url, title) for id, url, title in connection.execute(query)]

    def first_words(self, since: datetime, until: datetime) -> list[tuple[datetime, float]]:
        """(when, probability) of events whose first revision was recorded in [since, until)."""
        e = schema.event_revisions
        query = sa.select(e.c.recorded_at, e.c.event).where(
            e.c.revision == 1, e.c.recorded_at >= since, e.c.recorded_at < until
        )
        with self._read() as connection:
            return [
                (at, cast(float, load(event)["probability"]))
                for at, event in connection.execute(query)
            ]

    def events_with(self, article_ids: list[str], since: datetime) -> dict[str, list[str]]:
        """Event -> those of the texts that are its evidence, of events heard of since then."""
        e = schema.events
        query = sa.select(e.c.id, e.c.evidence).where(e.c.seen_at >= since)
        found: dict[str, list[str]] = {}
        with self._read() as connection:
            for id, evidence in connection.execute(query):
                mine = [one for one in article_ids if one in evidence]
                if mine:
                    found[id] = mine
        return found
