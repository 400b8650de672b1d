"""What do receivers not know, and why? The withheld lists, and what the next digest would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from alerts.digests import FIRST_DIGEST_COVERS, Withheld, digest
from alerts.digests import withheld as withheld_from
from alerts.quiet import day_of, next_digest
from alerts.routing import Routes
from ews.model import (
    Alert,
    AlertState,
    Bulletin,
    BulletinKind,
    Notification,
    Receiver,
    RouteReason,
)
from ews.reports.board_rows import WithheldFrom, WithheldLine
from ews.reports.names import Names, label, labels
from ews.reports.views import Label
from ews.reports.words import word
from ews.storage import Store


def withheld_lists(
    store: Store, routes: Routes, now: datetime, receivers: Iterable[Receiver] | None = None
) -> tuple[WithheldFrom, ...]:
    """Every receiver with what it does not know of alerts that fire or ended on its day."""
    chosen = routes.receivers if receivers is None else tuple(receivers)
    if not chosen:
        return ()
    since = min(day_of(one, now)[0] for one in chosen)
    alerts = [*store.open_alerts(), *store.ended_alerts(since)]
    dead = {letter.id for letter, _ in store.dead_letters()}  # nobody read those
    told = [n for n in store.notifications_of([a.id for a in alerts]) if n.id not in dead]
    return tuple(_of(one, told, alerts, now) for one in chosen)


def _of(
    receiver: Receiver, told: list[Notification], alerts: list[Alert], now: datetime
) -> WithheldFrom:
    start, _ = day_of(receiver, now)
    ended_before = [one for one in alerts if one.resolved_at and one.resolved_at < start]
    own = [one for one in alerts if one not in ended_before]
    lines = tuple(
        _line(one, start)
        for one in withheld_from(receiver, told, own)
        if not (
            one.alert.state is AlertState.RESOLVED
            and one.reason is RouteReason.HELD_BELOW_MINIMUM  # it is over, and was not asked for
        )
    )
    today = [line for line in lines if line.today]
    return WithheldFrom(
        receiver.name, len(today), len(lines), dict(Counter(line.reason for line in today)),
        next_digest(receiver, now), lines,
    )  # fmt: skip


def _line(one: Withheld, start: datetime) -> WithheldLine:
    alert = one.alert
    return WithheldLine(
        alert_id=alert.id,
        title=alert.title,
        type=label("type", alert.type),
        items=labels("item", alert.items),
        stage=int(alert.stage),
        stage_en=alert.stage.en,
        stage_ko=alert.stage.ko,
        state=alert.state.value,
        reason=one.reason.value,
        why=one.why,
        said=Label(one.reason.value, *(word(one.reason.value, lang) for lang in ("en", "ko"))),
        at=one.at,
        told=None if one.told is None else int(one.told),
        today=one.at >= start,
    )


def next_digest_of(
    store: Store, receiver: Receiver, now: datetime, link: str = ""
) -> tuple[Bulletin, datetime | None]:
    """What the receiver's next digest would say if it were made now, and when it is due; it is not
    sent. None: the receiver has no digests, and this is what one would say."""
    due = next_digest(receiver, now)
    last = store.newest_bulletins(BulletinKind.DIGEST).get(receiver.name)
    since = last or now - FIRST_DIGEST_COVERS
    alerts = [*store.open_alerts(), *store.ended_alerts(since)]
    told = store.notifications_of([alert.id for alert in alerts])
    return digest(receiver, since, due or now, alerts, told, Names(), now, link), due
