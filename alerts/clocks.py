"""Who is called when nobody has taken an alert in time? The next person on duty, then everybody;
for 경계 and 심각 everybody again, ever less often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.matching import match
from alerts.quiet import quiet_until
from alerts.routes import Routes
from alerts.silences import urgency
from alerts.told import Word, told_of
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Delivery,
    DeliveryState,
    Notification,
    Receiver,
    Stage,
)

NOBODY = "nobody acknowledged in time"
# 경계 and 심각 that nobody takes call everybody again: after an hour, then after twice as long.
AGAIN, AGAIN_AT_MOST = timedelta(hours=1), timedelta(days=1)


def ack_minutes(receiver: Receiver, stage: Stage) -> int | None:
    """Minutes in which somebody there must take an alert of that stage; what is set for a lower
    stage binds a higher one too. None: no clock runs."""
    for lower in sorted(Stage, reverse=True):
        if Stage.CAUTION <= lower <= stage and lower.en in receiver.ack_within_min:
            return receiver.ack_within_min[lower.en]
    return None


def answered(alert: Alert, receiver: Receiver, duty: Collection[str] = ()) -> bool:
    """Whether somebody has taken the alert, at its stage of now, for the people on duty there.

    Each ministry answers for itself: who is on duty elsewhere (`duty`: everybody on any duty)
    answers for that place only; who is on no duty answers for all.
    """
    if not alert.takers:  # kept by an older version
        return alert.acknowledged_at is not None
    now = urgency(alert)
    return any(
        stage >= now and (name in receiver.people or name not in duty)
        for name, stage in alert.takers.items()
    )


def duty_of(receivers: Iterable[Receiver]) -> frozenset[str]:
    """Everybody who is on duty anywhere."""
    return frozenset(name for one in receivers for name in one.people)


def called(
    receiver: Receiver, alert: Alert, word: Word, duty: Collection[str] = ()
) -> tuple[str, ...]:
    """Whom the next message calls: the first person, after each step the next, at last all.

    Who was called is known by name: the people on duty may change meanwhile."""
    if answered(alert, receiver, duty) or ack_minutes(receiver, urgency(alert)) is None:
        return ()
    left = [name for name in receiver.people if name not in _called_since(word)]
    return tuple(left[:1]) or receiver.people


def _called_since(word: Word) -> set[str]:
    """Everybody whom the newest call and the steps after it named."""
    calls = (word.called, *word.escalated) if word.called else ()
    return {name for one in calls for name in one.mentions}


def escalations(
    firing: Sequence[Alert],
    routes: Routes,
    notifications: Iterable[Notification],
    deliveries: Iterable[Delivery],
    now: datetime,
) -> list[AlertChange]:
    """A change for every alert whose clock has run out at one receiver or more, for those only.

    The clock starts when the channel accepts the message that called; each person gets the whole
    time. It stands still for 관심 and 주의 in quiet hours. `firing` are alerts as they stand now,
    `notifications` all of theirs.
    """
    of_alert: dict[str, list[Notification]] = defaultdict(list)
    for one in notifications:
        of_alert[one.alert_id].append(one)
    accepted = {
        delivery.notification_id: delivery.sent_at
        for delivery in deliveries
        if delivery.state is DeliveryState.SENT and delivery.sent_at is not None
    }
    changes, duty = [], duty_of(routes.receivers)
    for alert in firing:
        told = told_of(of_alert[alert.id])
        late = tuple(
            receiver.name
            for receiver in routes.receivers
            if _late(alert, receiver, told.of(alert.id, receiver.name), accepted, now, duty)
        )
        if late:
            changes.append(_escalated(alert, late, now))
    return changes


def _late(
    alert: Alert,
    receiver: Receiver,
    word: Word,
    accepted: Mapping[str, datetime],
    now: datetime,
    duty: Collection[str],
) -> bool:
    due = due_at(alert, receiver, word, accepted, duty)
    if due is None or due > now or match(alert, receiver) is None:
        return False
    return urgency(alert) >= Stage.ALERT or quiet_until(receiver, now) is None


def due_at(
    alert: Alert,
    receiver: Receiver,
    word: Word,
    accepted: Mapping[str, datetime],
    duty: Collection[str] = (),
) -> datetime | None:
    """When the next person is called unless somebody takes the alert; None: no clock runs."""
    minutes = ack_minutes(receiver, urgency(alert))
    taken = answered(alert, receiver, duty)
    if minutes is None or taken or not word.open or alert.state is AlertState.RESOLVED:
        return None
    if word.called is None or not receiver.people:
        return None
    everybody = sum(set(one.mentions) >= set(receiver.people) for one in word.escalated)
    if everybody and urgency(alert) < Stage.ALERT:
        return None
    newest = word.escalated[-1] if word.escalated else word.called
    start = accepted.get(newest.id)
    wait = timedelta(minutes=minutes)
    if everybody:  # nobody answers: all again, less and less often, for as long as it lasts
        wait = min(max(wait, AGAIN) * 2 ** min(everybody - 1, 10), AGAIN_AT_MOST)
    return None if start is None else start + wait


def _escalated(alert: Alert, receivers: tuple[str, ...], now: datetime) -> AlertChange:
    after = replace(alert, revision=alert.revision + 1, updated_at=now)
    return AlertChange(after, ChangeKind.ESCALATED, now, alert.stage, NOBODY, receivers=receivers)
