"""Store: how much did each source bring, quarter of a day by quarter of a day, and in all?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

import sqlalchemy as sa

from ews.model import Fetch, FetchOutcome
from ews.storage import schema
from ews.storage.schema_base import EPOCH, MICROSECOND
from ews.storage.transactions import Transactions, _insert

TABLE = schema.tallies
SPAN = timedelta(hours=6)
KEPT = timedelta(days=70)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a source was asked and what it brought from `at` on, for SPAN; of all time at EPOCH."""

    source: str
    at: datetime
    turns: int = 0  # in which something was asked
    unchanged: int = 0
    failed: int = 0
    texts: int = 0
    figures: int = 0
    new_texts: int = 0  # that the store did not have
    new_figures: int = 0

    @property
    def new(self) -> int:
        return self.new_texts + self.new_figures


def counted(fetch: Fetch, texts: int, figures: int, new_texts: int, new_figures: int) -> Tally:
    """One turn, as `add_tally` takes it."""
    return Tally(
        fetch.source, fetch.at, 1, int(fetch.outcome is FetchOutcome.UNCHANGED),
        int(fetch.outcome is FetchOutcome.FAILED), texts, figures, new_texts, new_figures,
    )  # fmt: skip


COLUMNS = [TABLE.c[field.name] for field in fields(Tally)]
COUNTS = [field.name for field in fields(Tally)][2:]


def span_of(at: datetime) -> datetime:
    """The beginning of the quarter of a UTC day that `at` lies in."""
    return EPOCH + (at - EPOCH) // SPAN * SPAN


class TallyStore(Transactions):
    def add_tally(self, turn: Tally) -> None:
        """Count one turn, in its span and in the sum of all time. `turn.at` is when it was."""
        counts = {name: getattr(turn, name) for name in COUNTS}
        rows = [{"source": turn.source, "at": at, **counts} for at in (span_of(turn.at), EPOCH)]
        with self._write() as connection:
            insert = _insert(connection.dialect.name, TABLE)
            added = {name: TABLE.c[name] + insert.excluded[name] for name in COUNTS}
            connection.execute(
                insert.on_conflict_do_update(index_elements=list(TABLE.primary_key), set_=added),
                rows,
            )

    def tallies(self, since: datetime) -> dict[str, list[Tally]]:
        """Spans that begin at or after `since`, by source, oldest first."""
        # As whole numbers, and each time made once: there are tens of thousands of rows.
        at = sa.type_coerce(TABLE.c.at, sa.BigInteger)
        query = sa.select(TABLE.c.source, at, *COLUMNS[2:])
        query = query.where(TABLE.c.at >= max(since, EPOCH + SPAN))
        found: dict[str, list[Tally]] = defaultdict(list)
        times: dict[int, datetime] = {}
        with self._read() as connection:
            for source, micros, *counts in connection.execute(query.order_by(TABLE.c.at)).all():
                if micros not in times:
                    times[micros] = EPOCH + micros * MICROSECOND
                found[source].append(Tally(source, times[micros], *counts))
        return dict(found)

    def tallies_of(self, source: str, since: datetime) -> list[Tally]:
        """Spans of one source that begin at or after `since`, oldest first."""
        query = sa.select(*COLUMNS).where(
            TABLE.c.source == source, TABLE.c.at >= max(since, EPOCH + SPAN)
        )
        with self._read() as connection:
            return [Tally(*row) for row in connection.execute(query.order_by(TABLE.c.at))]

    def totals(self) -> dict[str, Tally]:
        """The sum of all time of each source that was ever asked."""
        query = sa.select(*COLUMNS).where(TABLE.c.at == EPOCH)
        with self._read() as connection:
            return {row[0]: Tally(*row) for row in connection.execute(query)}

    def drop_tallies(self, before: datetime) -> int:
        """Forget spans before that time; sums of all time stay."""
        query = sa.delete(TABLE).where(TABLE.c.at > EPOCH, TABLE.c.at < before)
        with self._write() as connection:
            return int(connection.execute(query).rowcount)

    # ----- what waits, for metrics

    def waiting_counts(self) -> dict[str, int]:
        """Articles that no classifier, and that no detector has read."""
        table = schema.articles
        count = sa.select(sa.func.count()).select_from(table)
        asked = {"unclassified": schema.UNCLASSIFIED, "undetected": schema.UNDETECTED}
        with self._read() as connection:
            return {name: connection.scalar(count.where(c)) or 0 for name, c in asked.items()}

    def open_counts(self) -> dict[str, list[tuple[str, str, int]]]:
        """(what, state, how many): open events by status, firing alerts by stage and state."""
        events, alerts = schema.events, schema.alerts
        n = sa.func.count()
        by_status = sa.select(events.c.status, n).where(schema.OPEN_EVENT)
        by_stage = sa.select(alerts.c.stage, alerts.c.state, n).where(schema.OPEN_ALERT)
        with self._read() as connection:
            return {
                "events": [
                    ("", row[0], row[1])
                    for row in connection.execute(by_status.group_by(events.c.status))
                ],
                "alerts": [
                    (str(row[0]), row[1], row[2])
                    for row in connection.execute(by_stage.group_by(alerts.c.stage, alerts.c.state))
                ],
            }

    def delivery_counts(self) -> tuple[dict[str, int], datetime | None]:
        """Deliveries by state, and since when the oldest that is not sent yet waits."""
        table = schema.deliveries
        states = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
        oldest = sa.select(table.c.at).where(schema.PENDING).order_by(table.c.at).limit(1)
        with self._read() as connection:
            counts = {row[0]: row[1] for row in connection.execute(states)}
            return counts, connection.scalar(oldest)

    def newest_bulletins_sent(self, kind: str = "heartbeat") -> dict[str, datetime]:
        """When each receiver's newest bulletin of that kind was delivered."""
        table, sent = schema.bulletins, schema.deliveries
        query = (
            sa.select(table.c.receiver, sa.func.max(sent.c.sent_at))
            .join_from(table, sent, sent.c.alert_id == table.c.id)
            .where(table.c.kind == kind, sent.c.sent_at.is_not(None))
            .group_by(table.c.receiver)
        )
        with self._read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def told_since(self, since: datetime, kinds: Sequence[str] = ()) -> dict[str, int]:
        """Messages of since then that were delivered, by receiver: about alerts, and bulletins of
        these kinds."""
        told, sent, bulletins = schema.notifications, schema.deliveries, schema.bulletins
        about = told.c.reason.not_in(["bulletin", "standing"]) & told.c.reason.not_like("held%")
        kind = sa.select(bulletins.c.id).where(bulletins.c.kind.in_(kinds))
        query = (
            sa.select(told.c.receiver, sa.func.count())
            .join_from(told, sent, sent.c.notification_id == told.c.id)
            .where(told.c.at >= since, sent.c.state == "sent")
            .where(about | told.c.alert_id.in_(kind))
            .group_by(told.c.receiver)
        )
        with self._read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
