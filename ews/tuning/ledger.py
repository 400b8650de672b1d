"""The ledger: what became of each alert, by what evidence, and were its probabilities right?

Bitemporal: `as_of` answers from what was known and decided then. Codes and facts only; the faces
put words to them. Names of people are there for who may see them, their notes for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import FALSE_ALARMS, Alert, Basis, Event, Outcome, Proof, Resolution, Stage
from ews.storage import Store
from ews.storage.ledger import outcome_of
from ews.tuning.ledger_calibration import Calibration, Told, calibration
from ews.tuning.ledger_known import EWS
from ews.tuning.ledger_people import DUPLICATE
from ews.tuning.ledger_sent import Memory, Sent, sent_of

UNCONFIRMED = timedelta(days=90)  # open for longer: nobody could say
WORLD = "-"  # language of an alert that no text raised


@dataclass(frozen=True, slots=True)
class Asked:
    """Which alerts: raised in [since, until), that ever reached the stage, of the type."""

    since: datetime | None = None
    until: datetime | None = None
    stage: Stage | None = None
    type: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert and how it turned out."""

    alert_id: str
    title: str
    type: str
    countries: tuple[str, ...]
    items: tuple[str, ...]
    stage: str  # highest, in English
    rule: str
    lang: str  # of the text that raised it; "-" a figure did
    raised_at: datetime
    outcome: str
    unconfirmed: bool  # open for so long that nobody could say
    basis: str  # reports | series | review | feedback; "" while open
    decided_at: datetime | None
    by: str  # who decided; "" for whoever may not see names
    repeats: str  # alert that told the same happening before
    chance: float | None  # as first sent; None when nobody was told
    chance_of: str  # alert | event | ""
    told: int  # revisions that somebody was told of


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of how an alert was resolved."""

    outcome: str
    basis: str
    at: datetime
    by: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One alert of the ledger with everything that was decided on it, newest first."""

    as_of: datetime
    entry: Entry
    decisions: tuple[Decision, ...]
    sent: tuple[Sent, ...]
    links: Mapping[str, str]  # article that proves something -> its address


@dataclass(frozen=True, slots=True)
class Ledger:
    """Every alert that was asked for, newest first, with what they come to."""

    as_of: datetime
    alerts: int
    outcomes: Mapping[str, int]
    unconfirmed: int
    bases: Mapping[str, int]  # outcomes by what they rest on
    calibration: Calibration
    entries: tuple[Entry, ...]


def ledger(
    store: Store,
    as_of: datetime,
    asked: Asked = Asked(),
    named: bool = False,
    memory: Memory | None = None,
) -> Ledger:
    """What was known at `as_of` of the alerts asked for. `named`: with the names of who decided;
    `memory` spares a second question over the same store the reading of what was sent."""
    alerts = _chosen(store, as_of, asked)
    entries, told = _entries(store, alerts, as_of, named, memory)
    if asked.outcome is not None:
        entries = [one for one in entries if one.outcome == asked.outcome]
        kept = {one.alert_id for one in entries}
        told = [one for one in told if one.alert_id in kept]
    return Ledger(
        as_of=as_of,
        alerts=len(entries),
        outcomes={one.value: sum(e.outcome == one for e in entries) for one in Outcome},
        unconfirmed=sum(one.unconfirmed for one in entries),
        bases={one.value: sum(e.basis == one for e in entries) for one in Basis},
        calibration=calibration(told),
        entries=tuple(entries),
    )


def account(store: Store, alert: Alert, as_of: datetime, named: bool = False) -> Account | None:
    """One alert with all decisions on it; None when it was not raised by then."""
    then = [change for change in store.changes(alert_id=alert.id) if change.at <= as_of]
    if not then:
        return None
    (entry,), _ = _entries(store, [then[-1].alert], as_of, named)
    decided = store.resolutions([alert.id], until=as_of)
    articles = store.articles(
        {proof.ref for one in decided for proof in one.proofs if proof.kind == "article"}
    )
    return Account(
        as_of,
        entry,
        tuple(_decision(one, named) for one in reversed(decided)),
        sent_of(store, [alert], as_of).get(alert.id, ()),
        {id: article.url for id, article in sorted(articles.items())},
    )


