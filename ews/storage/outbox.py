"""Store: the outbox. Which delivery is due, whose is it, how did it end, and once more if it died.

A delivery is claimed under a lease and committed before anything is sent. An address that asked
for a pause, or has used up its rate, is passed over, so that it keeps nobody else waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from ews.model import Delivery, DeliveryState, Notification
from ews.storage import schema
from ews.storage.audit import Audited
from ews.storage.channel_states import Address, ChannelStates, Rate
from ews.storage.codec import Row, to_json
from ews.storage.transactions import batches

NOTIFICATION = Row(Notification, schema.notifications)
DELIVERY = Row(Delivery, schema.deliveries)
FINAL = (DeliveryState.SENT, DeliveryState.DEAD)
OPEN = [s.value for s in (DeliveryState.NEW, DeliveryState.TRYING, DeliveryState.AMBIGUOUS)]
UNSETTLED = (DeliveryState.AMBIGUOUS.value, DeliveryState.TRYING.value)
CLAIMED_FIRST = (UNSETTLED, (DeliveryState.NEW.value,))
ORDER = (
    schema.deliveries.c.at,
    schema.deliveries.c.alert_revision,
    schema.deliveries.c.notification_id,
)


class OutboxStore(ChannelStates):
    def claim(
        self,
        now: datetime,
        owner: str,
        lease_s: float,
        rates: Mapping[str, Rate] | None = None,
        passed: Collection[Address] = (),
        full: Collection[str] = (),
    ) -> tuple[Notification, Delivery] | None:
        """The oldest delivery that is due, now ours until the lease ends; None when none is. What may
        have arrived comes first: it is settled soon, however much waits behind it.

        Due: new; ambiguous; or trying under a lease that has ended (its worker died). Each waits
        for `next_try_at`, for the alert's earlier revisions to this receiver to be sent or dead,
        and for its address. Addresses in `passed` and channels in `full` are left to others. The
        row says `trying`, with its first try, before anything is sent: commit, then send.
        """
        with self._write() as connection:
            for states in CLAIMED_FIRST:
                due = _due(passed, full, states, claim=True)
                while (row := connection.execute(due, {"now": now}).first()) is not None:
                    claimed = _claimed(DELIVERY.read(row), now, owner, lease_s)
                    if _take(connection, DELIVERY.read(row), claimed):
                        told = _notification(connection, claimed.notification_id)
                        rate = (rates or {}).get(told.channel)
                        if rate is not None:
                            self._on(connection).take_slot(told.channel, told.address, rate, now)
                        return told, claimed
        return None

    def due(
        self, now: datetime, passed: Collection[Address] = (), full: Collection[str] = ()
    ) -> bool:
        """Whether a claim would find something. Only reads, so that asking often disturbs nobody."""
        with self._read() as connection:
            return connection.execute(_due(passed, full), {"now": now}).first() is not None

    def save_delivery(self, delivery: Delivery, at: datetime | None = None) -> bool:
        """Write how a try ended; whether it was written. `at` is for the audit.

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
                self._on(connection)._audit_delivery(told, delivery, at)
            return done

    def dead_letters(self, receiver: str | None = None) -> list[tuple[Notification, Delivery]]:
        """What was given up, oldest first, with why (`Delivery.error`)."""
        table, told = schema.deliveries, schema.notifications
        query = (
            sa.select(*DELIVERY.columns, *NOTIFICATION.columns)
            .join_from(table, told, told.c.id == table.c.notification_id)
            .where(table.c.state == DeliveryState.DEAD.value)
            .order_by(*ORDER)
        )
        if receiver is not None:
            query = query.where(table.c.receiver == receiver)
        cut = len(DELIVERY.columns)
        with self._read() as connection:
            return [
                (NOTIFICATION.read(row[cut:]), DELIVERY.read(row[:cut]))
                for row in connection.execute(query).all()
            ]

    def resend(
        self, notification_id: str, at: datetime, to: Address | None = None
    ) -> Delivery | None:
        """Put a dead letter back into the outbox; None when there is no such dead letter.

        It goes `to` another address when one is given (the routes were mended). Where it may have
        arrived after all it becomes `ambiguous`, at its old address: it is looked for first.
        """
        table = schema.deliveries
        with self._write() as connection:
            found = self._on(connection)._deliveries(table.c.notification_id == notification_id)
            if not found or found[0].state is not DeliveryState.DEAD:
                return None
            before = found[0]
            unsure = before.first_try_at is not None
            state = DeliveryState.AMBIGUOUS if unsure else DeliveryState.NEW
            after = replace(before, state=state, owner=None, error=None, next_try_at=None)
            here = table.c.notification_id == notification_id
            connection.execute(sa.update(table).where(here).values(**DELIVERY.write(after)))
            if to is not None and not unsure:
                _readdress(connection, notification_id, to)
            told = _notification(connection, notification_id)
            self._on(connection)._audit_delivery(told, after, at)
            return after

    def stranded(self, channel: str, address: str) -> list[Notification]:
        """What waits for that address, oldest first."""
        table, told = schema.deliveries, schema.notifications
        query = (
            sa.select(*NOTIFICATION.columns)
            .join_from(table, told, told.c.id == table.c.notification_id)
            .where(schema.PENDING, told.c.channel == channel, told.c.address == address)
            .order_by(*ORDER)
        )
        with self._read() as connection:
            return [NOTIFICATION.read(row) for row in connection.execute(query)]

    def superseded(self, notification: Notification) -> bool:
        """Whether a later revision waits for the same thread, and will bring it up to date."""
        table = schema.deliveries
        query = (
            sa.select(sa.literal(1))
            .where(table.c.alert_id == notification.alert_id)
            .where(table.c.receiver == notification.receiver)
            .where(table.c.alert_revision > notification.alert_revision)
            .where(table.c.state.in_(OPEN))
            .limit(1)
        )
        with self._read() as connection:
            return connection.execute(query).first() is not None

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

    def deliveries_of(
        self, alert_ids: Collection[str], receivers: Collection[str] | None = None
    ) -> list[Delivery]:
        """Every delivery of these alerts, to these receivers."""
        found: list[Delivery] = []
        c = schema.deliveries.c
        which = [] if receivers is None else [c.receiver.in_(list(receivers))]
        for batch in batches(dict.fromkeys(alert_ids)):
            found += self._deliveries(c.alert_id.in_(batch), *which)
        return found

    def dead_of(self, alert_ids: Collection[str]) -> set[str]:
        """Ids of the notifications of these alerts that were given up."""
        c = schema.deliveries.c
        found: set[str] = set()
        with self._read() as connection:
            for batch in batches(dict.fromkeys(alert_ids)):
                query = sa.select(c.notification_id).where(c.alert_id.in_(batch))
                query = query.where(c.state == DeliveryState.DEAD.value)
                found |= set(connection.scalars(query))
        return found

    def thread_id(
        self, alert_id: str, receiver: str, channel: str | None = None, address: str | None = None
    ) -> str | None:
        """The thread in which this receiver reads this alert: that of the first message sent.

        With a channel and an address, only one that lies there: a receiver may have moved.
        """
        table, told = schema.deliveries, schema.notifications
        query = (
            sa.select(table.c.thread_id)
            .where(table.c.alert_id == alert_id, table.c.receiver == receiver)
            .where(table.c.thread_id.is_not(None))
            .order_by(table.c.alert_revision)
            .limit(1)
        )
        if channel is not None:
            query = query.join(told, told.c.id == table.c.notification_id)
            query = query.where(told.c.channel == channel, told.c.address == address)
        with self._read() as connection:
            return connection.scalar(query)

    def _deliveries(self, *where: ColumnElement[bool]) -> list[Delivery]:
        query = sa.select(*DELIVERY.columns).where(*where).order_by(*ORDER)
        with self._read() as connection:
            return [DELIVERY.read(row) for row in connection.execute(query)]

    def _audit_delivery(self, told: Notification, delivery: Delivery, at: datetime | None) -> None:
        at = at or delivery.sent_at or delivery.first_try_at or told.at
        self.audit([Audited(at, "delivery", told.alert_id, told.receiver, to_json(delivery))])


