"""Who gets which change, and why? Routes, silences, clocks and budgets: changes to notifications.

What may hold a change, in this order: below the receiver's minimum, a silence or a planned event, a
larger alert that explains it, the cooldown of its thread, quiet hours, the day's budget
(`alerts.holding`). The last three never hold a rise in stage, 경계, 심각 or the end of what was
told, and nothing holds the all-clear or retraction of what was told. What was held speaks when
its hold is over (`release`), or is in the next digest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.budgets import Spent, costs, main_item, part_of_day, since_of, spent_of, worth
from alerts.clocks import called, duty_of
from alerts.holding import EDITS, OVER, Case, Decision, Seat, Step, decide, measured
from alerts.inhibition import Larger
from alerts.matching import NO_USES, Uses, match, why_not
from alerts.quiet import day_of, next_digest, quiet_until
from alerts.routes import Routes, RoutesError, add_receiver, load_routes, parse_routes
from alerts.silences import check_matchers, fits, holds, in_force, reaches, urgency
from alerts.told import CALLS, NOTHING, Told, Word, heard, told_of
from alerts.view import Names
from alerts.words import say
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Notification,
    Receiver,
    RouteReason,
    Silence,
)

__all__ = [
    "Answer", "Routes", "RoutesError", "Spent", "Told", "add_receiver", "check_matchers",
    "explain_route", "first_of", "freed", "heard_by", "holds", "load_routes", "match", "matters", "may_speak",
    "parse_routes", "release", "route", "since_of", "spent_of", "told_of",
]  # fmt: skip

# What may speak by itself once it is over. What the clock or the budget held is not told again
# when a digest has listed it; a silence's or a larger alert's end is news even then.
SPEAKS = frozenset({
    RouteReason.HELD_BY_SILENCE, RouteReason.HELD_BY_PLAN, RouteReason.HELD_BY_INHIBITION,
})  # fmt: skip
UNTIL_DIGEST = frozenset({
    RouteReason.HELD_BY_COOLDOWN, RouteReason.HELD_BY_QUIET_HOURS, RouteReason.HELD_BY_BUDGET,
})  # fmt: skip


def route(
    changes: Sequence[AlertChange],
    routes: Routes,
    silences: Sequence[Silence],
    spent: Spent,
    now: datetime,
    told: Told,
    firing: Sequence[Alert] = (),
    uses: Uses = NO_USES,
    names: Names | None = None,
) -> list[Notification]:
    """One notification per change and receiver that it is for, sent or held, each with its reason.

    The best alert first, so that a budget is spent on what matters most; the changes of one alert
    in their order. `told` must know every alert that `matters`; `firing` are needed to see what
    explains what. `uses` and `names` make the reasons say which use made it whose.
    """
    round_ = _Round(routes, spent, told, now, uses, names)
    larger = Larger(_standing(changes, firing), routes.inhibitions)
    active = [one for one in silences if in_force(one, now)]
    notifications = []
    for change in _best_first(changes, larger):
        step = _step(change, active, larger)
        for seat in round_.seats:
            if not change.receivers or seat.receiver.name in change.receivers:
                made = round_.notification(step, seat)
                if made is not None:
                    notifications.append(made)
    return notifications


def first_of(
    changes: Sequence[AlertChange], routes: Routes, firing: Sequence[Alert], most: int
) -> list[AlertChange]:
    """The changes that `route` would look at first, about so many: an alert's stay together. What is
    routed in parts of this kind, one after the other, is routed as if it were one."""
    ordered = _best_first(changes, Larger(_standing(changes, firing), routes.inhibitions))
    end = min(most, len(ordered))
    while end < len(ordered) and ordered[end].alert.id == ordered[end - 1].alert.id:
        end += 1
    return ordered[:end]


def matters(changes: Sequence[AlertChange], routes: Routes, firing: Sequence[Alert]) -> set[str]:
    """Ids of the alerts that `told` must know for `route`: those of the changes, and the larger
    ones that may explain them."""
    larger = Larger(_standing(changes, firing), routes.inhibitions)
    explaining = {s.id for change in changes for s, _ in larger.explaining(change.alert)}
    return explaining | {change.alert.id for change in changes}


def _standing(changes: Sequence[AlertChange], firing: Sequence[Alert]) -> list[Alert]:
    """Every alert once, as it stands after the changes."""
    newest = {alert.id: alert for alert in firing}
    for change in sorted(changes, key=lambda c: c.alert.revision):
        newest[change.alert.id] = change.alert
    return list(newest.values())


def _best_first(changes: Sequence[AlertChange], larger: Larger) -> list[AlertChange]:
    """An alert's changes stay together and in their order; what explains comes before what it
    explains, and then what is worth most."""
    of_alert: dict[str, list[AlertChange]] = defaultdict(list)
    for change in changes:
        of_alert[change.alert.id].append(change)

    def place(steps: Sequence[AlertChange]) -> tuple[object, ...]:
        newest = max((step.alert for step in steps), key=lambda alert: alert.revision)
        stage, loss, probability = max(worth(step.alert) for step in steps)
        rank = larger.order(newest)[1]
        return (-stage, rank, -loss, -probability, steps[0].at, newest.id)

    groups = sorted(of_alert.values(), key=place)
    return [step for group in groups for step in sorted(group, key=lambda s: s.alert.revision)]


def _step(change: AlertChange, active: Sequence[Silence], larger: Larger) -> Step:
    alert = change.alert
    high = urgency(alert)
    fitting = [one for one in active if fits(one, alert)]
    return Step(
        change=change,
        urgency=high,
        measured=measured(change, high),
        item=main_item(alert),
        silences=tuple(
            sorted((s for s in fitting if reaches(s, alert)), key=lambda s: (s.planned, s.id))
        ),
        above=tuple(s for s in fitting if s.planned and not reaches(s, alert)),
        explaining=tuple(larger.explaining(alert)),
    )


class _Round:
    """One call of `route`: what every decision shares, and what has been sent in it so far."""

    def __init__(
        self,
        routes: Routes,
        spent: Spent,
        told: Told,
        now: datetime,
        uses: Uses,
        names: Names | None,
    ) -> None:
        self.seats = [
            Seat(
                receiver,
                quiet_until(receiver, now),
                part_of_day(receiver, now),
                next_digest(receiver, now),
            )
            for receiver in routes.receivers
        ]
        self._counts = Counter(spent.counts)
        self._by_item = Counter(spent.by_item)
        self._told = told
        self._heard: dict[tuple[str, str], Word] = {}
        self._now, self._uses, self._names = now, uses, names
        self._duty = duty_of(routes.receivers)

    def word(self, alert_id: str, receiver: str) -> Word:
        return self._heard.get((alert_id, receiver)) or self._told.of(alert_id, receiver)

    def notification(self, step: Step, seat: Seat) -> Notification | None:
        """What this receiver gets of the change; None when it is not its, or it has no thread
        whose first message could show it."""
        receiver, alert = seat.receiver, step.change.alert
        why = match(alert, receiver, self._uses, self._names)
        word = self.word(alert.id, receiver.name)
        if why is None and _holds(step, receiver) and (word.open or hands(step, receiver)):
            why = say("route.holder", receiver.lang, name=alert.holder)
        if why is None and not (word.open and step.change.kind in OVER):
            return None  # routes changed since: only the end of what it was told
        if edits(step, receiver) and not word.known:
            return None
        made = _notification(
            step, seat, self.decision(step, seat, word), why or "", word, self._now, self._duty
        )
        self._heard[alert.id, receiver.name] = heard(word, made)
        if costs(made):
            self._counts[receiver.name] += 1
            self._by_item[receiver.name, made.item] += 1
        return made

    def decision(self, step: Step, seat: Seat, word: Word) -> Decision:
        name = seat.receiver.name
        if hands(step, seat.receiver):
            return Decision(RouteReason.HANDED_OVER)
        if edits(step, seat.receiver):
            return Decision(RouteReason.STANDING)
        return decide(
            Case(
                step, seat, word, self._counts[name], self._by_item[name, step.item],
                lambda alert_id: self.word(alert_id, name).open, self._now,
            )
        )  # fmt: skip


def _holds(step: Step, receiver: Receiver) -> bool:
    return step.change.alert.holder in receiver.people


def hands(step: Step, receiver: Receiver) -> bool:
    """Whether a person on duty there is handed the alert: they are called, whoever else it is for."""
    return step.change.kind is ChangeKind.HANDED_OVER and _holds(step, receiver)


def edits(step: Step, receiver: Receiver) -> bool:
    """Whether the change is nothing new to read there."""
    return step.change.kind in EDITS and not hands(step, receiver)


def _notification(
    step: Step,
    seat: Seat,
    decision: Decision,
    why: str,
    word: Word,
    now: datetime,
    duty: Collection[str],
) -> Notification:
    change, receiver = step.change, seat.receiver
    alert, sent = change.alert, decision.reason.sent
    escalated = change.kind is ChangeKind.ESCALATED
    late = change.kind is ChangeKind.RELEASED and any(one.change in CALLS for one in word.held)
    calls = escalated or change.kind in CALLS or not word.known or late
    names = called(receiver, alert, word if escalated else NOTHING, duty) if sent and calls else ()
    if hands(step, receiver):
        names = (alert.holder or "",)
    return Notification(
        id=Notification.make_id(alert.id, alert.revision, receiver.name),
        alert_id=alert.id,
        alert_revision=alert.revision,
        change=change.kind,
        receiver=receiver.name,
        channel=receiver.channel,
        address=receiver.address,
        lang=receiver.lang,
        reason=decision.reason,
        at=now,
        why=f"{why}; {decision.note}" if decision.note else why,
        stage=alert.stage,
        edit=edits(step, receiver),
        mentions=names,
        item=step.item,
    )


# --------------------------------------------------------------------------- what speaks later


def release(
    firing: Sequence[Alert],
    routes: Routes,
    silences: Sequence[Silence],
    notifications: Iterable[Notification],
    spent: Spent,
    now: datetime,
    digested: Mapping[str, datetime] | None = None,
    dead: Collection[str] = (),
) -> list[AlertChange]:
    """A change RELEASED for every alert that may now be told to receivers it was held from.

    `firing` are alerts as they stand after all other changes of this cycle; `notifications` all of
    theirs, and those of the digests since unless `digested` says when each receiver's newest was
    made; `dead` as for `told_of`. What quiet hours, a cooldown or the budget held is not
    told again once a digest has listed it, and the budget pays for it on its own day only.
    """
    known = list(notifications)
    told = told_of(known, dead)
    digested = _digested(known) if digested is None else digested
    asked = []
    for alert in firing:
        waiting = tuple(
            receiver.name
            for receiver in routes.receivers
            if _waits(told.of(alert.id, receiver.name), receiver, digested.get(receiver.name), now)
        )
        if waiting and alert.state is not AlertState.RESOLVED:
            asked.append(freed(alert, waiting, now))
    return heard_by(asked, routes, silences, spent, now, told, firing)


def heard_by(
    asked: Sequence[AlertChange],
    routes: Routes,
    silences: Sequence[Silence],
    spent: Spent,
    now: datetime,
    told: Told,
    firing: Sequence[Alert],
) -> list[AlertChange]:
    """These changes, each for those receivers only to whom it would be sent now; none for nobody.

    What time alone asks for is asked again at every look, so what is held must leave no trace."""
    sent: dict[str, list[str]] = defaultdict(list)
    for one in route(asked, routes, silences, spent, now, told, firing):
        if one.reason.sent:
            sent[one.alert_id].append(one.receiver)
    return [
        replace(change, receivers=tuple(sent[change.alert.id]))
        for change in asked if change.alert.id in sent
    ]  # fmt: skip


def _digested(notifications: Sequence[Notification]) -> dict[str, datetime]:
    """When each receiver's newest digest was made."""
    return {
        n.receiver: n.at
        for n in sorted(notifications, key=lambda n: n.at)
        if n.bulletin is not None and n.bulletin.startswith("dig-")
    }


