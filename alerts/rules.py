"""Who must know, and at which stage? Events with their exposures -> changes of alerts.

Pure: no clock, no store. A rule is data (rules.toml); this file knows the measures that a rule may
ask for, the hysteresis, and the life of an alert.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TypedDict

from alerts.measures import MEASURES, Unread, measures
from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    Event,
    Exposure,
    Phase,
    RuleSet,
    Stage,
    Threshold,
    content_id,
)


class RuleError(ValueError):
    """A rule document that cannot be used; the message names the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    stage: Stage
    when: Mapping[str, Threshold]
    types: frozenset[str]  # empty: every type
    phases: frozenset[str]  # empty: every phase


def load_document(path: Path | None = None) -> dict[str, object]:
    """The rule document of a TOML file, or the shipped one. RuleError when it cannot be used."""
    text = (
        path.read_text(encoding="utf-8")
        if path
        else files("alerts").joinpath("rules.toml").read_text(encoding="utf-8")
    )
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{path or 'rules.toml'}: not TOML: {error}") from error
    read_rules(document)
    return document


def shipped_ruleset(now: datetime) -> RuleSet:
    return RuleSet(1, "ews", "as shipped (alerts/rules.toml)", now, load_document())


def read_rules(document: Mapping[str, object]) -> list[Rule]:
    """The rules, highest stage first. RuleError names a key that is missing, unknown or wrong."""
    for section in ("news", "series", "evaluate", "rules"):
        if not isinstance(document.get(section), Mapping):
            raise RuleError(f"[{section}] is missing from the rules")
    unknown = set(document) - {"news", "series", "evaluate", "rules"}
    if unknown:
        raise RuleError(f"unknown section [{sorted(unknown)[0]}]")
    tables = document["rules"]
    assert isinstance(tables, Mapping)
    rules = [_rule(name, table) for name, table in tables.items()]
    return sorted(rules, key=lambda rule: (-rule.stage, rule.name))


def _rule(name: str, table: object) -> Rule:
    if not isinstance(table, Mapping) or not isinstance(table.get("when"), Mapping):
        raise RuleError(f"rules.{name} needs `stage` and a `when` table")
    if extra := set(table) - {"stage", "when", "types", "phases"}:
        raise RuleError(f"rules.{name}: unknown key {sorted(extra)[0]!r}")
    when = {}
    for measure, limits in table["when"].items():
        if measure not in MEASURES:
            raise RuleError(
                f"rules.{name}.when: unknown measure {measure!r}; use {', '.join(MEASURES)}"
            )
        when[measure] = _threshold(f"rules.{name}.when.{measure}", limits)
    try:
        stage = Stage.parse(str(table.get("stage")))
        phases = frozenset(Phase(p).value for p in table.get("phases", ()))
    except ValueError as error:
        raise RuleError(f"rules.{name}: {error}") from error
    return Rule(name, stage, when, frozenset(table.get("types", ())), phases)


def _threshold(key: str, limits: object) -> Threshold:
    if not isinstance(limits, Mapping) or set(limits) != {"raise_at", "clear_at"}:
        raise RuleError(f"{key} must be {{ raise_at = N, clear_at = N }}")
    raise_at, clear_at = limits["raise_at"], limits["clear_at"]
    for value in (raise_at, clear_at):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RuleError(f"{key}: {value!r} is not a number")
    if clear_at > raise_at:
        raise RuleError(
            f"{key}: clear_at {clear_at} is above raise_at {raise_at}; alerts would flap"
        )
    return Threshold(float(raise_at), float(clear_at))


def setting(document: Mapping[str, object], section: str, key: str) -> float:
    table = document[section]
    assert isinstance(table, Mapping)
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{section}.{key} must be a number, not {value!r}")
    return float(value)


# --------------------------------------------------------------------------- decisions


def unread(document: Mapping[str, object]) -> Unread:
    """What shares that nobody has read count as, from [evaluate]."""
    return Unread(
        setting(document, "evaluate", "unknown_share"),
        setting(document, "evaluate", "unlisted_share"),
    )


