"""Which reports make one alert: random reports against a second account, written from docs/stages.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stretch
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alerts.rehearsal import Rehearsal
from alerts.rulebook import load_document, with_keys
from ews.model import ActKind, AlertState, Event, EventStatus, Evidence, Exposure, Phase, RuleSet

START = datetime(2024, 3, 1, tzinfo=UTC)
# Own spans, shorter than shipped, so that every one of them ends within a game.
SPANS = {"evaluate.duplicate_days": 14, "group.longest_days": 60, "group.reopen_days": 7}
NAMES = tuple("ABCDEFGH")
TYPES = ("export_restriction", "logistics_disruption", "armed_conflict_or_unrest", "price_shock")
FAMILIES = [{"logistics_disruption", "armed_conflict_or_unrest"}]
DAY = timedelta(days=1)
CODES = {
    "places": st.frozensets(st.sampled_from(["CN", "JP", "KR"]), max_size=2),
    "items": st.frozensets(st.sampled_from(["urea", "graphite", "nickel"]), max_size=3),
    "routes": st.sampled_from([frozenset(), frozenset(), frozenset({"suez"}),
                               frozenset({"hormuz"})]),
    "texts": st.frozensets(st.sampled_from(["t1", "t2", "t3", "t4", "t5", "t6", "t7"]), max_size=1),
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    places: frozenset[str]
    items: frozenset[str]
    routes: frozenset[str]
    texts: frozenset[str]  # evidence that other reports can have too


@dataclass
class Told:
    """An alert of the second account."""

    type: str
    raised: datetime
    changed: datetime
    reports: set[str] = field(default_factory=set)
    awake: set[str] = field(default_factory=set)  # reports that came since it last began
    facts: dict[str, set[str]] = field(default_factory=dict)
    ended: str = ""
    ended_at: datetime = START


class Model:
    def __init__(self) -> None:
        self.alerts: list[Told] = []
        self.first: dict[str, datetime] = {}
        self.last: dict[str, datetime] = {}

    def report(self, name: str, type_: str, facts: Facts, now: datetime) -> str:
        self.first.setdefault(name, now)
        self.last[name] = now
        home = next((a for a in self.alerts if name in a.reports), None)
        home = home or self._likest(name, type_, facts, now)
        if home is None:
            home = Told(type_, now, now)
            self.alerts.append(home)
            self._keep(home, name, facts, now)
            return "raised"
        newcomer = name not in home.awake
        new = any(getattr(facts, kind) - home.facts[kind] for kind in ("places", "items", "routes"))
        if home.ended in ("cleared", "retracted") and not new:
            return ""
        kind = "reopened" if home.ended else "updated" if new else "noted" if newcomer else ""
        if kind:
            home.awake = set() if home.ended else home.awake
            home.ended = ""
            self._keep(home, name, facts, now)
        return kind

    def _keep(self, alert: Told, name: str, facts: Facts, now: datetime) -> None:
        alert.reports.add(name)
        alert.awake.add(name)
        alert.changed = now
        own = {f"{name}-own"}
        for kind in CODES:
            alert.facts.setdefault(kind, set()).update(getattr(facts, kind), own)

    def _likest(self, name: str, type_: str, facts: Facts, now: datetime) -> Told | None:
        ranked = [(self._rank(name, type_, facts, a, now), -a.raised.timestamp(), a)
                  for a in self.alerts]  # fmt: skip
        ranked = [one for one in ranked if one[0] > (0,)]
        return max(ranked, key=lambda one: one[:2])[2] if ranked else None

    def _rank(self, name: str, type_: str, facts: Facts, alert: Told, now: datetime):  # type: ignore[no-untyped-def]
        if alert.ended == "retracted" or (alert.ended and now - alert.ended_at > 7 * DAY):
            return (0,)
        if facts.texts & alert.facts["texts"]:
            return (3,)
        latest = min(alert.changed + 14 * DAY, alert.raised + 60 * DAY)
        if not alert.raised - 14 * DAY <= self.first[name] <= latest:
            return (0,)
        same = type_ == alert.type
        if facts.routes & alert.facts["routes"]:
            alike = same or any({type_, alert.type} <= family for family in FAMILIES)
            return (2, same) if alike else (0,)
        common = facts.items & alert.facts["items"]
        if not same or not common or 2 * len(common) < len(facts.items):
            return (0,)
        if not self._one_place(facts, alert):
            return (0,)
        return (1, Fraction(len(common), len(facts.items)))

    def _one_place(self, facts: Facts, alert: Told) -> bool:
        told = {place for place in alert.facts["places"] if not place.endswith("-own")}
        routes = {route for route in alert.facts["routes"] if not route.endswith("-own")}
        if not facts.places:
            return not routes
        if facts.places - {"KR"} and told - {"KR"}:
            return bool((facts.places & told) - {"KR"})
        return bool(facts.places & told)

    def wait(self, now: datetime) -> None:
        for alert in self.alerts:
            if not alert.ended and now - max(self.last[n] for n in alert.reports) >= 30 * DAY:
                alert.ended, alert.ended_at, alert.changed = "quiet", now, now

    def act(self, alert: Told, how: str, now: datetime) -> None:
        alert.ended, alert.ended_at, alert.changed = how, now, now


class GroupingMachine(RuleBasedStateMachine):
    steps = 0

    @initialize()
    def begin(self) -> None:
        always = {"stage": "주의", "when": {"severity": {"raise_at": 0, "clear_at": 0}}}
        document = {**with_keys(load_document(), SPANS), "rules": {"always": always}}
        self.real = Rehearsal(RuleSet(1, "t", "t", START, document), START)
        self.model = Model()

    @rule(
        name=st.sampled_from(NAMES), type_=st.sampled_from(TYPES), facts=st.builds(Facts, **CODES)
    )
    def report(self, name: str, type_: str, facts: Facts) -> None:
        GroupingMachine.steps += 1
        self.real.now += timedelta(minutes=1)
        self.real.wait(timedelta())
        self.model.wait(self.real.now)
        before = self.real.reports.get(f"evt-{name}")
        if before is not None:
            type_ = before[0].type  # a report's type stands
        happening = event(name, type_, facts, before[0] if before else None, self.real.now)
        found = [Exposure(happening.id, item, "CN", "use:1", "49301", ("molit",), 0.8, 0.6, 0.9, 10.0,
                          20.0, 90.0, ()) for item in sorted(facts.items)]  # fmt: skip
        changes = self.real.report((happening, found))
        kind = self.model.report(name, type_, facts, self.real.now)
        assert [change.kind.value for change in changes] == ([kind] if kind else [])

    @rule(days=st.sampled_from([1, 1, 3, 6, 8, 13, 15, 31]))
    def time_passes(self, days: int) -> None:
        GroupingMachine.steps += 1
        self.real.wait(days * DAY)
        self.model.wait(self.real.now)

    @precondition(lambda self: any(not alert.ended for alert in self.model.alerts))
    @rule(number=st.integers(0, 7), how=st.sampled_from(["cleared", "retracted"]))
    def somebody_ends_it(self, number: int, how: str) -> None:
        GroupingMachine.steps += 1
        open_ = [alert for alert in self.model.alerts if not alert.ended]
        alert = open_[number % len(open_)]
        real = self.real.by_event()[f"evt-{min(alert.reports)}"]
        kind = ActKind.CLEAR if how == "cleared" else ActKind.FALSE_ALARM
        self.real.act(real.id, kind, "Kim", "because", {"reason": "not_real"})
        self.model.act(alert, how, self.real.now)

    @invariant()
    def both_accounts_agree(self) -> None:
        mine = sorted(
            (sorted(id_.removeprefix("evt-") for id_ in a.members),
             a.state is AlertState.RESOLVED) for a in self.real.alerts.values()
        )  # fmt: skip
        assert mine == sorted((sorted(a.reports), bool(a.ended)) for a in self.model.alerts)


def event(name: str, type_: str, facts: Facts, before: Event | None, now: datetime) -> Event:
    texts = [f"{name}-own", *sorted(facts.texts)]
    evidence = tuple(Evidence(text, outlet, now) for text in texts for outlet in ("wire", "paper"))
    return Event(
        f"evt-{name}", type_, (), EventStatus.CORROBORATED, Phase.ACTUAL, 0.9, 2.0,
        tuple(sorted(facts.places)), tuple(sorted(facts.items)), (), tuple(sorted(facts.routes)), (),
        f"title {name}", before.first_seen if before else now, now, evidence, "news",
        before.revision + 1 if before else 1,
    )  # fmt: skip


def play(examples: int, steps: int) -> int:
    before = GroupingMachine.steps
    run_state_machine_as_test(
        GroupingMachine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None,
                          database=None, derandomize=True, phases=[Stretch.generate],
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
    return GroupingMachine.steps - before


def test_a_short_run_of_random_reports_is_grouped_as_the_model_does() -> None:
    assert play(examples=30, steps=40) > 500


@pytest.mark.torture
def test_ten_thousand_random_reports_are_grouped_as_the_model_does() -> None:
    steps = play(examples=400, steps=60)
    print(f"{steps} steps, 0 divergences")
    assert steps >= 10_000