def _claimed(before: Delivery, now: datetime, owner: str, lease_s: float) -> Delivery:
    return replace(
        before,
        state=DeliveryState.TRYING,
        attempts=before.attempts + 1,
        first_try_at=before.first_try_at or now,
        next_try_at=None,
        lease_until=now + timedelta(seconds=lease_s),
        owner=owner,
    )


def _due(
    passed: Collection[Address],
    full: Collection[str],
    states: tuple[str, ...] = tuple(OPEN),
    claim: bool = False,
) -> sa.Select[tuple[object, ...]]:
    """The oldest delivery in one of these states that may be tried at `now`."""
    told, query = schema.notifications, _due_anywhere(states, claim)
    if passed:
        query = query.where(sa.tuple_(told.c.channel, told.c.address).not_in(sorted(passed)))
    if full:
        query = query.where(told.c.channel.not_in(sorted(full)))
    return query


@cache  # asked at every tick, and dearer to put together than to run
def _due_anywhere(states: tuple[str, ...], claim: bool) -> sa.Select[tuple[object, ...]]:
    table, told, state = schema.deliveries, schema.notifications, schema.channel_states
    # Scalar subqueries, not EXISTS: PostgreSQL would join these, over all pairs of what is open,
    # when its statistics are old; so it looks each one up in its index.
    open_ = table.alias("open_")
    next_in_thread = (
        sa.select(sa.func.min(open_.c.alert_revision))
        .where(open_.c.alert_id == table.c.alert_id, open_.c.receiver == table.c.receiver)
        .where(open_.c.state.in_(OPEN))
        .scalar_subquery()
    )
    next_ok_at = (
        sa.select(state.c.next_ok_at)
        .where(state.c.channel == told.c.channel, state.c.address == told.c.address)
        .scalar_subquery()
    )
    moment = sa.bindparam("now", type_=schema.Moment())
    lease_over = table.c.lease_until.is_(None) | (table.c.lease_until <= moment)
    query = (
        sa.select(*DELIVERY.columns)
        .join_from(table, told, told.c.id == table.c.notification_id)
        .where(schema.PENDING, table.c.state.in_(states))
        .where((table.c.state != DeliveryState.TRYING.value) | lease_over)
        .where(table.c.next_try_at.is_(None) | (table.c.next_try_at <= moment))
        .where(table.c.alert_revision == next_in_thread)
        .where(sa.func.coalesce(next_ok_at, moment) <= moment)
        .order_by(*ORDER)
        .limit(1)
    )
    if claim:  # PostgreSQL: nobody queues for a row
        query = query.with_for_update(of=table, skip_locked=True)
    return query


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


def _readdress(connection: Connection, id: str, to: Address) -> None:
    table = schema.notifications
    channel, address = to
    connection.execute(
        sa.update(table).where(table.c.id == id).values(channel=channel, address=address)
    )