def _waits(word: Word, receiver: Receiver, digested: datetime | None, now: datetime) -> bool:
    """Whether something held back from the receiver may still speak by itself."""
    return any(may_speak(one.reason, one.at, receiver, digested, now) for one in word.held)


def may_speak(
    reason: RouteReason, at: datetime, receiver: Receiver, digested: datetime | None, now: datetime
) -> bool:
    """Whether what was held then, for that reason, may still be told by itself."""
    if reason in SPEAKS:
        return True
    if reason not in UNTIL_DIGEST or (digested is not None and at <= digested):
        return False
    return reason is not RouteReason.HELD_BY_BUDGET or at >= day_of(receiver, now)[0]


def freed(alert: Alert, receivers: tuple[str, ...], now: datetime) -> AlertChange:
    after = replace(alert, revision=alert.revision + 1, updated_at=now)
    why = "what held it back is over"
    return AlertChange(after, ChangeKind.RELEASED, now, alert.stage, why, receivers=receivers)


# --------------------------------------------------------------------------- who would get this?


@dataclass(frozen=True, slots=True)
class Answer:
    """What one receiver would get, and why. No reason: the alert is not its."""

    receiver: Receiver
    reason: RouteReason | None
    why: str
    when: datetime | None = None  # now, or when what holds it ends; None when nobody knows
    called: tuple[str, ...] = ()

    @property
    def sent(self) -> bool:
        return self.reason is not None and self.reason.sent


