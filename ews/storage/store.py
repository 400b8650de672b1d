"""The Store: one method per question the service asks. Everything is kept here and nowhere else.

Methods are grouped by noun: `collection.py`, `polling.py`, `raws.py`, `corrections.py`, `numbers.py`, `said.py`, `texts.py`, `events.py`, `alerts.py`,
`series_list.py`, `deliveries.py`, `leases.py`, `blind.py`, `firms.py`, `viewers.py`, `people.py`, `audit.py`,
`history.py`, `judgings.py`, `ledger.py`, `tapes.py`, `readings.py`, `tallies.py`. Each works alone in a
transaction of its own, or on the one that `begin()` opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from ews.storage import schema
from ews.storage.alerts import AlertStore, RuleStore
from ews.storage.blind import BlindStore
from ews.storage.collection import CollectionStore
from ews.storage.corrections import CorrectionStore
from ews.storage.deliveries import DeliveryStore
from ews.storage.engine import open_engine
from ews.storage.events import EventStore
from ews.storage.firms import FirmStore
from ews.storage.history import HistoryStore
from ews.storage.judgings import JudgingStore
from ews.storage.leases import LeaseStore
from ews.storage.ledger import LedgerStore
from ews.storage.migrate import migrate
from ews.storage.numbers import NumberStore
from ews.storage.people import PeopleStore
from ews.storage.polling import PollingStore
from ews.storage.raws import RawStore
from ews.storage.readings import ReadingStore
from ews.storage.said import SaidStore
from ews.storage.series_list import SeriesListStore
from ews.storage.tallies import TallyStore
from ews.storage.tapes import TapeStore
from ews.storage.texts import TextStore
from ews.storage.viewers import ViewerStore


class Store(
    HistoryStore,
    JudgingStore,
    CollectionStore,
    PollingStore,
    RawStore,
    CorrectionStore,
    NumberStore,
    SaidStore,
    SeriesListStore,
    LeaseStore,
    BlindStore,
    TextStore,
    EventStore,
    AlertStore,
    DeliveryStore,
    RuleStore,
    FirmStore,
    ViewerStore,
    PeopleStore,
    LedgerStore,
    TapeStore,
    TallyStore,
    ReadingStore,
):
    """What ews knows, on SQLite or PostgreSQL. Safe to share between threads."""

    @classmethod
    def open(cls, home: Path, url: str | None = None) -> Self:
        """The store of `home` (made if absent), or of `url`, brought to the newest schema."""
        home.mkdir(parents=True, exist_ok=True)
        engine = open_engine(home, url)
        migrate(engine)
        return cls(engine)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def begin(self) -> Iterator[Self]:
        """A store bound to one writing transaction: committed on exit, rolled back on error.

        Nothing else writes meanwhile, so what is read inside is still true when written.
        """
        with self._write() as connection:
            yield self._on(connection)

    def counts(self, *tables: str) -> dict[str, int]:
        """Rows per table; of these, or of all."""
        with self._read() as connection:
            return {
                table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in schema.metadata.sorted_tables
                if not tables or table.name in tables
            }

    def integrity_check(self) -> list[str]:
        """What is wrong with the database file and its references; empty when all is well."""
        with self._read() as connection:
            if connection.dialect.name != "sqlite":
                return []  # PostgreSQL enforces references itself and has no such question
            problems = [
                str(text) for text in connection.exec_driver_sql("PRAGMA integrity_check").scalars()
            ]
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        problems += [f"{row[0]} row {row[1]}: no such row in {row[2]}" for row in broken]
        return [problem for problem in problems if problem != "ok"]
