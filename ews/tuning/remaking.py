"""What would the rules, a person's act or a look have made of an alert at a past moment? The same
functions as then, given what went in then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import life, rules
from alerts.clocks import NOBODY
from alerts.contents import Reported
from alerts.life import ActRefused, moved, sight
from alerts.rulebook import RuleError
from alerts.told import JOINED
from ews.judging import REOPEN, members_of, with_uses
from ews.model import (
    Act,
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Event,
    Exposure,
    RuleSet,
    utc,
)
from ews.storage.judgings import Judging
from ews.tuning.past import BEFORE_RULES, Past
from graph import Network, propagate, shock

SPEAKS = frozenset({ChangeKind.RELEASED, ChangeKind.ESCALATED})
OVER = "what held it back is over"
TURN = timedelta(hours=1)  # of a replay; for what an older ews decided and kept nothing of


class CannotTry(LookupError):
    """What is needed to make the change again is not there; the message says what."""


@dataclass(frozen=True, slots=True)
class Given:
    """What went into a turn of the rules."""

    ruleset: RuleSet
    reports: Sequence[Reported]
    last_seen: dict[str, datetime]
    kept: Judging | None  # None: put together from what else is on record

    @property
    def events(self) -> dict[str, Event]:
        return {event.id: event for event, _ in self.reports}


@dataclass(frozen=True, slots=True)
class Remade:
    """The change as it comes out now, and who decided it."""

    change: AlertChange | None  # None: nothing comes out
    decided_by: str  # rules | person | sight | clock
    given: Given | None = None


def remake(past: Past, change: AlertChange, network: Network | None = None) -> Remade:
    """The change made again. CannotTry when what went in is not there."""
    before = past.before(change)
    if before is None and change.kind is not ChangeKind.RAISED:
        raise CannotTry("the revision before it is not on record")
    if change.by:
        return Remade(_of_a_person(past, change, before), "person")
    if change.kind in BEFORE_RULES and before is not None:
        return Remade(sight(before, change.kind is ChangeKind.BLIND, change.at), "sight")
    if change.kind in SPEAKS and before is not None:
        return Remade(_of_a_clock(past, change, before), "clock")
    given = went_in(past, change, network)
    found = turn(past, given, change.at)
    return Remade(next((one for one in found if one.id == change.id), None), "rules", given)


def _of_a_person(past: Past, change: AlertChange, before: Alert | None) -> AlertChange | None:
    acts = past.store.acts(alert_id=change.alert.id, until=change.at)
    mine = [act for act in acts if act.at == change.at and act.by == change.by]
    if not mine or before is None:
        raise CannotTry("the act that brought it is not on record")
    made = [_applied(before, act) for act in mine]
    return next((one for one in made if one == change), made[0])


def _applied(before: Alert, act: Act) -> AlertChange | None:
    try:
        return life.apply(before, act, act.at)
    except ActRefused:
        return None


def _of_a_clock(past: Past, change: AlertChange, before: Alert) -> AlertChange:
    """What time alone brought; the receivers are those to whom that revision was sent."""
    reason = NOBODY if change.kind is ChangeKind.ESCALATED else OVER
    if change.kind is ChangeKind.RELEASED and change.reason == JOINED:
        reason = JOINED
    made = moved(before, change.kind, change.at, before.stage, reason)
    notes = past.store.notifications(alert_id=before.id)
    sent = {one.receiver for one in notes
            if one.alert_revision == change.alert.revision and one.reason.sent}  # fmt: skip
    return replace(made, receivers=tuple(one for one in change.receivers if one in sent))


# --------------------------------------------------------------------------- a turn of the rules


def went_in(past: Past, change: AlertChange, network: Network | None) -> Given:
    """What the rules were given: as it was kept, else from the revisions of then."""
    kept = past.store.judging_of(change)
    if kept is None:
        return _put_together(past, change, network)
    ruleset = past.store.ruleset(kept.ruleset)
    if ruleset is None:
        raise CannotTry(f"rule set {kept.ruleset} is not on record")
    reports = [(one.event, one.exposures) for one in kept.reports]
    return Given(ruleset, reports, {k: utc(text) for k, text in kept.last_seen.items()}, kept)


def turn(past: Past, given: Given, at: datetime) -> list[AlertChange]:
    """Every change that the rules bring of this, as `ews.judging` has them decide."""
    firing = past.firing(at)
    changes: list[AlertChange] = []
    try:
        if given.reports:
            known = _known(past, given, firing, at)
            found = rules.evaluate(given.reports, known, given.ruleset, at)
            changes = [replace(one, alert=with_uses(one.alert)) for one in found]
        changes += rules.time_outs(_after(firing, changes), given.ruleset, at)
        quiet = [one for one in _after(firing, changes)
                 if any(id_ in given.last_seen for id_ in members_of(one))]  # fmt: skip
        return changes + rules.expire(quiet, given.last_seen, given.ruleset, at)
    except RuleError as error:
        raise CannotTry(
            f"rule set {given.ruleset.version} cannot be read any more: {error}"
        ) from error


def _known(past: Past, given: Given, firing: Sequence[Alert], at: datetime) -> dict[str, Alert]:
    """The alert of each event, as `ews.judging` finds it."""
    ended = past.ended(at, at - REOPEN)
    known = {id_: one for one in ended for id_ in members_of(one)}
    known |= {id_: one for one in firing for id_ in members_of(one)}
    for event_id in given.events:
        if event_id not in known:
            led = [one for one in past.standing(at) if one.event_id == event_id]
            if led:  # the newest raised, as `Store.alerts` gives them
                known[event_id] = max(sorted(led, key=lambda one: one.id), key=_raised)
    return known


def _raised(alert: Alert) -> datetime:
    return alert.raised_at


def _after(firing: Sequence[Alert], changes: Sequence[AlertChange]) -> list[Alert]:
    newest = {one.id: one for one in firing} | {c.alert.id: c.alert for c in changes}
    return [one for one in newest.values() if one.state is not AlertState.RESOLVED]


# ----------------------------------------------------------- what an older ews kept nothing of


def _put_together(past: Past, change: AlertChange, network: Network | None) -> Given:
    """From the revisions of events that were recorded in that hour, and the fellows of them."""
    at, ruleset = change.at, past.ruleset(change.at)
    if ruleset is None:
        raise CannotTry("no rule set of then is on record")
    recorded = past.store.events_recorded(at - TURN, at)
    over = change.alert.state is AlertState.RESOLVED  # an end does not say what it stood on
    fresh = [e if over else _stood_on(past, e, change.alert) for e in recorded]
    reports = [_report(past, event, network) for event in fresh]
    given = Given(ruleset, reports, {}, None)
    known = _known(past, given, past.firing(at), at)
    further = rules.fellows(reports, known, ruleset, at)
    found = (past.store.event_as_of(id_, at) for id_ in further)
    reports += [_report(past, event, network) for event in found if event is not None]
    ids = members_of(change.alert) if change.kind is ChangeKind.RESOLVED else ()
    seen = {id_: heard for id_ in ids if (heard := _heard(past, id_, at)) is not None}
    return Given(ruleset, reports, seen, None)


def _stood_on(past: Past, event: Event, alert: Alert) -> Event:
    """The revision that the alert says it stood on, where it says one."""
    if event.id != alert.event_id or event.revision == alert.event_revision:
        return event
    saved = past.store.event_revisions(event.id)
    return next((one for one in saved if one.revision == alert.event_revision), event)


def _report(past: Past, event: Event, network: Network | None) -> Reported:
    kept = past.store.exposures_of_revision(event.id, event.revision)
    if kept is None and network is not None:
        kept = paths(event, network)
    return event, kept or []


def paths(event: Event, network: Network) -> list[Exposure]:
    """Whom the event touches by that network, no firm's own; strongest first."""
    return [one for one in propagate(network, shock(event, network)) if one.firm is None]


def _heard(past: Past, event_id: str, at: datetime) -> datetime | None:
    """When the newest evidence of the event had come by then."""
    event = past.store.event(event_id)
    told = [one.available_at for one in event.evidence] if event else []
    return max((one for one in told if one <= at), default=None)
