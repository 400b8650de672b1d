"""Rules: stages by data, hysteresis, one alert per happening, a reason for each change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerts import rule_cases, rules
from alerts.measures import MEASURES, Unread, measures
from ews.model import (
    Alert,
    AlertState,
    ChangeKind,
    Event,
    EventStatus,
    Evidence,
    Exposure,
    Phase,
    Stage,
)

NOW = datetime(2024, 3, 1, 9, tzinfo=UTC)
RULES = rules.shipped_ruleset(NOW)


def event(groups: int = 2, **changes: object) -> Event:
    evidence = tuple(Evidence(f"art-{n}", f"outlet{n}", NOW, "t") for n in range(groups))
    base = Event(
        "evt-1", "export_restriction", (), EventStatus.CORROBORATED, Phase.ACTUAL, 0.95, 2.0,
        ("CN",), ("urea",), (), (), (), "China holds urea", NOW, NOW, evidence, "news",
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def exposure(**changes: object) -> Exposure:
    base = Exposure(
        "evt-1",
        "urea",
        "CN",
        "use:urea:1",
        "49301",
        ("molit",),
        0.8,
        0.6,
        0.95,
        10.0,
        20.0,
        90.0,
        (),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def decide(happening: Event, *exposures: Exposure, alert: Alert | None = None):  # type: ignore[no-untyped-def]
    known = {happening.id: alert} if alert else {}
    changes = rules.evaluate([(happening, exposures)], known, RULES, NOW)
    return changes[0] if changes else None


def test_a_shortfall_that_outlasts_the_stock_is_at_least_an_alert_stage() -> None:
    change = decide(event(), exposure())
    assert change.kind is ChangeKind.RAISED
    assert change.alert.proposed is Stage.ALERT
    assert any(reason.startswith("gap_days=70") for reason in change.alert.reasons)


def test_one_source_alone_never_lifts_above_caution() -> None:
    alone = decide(event(groups=1), exposure()).alert
    assert (alone.stage, alone.proposed) == (Stage.CAUTION, None)
    assert decide(event(groups=1, authority=True), exposure()).alert.proposed is Stage.ALERT


def test_forty_copies_of_one_wire_story_are_one_source() -> None:
    copies = tuple(Evidence(f"art-{n}", "wire", NOW, "t") for n in range(40))
    alert = decide(event(evidence=copies), exposure()).alert
    assert (alert.stage, alert.proposed) == (Stage.CAUTION, None)


def test_an_event_that_reaches_nothing_and_is_hardly_right_raises_nothing() -> None:
    assert decide(event(items=(), countries=("CN",), relevance=0.05)) is None
    assert decide(event(items=(), countries=("CN",), relevance=0.95)).alert.stage is Stage.CAUTION


def test_an_easing_raises_nothing_and_ends_a_firing_alert() -> None:
    assert decide(event(phase=Phase.EASING), exposure()) is None
    firing = decide(event(), exposure()).alert
    change = decide(event(phase=Phase.EASING, revision=2), exposure(), alert=firing)
    assert change.kind is ChangeKind.RESOLVED
    assert change.reason == "eased"


def test_a_firing_alert_holds_between_clear_and_raise() -> None:
    firing = decide(event(groups=1, severity=1.0), exposure()).alert
    weaker = event(groups=1, severity=1.0, probability=0.4, revision=2)
    assert firing.stage is Stage.CAUTION
    assert decide(weaker, exposure()).alert.stage is Stage.WATCH, "by itself it would be less"
    assert decide(weaker, exposure(), alert=firing) is None, "0.4 is above clear_at: no change"


def test_a_new_item_or_ministry_is_told_at_once_and_never_forgotten() -> None:
    firing = decide(event(), exposure()).alert
    wider = event(items=("ammonia",), revision=2)
    change = decide(wider, exposure(ministries=("mafra",)), alert=firing)
    assert change.kind is ChangeKind.UPDATED
    assert {"ammonia", "mafra"} <= set(change.reason.replace(",", " ").split())
    assert set(change.alert.items) == {"ammonia", "urea"}
    assert set(change.alert.ministries) == {"mafra", "molit"}
    assert decide(replace(wider, revision=3), exposure(), alert=change.alert) is None


def test_a_second_event_on_the_same_happening_raises_no_second_alert() -> None:
    first = decide(event(), exposure()).alert
    twin = event(id="evt-2", first_seen=NOW + timedelta(days=2))
    (change,) = rules.evaluate([(twin, [exposure()])], {"evt-1": first}, RULES, NOW)
    assert (change.kind, change.alert.id) == (ChangeKind.NOTED, first.id), "kept, not told"
    assert set(change.alert.members) == {"evt-1", "evt-2"}
    long_before = event(id="evt-4", first_seen=NOW - timedelta(days=400), evidence=())
    assert len(rules.evaluate([(long_before, [exposure()])], {"evt-1": first}, RULES, NOW)) == 1
    later = event(id="evt-3", first_seen=NOW + timedelta(days=40), evidence=())
    assert len(rules.evaluate([(later, [exposure()])], {"evt-1": first}, RULES, NOW)) == 1


def test_new_facts_after_the_end_reopen_the_alert() -> None:
    firing = decide(event(), exposure()).alert
    ended = replace(firing, state=AlertState.RESOLVED, resolved_at=NOW)
    change = decide(event(revision=3), exposure(), alert=ended)
    assert change.kind is ChangeKind.REOPENED
    assert change.alert.id == firing.id


def test_a_quiet_alert_is_resolved_and_says_why() -> None:
    firing = decide(event(), exposure()).alert
    later = NOW + timedelta(days=31)
    (change,) = rules.expire([firing], {"evt-1": NOW}, RULES, later)
    assert change.kind is ChangeKind.RESOLVED
    assert "30 days" in change.reason
    assert rules.expire([firing], {"evt-1": later - timedelta(days=2)}, RULES, later) == []


def test_an_unknown_share_counts_as_the_rules_say_not_as_zero() -> None:
    unread = Unread(listed=0.1, unlisted=0.02)
    listed = measures(event(), [exposure(share_at_risk=None)], unread)
    unlisted = measures(event(), [exposure(share_at_risk=None, industry="")], unread)
    assert (listed["share"], unlisted["share"]) == (0.1, 0.02)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"rules": {"x": {"stage": "주의", "when": {"speed": {"raise_at": 1, "clear_at": 0}}}}},
            "unknown measure",
        ),
        ({"rules": {"x": {"stage": "노랑", "when": {}}}}, "unknown stage"),
        (
            {"rules": {"x": {"stage": "주의", "when": {"loss": {"raise_at": 1, "clear_at": 2}}}}},
            "flap",
        ),
        (
            {"rules": {"x": {"stage": "주의", "when": {"loss": {"raise_at": "1", "clear_at": 0}}}}},
            "not a number",
        ),
        ({"colour": {}}, "unknown section"),
    ],
)
def test_a_rule_that_is_not_understood_is_loud(change: dict[str, object], says: str) -> None:
    with pytest.raises(rules.RuleError, match=says):
        rules.read_rules({**RULES.rules, **change})


def test_every_measure_of_a_shipped_rule_is_computed() -> None:
    values = rules.read_book(RULES).values(event(), [exposure()])
    assert set(values) == set(MEASURES)


def test_the_rule_set_as_shipped_names_no_item_country_or_case() -> None:
    """Forbidden by design: a rule that names a shipped case."""
    text = repr(RULES.rules).lower()
    for word in ("urea", "gallium", "graphite", "'cn'", "china", "red sea", "bab-el"):
        assert word not in text


@pytest.mark.parametrize("case", rule_cases.shipped_cases(), ids=lambda case: str(case["name"]))
def test_each_case_of_rules_test_toml_holds_under_the_shipped_rules(
    case: dict[str, object],
) -> None:
    (outcome,) = rule_cases.run_cases(RULES.rules, [case])
    assert outcome.passed, f"expected {outcome.expected}, got {outcome.got} by {outcome.rule}"


def test_a_rule_case_with_an_unknown_key_is_loud() -> None:
    with pytest.raises(rules.RuleError, match="unknown key 'shar'"):
        rule_cases.run_cases(RULES.rules, [{"name": "x", "shar": 1}])
