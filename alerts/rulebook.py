"""What does a rule document say? TOML -> rules, thresholds, grouping and sign-off, all checked."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from alerts.chance import Weights, chance, read_weights
from alerts.groups import Grouping
from alerts.measures import MEASURES, Support, Unread, ceiling, own, stated, support, witness
from alerts.remembered import Reading, Remembered
from alerts.sensitivity import AS_IS, Sensitivity, counted, read_sensitivity
from alerts.stages import Signoff
from ews.model import Event, Exposure, Phase, RuleSet, Stage, Threshold, Witness

SECTIONS = ("news", "series", "evaluate", "rules")
# Sections that documents of older versions lack, and what then counts.
# fmt: off
OPTIONAL: Mapping[str, Mapping[str, object]] = {
    "signoff": {"alert_min": 60, "severe_min": 30},
    "retract": {"probability_below": 0.1},
    "group": {"longest_days": 60, "reopen_days": 7, "item_overlap": 0.5},
    "blind": {"after_hours": 24, "quorum": 0.5, "evidence_days": 180},
    "series": {
        "false_alarms_per_week": 2.0, "false_alarms_per_watched_year": 0.5,
        "false_alarms_per_item_year": 0.1, "least_move": 0.15, "real_per_item_year": 0.2,
    },
}
# fmt: on
# Sections that most documents lack: their keys are codes and names, each with a number.
OPEN = ("sensitivity", "budgets", "chance", "false_alarms")
# Every number of a document outside its rules, with the least and the most that makes sense.
LONGEST_DAYS = 36_500
MOST_A_DAY = 100_000
RANGES: Mapping[str, tuple[float, float]] = {
    "news.min_probability": (0, 1),
    "series.false_alarms_per_week": (0, MOST_A_DAY),
    "series.false_alarms_per_watched_year": (0, MOST_A_DAY),
    "series.false_alarms_per_item_year": (0, MOST_A_DAY),
    "series.least_move": (0, 1_000),
    "series.real_per_item_year": (0, 1_000),
    "evaluate.unknown_share": (0, 1),
    "evaluate.unlisted_share": (0, 1),
    "evaluate.quiet_days": (1, LONGEST_DAYS),
    "evaluate.duplicate_days": (0, LONGEST_DAYS),
    "signoff.alert_min": (0, LONGEST_DAYS * 1440),
    "signoff.severe_min": (0, LONGEST_DAYS * 1440),
    "retract.probability_below": (0, 1),
    "group.longest_days": (0, LONGEST_DAYS),
    "group.reopen_days": (0, LONGEST_DAYS),
    "group.item_overlap": (0, 1),
    "blind.after_hours": (0, LONGEST_DAYS * 24),
    "blind.evidence_days": (0, LONGEST_DAYS),
}


class RuleError(ValueError):
    """A rule document that cannot be used; the message names the key and what is allowed."""


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    stage: Stage
    when: Mapping[str, Threshold]
    types: frozenset[str]  # empty: every type
    phases: frozenset[str]  # empty: every phase


@dataclass(frozen=True, slots=True)
class BlindLimits:
    """When what an item depends on counts as silent, and after how long that is told."""

    after: timedelta
    quorum: float  # share of the independent groups of sources that must speak
    evidence: timedelta  # a source that spoke of the item within it is one of the item's


@dataclass(frozen=True, slots=True)
class Book:
    """A rule document, read."""

    version: int
    rules: tuple[Rule, ...]  # highest stage first
    unread: Unread
    grouping: Grouping
    signoff: Signoff
    quiet: timedelta
    refuted_below: float  # an event that is less probable than this was never so
    sensitivity: Sensitivity = AS_IS
    weights: Weights | None = None  # of the measure `chance`
    before: Remembered | None = None  # what was worked out of the same reports before

    def values(
        self, event: Event, exposures: Sequence[Exposure], others: Support | None = None
    ) -> dict[str, float]:
        """The measures of one report as they count here: those of [sensitivity] scaled."""
        by = support([self.witness(event)]).joined(others or Support())
        if self.before is None:
            return stated(self._own(event, exposures), by)
        reading = self._reading(event)
        if reading.values is None:
            reading.values = self._own(event, exposures)
        return stated(reading.values, by)

    def _own(self, event: Event, exposures: Sequence[Exposure]) -> dict[str, float]:
        found = own(event, exposures, self.unread)
        found["chance"] = chance(event, found, self.weights)
        return counted(found, self.sensitivity.factor(event))

    def witness(self, event: Event) -> Witness:
        """Who states this event."""
        return witness(event) if self.before is None else self._reading(event).witness

    def _reading(self, event: Event) -> Reading:
        assert self.before is not None
        found = self.before.read.get(id(event))
        if found is None:
            found = self.before.read[id(event)] = Reading(witness(event))
        return found

    def rules_for(self, event: Event) -> tuple[Rule, ...]:
        """The rules that may hold for it; none for a type or country that is never told."""
        return self.rules if self.sensitivity.factor(event) > 0 else ()


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


def read_book(ruleset: RuleSet) -> Book:
    """Everything that deciding needs. RuleError names a key that is missing, unknown or wrong."""
    document = ruleset.rules
    return Book(
        version=ruleset.version,
        rules=tuple(read_rules(document)),
        unread=unread(document),
        grouping=read_grouping(document),
        signoff=read_signoff(document),
        quiet=timedelta(days=setting(document, "evaluate", "quiet_days")),
        refuted_below=setting(document, "retract", "probability_below"),
        sensitivity=sensitivity(document),
        weights=weights(document),
    )


def read_rules(document: Mapping[str, object]) -> list[Rule]:
    """The rules, highest stage first, once the whole document has been checked."""
    for section in (*SECTIONS, *({*OPTIONAL, *OPEN} & set(document))):
        if not isinstance(document.get(section), Mapping):
            raise RuleError(f"[{section}] is missing from the rules")
    if unknown := set(document) - {*SECTIONS, *OPTIONAL, *OPEN}:
        raise RuleError(f"unknown section [{sorted(unknown)[0]}]")
    read_signoff(document)
    _check_ranges(document)
    read_grouping(document)
    _known(document, "retract", OPTIONAL["retract"])
    read_blind(document)
    sensitivity(document)
    weights(document)
    budgets(document)
    false_alarms(document)
    tables = document["rules"]
    assert isinstance(tables, Mapping)
    if not tables:
        raise RuleError("[rules] has no rule: nothing would ever be told")
    rules = [_rule(name, table) for name, table in tables.items()]
    return sorted(rules, key=lambda rule: (-rule.stage, rule.name))


def _check_ranges(document: Mapping[str, object]) -> None:
    """A number that no clock or share can have would stop every later evaluation."""
    for key, (least, most) in RANGES.items():
        section, name = key.split(".")
        value = setting(document, section, name)
        if not least <= value <= most:  # false for nan too
            raise RuleError(f"{key} must be from {least:,} to {most:,}, not {value:g}")


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
        phases = frozenset(Phase(p).value for p in _texts(name, table, "phases"))
    except ValueError as error:
        raise RuleError(f"rules.{name}: {error}") from error
    if not when:
        raise RuleError(f"rules.{name}.when is empty: the rule would hold for everything")
    return Rule(name, stage, when, frozenset(_texts(name, table, "types")), phases)


def _texts(name: str, table: Mapping[str, object], key: str) -> list[str]:
    """A list of texts; one text alone would be read letter by letter."""
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise RuleError(f"rules.{name}.{key} must be a list of texts, not {values!r}")
    return values


def _threshold(key: str, limits: object) -> Threshold:
    if not isinstance(limits, Mapping) or set(limits) != {"raise_at", "clear_at"}:
        raise RuleError(f"{key} must be {{ raise_at = N, clear_at = N }}")
    raise_at, clear_at = limits["raise_at"], limits["clear_at"]
    for value in (raise_at, clear_at):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RuleError(f"{key}: {value!r} is not a number")
        if not math.isfinite(value):
            raise RuleError(f"{key}: {value!r} can never be compared; give a finite number")
    if clear_at > raise_at:
        raise RuleError(
            f"{key}: clear_at {clear_at} is above raise_at {raise_at}; alerts would flap"
        )
    return Threshold(float(raise_at), float(clear_at))


def setting(document: Mapping[str, object], section: str, key: str) -> float:
    """A number of the document, or the shipped one where an older document lacks it."""
    table = document.get(section, {})
    assert isinstance(table, Mapping)
    value = table.get(key, OPTIONAL.get(section, {}).get(key))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{section}.{key} must be a number, not {value!r}")
    return float(value)


def complete(document: Mapping[str, object]) -> dict[str, object]:
    """The document with what older versions lacked, so that it can be seen and changed."""
    filled = dict(document)
    for section, values in OPTIONAL.items():
        table = document.get(section, {})
        assert isinstance(table, Mapping)
        filled[section] = {**values, **table}
    return filled


def with_keys(document: Mapping[str, object], values: Mapping[str, object]) -> Mapping[str, object]:
    """A copy with dotted keys set; tables that lack are made. It is checked when it is read."""
    made = dict(document)
    for key, value in values.items():
        table, (*path, last) = made, key.split(".")
        for part in path:
            inner = table.get(part, {})
            table[part] = dict(inner) if isinstance(inner, Mapping) else {}
            table = table[part]  # type: ignore[assignment]
        table[last] = value
    return made


def unread(document: Mapping[str, object]) -> Unread:
    """What shares that nobody has read count as, from [evaluate]."""
    return Unread(
        setting(document, "evaluate", "unknown_share"),
        setting(document, "evaluate", "unlisted_share"),
    )


def weights(document: Mapping[str, object]) -> Weights | None:
    """How `chance` is reckoned, from [chance]."""
    try:
        return read_weights(document)
    except ValueError as error:
        raise RuleError(str(error)) from error


def sensitivity(document: Mapping[str, object]) -> Sensitivity:
    """How much events of a type or a country count, from [sensitivity]."""
    try:
        return read_sensitivity(document)
    except ValueError as error:
        raise RuleError(str(error)) from None


def budgets(document: Mapping[str, object]) -> dict[str, int]:
    """Receiver -> messages a day that stand in place of what routes.toml says, from [budgets]."""
    return {name: int(value) for name, value in _allowed(document, "budgets", int).items()}


def false_alarms(document: Mapping[str, object]) -> dict[str, float]:
    """Item -> false alarms of its series that are accepted a year, from [false_alarms]."""
    return _allowed(document, "false_alarms", (int, float))


def _allowed(document: Mapping[str, object], section: str, kinds: Any) -> dict[str, float]:
    table = document.get(section, {})
    if not isinstance(table, Mapping):
        raise RuleError(f"{section} must be a table: name = number")
    word = "a whole number" if kinds is int else "a number"
    allowed: dict[str, Any] = dict(table)
    for name, n in allowed.items():
        if not isinstance(n, kinds) or isinstance(n, bool) or not 0 <= n <= MOST_A_DAY:
            raise RuleError(f"{section}.{name}: {n!r} must be {word} from 0 to {MOST_A_DAY:,}")
    return allowed


def read_signoff(document: Mapping[str, object]) -> Signoff:
    _known(document, "signoff", OPTIONAL["signoff"])
    waits = [setting(document, "signoff", key) for key in ("alert_min", "severe_min")]
    if min(waits) < 0:
        raise RuleError("signoff: minutes must be 0 (never by itself) or more")
    return Signoff(*waits)


def read_grouping(document: Mapping[str, object]) -> Grouping:
    """How reports of one happening are known. `evaluate.duplicate_days` is the window."""
    _known(document, "group", {*OPTIONAL["group"], "families"})
    table = document.get("group", {})
    families = table.get("families", {}) if isinstance(table, Mapping) else {}
    if not isinstance(families, Mapping):
        raise RuleError("group.families must be a table: family = [types]")
    family_of: dict[str, str] = {}
    for family, types in families.items():
        if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
            raise RuleError(f"group.families.{family} must be a list of event types")
        for type_ in types:
            if family_of.setdefault(type_, family) != family:
                raise RuleError(f"group.families: {type_} is in two families")
    return Grouping(
        window=timedelta(days=setting(document, "evaluate", "duplicate_days")),
        longest=timedelta(days=setting(document, "group", "longest_days")),
        reopen=timedelta(days=setting(document, "group", "reopen_days")),
        item_overlap=setting(document, "group", "item_overlap"),
        family_of=family_of,
    )


def read_blind(document: Mapping[str, object]) -> BlindLimits:
    _known(document, "blind", OPTIONAL["blind"])
    limits = BlindLimits(
        after=timedelta(hours=setting(document, "blind", "after_hours")),
        quorum=setting(document, "blind", "quorum"),
        evidence=timedelta(days=setting(document, "blind", "evidence_days")),
    )
    if not 0 < limits.quorum <= 1 or min(limits.after, limits.evidence) < timedelta(0):
        raise RuleError("blind: quorum must be above 0 and at most 1, hours and days 0 or more")
    return limits


def _known(document: Mapping[str, object], section: str, keys: Iterable[str]) -> None:
    table = document.get(section, {})
    if isinstance(table, Mapping) and (extra := set(table) - set(keys)):
        raise RuleError(f"{section}: unknown key {sorted(extra)[0]!r}; use {', '.join(keys)}")


# --------------------------------------------------------------------------- decisions


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
    """The rule of the highest stage that holds, up to what its sources can bear."""
    most = ceiling(event, bool(values["corroborated"]))
    for rule in rules:
        if rule.stage <= most and holds(rule, event, values, firing_at):
            return rule
    return None
