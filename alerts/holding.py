"""Is this message sent to this receiver now, or what holds it back, and until when?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.budgets import BUDGET_HOLDS_BELOW, item_limit, paid_out
from alerts.inhibition import Inhibition
from alerts.quiet import zone
from alerts.stages import WITHDRAWN
from alerts.told import ENDS, Word
from alerts.words import say
from ews.model import Alert, AlertChange, ChangeKind, Receiver, RouteReason, Silence, Stage

REASONS = {
    ChangeKind.RAISED: RouteReason.FIRST,
    ChangeKind.STAGE_UP: RouteReason.STAGE_ROSE,
    ChangeKind.STAGE_DOWN: RouteReason.STAGE_FELL,
    ChangeKind.UPDATED: RouteReason.MATERIAL_UPDATE,
    ChangeKind.RESOLVED: RouteReason.RESOLVED,
    ChangeKind.RETRACTED: RouteReason.RETRACTED,
    ChangeKind.REOPENED: RouteReason.REOPENED,
    ChangeKind.PROPOSED: RouteReason.PROPOSED,
    ChangeKind.REFUSED: RouteReason.REFUSED,
    ChangeKind.ESCALATED: RouteReason.ESCALATED,
    ChangeKind.RELEASED: RouteReason.RELEASED,
    ChangeKind.BLIND: RouteReason.BLIND,
    ChangeKind.SEEING: RouteReason.SEEING,
    ChangeKind.ACKNOWLEDGED: RouteReason.STANDING,
    ChangeKind.HANDED_OVER: RouteReason.STANDING,
    ChangeKind.CLOSED: RouteReason.STANDING,
    ChangeKind.NOTED: RouteReason.STANDING,
}
# Nothing new to read: only the first message of the thread shows it.
EDITS = frozenset(kind for kind, reason in REASONS.items() if reason is RouteReason.STANDING)
# The end of something: nobody hears of it who never heard of the thing.
OVER = ENDS | {ChangeKind.STAGE_DOWN, ChangeKind.REFUSED}
COOLED = frozenset({ChangeKind.UPDATED, ChangeKind.BLIND, ChangeKind.SEEING})
# Never held by cooldown, quiet hours or budget, whatever the stage.
PROMPT = OVER | {ChangeKind.STAGE_UP, ChangeKind.PROPOSED, ChangeKind.ESCALATED}
# Its own reason even to a receiver that was told nothing before.
NAMED = frozenset({ChangeKind.RELEASED, ChangeKind.ESCALATED})


@dataclass(frozen=True, slots=True)
class Step:
    """One change, with what does not hang on the receiver."""

    change: AlertChange
    urgency: Stage
    measured: Stage  # what a receiver's minimum is held against
    item: str
    silences: tuple[Silence, ...]  # that fit and may hold it
    above: tuple[Silence, ...]  # planned events that fit, but it is above what they hold
    explaining: tuple[tuple[Alert, Inhibition], ...]


@dataclass(frozen=True, slots=True)
class Seat:
    """One receiver, with what does not hang on the change."""

    receiver: Receiver
    quiet: datetime | None  # end of its quiet hours; None outside them
    passed: float  # part of its day
    digest: datetime | None  # its next


@dataclass(slots=True)
class Case:
    """One change at one receiver: all that a decision looks at."""

    step: Step
    seat: Seat
    word: Word
    spent: int
    spent_on_item: int
    knows: Callable[[str], bool]  # whether this receiver was told of that alert
    now: datetime

    @property
    def lang(self) -> str:
        return self.seat.receiver.lang

    def local(self, moment: datetime) -> str:
        return moment.astimezone(zone(self.seat.receiver.timezone)).strftime("%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Decision:
    """Sent or held, the words that say by what, and when that ends where it is known."""

    reason: RouteReason
    note: str = ""
    until: datetime | None = None


def decide(case: Case) -> Decision:
    """Send or hold: the first of `HOLDS` that applies."""
    kind, word = case.step.change.kind, case.word
    if kind in OVER and not word.open:
        return Decision(RouteReason.HELD_BELOW_MINIMUM, say("route.never_told", case.lang))
    for hold in PROMPT_HOLDS if prompt(case) else HOLDS:
        if (held := hold(case)) is not None:
            return held
    known = word.known or kind in NAMED
    return Decision(REASONS[kind] if known else RouteReason.FIRST, _above(case))


def prompt(case: Case) -> bool:
    """Whether neither cooldown, quiet hours nor budget may hold it: a rise in stage above all."""
    step, word = case.step, case.word
    if step.urgency >= BUDGET_HOLDS_BELOW or step.change.kind in PROMPT:
        return True
    if _withdrawn(step.change):
        return True
    if step.change.kind is ChangeKind.RELEASED or step.change.kind is ChangeKind.REOPENED:
        rose = any(one.change is ChangeKind.STAGE_UP for one in word.held)
        return rose or (word.highest is not None and step.change.alert.stage > word.highest)
    return False


def measured(change: AlertChange, urgency: Stage) -> Stage:
    """The stage to hold against a minimum: an end counts as high as what it ends."""
    if change.kind in ENDS:
        return max(change.alert.max_stage, urgency)
    if change.kind is ChangeKind.REFUSED:
        return max(change.alert.refused or urgency, urgency)
    if change.kind is ChangeKind.STAGE_DOWN and change.before is not None:
        return max(change.before, urgency)
    return urgency


def _withdrawn(change: AlertChange) -> bool:
    """A stage that waited for a signature is asked for no more."""
    return WITHDRAWN in change.reason


def _minimum(case: Case) -> Decision | None:
    step, minimum = case.step, case.seat.receiver.minimum
    if step.measured >= minimum or step.change.kind is ChangeKind.ESCALATED:
        return None
    # Who was told, perhaps only of a proposal, is told of its end.
    if case.word.open and (step.change.kind in ENDS or _withdrawn(step.change)):
        return None
    stage = minimum.ko if case.lang == "ko" else minimum.en
    return Decision(RouteReason.HELD_BELOW_MINIMUM, say("route.minimum", case.lang, stage=stage))


def _silence(case: Case) -> Decision | None:
    name = case.seat.receiver.name
    for one in case.step.silences:
        if one.matchers.get("receiver", name) == name and case.step.change.kind not in ENDS:
            return _by_plan(case, one) if one.planned else _by_silence(case, one)
    return None


def _by_silence(case: Case, one: Silence) -> Decision:
    words = say("route.silence", case.lang, id=one.id, by=one.by, reason=one.reason)
    return Decision(RouteReason.HELD_BY_SILENCE, words, one.ends_at)


def _by_plan(case: Case, one: Silence) -> Decision:
    title, until = one.title or one.reason, case.local(one.ends_at)
    words = say("route.plan", case.lang, title=title, until=until)
    return Decision(RouteReason.HELD_BY_PLAN, words, one.ends_at)


def _above(case: Case) -> str:
    """A note on planned events that the alert falls into, and is above."""
    name = case.seat.receiver.name
    return "; ".join(
        say("route.planned", case.lang, title=one.title or one.reason,
            until=case.local(one.ends_at))
        for one in case.step.above if one.matchers.get("receiver", name) == name
    )  # fmt: skip


def _inhibition(case: Case) -> Decision | None:
    """Only by an alert that this receiver was told of: else both would be unknown to it."""
    if case.step.change.kind in ENDS:
        return None
    for source, rule in case.step.explaining:
        if case.knows(source.id):
            words = say("route.inhibited", case.lang, id=source.id, rule=rule.name)
            return Decision(RouteReason.HELD_BY_INHIBITION, words)
    return None


def _cooldown(case: Case) -> Decision | None:
    """Further news of what is told already waits; a first word or a rise never does."""
    kind, last = case.step.change.kind, case.word.last_post
    if not case.word.open or last is None:
        return None
    if kind not in COOLED and kind is not ChangeKind.RELEASED:
        return None
    minutes = case.seat.receiver.cooldown_min
    until = last + timedelta(minutes=minutes)
    if case.now >= until:
        return None
    words = say("route.cooldown", case.lang, at=case.local(last), minutes=minutes)
    return Decision(RouteReason.HELD_BY_COOLDOWN, words, until)


def _quiet(case: Case) -> Decision | None:
    until = case.seat.quiet
    if until is None:
        return None
    span, end = case.seat.receiver.quiet, case.local(until)
    words = say("route.quiet", case.lang, span=span, until=end)
    return Decision(RouteReason.HELD_BY_QUIET_HOURS, words, until)


def _budget(case: Case) -> Decision | None:
    receiver, spent = case.seat.receiver, case.spent
    budget = receiver.budget_per_day
    if budget is None:
        return None
    limit, now = item_limit(receiver), paid_out(receiver, case.step.urgency, case.seat.passed)
    if spent >= budget:
        words = say("route.budget", case.lang, spent=spent, budget=budget)
    elif case.spent_on_item >= limit:
        words = say("route.item_budget", case.lang, item=case.step.item, limit=limit)
    elif spent >= now:
        words = say("route.paced", case.lang, spent=spent, budget=budget, now=now)
    else:
        return None
    return Decision(RouteReason.HELD_BY_BUDGET, words, case.seat.digest)


PROMPT_HOLDS = (_minimum, _silence, _inhibition)
HOLDS = (*PROMPT_HOLDS, _cooldown, _quiet, _budget)
