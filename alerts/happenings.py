"""How does an alert move when its events do? All reports of one happening, decided together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts import stages
from alerts.changing import put
from alerts.contents import Content, Reported, additions, begins, content
from alerts.figures import far_stronger, figures_new
from alerts.life import begin_again, end, moved
from alerts.measures import Support, support
from alerts.rulebook import Book, Rule, decide
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Event,
    EventStatus,
    Exposure,
    Phase,
    Stage,
    Witness,
    content_id,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one report, with the support of all."""

    event: Event
    exposures: Sequence[Exposure]
    values: Mapping[str, float]
    rule: Rule | None
    refuted: str = ""  # why it was never so

    @property
    def stage(self) -> int:
        return int(self.rule.stage) if self.rule else 0


def refuted(event: Event, book: Book) -> str:
    """Why the event was never so; "" when nothing says that."""
    if event.status is EventStatus.DISMISSED:
        return "dismissed"
    if event.probability < book.refuted_below:
        return f"refuted: probability {event.probability:.2g}"
    return ""


def heard(event: Event) -> datetime:
    """When the newest evidence of it came."""
    return event.last_seen or event.updated_at


def silent_from(event: Event) -> datetime:
    """Since when silence tells something: of what figures began, only once the next one is due."""
    return heard(event) + waits(event)


def waits(event: Event) -> timedelta:
    """How long the next figure of an event that figures began takes; no time for another event."""
    return timedelta(days=event.facts.get("pace", 0.0))


def quiet(event: Event, book: Book, now: datetime) -> bool:
    """Nothing was heard of it for so long that its alert would end."""
    return now - silent_from(event) >= book.quiet


def fingerprint(event: Event) -> str:
    return content_id("fp", event.id)


def members_of(alert: Alert) -> dict[str, int]:
    """The stage that each event's rule holds; 0 for all of an alert that ended.

    An alert of an older version has one event, and what it says is what its rule held.
    """
    if alert.state is AlertState.RESOLVED:
        return dict.fromkeys({alert.event_id: 0, **alert.members}, 0)
    return dict(alert.members) or {alert.event_id: int(alert.stage)}


def standing(alert: Alert | None, without: Sequence[str] = ()) -> list[Witness]:
    """Witnesses of the reports that hold a stage, but for those named."""
    if alert is None:
        return []
    members = members_of(alert)
    return [one for one in alert.witnesses
            if members.get(one.event_id) and one.event_id not in without]  # fmt: skip


def verdict(report: Reported, before: Alert | None, others: Support, book: Book) -> Verdict:
    """One report, supported by the others."""
    event = report[0]
    held = members_of(before).get(event.id) if before else 0
    if book.before is None:
        return _verdict(report, held, others, book)
    united = support([book.witness(event)]).joined(others)
    key = (id(event), held, len(united.groups), united.authority)
    found = book.before.verdicts.get(key)
    if found is None:
        found = book.before.verdicts[key] = _verdict(report, held, others, book)
    assert isinstance(found, Verdict)
    return found


def _verdict(report: Reported, held: int | None, others: Support, book: Book) -> Verdict:
    event, exposures = report
    values = book.values(event, exposures, others)
    if why := refuted(event, book):
        return Verdict(event, exposures, values, None, why)
    rule = None
    if event.status is not EventStatus.CLOSED:
        rule = decide(book.rules_for(event), event, values, Stage(held) if held else None)
    return Verdict(event, exposures, values, rule)


def judged(reports: Sequence[Reported], before: Alert | None, book: Book) -> list[Verdict]:
    """A verdict for each report. Only reports that hold a stage themselves support the others.

    Support only helps, so dropping those that do not hold ends at the largest set that does.
    """
    rest = support(standing(before, [event.id for event, _ in reports]))
    holding = {event.id for event, _ in reports if not refuted(event, book)}
    while True:
        united = rest.joined(support(book.witness(e) for e, _ in reports if e.id in holding))
        verdicts = [
            verdict(r, before, united if r[0].id in holding else Support(), book) for r in reports
        ]
        still = {v.event.id for v in verdicts if v.rule} & holding
        if still == holding:
            return verdicts
        holding = still


# --------------------------------------------------------------------------- one step


def raised(reports: Sequence[Reported], book: Book, now: datetime) -> AlertChange | None:
    """A new alert on a happening, named after its first report; None when no rule holds."""
    verdicts = [v for v in judged(reports, None, book) if v.rule]
    if not verdicts:
        return None
    return _once(None, verdicts, book, now, lambda: _raised(verdicts, book, now))


