"""Store: what cannot be seen. Blind spells, and which sources have spoken of what."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa

from ews.model import content_id
from ews.storage import schema
from ews.storage.codec import dump
from ews.storage.transactions import Transactions, batches

TABLE = schema.blind_spells
EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class BlindSpell:
    """A time in which a subject could not be seen: item:<id>, or "all"."""

    subject: str
    since: datetime
    sources: tuple[str, ...]  # names of those that were silent
    told_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def id(self) -> str:
        return content_id("bln", self.subject, self.since.isoformat())


COLUMNS = [TABLE.c[field.name] for field in fields(BlindSpell)]


class BlindStore(Transactions):
    def blind_spells(self, over: bool = False) -> list[BlindSpell]:
        """Spells that last, the oldest first; with `over` also those that have ended."""
        query = sa.select(*COLUMNS).order_by(TABLE.c.since, TABLE.c.subject)
        if not over:
            query = query.where(TABLE.c.ended_at.is_(None))
        with self._read() as connection:
            return [
                BlindSpell(subject, since, tuple(json.loads(sources)), told_at, ended_at)
                for subject, since, sources, told_at, ended_at in connection.execute(query)
            ]

    def save_spells(self, spells: Sequence[BlindSpell]) -> None:
        rows: list[dict[str, object]] = [
            {"id": s.id, "subject": s.subject, "since": s.since, "sources": dump(s.sources),
             "told_at": s.told_at, "ended_at": s.ended_at}
            for s in spells
        ]  # fmt: skip
        self._upsert(TABLE, rows)

    def first_fetch_at(self, sources: Iterable[str]) -> datetime | None:
        """When the first fetch of one of these was tried; None when none ever was."""
        at = schema.fetches.c.at
        with self._read() as connection:
            found = [  # one look into the index for each
                connection.scalar(
                    sa.select(at).where(schema.fetches.c.source == name).order_by(at).limit(1)
                )
                for name in sources
            ]
        return min((one for one in found if one is not None), default=None)

    def informants(self, since: datetime) -> dict[str, set[str]]:
        """Names of the sources that gave evidence since then, by what it was about: `item:<id>` and
        `country:<ISO2>`. Only sources whose names are kept with their articles and values count."""
        table = schema.events
        # By name: a collection of columns has a method `items`.
        told = [table.c[name] for name in ("items", "countries", "evidence")]
        query = sa.select(*told).where(table.c.seen_at >= since)
        about: dict[str, set[str]] = defaultdict(set)
        with self._read() as connection:
            for items, countries, evidences in connection.execute(query):
                subjects = {f"item:{one}" for one in json.loads(items)}
                subjects |= {f"country:{one}" for one in json.loads(countries)}
                for evidence in json.loads(evidences):
                    about[evidence["signal_id"]] |= subjects
        found: dict[str, set[str]] = defaultdict(set)
        for signal, source in self._source_of(about):
            for subject in about[signal]:
                found[subject].add(source)
        return dict(found)

    def _source_of(self, signals: Mapping[str, object]) -> Iterable[tuple[str, str]]:
        told = (
            (schema.articles.c.id, schema.articles.c.source),
            (schema.series.c.name, schema.series.c.source),  # a series is its own evidence
        )
        with self._read() as connection:
            for key, source in told:
                for ids in batches(signals):
                    query = sa.select(key, source).where(key.in_(ids))
                    yield from ((row[0], row[1]) for row in connection.execute(query))

    def item_sources(self) -> list[tuple[str, str]]:
        """Every (item of series, name of a source of such series): few, however many series."""
        table = schema.series
        query = sa.select(table.c.item, table.c.source).where(table.c.source != "").distinct()
        with self._read() as connection:
            return sorted((row.item, row.source) for row in connection.execute(query))