def _chosen(store: Store, as_of: datetime, asked: Asked) -> list[Alert]:
    """The alerts as they stood then, newest raised first."""
    until = as_of if asked.until is None else min(as_of, asked.until)
    found = store.alerts(since=asked.since, until=until)
    if any(alert.updated_at > as_of for alert in found):
        then = {alert.id: alert for alert in store.alerts_as_of(as_of)}
        found = [then[alert.id] for alert in found if alert.id in then]
    return [
        one for one in found
        if (asked.stage is None or one.max_stage >= asked.stage)
        and (not asked.type or one.type == asked.type)
    ]  # fmt: skip


def _entries(
    store: Store,
    alerts: Sequence[Alert],
    as_of: datetime,
    named: bool,
    memory: Memory | None = None,
) -> tuple[list[Entry], list[Told]]:
    ids = {alert.id for alert in alerts}
    decided: dict[str, list[Resolution]] = {}
    for one in store.resolutions(ids, until=as_of):
        decided.setdefault(one.alert_id, []).append(one)
    sent = sent_of(store, alerts, as_of, memory)
    events = store.events_of({alert.event_id for alert in alerts})
    entries, told = [], []
    for alert in alerts:
        held = outcome_of(decided.get(alert.id, ()))
        entry = _entry(alert, held, sent.get(alert.id, ()), events.get(alert.event_id), as_of)
        groups = {"stage": entry.stage, "type": entry.type, "language": entry.lang,
                  "rule": entry.rule}  # fmt: skip
        told += [
            Told(alert.id, one, entry.outcome, entry.basis, bool(entry.repeats), groups)
            for one in sent.get(alert.id, ())
        ]
        entries.append(entry if named or entry.by == EWS else replace(entry, by=""))
    return entries, told


def _entry(
    alert: Alert,
    held: Resolution | None,
    sent: Sequence[Sent],
    event: Event | None,
    as_of: datetime,
) -> Entry:
    outcome = Outcome.OPEN if held is None else held.outcome
    note = "" if held is None else held.note
    return Entry(
        alert_id=alert.id,
        title=alert.title,
        type=alert.type,
        countries=alert.countries,
        items=alert.items,
        stage=alert.max_stage.en,
        rule=alert.rule,
        lang=_lang(event),
        raised_at=alert.raised_at,
        outcome=outcome.value,
        unconfirmed=outcome is Outcome.OPEN and as_of - alert.raised_at >= UNCONFIRMED,
        basis="" if held is None else held.basis.value,
        decided_at=None if held is None else held.at,
        by="" if held is None else held.by,
        repeats=note.removeprefix(DUPLICATE) or alert.id if note.startswith(DUPLICATE) else "",
        chance=sent[0].chance if sent else None,
        chance_of=sent[0].of if sent else "",
        told=len(sent),
    )


def _lang(event: Event | None) -> str:
    """Language of the first text; of a series there is none."""
    if event is None or event.detector != "news" or not event.evidence:
        return WORLD
    return min(event.evidence, key=lambda one: one.available_at).lang or WORLD


def _decision(one: Resolution, named: bool) -> Decision:
    by = one.by if named or one.by == EWS else ""
    proofs = one.proofs if named else tuple(map(_public, one.proofs))
    return Decision(one.outcome.value, one.basis.value, one.at, by, proofs)


def _public(proof: Proof) -> Proof:
    """Of a person's act only what the alert itself shows: that it was taken back, and why."""
    kind, _, reason = proof.says.partition(":")
    if proof.kind != "act" or (kind == "false_alarm" and FALSE_ALARMS.get(reason)):
        return proof
    return replace(proof, says=kind)
