"""Rule tests that an analyst can write: cases as data, decided under a rule document.

A case is one report, or a course of `[[case.step]]`s: reports of named events, time that passes, and
what people do; each step says how the alert of its event should stand then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from alerts.life import ActRefused
from alerts.rehearsal import Rehearsal
from alerts.rulebook import Book, RuleError, decide, read_book, with_keys
from ews.model import (
    ActKind,
    Alert,
    AlertChange,
    AlertState,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Phase,
    RuleSet,
    Stage,
)

_AT = datetime(2024, 1, 1, tzinfo=UTC)
Facts = Mapping[str, object]
DEFAULTS: Facts = {
    "type": "export_restriction",
    "probability": 0.9,
    "relevance": "unknown",  # then `chance` is the probability, as for figures that no text told
    "severity": 1.8,
    "sources": 2,
    "authority": False,
    "named": True,
    "phase": Phase.ACTUAL.value,
    "share": 0.5,
    "magnitude": 0.5,
    "impact_day": 30.0,
    "time_to_survive_days": 60.0,
    "time_to_recover_days": 30.0,
    "outlets": (),  # their names, instead of a number of `sources`
    "figures": (),  # providers of series that tell of it; alone with `sources = 0`
    "borne_out": False,  # the figures show what the texts told
    "countries": ("XX",),
    "items": ("item",),
    "route": "",  # a chokepoint
    "ministries": ("ministry",),
    "use": True,  # is a domestic use of the items on record?
    "dismissed": False,
}
DOING = ("act", "by", "note", "reason", "stage", "to")
EXPECTED = ("expect", "proposed", "timed_out", "signed", "refused", "ended", "change", "alerts",
            "ministries_told", "unlisted", "act_refused")  # fmt: skip
FRAME = ("given", "guard")  # about the case, not of what it tells
STEP_KEYS = {*DEFAULTS, *DOING, *EXPECTED, "event", "after_min", "after_days"}


class NothingThere(RuleError):
    """An act on an event that has no alert."""


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    name: str
    expected: Stage | None
    got: Stage | None
    rule: str  # that decided; of a course of steps that went otherwise: where and how
    differs: str = ""  # "step 2: proposed should be 경계, is none"
    guard: bool = False  # it must hold whatever the thresholds: nobody can save over it

    @property
    def passed(self) -> bool:
        return self.expected == self.got and not self.differs


@cache
def shipped_cases() -> tuple[Facts, ...]:
    text = files("alerts").joinpath("rules_test.toml").read_text(encoding="utf-8")
    return tuple(read_cases(text, "rules_test.toml"))


def read_cases(text: str, name: str) -> list[Facts]:
    """The cases of a TOML text. RuleError when it has none."""
    try:
        cases = tomllib.loads(text).get("case")
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{name}: not TOML: {error}") from error
    if not isinstance(cases, list) or not cases:
        raise RuleError(f"{name}: write each case as a [[case]] table")
    return cases


def run_cases(document: Mapping[str, object], cases: Sequence[Facts]) -> list[CaseOutcome]:
    """Each case decided under the document. RuleError names the case that cannot be read."""
    ruleset = RuleSet(1, "case", "case", _AT, document)
    book = read_book(ruleset) if cases else None
    return [_outcome(ruleset, book, case) for case in cases]


def _outcome(ruleset: RuleSet, book: Book | None, case: Facts) -> CaseOutcome:
    if not isinstance(case, Mapping):
        raise RuleError(f"a case must be a table, not {case!r}")
    try:
        if "given" in case or book is None:
            ruleset = replace(ruleset, rules=_given(ruleset.rules, case))
            book = read_book(ruleset)
        facts = {key: value for key, value in case.items() if key not in FRAME}
        found = _course(ruleset, book, facts) if "step" in case else _single(book, facts)
        return replace(found, guard=case.get("guard") is True)
    except RuleError:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise RuleError(f"case {str(case.get('name', '(unnamed)'))!r}: {error}") from error


def _given(rules: Mapping[str, object], case: Facts) -> Mapping[str, object]:
    """The rules with what the case itself sets: `given = { "sensitivity.types.epidemic" = 0 }`."""
    given = case.get("given", {})
    if not isinstance(given, Mapping):
        raise RuleError(f"case {str(case.get('name'))!r}: given must be a table: key = value")
    return with_keys(rules, given)


def _single(book: Book, case: Facts) -> CaseOutcome:
    """One report: the stage that its rules ask for."""
    name = str(case.get("name", "(unnamed)"))
    _no_more_than(f"case {name!r}", case, {*DEFAULTS, "name", "expect"})
    facts = {**DEFAULTS, **case}
    event = _event("case", facts, _AT, 1)
    values = book.values(event, _exposures(event, facts))
    rule = decide(book.rules_for(event), event, values, None)
    got = rule.stage if rule else None
    return CaseOutcome(name, _stage(case.get("expect", "")), got, rule.name if rule else "")


def _course(ruleset: RuleSet, book: Book, case: Facts) -> CaseOutcome:
    """Step after step, to the first that goes otherwise than it should."""
    name = str(case.get("name", "(unnamed)"))
    _no_more_than(f"case {name!r}", case, {"name", "step"})
    steps = case["step"]
    if not isinstance(steps, list) or not steps:
        raise RuleError(f"case {name!r}: write its steps as [[case.step]] tables")
    world, known = Rehearsal(ruleset, _AT, book=book), dict[str, Facts]()
    event, expected, got = "A", None, None
    for number, step in enumerate(steps, 1):
        where = f"case {name!r}, step {number}"
        if not isinstance(step, Mapping):
            raise RuleError(f"{where}: write its steps as [[case.step]] tables")
        _no_more_than(where, step, STEP_KEYS)
        event = str(step.get("event", event))
        try:
            changes, refused = _done(world, known, event, step, where)
        except NothingThere as error:  # these rules tell nothing there: the case fails
            return CaseOutcome(name, _expected(steps), None, f"step {number}: {error}", str(error))
        alert = world.alert_of(f"evt-{event}")
        got = alert.stage if alert and alert.state is not AlertState.RESOLVED else None
        expected = _stage(step["expect"]) if "expect" in step else got
        wrong = list(_differences(step, _standing(alert, changes, world, refused)))
        if wrong or expected != got:
            why = "; ".join(wrong) or f"stage should be {_ko(expected)}, is {_ko(got)}"
            return CaseOutcome(name, expected, got, f"step {number}: {why}", why)
    return CaseOutcome(name, expected, got, f"{len(steps)} steps")


def _expected(steps: Sequence[Facts]) -> Stage | None:
    """The stage that the first step asks for which asks for one."""
    asked = (one["expect"] for one in steps if isinstance(one, Mapping) and one.get("expect"))
    return _stage(next(asked, ""))


def _done(
    world: Rehearsal, known: dict[str, Facts], event: str, step: Facts, where: str
) -> tuple[list[AlertChange], bool]:
    """The changes that a step brings, and whether its act was refused."""
    waited = timedelta(
        minutes=_number(step, "after_min", where, 0), days=_number(step, "after_days", where, 0)
    )
    changes = world.wait(waited) if waited else []
    told = {key: value for key, value in step.items() if key in DEFAULTS}
    if told or (event not in known and "act" not in step):
        known[event] = {**DEFAULTS, **known.get(event, {}), **told, "name": where}
        before = world.reports.get(f"evt-{event}")
        revision = before[0].revision + 1 if before else 1
        happening = _event(event, known[event], world.now, revision, before and before[0])
        changes += world.report((happening, _exposures(happening, known[event])))
    if "act" not in step:
        return changes, False
    alert = world.alert_of(f"evt-{event}")
    if alert is None:
        raise NothingThere(f"event {event} has no alert to act on")
    detail = {key: str(step[key]) for key in ("reason", "stage", "to") if key in step}
    try:
        kind = ActKind(str(step["act"]))
        by, note = str(step.get("by", "Kim")), str(step.get("note", ""))
        return changes + world.act(alert.id, kind, by, note, detail), False
    except ActRefused:
        return changes, True
    except ValueError as error:
        raise RuleError(f"{where}: {error}") from error


def _standing(
    alert: Alert | None, changes: Sequence[AlertChange], world: Rehearsal, act_refused: bool
) -> Facts:
    """How the alert stands, in the words of a step."""
    facts: dict[str, object] = {
        "change": changes[-1].kind.value if changes else "",
        "alerts": len(world.alerts),
        "act_refused": act_refused,
    }
    if alert is None:
        return facts
    return facts | {
        "proposed": _ko(alert.proposed),
        "timed_out": alert.timed_out,
        "signed": alert.signed_off_by or "",
        "refused": _ko(alert.refused),
        "ended": alert.ending.value if alert.ending else "",
        "ministries_told": sorted(alert.ministries),
        "unlisted": sorted(alert.unlisted),
    }


def _differences(step: Facts, standing: Facts) -> Iterable[str]:
    for key in EXPECTED:
        if key in step and key != "expect":
            wanted, is_ = step[key], standing.get(key, "")
            if key in ("proposed", "refused"):
                wanted = _ko(_stage(wanted))
            if wanted != is_:
                yield f"{key} should be {wanted or 'none'}, is {is_ or 'none'}"


def _ko(stage: Stage | None) -> str:
    return stage.ko if stage else ""


def _stage(text: object) -> Stage | None:
    return Stage.parse(str(text)) if text else None


def _no_more_than(where: str, given: Facts, known: set[str]) -> None:
    if extra := set(given) - known:
        raise RuleError(f"{where}: unknown key {sorted(extra)[0]!r}")


def _number(case: Facts, key: str, where: str, default: float | None = None) -> float:
    value = case.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{where}: {key} must be a number, not {value!r}")
    return float(value)


def _known_number(case: Facts, key: str, where: str) -> float | None:
    return None if case[key] == "unknown" else _number(case, key, where)


def _texts(facts: Facts, key: str) -> tuple[str, ...]:
    values = facts[key]
    if not isinstance(values, list | tuple) or not all(isinstance(v, str) for v in values):
        raise RuleError(f"{facts.get('name')}: {key} must be a list of texts")
    return tuple(values)


def _event(
    key: str, facts: Facts, now: datetime, revision: int, before: Event | None = None
) -> Event:
    where = str(facts.get("name", ""))
    outlets = _texts(facts, "outlets") or tuple(
        f"group-{n}" for n in range(int(_number(facts, "sources", where)))
    )
    figures = [f"{one}/export-kg/XX-KR/item" for one in _texts(facts, "figures")]
    told = [Evidence(f"art-{key}-{outlet}", outlet, now) for outlet in outlets]
    told += [Evidence(one, one.split("/")[0], now) for one in figures]
    links = [f"story:{key}"] * bool(outlets) + [f"series:{one}" for one in figures]
    return Event(
        id=f"evt-{key}",
        type=str(facts["type"]),
        also=(),
        status=_status(facts),
        phase=Phase(str(facts["phase"])),
        probability=_number(facts, "probability", where),
        severity=_number(facts, "severity", where),
        countries=_texts(facts, "countries"),
        items=_texts(facts, "items") if facts["named"] else (),
        ports=(),
        chokepoints=(str(facts["route"]),) if facts["route"] else (),
        firms=(),
        title=where,
        first_seen=before.first_seen if before else now,
        updated_at=now,
        evidence=tuple(told),
        detector="news",
        links=tuple(links),
        facts={"fulfilled": 1.0} if facts["borne_out"] else {},
        revision=revision,
        authority=bool(facts["authority"]),
        relevance=_known_number(facts, "relevance", where),
    )


def _status(facts: Facts) -> EventStatus:
    if facts["dismissed"]:
        return EventStatus.DISMISSED
    return EventStatus.CORROBORATED if facts["borne_out"] else EventStatus.SUSPECTED


def _exposures(event: Event, facts: Facts) -> list[Exposure]:
    """One for each item that is named, or that the route carries."""
    where = str(facts.get("name", ""))
    items = event.items or (_texts(facts, "items") if event.chokepoints else ())
    return [
        Exposure(
            event_id=event.id,
            item=item,
            origin="XX",
            use_id=f"use:{item}:1" if facts["use"] else f"use:{item}:unknown",
            industry="00000" if facts["use"] else "",
            ministries=_texts(facts, "ministries") if facts["use"] else (),
            share_at_risk=_known_number(facts, "share", where),
            magnitude=_number(facts, "magnitude", where),
            probability=_number(facts, "probability", where),
            impact_day=_number(facts, "impact_day", where),
            time_to_survive_days=_number(facts, "time_to_survive_days", where),
            time_to_recover_days=_number(facts, "time_to_recover_days", where),
            path=(),
        )
        for item in items
    ]