def holds(rule: Rule, event: Event, values: Mapping[str, float], firing_at: Stage | None) -> bool:
    """Raise at or above `raise_at`; at or below the firing stage, hold down to `clear_at`."""
    if rule.types and event.type not in rule.types and not rule.types & set(event.also):
        return False
    if rule.phases and event.phase.value not in rule.phases:
        return False
    firing = firing_at is not None and rule.stage <= firing_at
    return all(
        values[measure] >= (limit.clear_at if firing else limit.raise_at)
        for measure, limit in rule.when.items()
    )


def decide(
    rules: Iterable[Rule], event: Event, values: Mapping[str, float], firing_at: Stage | None
) -> Rule | None:
    """The rule of the highest stage that holds. One source alone never lifts above 주의."""
    for rule in rules:
        if rule.stage > Stage.CAUTION and not values["corroborated"]:
            continue
        if holds(rule, event, values, firing_at):
            return rule
    return None


# --------------------------------------------------------------------------- alerts


def evaluate(
    pairs: Sequence[tuple[Event, Sequence[Exposure]]],
    alerts: Mapping[str, Alert],
    ruleset: RuleSet,
    now: datetime,
) -> list[AlertChange]:
    """Changes that these events bring.

    `alerts` maps an event ID to its newest alert, firing or resolved, and must hold every firing
    alert, so that a second event on one happening can be seen.
    """
    rules = read_rules(ruleset.rules)
    shares = unread(ruleset.rules)
    window = timedelta(days=setting(ruleset.rules, "evaluate", "duplicate_days"))
    known = dict(alerts)
    changes = []
    for event, exposures in pairs:
        values = measures(event, exposures, shares)
        before = known.get(event.id)
        firing_at = before.stage if before and before.state is not AlertState.RESOLVED else None
        rule = decide(rules, event, values, firing_at)
        if before is None:
            if rule is None or _told(event, rule.stage, known.values(), window):
                continue
            change = _raised(event, exposures, rule, values, ruleset, now)
        else:
            step = _step(before, event, exposures, rule, values, ruleset, now)
            if step is None:
                continue
            change = step
        known[event.id] = change.alert
        changes.append(change)
    return changes


def expire(
    alerts: Iterable[Alert], last_seen: Mapping[str, datetime], ruleset: RuleSet, now: datetime
) -> list[AlertChange]:
    """All-clear for firing alerts whose event has had no new evidence for `quiet_days`."""
    quiet = timedelta(days=setting(ruleset.rules, "evaluate", "quiet_days"))
    return [
        _resolved(alert, now, f"no new evidence for {quiet.days} days")
        for alert in alerts
        if alert.state is not AlertState.RESOLVED
        and now - last_seen.get(alert.event_id, alert.updated_at) >= quiet
    ]


def _told(event: Event, stage: Stage, alerts: Iterable[Alert], window: timedelta) -> bool:
    """Is this happening already told by a firing alert of the same type, place and item?"""
    for alert in alerts:
        if alert.state is AlertState.RESOLVED or alert.type != event.type or alert.stage < stage:
            continue
        if not alert.raised_at - window <= event.first_seen <= alert.updated_at + window:
            continue
        route = set(event.chokepoints) & set(alert.chokepoints) or set(event.ports) & set(
            alert.ports
        )
        place = set(event.countries) & set(alert.countries) or not event.countries
        if route or (place and event.items and set(event.items) <= set(alert.items)):
            return True
    return False