def _raised(verdicts: Sequence[Verdict], book: Book, now: datetime) -> AlertChange:
    founder = verdicts[0].event
    blank = Alert(
        id=content_id("alr", fingerprint(founder)),
        fingerprint=fingerprint(founder),
        event_id=founder.id,
        stage=Stage.WATCH,
        max_stage=Stage.WATCH,
        state=AlertState.FIRING,
        raised_at=now,
        updated_at=now,
        revision=0,
        ruleset=book.version,
        rule="",
        reasons=(),
        type=founder.type,
        countries=(),
        items=(),
        chokepoints=(),
        ports=(),
        ministries=(),
        title=founder.title,
    )
    after = _told(blank, verdicts, content(_reports(verdicts)), book, now)
    return moved(after, ChangeKind.RAISED, now, None, _rule_part(after))


def stepped(
    before: Alert, reports: Sequence[Reported], book: Book, now: datetime
) -> AlertChange | None:
    """The next step in the life of an alert, or None when nothing has changed."""
    known = members_of(before)
    verdicts = [v for v in judged(reports, before, book) if v.rule or v.event.id in known]
    return _once(before, verdicts, book, now, lambda: _stepped(before, verdicts, book, now))


def _once(
    before: Alert | None,
    verdicts: Sequence[Verdict],
    book: Book,
    now: datetime,
    work: Callable[[], AlertChange | None],
) -> AlertChange | None:
    """The step, or the one of before from the same alert, reports and verdicts."""
    if book.before is None:
        return work()
    said = book.before.rules
    key = (id(before), now, *(
        (id(v.event), said[v.rule.name] if v.rule else "", v.refuted,
         v.values["sources"], v.values["authority"]) for v in verdicts
    ))  # fmt: skip
    return book.before.step(key, (before, verdicts), work)


def _stepped(
    before: Alert, verdicts: Sequence[Verdict], book: Book, now: datetime
) -> AlertChange | None:
    known = members_of(before)
    members = known | {v.event.id: v.stage for v in verdicts}
    resolved = before.state is AlertState.RESOLVED
    if not any(members.values()):
        return None if resolved else _over(replace(before, members=members), verdicts, now)
    holding = [v for v in verdicts if v.rule]
    found = content(_reports(holding), before)
    start = begin_again(before) if resolved else before
    after = _told(replace(start, members=members), holding, found, book, now)
    if resolved:
        return _reopened(before, after, found, [v.event for v in holding], book, now)
    return _change(before, after, verdicts, found, now)


def _reports(verdicts: Sequence[Verdict]) -> list[Reported]:
    weightiest = sorted(verdicts, key=lambda v: -v.stage)
    return [(v.event, v.exposures) for v in weightiest]


def _leader(verdicts: Sequence[Verdict]) -> Verdict:
    return max(verdicts, key=lambda v: v.stage)


def _told(
    start: Alert, holding: Sequence[Verdict], found: Content, book: Book, now: datetime
) -> Alert:
    """The alert with what its reports say now, at the stage that is in force or proposed."""
    members = {**start.members, **{v.event.id: v.stage for v in holding}}
    fresh = [book.witness(v.event) for v in holding]
    told = {one.event_id for one in fresh}
    kept = [
        one for one in start.witnesses if members.get(one.event_id) and one.event_id not in told
    ]
    alert = replace(
        found.on(start),
        members=members,
        witnesses=tuple(sorted([*kept, *fresh], key=lambda one: one.event_id)),
        ruleset=book.version,
        chance=_chance(start, holding),
        event_revision=next(
            (v.event.revision for v in holding if v.event.id == start.event_id),
            start.event_revision,
        ),
    )
    top = Stage(max(members.values()))
    if not support(alert.witnesses).corroborated and alert.witnesses:
        top = min(top, stages.FREE)  # whatever was decided when more sources stated it
    if holding and (leader := _leader(holding)).stage == top:
        assert leader.rule is not None
        said = book.sensitivity.said(leader.event)
        reasons = (*_reasons(leader.rule, leader.values), *said)
        alert = replace(alert, rule=leader.rule.name, reasons=reasons, title=leader.event.title)
    return _reached(stages.asked(alert, top, book.signoff, now))


def _chance(start: Alert, holding: Sequence[Verdict]) -> float | None:
    """That of the report most likely right: one true report makes the alert true."""
    told = [v.values["chance"] for v in holding if "chance" in v.values]
    return round(max(told), 4) if told else start.chance


def _reached(alert: Alert) -> Alert:
    return put(alert, max_stage=max(alert.max_stage, alert.stage))


