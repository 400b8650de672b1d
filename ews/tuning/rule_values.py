"""What does a rule document say once keys are changed as typed? Checked as a whole."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

from alerts.rulebook import (
    MOST_A_DAY,
    budgets,
    complete,
    false_alarms,
    read_grouping,
    read_rules,
    sensitivity,
)
from ews.model import RuleSet, flatten
from graph.goods import goods
from graph.reference import CHOKEPOINTS, COUNTRIES, ITEMS, PORTS
from nlp.taxonomy import NAMES

# Keys that need not be there yet: `budget.console=5`, `sensitivity.types.price_shock=0.5`.
FACTORS = ("sensitivity.types", "sensitivity.countries")
BUDGET = "budget"
FALSE_ALARMS = "false_alarms"  # item = a year: what has a budget of its own is watched
TAKE_BACK = "-"  # a budget: what routes.toml says counts again; a factor: 1; a measure: not asked
# Measures that may be put into a rule that does not ask for them, and taken out of one that does.
ADDABLE = ("corroborated", "sources")
ENDS = ("raise_at", "clear_at")


class RuleChangeError(ValueError):
    """A change of the rules that cannot be made; the message says what is allowed."""


def checked(document: Mapping[str, object]) -> dict[str, object]:
    """The document, once it can be used. A type that no reader knows would make its rule silent."""
    named = {type_: f"rules.{rule.name}.types" for rule in read_rules(document)
             for type_ in rule.types}  # fmt: skip
    families = read_grouping(document).family_of
    named |= {type_: f"group.families.{family}" for type_, family in families.items()}
    factors = sensitivity(document)
    named |= dict.fromkeys(factors.types, FACTORS[0])
    for type_, key in sorted(named.items()):
        if type_ not in NAMES:
            raise RuleChangeError(
                f"{key}: no event is of type {type_!r}; use {', '.join(sorted(NAMES))}"
            )
    for code in factors.countries:
        if code not in COUNTRIES:
            raise RuleChangeError(
                f"{FACTORS[1]}: no country {code!r}; write its two letters, as CN"
            )
    for code in false_alarms(document):
        if not _pays(code):
            raise RuleChangeError(
                f"{FALSE_ALARMS}: no item or place {code!r}; write an item's id, the 6 digits of an "
                "HS code, or a strait's or port's id, as `ews series budget` lists them"
            )
    budgets(document)
    return dict(document)


def _pays(code: str) -> bool:
    """Whether series can have a budget under the code (ews.measuring.monitored)."""
    return code in ITEMS or code in goods() or code in {*CHOKEPOINTS, *PORTS, *COUNTRIES, "WLD"}


def difference(before: RuleSet, after: RuleSet) -> dict[str, tuple[object, object]]:
    """Dotted key -> (before, after) of every value that differs; None stands for absent."""
    return differing(before.rules, after.rules)


def differing(
    before: Mapping[str, object], after: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """As `difference`, of two documents."""
    old, new = flatten(before), flatten(after)
    return {
        key: (old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    }


def changed(rules: Mapping[str, object], changes: Mapping[str, str]) -> dict[str, object]:
    """A copy of the document with the dotted keys set, checked as a whole."""
    if not changes:
        raise RuleChangeError("nothing to change: give key=value, as `ews rules show` spells it")
    document = copy.deepcopy(complete(rules))
    known = flatten(document)
    for key, text in changes.items():
        if (place := _open_place(key)) is not None:
            _put_open(document, key, place, text)
            continue
        if (asks := _asks(document, key)) is not None:
            _put_ask(document, key, asks, text)
            continue
        if key not in known:
            raise RuleChangeError(f"unknown key {key!r}; {_near(key, known)}")
        _put(document, key, _value(key, text, known[key]))
    _pair_ends(document)
    return checked(document)


def _open_place(key: str) -> tuple[tuple[str, ...], str] | None:
    """Where a key stands that need not be there yet: its tables, and its name there."""
    for prefix in FACTORS:
        if key.startswith(f"{prefix}.") and len(key) > len(prefix) + 1:
            return tuple(prefix.split(".")), key.removeprefix(f"{prefix}.")
    for prefix, table in (
        (BUDGET, "budgets"),
        ("budgets", "budgets"),
        (FALSE_ALARMS, FALSE_ALARMS),
    ):
        if key.startswith(f"{prefix}.") and len(key) > len(prefix) + 1:
            return (table,), key.removeprefix(f"{prefix}.")
    return None


def _put_open(
    document: dict[str, object], key: str, place: tuple[tuple[str, ...], str], text: str
) -> None:
    """Set the number, or take it back; a table that is left empty goes."""
    path, name = place
    value = None if text.strip() == TAKE_BACK else _number(key, text, path[0] == "budgets")
    tables = [document]
    for part in path:
        tables.append(cast("dict[str, object]", tables[-1].setdefault(part, {})))
    if value is None or (path[0] == "sensitivity" and value == 1):
        tables[-1].pop(name, None)
    else:
        tables[-1][name] = value
    for number in range(len(path), 0, -1):
        if not tables[number]:
            del tables[number - 1][path[number - 1]]


def _asks(document: Mapping[str, object], key: str) -> tuple[str, str, str] | None:
    """Rule, measure and end of a key by which a rule asks who else states the happening."""
    parts = key.split(".")
    if len(parts) != 5 or (parts[0], parts[2]) != ("rules", "when"):
        return None
    tables = cast("Mapping[str, object]", document["rules"])
    known = parts[1] in tables and parts[3] in ADDABLE and parts[4] in ENDS
    return (parts[1], parts[3], parts[4]) if known else None


def _put_ask(document: dict[str, object], key: str, asks: tuple[str, str, str], text: str) -> None:
    """Set one end of the measure. A rule that raises at 0 sources asks for none: it goes."""
    rule, measure, end = asks
    table = cast("dict[str, dict[str, dict[str, object]]]", document["rules"])[rule]["when"]
    value = None if text.strip() == TAKE_BACK else _value(key, text, 0.0)
    if isinstance(value, int | float) and not isfinite(value):
        raise RuleChangeError(f"{key}: {text!r} can never be compared; - takes it back")
    if value is None or (end == "raise_at" and cast(float, value) <= 0):
        table.pop(measure, None)
    else:
        table[measure] = cast("dict[str, object]", table.get(measure, {})) | {end: value}


def _pair_ends(document: Mapping[str, object]) -> None:
    """Of a measure that was added with one end the other is the same; one that never raises goes."""
    for rule in cast("Mapping[str, dict[str, Any]]", document["rules"]).values():
        when = rule["when"]
        for measure in {*ADDABLE} & set(when):
            limits = when[measure]
            if "raise_at" not in limits:
                del when[measure]
            elif "clear_at" not in limits:
                when[measure] = {"raise_at": limits["raise_at"], "clear_at": limits["raise_at"]}


def _number(key: str, text: str, whole: bool) -> int | float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        as_is = ", 1 = as is" if key.startswith("sensitivity.") else " of false alarms a year"
        what = f"a whole number from 0 to {MOST_A_DAY:,}" if whole else f"a number{as_is}"
        raise RuleChangeError(f"{key}: {text!r} is not {what}; - takes it back") from None


def _value(key: str, text: str, present: object) -> object:
    """The text as the kind of value that is there now: number, true or false, text or list."""
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    if isinstance(present, bool) or isinstance(value, bool):
        fits = isinstance(present, bool) and isinstance(value, bool)
    elif isinstance(present, int | float):
        fits = isinstance(value, int | float)
        if fits and isinstance(present, float):
            value = float(cast(float, value))
    else:
        fits = isinstance(value, type(present))
    if not fits:
        raise RuleChangeError(f"{key}: {text!r} is not {_kind(present)}; it is {present!r} now")
    return value


def _kind(present: object) -> str:
    if isinstance(present, bool):
        return "true or false"
    if isinstance(present, int | float):
        return "a number"
    return "a list" if isinstance(present, list) else "a text"


def _put(document: dict[str, object], key: str, value: object) -> None:
    *path, last = key.split(".")
    table = document
    for part in path:
        table = cast("dict[str, object]", table[part])
    table[last] = value


def _near(key: str, known: Mapping[str, object]) -> str:
    last = key.rsplit(".", 1)[-1]
    alike = [one for one in known if last in one][:5]
    return f"did you mean {' or '.join(alike)}?" if alike else "see `ews rules show` for all keys"
