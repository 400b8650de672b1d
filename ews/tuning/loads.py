"""How much would each receiver have been told, and what was held back? Changes through the routes.

As ews.telling does it, in memory: budgets, quiet hours, cooldowns and what explains what hold a
message, and it speaks later. Nobody acknowledges, so nobody further is called; silences are not
played; a digest is one bulletin, no message about an alert.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from alerts.budgets import costs
from alerts.digests import due_digests
from alerts.quiet import day_of, digest_times, zone
from alerts.routing import (
    SPEAKS,
    UNTIL_DIGEST,
    Routes,
    Spent,
    Told,
    freed,
    heard_by,
    may_speak,
    route,
    spent_of,
)
from alerts.told import Word, heard
from ews.model import Alert, AlertChange, AlertState, ChangeKind, Notification, RouteReason

HELD = SPEAKS | UNTIL_DIGEST
PAID_FOR = timedelta(days=2)  # no receiver's day begins longer ago


@dataclass(frozen=True, slots=True)
class ReceiverLoad:
    """What one receiver would have been told. Days are its own, as its budget counts them."""

    receiver: str
    budget_per_day: int | None
    told_by_day: Mapping[date, int]  # messages that its budget counts
    held_by_day: Mapping[date, int]
    held_by_reason: Mapping[str, int]
    posts_by_day: Mapping[date, int] = field(default_factory=dict)  # with ends, which cost nothing
    bulletins_by_day: Mapping[date, int] = field(default_factory=dict)
    alerts: Mapping[str, datetime] = field(default_factory=dict)  # id -> when it was told of it


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything that was decided on the way to the receivers."""

    notifications: tuple[Notification, ...]
    released: tuple[AlertChange, ...]  # what held them back was over
    digests: tuple[tuple[str, datetime], ...]  # receiver, when


def loads_of(telling: Telling, routes: Routes, since: datetime, until: datetime
             ) -> dict[str, ReceiverLoad]:  # fmt: skip
    """The load of each receiver in [since, until)."""
    counts: dict[str, dict[str, Counter[date]]] = defaultdict(lambda: defaultdict(Counter))
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    alerts: dict[str, dict[str, datetime]] = defaultdict(dict)
    zones = {one.name: zone(one.timezone) for one in routes.receivers}
    for note in telling.notifications:
        if since <= note.at < until:
            day = note.at.astimezone(zones[note.receiver]).date()
            for kind in _kinds(note):
                counts[note.receiver][kind][day] += 1
            if not note.reason.sent:
                reasons[note.receiver][note.reason.value] += 1
            elif note.reason is not RouteReason.BULLETIN:
                alerts[note.receiver].setdefault(note.alert_id, note.at)
    for name, at in telling.digests:
        if since <= at < until:
            counts[name]["bulletins"][at.astimezone(zones[name]).date()] += 1
    return {
        one.name: ReceiverLoad(
            one.name,
            one.budget_per_day,
            dict(counts[one.name]["told"]),
            dict(counts[one.name]["held"]),
            dict(reasons[one.name]),
            dict(counts[one.name]["posts"]),
            dict(counts[one.name]["bulletins"]),
            alerts[one.name],
        )
        for one in routes.receivers
    }


def _kinds(note: Notification) -> Iterable[str]:
    if not note.reason.sent:
        yield "held"
    elif note.reason is not RouteReason.STANDING and not note.edit:
        yield "posts"
        if costs(note):
            yield "told"


def tell_all(changes: Sequence[AlertChange], ticks: Sequence[datetime], routes: Routes) -> Telling:
    """Route these changes (oldest first), at each tick also what was held and may speak."""
    round_ = _Rounds(routes)
    at_tick = groupby(changes, key=lambda change: change.at)
    coming = next(at_tick, None)
    for now in sorted({*ticks, *(change.at for change in changes)}):
        due: Sequence[AlertChange] = ()
        if coming is not None and coming[0] == now:
            due, coming = list(coming[1]), next(at_tick, None)
        round_.turn(due, now)
    return Telling(tuple(round_.notes), tuple(round_.released), tuple(round_.digests))