def _reasons(rule: Rule, values: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(
        f"{measure}={values[measure]:.3g} (raise {limit.raise_at:g}, clear {limit.clear_at:g})"
        for measure, limit in rule.when.items()
    )


def _over(before: Alert, verdicts: Sequence[Verdict], now: datetime) -> AlertChange:
    """No rule holds any more: what led was never so, or it has eased."""
    held = members_of(before)
    led = [v for v in verdicts if v.refuted]
    eased = [v for v in verdicts if not v.refuted and v.event.phase is Phase.EASING]
    if led and not eased and all(v.refuted for v in verdicts if v.event.id in held):
        return end(before, Ending.RETRACTED, now, led[0].refuted)
    why = "eased" if eased else "below every clear_at"
    return end(before, Ending.EASED, now, why)


def _reopened(
    before: Alert,
    after: Alert,
    found: Content,
    events: Sequence[Event],
    book: Book,
    now: datetime,
) -> AlertChange | None:
    """What a person ended while its rules held opens again only for news, and what went quiet only
    for evidence: other rules alone bring none."""
    by_person = any(before.members.values())
    told = [*figures_new(before, events), *far_stronger(before, after, events)]
    news = [*_news(before, after, found), *told]
    if by_person and not news:
        return None
    if before.ending is Ending.QUIET and all(quiet(event, book, now) for event in events):
        return None
    ended = before.resolved_at or before.updated_at
    same_rules = before.ruleset == book.version
    facts = same_rules or any(heard(event) > ended for event in events)
    why = "new facts after the end" if facts else _rule_part(after)
    reason = "; ".join(dict.fromkeys([why, *news]))
    return moved(after, ChangeKind.REOPENED, now, before.stage, reason)


def _change(
    before: Alert, after: Alert, verdicts: Sequence[Verdict], found: Content, now: datetime
) -> AlertChange | None:
    """The kind of step, and every reason for it."""
    kind = stages.moved(before, after)
    news = [
        *_news(before, after, found),
        *figures_new(before, [v.event for v in verdicts if v.rule]),
    ]
    asides = _asides(before, after, verdicts)
    if kind is not None:
        parts = [_rule_part(after), *news, *asides]
    elif news:
        kind, parts = ChangeKind.UPDATED, [*news, *asides]
    elif before.proposed and not after.proposed:
        kind, parts = ChangeKind.UPDATED, asides
    elif after.members != members_of(before) or _stated_otherwise(before, after):
        kind, parts = ChangeKind.NOTED, asides or ["a report or its sources changed"]
    else:
        return None
    return moved(after, kind, now, before.stage, "; ".join(parts))


def _stated_otherwise(before: Alert, after: Alert) -> bool:
    """Do the sources differ so that it has to be kept? Of one report alone only what they prove."""
    if len(after.witnesses) > 1:
        return before.witnesses != after.witnesses
    old, new = support(before.witnesses), support(after.witnesses)
    return (old.corroborated, old.authority) != (new.corroborated, new.authority)


def _rule_part(after: Alert) -> str:
    if after.proposed is not None:
        return f"rule {after.rule} asks for {after.proposed.en}"
    return f"rule {after.rule} holds"


def _news(before: Alert, after: Alert, found: Content) -> list[str]:
    """What a reader has to know even if the stage stands. A mere further outlet is none."""
    parts = []
    if added := additions(before, found):
        parts.append("new: " + ", ".join(added))
    if before.witnesses:  # an alert of an older version does not say who stated it
        old, new = support(before.witnesses), support(after.witnesses)
        if new.corroborated and not old.corroborated:
            n = len(new.groups)
            parts.append("stated by the authority itself" if new.authority
                         else f"stated by {n} independent sources")  # fmt: skip
    if begins(before, found):
        parts.append("no longer a threat: it happens")
    if before.state is AlertState.RESOLVED and max(after.members.values()) > before.max_stage:
        parts.append(_rule_part(after))
    return parts


def _asides(before: Alert, after: Alert, verdicts: Sequence[Verdict]) -> list[str]:
    """What is kept for the record, but is no reason for a message by itself."""
    parts = []
    known = members_of(before)
    if joined := sum(v.event.id not in known for v in verdicts):
        parts.append(f"further reports of the same happening: {joined}")
    if gone := sum(bool(v.refuted and known.get(v.event.id)) for v in verdicts):
        parts.append(f"reports found untrue: {gone}")
    if before.proposed and not after.proposed and after.stage <= before.stage:
        parts.append(f"{before.proposed.en} {stages.WITHDRAWN}")
    return parts
