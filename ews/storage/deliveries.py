"""Store: what is told to whom. Notifications, bulletins, and a first delivery for each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from ews.model import (
    AlertChange,
    Bulletin,
    BulletinKind,
    Delivery,
    DeliveryState,
    Notification,
    RouteReason,
)
from ews.storage import schema
from ews.storage.audit import Audited
from ews.storage.codec import Row, to_json
from ews.storage.outbox import DELIVERY, NOTIFICATION, OutboxStore
from ews.storage.transactions import batches

BULLETIN = Row(Bulletin, schema.bulletins)
SILENT = (RouteReason.BULLETIN, RouteReason.STANDING)  # post nothing about an alert
HeldBack = tuple[str, str, RouteReason, datetime]


class DeliveryStore(OutboxStore):
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

    def known_bulletins(self, ids: Collection[str]) -> set[str]:
        """Those of these ids that are kept."""
        table = schema.bulletins
        found: set[str] = set()
        with self._read() as connection:
            for batch in batches(dict.fromkeys(ids)):
                found |= set(connection.scalars(sa.select(table.c.id).where(table.c.id.in_(batch))))
        return found

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

    def notifications_of(
        self, alert_ids: Collection[str], receivers: Collection[str] | None = None
    ) -> list[Notification]:
        """Every notification of these alerts, to these receivers, oldest first within each alert."""
        table = schema.notifications
        found: list[Notification] = []
        with self._read() as connection:
            for batch in batches(dict.fromkeys(alert_ids)):
                query = sa.select(*NOTIFICATION.columns).where(table.c.alert_id.in_(batch))
                if receivers is not None:
                    query = query.where(table.c.receiver.in_(list(receivers)))
                query = query.order_by(table.c.alert_id, table.c.at, table.c.alert_revision)
                found += [NOTIFICATION.read(row) for row in connection.execute(query)]
        return found

    def held_back(self, reasons: Collection[RouteReason]) -> list[HeldBack]:
        """What was held for one of these reasons, of alerts that are not over, and what no message
        to that receiver followed: (alert id, receiver, reason, when)."""
        query = _not_followed(tuple(reason.value for reason in reasons))
        with self._read() as connection:
            return [
                (alert, receiver, RouteReason(reason), at)
                for alert, receiver, reason, at in connection.execute(query)
            ]

    def posted(self, since: datetime) -> list[Notification]:
        """Messages about alerts decided at or after `since` that were not given up, oldest first."""
        told, sent = schema.notifications, schema.deliveries
        posts = [reason.value for reason in RouteReason if reason.sent and reason not in SILENT]
        query = (
            sa.select(*NOTIFICATION.columns)
            .join_from(told, sent, sent.c.notification_id == told.c.id)
            .where(told.c.at >= since, told.c.reason.in_(posts))
            .where(sent.c.state != DeliveryState.DEAD.value)
            .order_by(told.c.at, told.c.alert_id, told.c.alert_revision, told.c.receiver)
        )
        with self._read() as connection:
            return [NOTIFICATION.read(row) for row in connection.execute(query)]

    def newest_bulletins(self, kind: BulletinKind) -> dict[str, datetime]:
        """When each receiver's newest bulletin of that kind was made."""
        table = schema.bulletins
        query = sa.select(table.c.receiver, sa.func.max(table.c.at)).group_by(table.c.receiver)
        with self._read() as connection:
            rows = connection.execute(query.where(table.c.kind == kind.value))
            return {receiver: at for receiver, at in rows}


@cache  # asked at every tick, and dearer to put together than to run
def _not_followed(reasons: tuple[str, ...]) -> sa.Select[Any]:
    told, alerts = schema.notifications, schema.alerts
    later = told.alias("later")
    posts = [reason.value for reason in RouteReason if reason.sent and reason not in SILENT]
    followed = sa.exists().where(
        later.c.alert_id == told.c.alert_id,
        later.c.receiver == told.c.receiver,
        later.c.alert_revision > told.c.alert_revision,
        later.c.reason.in_(posts),
    )
    return (
        sa.select(told.c.alert_id, told.c.receiver, told.c.reason, told.c.at)
        .join_from(alerts, told, told.c.alert_id == alerts.c.id)
        .where(schema.OPEN_ALERT, told.c.reason.in_(reasons))
        .where(~followed)
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