def _reasons(rule: Rule, values: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(
        f"{measure}={values[measure]:.3g} (raise {limit.raise_at:g}, clear {limit.clear_at:g})"
        for measure, limit in rule.when.items()
    )


class _Content(TypedDict):
    countries: tuple[str, ...]
    items: tuple[str, ...]
    chokepoints: tuple[str, ...]
    ports: tuple[str, ...]
    ministries: tuple[str, ...]
    exposure_ids: tuple[str, ...]


def _content(event: Event, exposures: Sequence[Exposure], before: Alert | None = None) -> _Content:
    """What the alert says it reaches: named items, or those that the route carries most.

    A firm's own exposure says nothing here: an alert is read by everybody.
    """
    exposures = [e for e in exposures if e.firm is None]
    items = event.items or tuple(dict.fromkeys(e.item for e in exposures))[:6]
    ministries = dict.fromkeys(m for e in exposures for m in e.ministries)
    return {
        "countries": _joined(event.countries, before.countries if before else ()),
        "items": _joined(items, before.items if before else ()),
        "chokepoints": _joined(event.chokepoints, before.chokepoints if before else ()),
        "ports": _joined(event.ports, before.ports if before else ()),
        "ministries": _joined(tuple(ministries), before.ministries if before else ()),
        "exposure_ids": tuple(e.id for e in exposures[:12]),
    }


def _joined(now: tuple[str, ...], before: tuple[str, ...]) -> tuple[str, ...]:
    """What holds now, then what was told before: an alert never forgets whom it reached."""
    return tuple(dict.fromkeys((*now, *before)))


def _raised(
    event: Event,
    exposures: Sequence[Exposure],
    rule: Rule,
    values: Mapping[str, float],
    ruleset: RuleSet,
    now: datetime,
) -> AlertChange:
    fingerprint = content_id("fp", event.id)
    alert = Alert(
        id=content_id("alr", fingerprint),
        fingerprint=fingerprint,
        event_id=event.id,
        stage=rule.stage,
        max_stage=rule.stage,
        state=AlertState.FIRING,
        raised_at=now,
        updated_at=now,
        revision=1,
        ruleset=ruleset.version,
        rule=rule.name,
        reasons=_reasons(rule, values),
        type=event.type,
        title=event.title,
        event_revision=event.revision,
        **_content(event, exposures),
    )
    return AlertChange(alert, ChangeKind.RAISED, now, None, f"rule {rule.name} holds")


def _step(
    before: Alert,
    event: Event,
    exposures: Sequence[Exposure],
    rule: Rule | None,
    values: Mapping[str, float],
    ruleset: RuleSet,
    now: datetime,
) -> AlertChange | None:
    """The next step in the life of an alert, or None when nothing a reader needs has changed."""
    resolved = before.state is AlertState.RESOLVED
    if rule is None:
        why = "eased" if event.phase is Phase.EASING else "below every clear_at"
        return None if resolved else _resolved(before, now, why)
    content = _content(event, exposures, before)
    after = replace(
        before,
        stage=rule.stage,
        max_stage=max(before.max_stage, rule.stage),
        state=AlertState.FIRING if resolved else before.state,
        updated_at=now,
        revision=before.revision + 1,
        ruleset=ruleset.version,
        rule=rule.name,
        reasons=_reasons(rule, values),
        event_revision=event.revision,
        resolved_at=None,
        title=event.title,
        **content,
    )
    if resolved:
        return AlertChange(after, ChangeKind.REOPENED, now, before.stage, "new facts after the end")
    if rule.stage != before.stage:
        kind = ChangeKind.STAGE_UP if rule.stage > before.stage else ChangeKind.STAGE_DOWN
        return AlertChange(after, kind, now, before.stage, f"rule {rule.name} holds")
    added = _added(before, content)
    if not added:
        return None
    return AlertChange(after, ChangeKind.UPDATED, now, before.stage, "new: " + ", ".join(added))


def _added(before: Alert, content: _Content) -> list[str]:
    """Items, routes, countries and ministries that the alert has not named before."""
    told = {
        *before.items, *before.chokepoints, *before.ports, *before.countries, *before.ministries,
    }  # fmt: skip
    now = (content["items"], content["chokepoints"], content["ports"], content["countries"],
           content["ministries"])  # fmt: skip
    return [code for codes in now for code in codes if code not in told]


def _resolved(alert: Alert, now: datetime, reason: str) -> AlertChange:
    after = replace(
        alert,
        state=AlertState.RESOLVED,
        resolved_at=now,
        updated_at=now,
        revision=alert.revision + 1,
    )
    return AlertChange(after, ChangeKind.RESOLVED, now, alert.stage, reason)
