"""Who must know, and at which stage? Events with their exposures -> changes of alerts.

Pure: no clock, no store. A rule is data (rules.toml, read by alerts.rulebook); reports of one
happening are found by alerts.groups and decided together by alerts.happenings; which stage is then
in force is for alerts.stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts import happenings, stages
from alerts.contents import Reported
from alerts.groups import of_event
from alerts.known import Known
from alerts.life import end, moved
from alerts.measures import Support, support
from alerts.rulebook import (
    Book,
    Rule,
    RuleError,
    decide,
    holds,
    load_document,
    read_book,
    read_rules,
    setting,
    shipped_ruleset,
    unread,
)
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Ending,
    Event,
    RuleSet,
    content_id,
)

__all__ = [
    "Rule", "RuleError", "decide", "evaluate", "evaluated", "expire", "fellows", "fellows_of", "holds",
    "load_document", "read_book", "read_rules", "setting", "shipped_ruleset", "time_outs", "unread",
]  # fmt: skip


@dataclass(slots=True)
class _Happening:
    """One alert, or one to be, with the reports that came now."""

    before: Alert | None
    reports: list[Reported] = field(default_factory=list)
    stated: Support = field(default_factory=Support)


def evaluate(
    pairs: Sequence[Reported],
    alerts: Mapping[str, Alert],
    ruleset: RuleSet,
    now: datetime,
) -> list[AlertChange]:
    """Changes that these events bring: one for each alert at most.

    `alerts` maps an event ID to its newest alert, firing or resolved (a joined event to the alert
    it joined), and must hold every firing alert, so that a second report of one happening can be
    seen; those that ended within `group.reopen_days` open again only if they are there too.
    `pairs` should hold the `fellows` of what changed.
    """
    book = read_book(ruleset)
    return evaluated(pairs, Known(alerts, book.grouping, now), book, now)


def evaluated(
    pairs: Sequence[Reported], known: Known, book: Book, now: datetime
) -> list[AlertChange]:
    """As `evaluate`, by a book that was read, among alerts that are kept at hand."""
    changes = []
    for one in _gathered(pairs, known, book, now):
        if one.before is None:
            change = happenings.raised(one.reports, book, now)
        else:
            change = happenings.stepped(one.before, one.reports, book, now)
        if change is not None:
            changes.append(change)
    return changes


def fellows(
    pairs: Sequence[Reported], alerts: Mapping[str, Alert], ruleset: RuleSet, now: datetime
) -> list[str]:
    """IDs of further events to evaluate with these, unchanged as they are.

    When reports corroborate each other, or the report that led an alert changes, the verdict on
    the others can change too.
    """
    book = read_book(ruleset)
    return fellows_of(pairs, Known(alerts, book.grouping, now), book)


def fellows_of(pairs: Sequence[Reported], known: Known, book: Book) -> list[str]:
    """As `fellows`, by a book that was read, among alerts that are kept at hand."""
    given = {report[0].id: report for report in pairs}
    stated = support(book.witness(event) for event, _ in given.values())
    asked: dict[str, None] = {}
    for report in given.values():
        event = report[0]
        home = known.home(event.id)
        alert = home or known.alert(known.shelf.find(event))
        if alert is None or not _matters(event, alert, book):
            continue
        if home is None and not _may_join(report, alert, stated, book):
            continue
        members = happenings.members_of(alert)
        holding = {id_: None for id_, stage in members.items() if stage}
        asked |= holding
        # The last one that held was never so: what eased before it still was.
        if set(holding) <= {event.id} and happenings.refuted(event, book):
            asked |= dict.fromkeys(members)
    return [id_ for id_ in asked if id_ not in given]


def expire(
    alerts: Iterable[Alert],
    last_seen: Mapping[str, datetime],
    ruleset: RuleSet | Book,
    now: datetime,
) -> list[AlertChange]:
    """The end of firing alerts none of whose events had new evidence for `quiet_days`.

    `last_seen` maps every event of them, joined ones too. What cannot be seen is not quiet: blind
    alerts stay.
    """
    quiet = _book(ruleset).quiet
    changes = []
    for alert in alerts:
        if alert.state is AlertState.RESOLVED or alert.blind_since is not None:
            continue
        members = happenings.members_of(alert)
        seen = [last_seen[id_] for id_ in members if id_ in last_seen]
        if now - max(seen, default=alert.updated_at) >= quiet:
            still = replace(alert, members=dict.fromkeys(members, 0))
            reason = f"no new evidence for {quiet.days} days"
            changes.append(end(still, Ending.QUIET, now, reason))
    return changes


def time_outs(alerts: Iterable[Alert], ruleset: RuleSet | Book, now: datetime) -> list[AlertChange]:
    """Proposed stages that are taken because nobody signed or refused them in time."""
    signoff = _book(ruleset).signoff
    changes = []
    for alert in alerts:
        if alert.state is AlertState.RESOLVED:
            continue
        after = stages.timed_out(alert, signoff, now)
        if after is not None and alert.sign_by is not None:
            until = f"{alert.sign_by:%Y-%m-%d %H:%M} UTC"
            reason = f"{after.stage.en} taken unsigned: nobody signed by {until}"
            changes.append(moved(after, ChangeKind.STAGE_UP, now, alert.stage, reason))
    return changes


def _book(ruleset: RuleSet | Book) -> Book:
    return ruleset if isinstance(ruleset, Book) else read_book(ruleset)


# --------------------------------------------------------------------------- which alert


def _gathered(
    pairs: Sequence[Reported], known: Known, book: Book, now: datetime
) -> list[_Happening]:
    """The reports by the happening they tell, in the order of their first."""
    found: dict[str, _Happening] = {}
    for report in pairs:
        event = report[0]
        home = known.home(event.id)
        alert_id = home.id if home else known.shelf.find(event)
        if alert_id is None:
            alert_id = content_id("alr", happenings.fingerprint(event))
        before = known.alert(alert_id)
        started = found.get(alert_id) or _Happening(
            before, stated=support(happenings.standing(before))
        )
        if home is None and (
            happenings.quiet(event, book, now)  # other rules do not make old news new
            or not happenings.verdict(report, None, started.stated, book).rule
        ):
            continue
        found[alert_id] = started
        started.reports.append(report)
        started.stated = started.stated.joined(support([book.witness(event)]))
        known.shelf.put(alert_id, of_event(event))
    return list(found.values())


def _may_join(report: Reported, alert: Alert, stated: Support, book: Book) -> bool:
    """Could a rule hold for the new report, whoever of those given and told supports it? One for
    which none can is not taken in, and supports nobody."""
    most = stated.joined(support(happenings.standing(alert)))
    return happenings.verdict(report, None, most, book).rule is not None


def _matters(event: Event, alert: Alert, book: Book) -> bool:
    """Can the event change the verdict on the other reports of that alert?"""
    members = happenings.members_of(alert)
    if members.get(event.id, 0) == max(members.values(), default=0) > 0:
        return True  # it led: another may lead now
    others = support(happenings.standing(alert, [event.id]))
    own = Support() if happenings.refuted(event, book) else support([book.witness(event)])
    # with what it said before, without it, and with what it says now
    states = {support(happenings.standing(alert)), others, others.joined(own)}
    counted = any("sources" in rule.when for rule in book.rules)
    return len(states if counted else {(s.corroborated, s.authority) for s in states}) > 1
