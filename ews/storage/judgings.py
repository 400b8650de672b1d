"""Store: what the rules were given, each time that they changed an alert."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from ews.model import AlertChange, Event, Exposure, content_id
from ews.storage import schema
from ews.storage.codec import from_json, to_json
from ews.storage.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Report:
    """One event as the rules saw it: evidence that makes no revision may have come since the last."""

    event: Event
    exposures: tuple[Exposure, ...]  # strongest first; a firm's own are never kept here


@dataclass(frozen=True, slots=True)
class Judging:
    """One turn of the rules that changed something, with everything that went in."""

    at: datetime
    ruleset: int
    changes: tuple[str, ...]  # ids, in the order in which they were decided
    reports: tuple[Report, ...]  # in the order in which they were looked at
    last_seen: Mapping[str, str] = field(default_factory=dict)  # of events whose alert went quiet
    network: str = ""  # version of the network that exposures were computed on last
    code: str = ""  # version of the code and reference data of the rules

    @property
    def id(self) -> str:
        return content_id("jdg", self.at.isoformat(), *self.changes)


def judging(
    changes: Sequence[AlertChange],
    pairs: Iterable[tuple[Event, Sequence[Exposure]]],
    ruleset: int,
    last_seen: Mapping[str, datetime],
    versions: tuple[str, str],
    now: datetime,
) -> Judging:
    """What to keep of a turn; no firm's own path. `versions`: of the network and of the code."""
    reports = tuple(
        Report(event, tuple(one for one in exposures if one.firm is None))
        for event, exposures in pairs
    )
    seen = {id_: moment.isoformat() for id_, moment in last_seen.items()}
    return Judging(now, ruleset, tuple(one.id for one in changes), reports, seen, *versions)


class JudgingStore(Transactions):
    def save_judging(self, made: Judging) -> None:
        """Append it; a known one is left as it is."""
        row = {"id": made.id, "at": made.at, "given": zlib.compress(to_json(made).encode(), 6)}
        self._insert_new(schema.judgings, [row])

    def judging_of(self, change: AlertChange) -> Judging | None:
        """The turn that brought the change; None for what no rule decided, or an older ews did."""
        found = self.judgings(change.at)
        return next((one for one in found if change.id in one.changes), None)

    def judgings(self, at: datetime) -> list[Judging]:
        """The turns of that moment."""
        table = schema.judgings
        query = sa.select(table.c.given).where(table.c.at == at).order_by(table.c.id)
        with self._read() as connection:
            packed = connection.scalars(query).all()
        return [from_json(Judging, zlib.decompress(one).decode()) for one in packed]

    def judgings_bytes(self) -> int:
        """How much room they take."""
        query = sa.select(sa.func.sum(sa.func.length(schema.judgings.c.given)))
        with self._read() as connection:
            return connection.scalar(query) or 0
