"""The life of alerts: thousands of random steps against a second account of it, and what always holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

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

from alerts import life
from alerts.life import ActRefused
from alerts.rehearsal import Rehearsal
from alerts.rulebook import load_document, with_keys
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
from tests.stage_model import CLEAR, RAISE, REOPEN, Facts, Model, ModelAlert

START = datetime(2024, 3, 1, tzinfo=UTC)
NAMES = ("A", "B", "C", "D")
PEOPLE = ("Kim", "Lee")
OUTLETS = st.frozensets(st.sampled_from(["wire", "paper", "radio"]), min_size=1, max_size=3)
# Around every threshold; the high ones more often, where most can happen.
LOW, HIGH = [0.5, 0.8, 0.9, 1.0, 1.3, 1.4, 1.5, 1.8, 1.9], [2.0, 2.3, 2.4, 2.5, 3.0]
SEVERITIES = st.sampled_from([*LOW, *HIGH, *HIGH, *HIGH])
PHASES = st.sampled_from(["actual_or_ongoing"] * 8 + ["threat_or_proposed"] * 2
                         + ["easing_or_aftermath"])  # fmt: skip
FACTS = st.builds(
    Facts, SEVERITIES, OUTLETS, st.sampled_from([False] * 5 + [True]), PHASES,
    st.sampled_from([False] * 11 + [True]),
)  # fmt: skip
SPANS = [
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=29),
    timedelta(minutes=30), timedelta(minutes=59), timedelta(hours=1), timedelta(days=1),
    timedelta(days=6), timedelta(days=8), timedelta(days=29), timedelta(days=31),
]  # fmt: skip
WAITS = st.sampled_from([(60, 30), (60, 30), (10, 30), (0, 30), (60, 0), (0, 0)])


def document(alert_min: int, severe_min: int) -> Mapping[str, object]:
    """Four rules on severity alone, so that every stage can be asked for at will."""
    phases = ["threat_or_proposed", "actual_or_ongoing"]
    return {
        **with_keys(load_document(), {"group.reopen_days": REOPEN.days}),
        "signoff": {"alert_min": alert_min, "severe_min": severe_min},
        "rules": {
            f"at-{stage.en}": {
                "stage": stage.ko,
                "phases": phases,
                "when": {"severity": {"raise_at": RAISE[stage], "clear_at": CLEAR[stage]}},
            }
            for stage in Stage
        },
    }


def event(name: str, facts: Facts, before: Event | None, now: datetime) -> Event:
    evidence = [Evidence("art-shared", min(facts.outlets), now)]
    evidence += [Evidence(f"art-{name}-{outlet}", outlet, now) for outlet in sorted(facts.outlets)]
    status = EventStatus.DISMISSED if facts.untrue else EventStatus.SUSPECTED
    return Event(
        f"evt-{name}", "export_restriction", (), status, Phase(facts.phase), 0.9, facts.severity,
        ("CN",), ("urea",), (), (), (), f"title {name}", before.first_seen if before else now, now,
        tuple(evidence), "news", before.revision + 1 if before else 1, authority=facts.authority,
    )  # fmt: skip


def exposures(happening: Event) -> list[Exposure]:
    return [Exposure(happening.id, "urea", "CN", "use:urea:1", "49301", ("molit",), 0.8, 0.6, 0.9,
                     10.0, 20.0, 90.0, ())]  # fmt: skip


class StagesMachine(RuleBasedStateMachine):
    """Reports, time and people in any order; after each step both accounts must agree."""

    steps = 0

    @initialize(waits=WAITS)
    def begin(self, waits: tuple[int, int]) -> None:
        self.real = Rehearsal(RuleSet(1, "t", "t", START, document(*waits)), START)
        self.model = Model({3: timedelta(minutes=waits[0]), 4: timedelta(minutes=waits[1])})
        self.said: list[AlertChange] = []

    # ----- steps

    @rule(name=st.sampled_from(NAMES), facts=FACTS)
    def report(self, name: str, facts: Facts) -> None:
        """Time-outs and ends that are due come first, as in a cycle of the pipeline."""
        self._count()
        self.real.now += timedelta(minutes=1)
        self.real.wait(timedelta())
        self.model.wait(self.real.now)
        before = self.real.reports.get(f"evt-{name}")
        happening = event(name, facts, before[0] if before else None, self.real.now)
        changes = self.real.report((happening, exposures(happening)))
        kind = self.model.report(name, facts, self.real.now)
        assert [change.kind.value for change in changes] == ([kind] if kind else [])

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: timedelta) -> None:
        self._count()
        made = self.real.wait(span)
        kinds = self.model.wait(self.real.now)
        last = {self._number(change.alert): change.kind.value for change in made}
        assert last == kinds

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3), by=st.sampled_from(PEOPLE), stage=st.sampled_from([0, 0, 3, 4]))
    def sign(self, number: int, by: str, stage: int) -> None:
        detail = {"stage": Stage(stage).ko} if stage else {}
        self._act(number, ActKind.SIGN_OFF, by, detail, lambda a: self.model.sign(a, by, stage))

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3), by=st.sampled_from(PEOPLE))
    def refuse(self, number: int, by: str) -> None:
        self._act(number, ActKind.REFUSE, by, {}, self.model.refuse)

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3), by=st.sampled_from(PEOPLE))
    def acknowledge(self, number: int, by: str) -> None:
        self._act(number, ActKind.ACKNOWLEDGE, by, {}, lambda a: self.model.acknowledge(a, by))

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3), to=st.sampled_from(PEOPLE))
    def hand_over(self, number: int, to: str) -> None:
        self._act(number, ActKind.HAND_OVER, "Park", {"to": to},
                  lambda a: self.model.hand_over(a, "Park", to))  # fmt: skip

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3))
    def call_it_false(self, number: int) -> None:
        self._act(number, ActKind.FALSE_ALARM, "Kim", {"reason": "not_real"},
                  lambda a: self.model.retract(a, self.real.now))  # fmt: skip

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3))
    def clear(self, number: int) -> None:
        self._act(number, ActKind.CLEAR, "Kim", {}, lambda a: self.model.clear(a, self.real.now))

    @precondition(lambda self: self.model.alerts)
    @rule(number=st.integers(0, 3), blind=st.booleans())
    def look(self, number: int, blind: bool) -> None:
        """What the alert hangs on can no longer be seen, or can again."""
        self._count()
        model = self._chosen(number)
        real = self._real(model)
        change = life.sight(real, blind, self.real.now)
        assert (change is not None) == (not model.ended and model.blind != blind)
        if change is not None:
            self.real.alerts[real.id] = change.alert
            self.real.changes.append(change)
            model.blind = blind

    # ----- what must agree, and what must always hold

    @invariant()
    def both_accounts_agree(self) -> None:
        assert len(self.real.alerts) == len(self.model.alerts)
        for model in self.model.alerts:
            real = self._real(model)
            assert told(real) == expected(model)
            revisions = [c.alert.revision for c in self.real.changes if c.alert.id == real.id]
            assert revisions == list(range(1, len(revisions) + 1)), "one revision for each change"

    @invariant()
    def nothing_above_caution_without_a_name_or_a_time_out_and_corroboration(self) -> None:
        for change in self.real.changes[len(self.said) :]:
            alert = change.alert
            if alert.state is not AlertState.RESOLVED and alert.stage > Stage.CAUTION:
                assert bool(alert.signed_off_by) != alert.timed_out
            if change.kind.value in ("raised", "stage_up", "proposed", "reopened") and (
                alert.stage > Stage.CAUTION or alert.proposed
            ):
                assert alert.independent_sources > 1 or alert.authority
            if alert.proposed is not None:
                assert alert.proposed > alert.stage >= Stage.CAUTION
            assert change.reason.strip(), "every change says why"
        self.said = list(self.real.changes)

    @invariant()
    def no_rise_is_lost(self) -> None:
        """What the reports ask for is in force, or proposed, or refused by a person."""
        for alert in self.real.alerts.values():
            if alert.state is not AlertState.RESOLVED:
                asked = max(alert.members.values())
                reached = max(alert.stage, alert.proposed or 0, alert.refused or 0)
                assert reached >= min(asked, Stage.CAUTION)
                if alert.independent_sources > 1 or alert.authority:
                    assert reached >= asked

    # ----- helpers

    def _act(self, number, kind, by, detail, expected_of):  # type: ignore[no-untyped-def]
        self._count()
        model = self._chosen(number)
        real = self._real(model).id
        if expected_of(model):
            (change,) = self.real.act(real, kind, by, "because", detail)
            assert change.by == by
        else:
            with pytest.raises(ActRefused):
                self.real.act(real, kind, by, "because", detail)

    def _chosen(self, number: int) -> ModelAlert:
        return self.model.alerts[number % len(self.model.alerts)]

    def _real(self, model: ModelAlert) -> Alert:
        alert = self.real.by_event()[f"evt-{model.founder}"]
        assert alert.event_id == f"evt-{model.founder}"
        return alert

    def _number(self, alert: Alert) -> int:
        founders = [f"evt-{model.founder}" for model in self.model.alerts]
        return founders.index(alert.event_id)

    def _count(self) -> None:
        StagesMachine.steps += 1


def told(alert: Alert) -> dict[str, object]:
    return {
        "held": {id_.removeprefix("evt-"): stage for id_, stage in alert.members.items() if stage},
        "stage": int(alert.stage),
        "top": int(alert.max_stage),
        "proposed": int(alert.proposed or 0),
        "sign_by": alert.sign_by,
        "signer": alert.signed_off_by or "",
        "unsigned": alert.timed_out,
        "refused": int(alert.refused or 0),
        "ended": alert.ending.value if alert.ending else "",
        "ended_at": alert.resolved_at,
        "resolved": alert.state is AlertState.RESOLVED,
        "acknowledged": alert.state is AlertState.ACKNOWLEDGED,
        "holder": alert.holder or "",
        "blind": alert.blind_since is not None,
    }


def expected(model: ModelAlert) -> dict[str, object]:
    return {
        "held": {name: stage for name, stage in model.held.items() if stage},
        "stage": model.stage,
        "top": model.top,
        "proposed": model.proposed,
        "sign_by": model.sign_by,
        "signer": model.signer,
        "unsigned": model.unsigned,
        "refused": model.refused,
        "ended": model.ended,
        "ended_at": model.ended_at,
        "resolved": bool(model.ended),
        "acknowledged": model.acknowledged and not model.ended,
        "holder": model.holder,
        "blind": model.blind,
    }


def play(examples: int, steps: int) -> int:
    """Steps taken without a divergence."""
    before = StagesMachine.steps
    run_state_machine_as_test(
        StagesMachine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, database=None,
            phases=[Stretch.generate],  # making a failure small can take minutes
            derandomize="EWS_SEED" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    return StagesMachine.steps - before


def test_a_short_run_of_random_steps_agrees_with_the_model() -> None:
    assert play(examples=25, steps=40) > 500


@pytest.mark.torture
def test_ten_thousand_random_steps_agree_with_the_model() -> None:
    steps = play(examples=300, steps=60)
    print(f"{steps} steps, 0 divergences")
    assert steps >= 10_000
