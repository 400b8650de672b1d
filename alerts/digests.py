"""What did a receiver not hear of, and why? Its digests, and the list of what is withheld."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.budgets import worth
from alerts.bulletins import alert_line
from alerts.headlines import ending_word
from alerts.quiet import last_digest, zone
from alerts.routes import Routes
from alerts.told import Told, Word, told_of
from alerts.view import Names
from alerts.words import say
from ews.model import (
    Alert,
    AlertState,
    Bulletin,
    BulletinKind,
    BulletinPart,
    ChangeKind,
    Ending,
    Notification,
    Receiver,
    RouteReason,
    Stage,
    content_id,
)

FIRST_DIGEST_COVERS = timedelta(days=1)
Dues = list[tuple[Receiver, datetime, datetime]]


def due_digests(routes: Routes, last: Mapping[str, datetime], now: datetime) -> Dues:
    """Receivers whose digest is due, each with the time since which it tells and its own time.

    `last` is when each receiver's newest digest was made (`Bulletin.at`). After a pause one digest
    tells all; a receiver's first one comes at once and covers a day.
    """
    due: Dues = []
    for receiver in routes.receivers:
        at = last_digest(receiver, now)
        before = last.get(receiver.name)
        if at is not None and (before is None or before < at):
            due.append((receiver, before or at - FIRST_DIGEST_COVERS, at))
    return due


def digest(
    receiver: Receiver,
    since: datetime,
    until: datetime,
    alerts: Iterable[Alert],
    notifications: Iterable[Notification],
    names: Names,
    now: datetime,
    link: str = "",
    more: Sequence[BulletinPart] = (),
) -> Bulletin:
    """What was held back since, best first and why; what is open; what ended. Empty says so.

    `alerts` are those that fire and those that ended since; `notifications` all of theirs to this
    receiver. `until` is the digest's own time: with the receiver it is its identity, so one local
    time has one digest. It tells everything up to `now`. `link` is the address of our pages, `more`
    what else is told with it.
    """
    known = {alert.id: alert for alert in alerts}
    told = told_of(n for n in notifications if n.receiver == receiver.name)
    lists = _lists(receiver, known.values(), told, since, now)
    parts = [
        _part(receiver, key, lists[key], told, names, link) for key in ("held", "open", "ended")
    ]
    lang, at = receiver.lang, _local(receiver, until)
    counts = {key: len(listed) for key, listed in lists.items()}
    named = [alert for key in ("held", "open", "ended") for alert in lists[key]]
    if named:
        title = say("digest.title", lang, at=at, **counts)
    else:
        title = say("digest.empty", lang, at=at)
        nothing = say("digest.nothing", lang, since=_local(receiver, since))
        parts = [BulletinPart(say("digest.state", lang), (nothing,))]
    if lists["below"]:
        below = say("digest.below", lang, n=len(lists["below"]))
        parts.append(BulletinPart(say("digest.state", lang), (below,)))
    return Bulletin(
        id=content_id("dig", receiver.name, until.isoformat()),
        kind=BulletinKind.DIGEST,
        receiver=receiver.name,
        lang=lang,
        at=now,
        title=title,
        parts=tuple(part for part in (*parts, *more) if part.lines),
        alerts=tuple(alert.id for alert in named),
    )


def _lists(
    receiver: Receiver, alerts: Iterable[Alert], told: Told, since: datetime, now: datetime
) -> dict[str, list[Alert]]:
    """Each alert in one list at most, the best first."""
    lists: dict[str, list[Alert]] = {"held": [], "open": [], "ended": [], "below": []}
    for alert in sorted(alerts, key=lambda a: (*(-x for x in worth(a)), a.raised_at, a.id)):
        word = told.of(alert.id, receiver.name)
        new = [one for one in word.held if since < one.at <= now]
        if alert.state is AlertState.RESOLVED:
            ended = alert.resolved_at is not None and since < alert.resolved_at <= now
            if ended and (word.known or _meant(word.held)):
                lists["ended"].append(alert)
        elif _meant(new):
            lists["held"].append(alert)
        elif word.open:
            lists["open"].append(alert)
        elif new:
            lists["below"].append(alert)
    return lists


def _meant(held: Sequence[Notification]) -> bool:
    """Whether something that the receiver wants to know was held."""
    return any(one.reason is not RouteReason.HELD_BELOW_MINIMUM for one in held)


def _part(
    receiver: Receiver, key: str, alerts: Sequence[Alert], told: Told, names: Names, link: str
) -> BulletinPart:
    return BulletinPart(
        say(f"digest.{key}", receiver.lang),
        tuple(
            alert_line(alert, names, receiver.lang,
                       _remark(receiver, key, alert, told.of(alert.id, receiver.name)))
            for alert in alerts
        ),
        tuple(f"{link}/alerts/{alert.id}" if link else "" for alert in alerts),
    )  # fmt: skip


def _remark(receiver: Receiver, key: str, alert: Alert, word: Word) -> str:
    if key == "held":
        held = [one for one in word.held if one.reason is not RouteReason.HELD_BELOW_MINIMUM]
        return note_of(held[-1])
    if key == "ended":
        return ending_word(alert, alert.ending or Ending.EASED, receiver.lang)
    if alert.blind_since is not None:
        since = _local(receiver, alert.blind_since)
        return say("digest.blind", receiver.lang, since=since)
    if word.escalated and alert.holder is None and alert.acknowledged_at is None:
        return say("tag.escalated", receiver.lang)
    return ""


def note_of(held: Notification) -> str:
    """By what it was held: the last part of its reason."""
    return held.why.rpartition("; ")[2]


def carry(bulletin: Bulletin, receiver: Receiver) -> Notification:
    """The notification that brings the bulletin there through the outbox."""
    return Notification(
        id=Notification.make_id(bulletin.id, 1, receiver.name),
        alert_id=bulletin.id,
        alert_revision=1,
        change=ChangeKind.UPDATED,
        receiver=receiver.name,
        channel=receiver.channel,
        address=receiver.address,
        lang=bulletin.lang,
        reason=RouteReason.BULLETIN,
        at=bulletin.at,
        bulletin=bulletin.id,
    )


# --------------------------------------------------------------------------- the withheld list


@dataclass(frozen=True, slots=True)
class Withheld:
    """An alert that a receiver was not told, or not told the newest of, and why."""

    alert: Alert
    reason: RouteReason
    why: str
    at: datetime
    told: Stage | None  # highest stage it was told before; None: it knows nothing of it


def withheld(
    receiver: Receiver, notifications: Iterable[Notification], alerts: Iterable[Alert]
) -> list[Withheld]:
    """Everything held back from the receiver with no message after it, best first. `notifications`
    are all of these alerts to this receiver."""
    told = told_of(n for n in notifications if n.receiver == receiver.name)
    listed = []
    for alert in sorted(alerts, key=lambda a: (*(-x for x in worth(a)), a.raised_at, a.id)):
        word = told.of(alert.id, receiver.name)
        if word.held:
            last = word.held[-1]
            listed.append(Withheld(alert, last.reason, last.why, last.at, word.highest))
    return listed


def _local(receiver: Receiver, moment: datetime) -> str:
    return moment.astimezone(zone(receiver.timezone)).strftime("%Y-%m-%d %H:%M")