def explain_route(
    alert: Alert,
    routes: Routes,
    silences: Sequence[Silence],
    spent: Spent,
    now: datetime,
    told: Told | None = None,
    firing: Sequence[Alert] = (),
    uses: Uses = NO_USES,
    names: Names | None = None,
    kind: ChangeKind = ChangeKind.RAISED,
) -> list[Answer]:
    """What every receiver would get if this happened to the alert now. Nothing is sent or kept."""
    change = AlertChange(alert, kind, now, None, "asked who would get this")
    round_ = _Round(routes, spent, told or Told({}), now, uses, names)
    larger = Larger(_standing([change], firing), routes.inhibitions)
    step = _step(change, [one for one in silences if in_force(one, now)], larger)
    return [_answer(round_, step, seat, uses, names, now) for seat in round_.seats]


def _answer(
    round_: _Round, step: Step, seat: Seat, uses: Uses, names: Names | None, now: datetime
) -> Answer:
    receiver, alert = seat.receiver, step.change.alert
    word = round_.word(alert.id, receiver.name)
    decision = round_.decision(step, seat, word)
    made = round_.notification(step, seat)
    if made is None:
        return Answer(receiver, None, why_not(alert, receiver, names))
    when = now if made.reason.sent else decision.until
    return Answer(receiver, made.reason, made.why, when, made.mentions)
