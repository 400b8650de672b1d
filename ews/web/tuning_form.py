"""What does the tuning form show? The values that may be moved, each with its range and its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ews.model import Stage
from ews.tuning.desk_shapes import Knob
from ews.web import tuning_words as words
from ews.web.tuning_asked import Asked, present, same

SETTINGS = (
    "evaluate",
    "group",
    "chance",
    "series",
)  # sections of the rules whose numbers the form shows
FACTOR = (0.0, 10.0, 0.05)  # range and step of a sensitivity


@dataclass(frozen=True, slots=True)
class Field:
    """One number of the form."""

    key: str
    label: str
    value: str  # as typed, else as in the base
    base: str
    low: float
    high: float
    step: float
    log: bool = False  # its slider goes by powers of ten

    @property
    def moved(self) -> bool:
        return self.value != self.base


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of a rule: its thresholds, and what they say."""

    measure: str
    name: str
    means: str
    says: str
    asked: bool  # of a measure that holds or does not: whether the rule asks for it
    yes_or_no: bool
    raise_at: Field
    clear_at: Field


@dataclass(frozen=True, slots=True)
class RuleTab:
    """A rule to pick."""

    code: str
    name: str
    stage: Stage
    moved: bool


@dataclass(frozen=True, slots=True)
class Form:
    """All that the form shows, in the language of who reads it."""

    rules: tuple[RuleTab, ...]
    rule: RuleTab
    lines: tuple[Line, ...]
    budgets: tuple[Field, ...]
    types: tuple[Field, ...]
    countries: tuple[Field, ...]
    settings: tuple[Field, ...]
    kept: Mapping[str, str]  # changes of other rules: hidden fields

    @property
    def loose(self) -> int:
        """How many values outside the picked rule are moved."""
        return sum(
            one.moved for one in (*self.budgets, *self.types, *self.countries, *self.settings)
        )


def form(knobs: Sequence[Knob], asked: Asked, names: Mapping[str, str], lang: str) -> Form:
    """The fields of the picked rule and of all that is no rule. `names`: countries by code."""
    known = {knob.key: knob for knob in knobs}
    moved = asked.differing(known)
    tabs = _tabs(knobs, moved, lang)
    chosen = next((tab for tab in tabs if tab.code == asked.rule), _first(tabs))
    make = _Maker(known, asked, names, lang)
    measures = dict.fromkeys(knob.measure for knob in knobs if knob.rule == chosen.code)
    lines = tuple(make.line(chosen.code, one) for one in measures if one)
    shown = {one.key for line in lines for one in (line.raise_at, line.clear_at)}
    budgets = make.group("budget")
    settings = tuple(one for one in make.group("other") if one.key.split(".")[0] in SETTINGS)
    types, countries = make.factors("types"), make.factors("countries")
    shown |= {one.key for one in (*budgets, *settings, *types, *countries)}
    kept = {key: text for key, text in moved.items() if key not in shown}
    return Form(tabs, chosen, lines, budgets, types, countries, settings, kept)


def _tabs(knobs: Sequence[Knob], moved: Mapping[str, str], lang: str) -> tuple[RuleTab, ...]:
    stages = {knob.rule: knob.stage for knob in knobs if knob.rule and knob.stage is not None}
    tabs = [
        RuleTab(code, words.rule_name(code, lang), stage,
                any(key.startswith(f"rules.{code}.") for key in moved))
        for code, stage in stages.items()
    ]  # fmt: skip
    return tuple(sorted(tabs, key=lambda tab: (tab.stage, tab.code)))


def _first(tabs: Sequence[RuleTab]) -> RuleTab:
    """The first rule of 주의: the one most often moved."""
    return next((tab for tab in tabs if tab.stage is Stage.CAUTION), tabs[0])


@dataclass(frozen=True, slots=True)
class _Maker:
    known: Mapping[str, Knob]
    asked: Asked
    names: Mapping[str, str]
    lang: str

    def field(self, key: str) -> Field:
        found, knob = present(key, self.known), self.known.get(key)
        base = words.number(found) if found is not None else ""
        typed = self.asked.changes.get(key, "")
        shown = base if not typed or same(typed, found) else typed
        low, high, step = (knob.low, knob.high, knob.step) if knob else FACTOR
        log = knob is not None and words.by_powers(knob.measure)
        label = words.key_name(key, self.lang, self.names)
        return Field(key, label, shown, base, low, high, step, log)

    def line(self, rule: str, measure: str) -> Line:
        up, down = (
            self.field(f"rules.{rule}.when.{measure}.{end}") for end in ("raise_at", "clear_at")
        )
        raised, cleared = _number(up), _number(down)
        return Line(
            measure, words.measure_name(measure, self.lang), words.measure_means(measure, self.lang),
            words.sentence(measure, raised, cleared, self.lang), raised > 0,
            measure in words.YES_OR_NO, up, down,
        )  # fmt: skip

    def group(self, name: str) -> tuple[Field, ...]:
        return tuple(self.field(key) for key, knob in self.known.items() if knob.group == name)

    def factors(self, group: str) -> tuple[Field, ...]:
        """The factors that the base or the form names."""
        prefix = f"sensitivity.{group}."
        keys = {k for k, text in self.asked.changes.items() if k.startswith(prefix) and text}
        keys |= {k for k, knob in self.known.items() if k.startswith(prefix) and knob.value != 1}
        return tuple(self.field(key) for key in sorted(keys))


def _number(field: Field) -> float:
    for text in (field.value, field.base):
        try:
            return float(text)
        except ValueError:
            continue
    return 0.0
