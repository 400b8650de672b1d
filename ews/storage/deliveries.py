"""Store: what was told. Notifications and the outbox of deliveries, claimed under a lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from ews.model import (
    AlertChange,
    Bulletin,
    ChangeKind,
    Delivery,
    DeliveryState,
    Notification,
    RouteReason,
)
from ews.storage import schema
from ews.storage.audit import Audited, AuditStore
from ews.storage.codec import Row, to_json
from ews.storage.transactions import batches

NOTIFICATION = Row(Notification, schema.notifications)
DELIVERY = Row(Delivery, schema.deliveries)
BULLETIN = Row(Bulletin, schema.bulletins)
FREE_CHANGES = (
    ChangeKind.RESOLVED, ChangeKind.STAGE_DOWN, ChangeKind.RETRACTED, ChangeKind.ESCALATED,
)  # fmt: skip
FINAL = (DeliveryState.SENT, DeliveryState.DEAD)


class DeliveryStore(AuditStore):
    def save_notifications(
        self, changes: Sequence[AlertChange], notifications: Sequence[Notification]
    ) -> None:
        """Keep what routing decided for these changes, in one step, and mark them routed.

        Each notification gets its delivery: new, or held when the reason says not to send. A known
        notification is left as it is, so that a second call sends nothing twice.
        """
        rows = [NOTIFICATION.write(n) for n in notifications]
        deliveries = [_first_delivery(n) for n in notifications]
        table = schema.alert_changes
        with self._write() as connection:
            store = self._on(connection)
            known = store._known_notifications([n.id for n in notifications])
            store._insert_new(schema.notifications, rows)
            store._insert_new(schema.deliveries, deliveries)
            store.audit([
                Audited(n.at, "notification", n.alert_id, "routes", to_json(n))
                for n in notifications if n.id not in known
            ])  # fmt: skip
            for ids in batches(change.id for change in changes):
                routed = sa.update(table).where(table.c.id.in_(ids)).values(routed=True)
                connection.execute(routed)

    def save_bulletins(
        self, bulletins: Sequence[Bulletin], notifications: Sequence[Notification]
    ) -> None:
        """Keep bulletins with the notifications that carry them; known ones are left as they are."""
        with self._write() as connection:
            store = self._on(connection)
            new = store._known_notifications([n.id for n in notifications])
            store._insert_new(schema.bulletins, [BULLETIN.write(b) for b in bulletins])
            store.save_notifications([], notifications)
            told = {n.bulletin for n in notifications if n.id not in new}
            store.audit([
                Audited(b.at, "bulletin", b.id, "routes", to_json(b))
                for b in bulletins if b.id in told
            ])  # fmt: skip

    def bulletin(self, id: str) -> Bulletin | None:
        query = sa.select(*BULLETIN.columns).where(schema.bulletins.c.id == id)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else BULLETIN.read(row)

    def bulletins(
        self, receiver: str | None = None, since: datetime | None = None
    ) -> list[Bulletin]:
        """Bulletins made at or after `since`, oldest first."""
        table = schema.bulletins
        query = sa.select(*BULLETIN.columns).order_by(table.c.at, table.c.id)
        if receiver is not None:
            query = query.where(table.c.receiver == receiver)
        if since is not None:
            query = query.where(table.c.at >= since)
        with self._read() as connection:
            return [BULLETIN.read(row) for row in connection.execute(query)]

    def notification(self, id: str) -> Notification | None:
        query = sa.select(*NOTIFICATION.columns).where(schema.notifications.c.id == id)
        with self._read() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else NOTIFICATION.read(row)

    def _known_notifications(self, ids: Sequence[str]) -> set[str]:
        table = schema.notifications
        found: set[str] = set()
        with self._read() as connection:
            for batch in batches(ids):
                query = sa.select(table.c.id).where(table.c.id.in_(batch))
                found |= set(connection.scalars(query))
        return found

    def notifications(
        self,
        alert_id: str | None = None,
        since: datetime | None = None,
        receiver: str | None = None,
    ) -> list[Notification]:
        """Notifications decided at or after `since`, oldest first; held ones too."""
        table = schema.notifications
        query = sa.select(*NOTIFICATION.columns).order_by(
            table.c.at, table.c.alert_id, table.c.alert_revision, table.c.receiver
        )
        if alert_id is not None:
            query = query.where(table.c.alert_id == alert_id)
        if since is not None:
            query = query.where(table.c.at >= since)
        if receiver is not None:
            query = query.where(table.c.receiver == receiver)
        with self._read() as connection:
            return [NOTIFICATION.read(row) for row in connection.execute(query)]

    def sent_counts(self, since: datetime) -> dict[str, int]:
        """Per receiver, messages decided at or after `since` that are sent or on their way.

        Ends, falls in stage, bulletins and what posts nothing are left out: they cost a receiver's
        budget nothing.
        """
        table, told = schema.deliveries, schema.notifications
        spent = table.c.state.not_in([DeliveryState.HELD.value, DeliveryState.DEAD.value])
        costs = told.c.change.not_in([kind.value for kind in FREE_CHANGES]) & told.c.reason.not_in(
            [RouteReason.BULLETIN.value, RouteReason.STANDING.value]
        )
        query = (
            sa.select(table.c.receiver, sa.func.count())
            .join_from(table, told, told.c.id == table.c.notification_id)
            .where(table.c.at >= since, spent, costs)
            .group_by(table.c.receiver)
        )
        with self._read() as connection:
            return {receiver: count for receiver, count in connection.execute(query)}

    # ----- the outbox

    def claim(
        self, now: datetime, owner: str, lease_s: float
    ) -> tuple[Notification, Delivery] | None:
        """The oldest delivery that is due, now ours until the lease ends; None when none is.

        Due: new; ambiguous; or trying under a lease that has ended (its worker died). Each waits
        for `next_try_at`, and for the alert's earlier revisions to this receiver to be sent or
        dead. The row says `trying`, with its first try, before anything is sent: commit, then send.
        """
        with self._write() as connection:
            while (row := connection.execute(_due(now)).first()) is not None:
                before = DELIVERY.read(row)
                claimed = replace(
                    before,
                    state=DeliveryState.TRYING,
                    attempts=before.attempts + 1,
                    first_try_at=before.first_try_at or now,
                    next_try_at=None,
                    lease_until=now + timedelta(seconds=lease_s),
                    owner=owner,
                )
                if _take(connection, before, claimed):
                    return _notification(connection, claimed.notification_id), claimed
        return None

    def save_delivery(self, delivery: Delivery) -> bool:
        """Write how a try ended; whether it was written.

        Refused, and False: for a delivery that is sent already, and for an outcome other than
        `sent` from a worker whose claim another has taken over (the row counts more attempts).
        """
        table = schema.deliveries
        row = DELIVERY.write(delivery)
        where = [table.c.notification_id == delivery.notification_id]
        if delivery.state is DeliveryState.SENT:  # that it went out is true whoever says so
            where.append(table.c.state != DeliveryState.SENT.value)
        else:
            where.append(table.c.state.not_in([state.value for state in FINAL]))
            where.append(table.c.attempts <= delivery.attempts)
        with self._write() as connection:
            done = connection.execute(sa.update(table).where(*where).values(**row)).rowcount == 1
            if done and delivery.state in FINAL:
                told = _notification(connection, delivery.notification_id)
                at = delivery.sent_at or delivery.first_try_at or told.at
                audited = Audited(at, "delivery", told.alert_id, told.receiver, to_json(delivery))
                self._on(connection).audit([audited])
            return done

    def delivery(self, notification_id: str) -> Delivery | None:
        found = self._deliveries(schema.deliveries.c.notification_id == notification_id)
        return next(iter(found), None)

    def deliveries(
        self, state: DeliveryState | None = None, alert_id: str | None = None
    ) -> list[Delivery]:
        """Deliveries that match all that is given, oldest first."""
        table = schema.deliveries
        where: list[ColumnElement[bool]] = []
        if state is not None:
            where.append(table.c.state == state.value)
        if alert_id is not None:
            where.append(table.c.alert_id == alert_id)
        return self._deliveries(*where)

    def _deliveries(self, *where: ColumnElement[bool]) -> list[Delivery]:
        query = sa.select(*DELIVERY.columns).where(*where).order_by(*_ORDER)
        with self._read() as connection:
            return [DELIVERY.read(row) for row in connection.execute(query)]

    def thread_id(self, alert_id: str, receiver: str) -> str | None:
        """The thread in which this receiver reads this alert: that of the first message sent."""
        table = schema.deliveries
        query = (
            sa.select(table.c.thread_id)
            .where(table.c.alert_id == alert_id, table.c.receiver == receiver)
            .where(table.c.thread_id.is_not(None))
            .order_by(table.c.alert_revision)
            .limit(1)
        )
        with self._read() as connection:
            return connection.scalar(query)


_ORDER = (
    schema.deliveries.c.at,
    schema.deliveries.c.alert_revision,
    schema.deliveries.c.notification_id,
)


def _first_delivery(notification: Notification) -> dict[str, object]:
    state = DeliveryState.NEW if notification.reason.sent else DeliveryState.HELD
    return DELIVERY.write(
        Delivery(notification.id, state),
        alert_id=notification.alert_id,
        alert_revision=notification.alert_revision,
        receiver=notification.receiver,
        at=notification.at,
    )


def _due(now: datetime) -> sa.Select[tuple[object, ...]]:
    table = schema.deliveries
    earlier = table.alias("earlier")
    waits_for_earlier = (
        sa.select(sa.literal(1))
        .select_from(earlier)
        .where(earlier.c.alert_id == table.c.alert_id, earlier.c.receiver == table.c.receiver)
        .where(earlier.c.alert_revision < table.c.alert_revision)
        .where(earlier.c.state.in_(["new", "trying", "ambiguous"]))
        .exists()
    )
    lease_over = table.c.lease_until.is_(None) | (table.c.lease_until <= now)
    return (
        sa.select(*DELIVERY.columns)
        .where(schema.PENDING)
        .where((table.c.state != DeliveryState.TRYING.value) | lease_over)
        .where(table.c.next_try_at.is_(None) | (table.c.next_try_at <= now))
        .where(~waits_for_earlier)
        .order_by(*_ORDER)
        .limit(1)
        .with_for_update(skip_locked=True)  # PostgreSQL: workers do not queue for one row
    )


def _take(connection: Connection, before: Delivery, claimed: Delivery) -> bool:
    """Conditional update: False when another worker got there first."""
    table = schema.deliveries
    unchanged = sa.and_(
        table.c.notification_id == before.notification_id,
        table.c.state == before.state.value,
        table.c.attempts == before.attempts,
    )
    row = DELIVERY.write(claimed)
    return connection.execute(sa.update(table).where(unchanged).values(**row)).rowcount == 1


def _notification(connection: Connection, id: str) -> Notification:
    query = sa.select(*NOTIFICATION.columns).where(schema.notifications.c.id == id)
    return NOTIFICATION.read(connection.execute(query).one())