class _Rounds:
    """What ews.telling keeps in the store, in memory."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.notes: list[Notification] = []
        self.released: list[AlertChange] = []
        self.digests: list[tuple[str, datetime]] = []
        self._receivers = {one.name: one for one in routes.receivers}
        self._with_digests = replace(
            routes, receivers=tuple(one for one in routes.receivers if digest_times(one))
        )
        self._words: dict[tuple[str, str], Word] = {}
        self._firing: dict[str, Alert] = {}
        self._behind: dict[str, int] = {}  # revisions that releases took before these changes
        self._waiting: dict[tuple[str, str], bool] = {}  # what is held -> whether time frees it
        self._posted: list[Notification] = []
        self._digested: dict[str, datetime] = {}
        self._again = False  # something was released: look once more

    def turn(self, changes: Sequence[AlertChange], now: datetime) -> None:
        if changes:
            self._route([self._renumbered(change) for change in changes], now)
        if changes or self._again or any(self._waiting.values()):
            self._release(now)
        if self._with_digests.receivers:
            for receiver, _, _ in due_digests(self._with_digests, self._digested, now):
                self._digested[receiver.name] = now
                self.digests.append((receiver.name, now))

    def _renumbered(self, change: AlertChange) -> AlertChange:
        known = self._firing.get(change.alert.id)
        behind = self._behind.get(change.alert.id, 0)
        if known is not None and change.alert.revision + behind <= known.revision:
            behind = known.revision + 1 - change.alert.revision
            self._behind[change.alert.id] = behind
        if not behind:
            return change
        after = replace(change.alert, revision=change.alert.revision + behind)
        return replace(change, alert=after)

    def _route(self, changes: Sequence[AlertChange], now: datetime) -> None:
        for change in changes:
            if change.alert.state is AlertState.RESOLVED:
                self._firing.pop(change.alert.id, None)
            else:
                self._firing[change.alert.id] = change.alert
        found = route(
            changes, self.routes, (), self._spent(now), now, Told(self._words), self._all()
        )
        for note in sorted(found, key=lambda one: one.alert_revision):
            self._hear(note)
        self.notes += found

    def _hear(self, note: Notification) -> None:
        pair = (note.alert_id, note.receiver)
        word = self._words[pair] = heard(self._words.get(pair, Word()), note)
        if costs(note):
            self._posted.append(note)
        held = [one for one in word.held if one.reason in HELD]
        if held and note.alert_id in self._firing:
            self._waiting[pair] = any(one.reason in UNTIL_DIGEST for one in held)
        else:
            self._waiting.pop(pair, None)

    def _release(self, now: datetime) -> None:
        """As a round does, whatever may speak of what still fires."""
        self._again = False
        for pair in [one for one in self._waiting if one[0] not in self._firing]:
            del self._waiting[pair]
        speaking: dict[str, list[str]] = defaultdict(list)
        for id_, name in self._waiting:
            if self._may_speak((id_, name), now):
                speaking[id_].append(name)
        asked = [freed(self._firing[id_], tuple(names), now) for id_, names in speaking.items()]
        if not asked:
            return
        told = Told(self._words)
        found = heard_by(asked, self.routes, (), self._spent(now), now, told, self._all())
        if found:
            self.released += found
            self._again = True
            self._route(found, now)

    def _may_speak(self, pair: tuple[str, str], now: datetime) -> bool:
        receiver = self._receivers[pair[1]]
        digested = self._digested.get(receiver.name)
        return any(
            may_speak(one.reason, one.at, receiver, digested, now) for one in self._words[pair].held
        )

    def _spent(self, now: datetime) -> Spent:
        if not self._posted:
            return spent_of((), self.routes.receivers, now)
        since = min(day_of(one, now)[0] for one in self.routes.receivers)
        self._posted = [one for one in self._posted if one.at >= since]
        return spent_of(self._posted, self.routes.receivers, now)

    def _all(self) -> list[Alert]:
        return sorted(self._firing.values(), key=lambda alert: (alert.raised_at, alert.id))


def rules_only(changes: Iterable[AlertChange]) -> list[AlertChange]:
    """Without what only the routes brought."""
    return [change for change in changes if change.kind is not ChangeKind.RELEASED]
