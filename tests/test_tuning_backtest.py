"""A backtest tells what the live stages tell under the same rules, and nothing before its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.budgets import costs
from alerts.happenings import verdict
from alerts.measures import Support
from alerts.routing import Routes, load_routes
from alerts.rulebook import load_document, read_book, with_keys
from ews.model import AlertChange, Receiver, RouteReason, RuleSet, Stage
from ews.storage import Store
from ews.tuning.backtest import Memory, OtherDetectors, backtest, exactly
from ews.tuning.loads import ReceiverLoad
from ews.tuning.prefilter import may_matter
from ews.tuning.tape import Tape, tape_of
from graph import Network
from tests.empty_store import opened
from tests.tape_samples import DAY, SINCE, UNTIL, filled, play_live

# More is told than as shipped, so that forty-five days hold many lives of alerts.
EAGER = {
    "rules.watch-item.when.severity.raise_at": 0.5,
    "rules.watch-item.when.severity.clear_at": 0.4,
    "evaluate.quiet_days": 25,
    "rules.alert-short.when.gap_days.raise_at": -900,
    "rules.alert-short.when.gap_days.clear_at": -900,
    "rules.alert-short.when.severity.raise_at": 1.3,
    "rules.alert-short.when.expected_loss.raise_at": 0.06,
}
ROUTES = Routes(
    (
        Receiver("all", "console", "-"),
        Receiver("few", "console", "few", lang="en", budget_per_day=1, digests=("08:30",)),
        Receiver("asleep", "console", "asleep", quiet="20:00-09:00", cooldown_min=600),
        Receiver("urea", "console", "urea", items=("urea",), minimum=Stage.CAUTION),
    ),
    load_routes().inhibitions,
)


def rules_with(changed: Mapping[str, object]) -> RuleSet:
    document = with_keys(load_document(), changed)
    return RuleSet(1, "tester", "made", datetime(2000, 1, 1, tzinfo=UTC), document)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = filled(tmp_path_factory.mktemp("tape"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tape(store: Store, network: Network) -> Tape:
    return tape_of(store, network, SINCE, UNTIL)


def live(
    store: Store, network: Network, folder: Path, rules: RuleSet
) -> tuple[list[AlertChange], dict[str, ReceiverLoad | Counter[str]]]:
    into = opened(folder)
    try:
        changes = play_live(store, into, network, rules, ROUTES)
        told: dict[str, ReceiverLoad | Counter[str]] = {}
        for one in ROUTES.receivers:
            notes = into.notifications(receiver=one.name)
            told[one.name] = Counter(
                "bulletin" if note.bulletin else "told" if costs(note) else note.reason.value
                for note in notes if note.reason is not RouteReason.STANDING
            )  # fmt: skip
        return changes, told
    finally:
        into.close()


def test_it_tells_what_the_live_stages_tell_change_for_change_and_message_for_message(
    store: Store, network: Network, tape: Tape, tmp_path: Path
) -> None:
    rules = rules_with(EAGER)
    changes, told = live(store, network, tmp_path, rules)
    found = exactly(tape, rules, ROUTES)
    kinds = Counter(change.kind.value for change in changes)
    assert {"raised", "stage_up", "reopened", "resolved", "released", "proposed"} <= set(kinds)
    assert list(found.changes) == changes
    for name, counts in told.items():
        load = found.loads[name]
        assert isinstance(counts, Counter)
        assert sum(load.told_by_day.values()) == counts["told"]
        assert sum(load.bulletins_by_day.values()) == counts["bulletin"]
        held = {key: n for key, n in counts.items() if key.startswith("held")}
        assert dict(load.held_by_reason) == held
    assert found.loads["few"].held_by_reason["held_by_budget"] > 0


def test_what_the_routes_free_dates_an_alert_anew_and_nothing_else(tape: Tape) -> None:
    rules = rules_with(EAGER)
    plain, exact = backtest(tape, rules, ROUTES), exactly(tape, rules, ROUTES)
    freed = [change for change in exact.changes if change.kind.value == "released"]
    assert freed
    assert {a.id for a in plain.alerts} == {a.id for a in exact.alerts}
    assert len(plain.changes) + len(freed) == len(exact.changes)


THRESHOLDS = [
    f"rules.{rule}.when.{measure}.raise_at"
    for rule, measures in (
        ("watch-item", ("probability", "severity", "expected_loss")),
        ("caution-item", ("chance", "severity")),
        ("caution-told", ("chance", "severity")),
        ("caution-dependent", ("chance", "expected_loss")),
        ("alert-short", ("severity", "expected_loss")),
    )
    for measure in measures
]


@st.composite
def documents(draw: st.DrawFn) -> RuleSet:
    """The eager rules with some thresholds, sensitivities and settings moved."""
    base = load_document()
    changed: dict[str, object] = dict(EAGER)
    for key in draw(st.lists(st.sampled_from(THRESHOLDS), max_size=3, unique=True)):
        table: object = base
        for part in key.split("."):
            assert isinstance(table, Mapping)
            table = table.get(part, {})
        if isinstance(table, float):
            value = table * draw(st.floats(0.3, 2.0))
            changed[key] = value
            changed[key.replace("raise_at", "clear_at")] = value * draw(st.floats(0.3, 1.0))
    changed["sensitivity.types.price_shock"] = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0]))
    changed["sensitivity.countries.CN"] = draw(st.sampled_from([0.0, 0.7, 1.0]))
    changed["evaluate.duplicate_days"] = draw(st.sampled_from([0, 14, 40]))
    changed["evaluate.unlisted_share"] = draw(st.sampled_from([0.01, 0.3]))
    changed["group.reopen_days"] = draw(st.sampled_from([0, 7, 90]))
    changed["evaluate.quiet_days"] = draw(st.sampled_from([24, 30]))
    return rules_with(changed)


@pytest.mark.torture
@given(documents())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_under_any_rules_it_tells_what_the_live_stages_tell(
    store: Store, network: Network, tape: Tape, tmp_path_factory: pytest.TempPathFactory,
    rules: RuleSet,
) -> None:  # fmt: skip
    changes, _ = live(store, network, tmp_path_factory.mktemp("live"), rules)
    assert list(exactly(tape, rules, ROUTES).changes) == changes


@given(documents())
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_memory_and_what_is_left_out_change_no_answer(tape: Tape, rules: RuleSet) -> None:
    memory = Memory()
    backtest(tape, rules_with(EAGER), ROUTES, memory)
    plain = backtest(tape, rules, ROUTES)
    assert backtest(tape, rules, ROUTES, memory).changes == plain.changes
    assert backtest(tape, rules, ROUTES, memory).changes == plain.changes
    book, all_ = read_book(rules), Support(frozenset("abcdefgh"), authority=True)
    mask = may_matter(tape, book)
    held = [verdict(tape.report(n), None, all_, book).rule is not None for n in range(len(mask))]
    assert not np.any(np.array(held) & ~mask)
    assert mask.sum() <= sum(held) + 2  # and it lets little through that no rule holds


@given(st.integers(5, 40))
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_after_a_moment_is_visible_at_it(
    store: Store, network: Network, tape: Tape, days: int
) -> None:
    cut, rules = SINCE + days * DAY, rules_with(EAGER)
    short = tape_of(store, network, SINCE, cut)
    until_then = [c for c in backtest(tape, rules, ROUTES).changes if c.at < cut]
    assert list(backtest(short, rules, ROUTES).changes) == until_then


def test_alerts_that_stood_when_the_window_begins_are_not_raised_in_it(
    store: Store, network: Network
) -> None:
    rules, since = rules_with(EAGER), SINCE + 25 * DAY
    later = tape_of(store, network, since, UNTIL)
    assert "warmed_up" in later.notes
    found = backtest(later, rules, ROUTES)
    whole = backtest(tape_of(store, network, SINCE, UNTIL), rules, ROUTES)
    raised = {alert.id for alert in whole.alerts if alert.raised_at >= since}
    assert {alert.id for alert in found.alerts} == raised
    assert {c.alert.id for c in found.changes} - raised  # older ones still move


def test_the_file_of_a_tape_gives_the_same_answer_and_a_broken_one_is_made_again(
    store: Store, network: Network, tape: Tape, tmp_path: Path
) -> None:
    made = tape_of(store, network, SINCE, UNTIL, tmp_path)
    (path,) = tmp_path.iterdir()
    read = tape_of(store, network, SINCE, UNTIL, tmp_path)
    assert made.digest == read.digest == tape.digest
    rules = rules_with(EAGER)
    assert backtest(read, rules, ROUTES).changes == backtest(tape, rules, ROUTES).changes
    assert backtest(read, rules, ROUTES).raised == backtest(tape, rules, ROUTES).raised
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"PK\x03\x04 not a tape"):
        path.write_bytes(broken)
        again = tape_of(store, network, SINCE, UNTIL, tmp_path)
        assert again.columns.of_tick.tolist() == tape.columns.of_tick.tolist()
        assert path.read_bytes()[:2] == b"PK"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]  # no part is left behind


def test_another_network_or_more_news_is_another_tape(
    store: Store, network: Network, tape: Tape, tmp_path: Path
) -> None:
    other = network.copy()
    other.graph["version"] = "another"
    assert tape_of(store, other, SINCE, UNTIL).digest != tape.digest
    more = filled(tmp_path, count=61)
    try:
        assert tape_of(more, network, SINCE, UNTIL).digest != tape.digest
    finally:
        more.close()


def test_what_decides_detection_cannot_be_tried_on_a_tape(tape: Tape) -> None:
    then = replace(tape, head={**tape.head, "detectors": {"news": {"min_probability": 0.4}}})
    backtest(then, rules_with({}), ROUTES)
    with pytest.raises(OtherDetectors, match=r"\[news\] decides what is detected") as refused:
        backtest(then, rules_with({"news.min_probability": 0.5}), ROUTES)
    assert "ews replay --rules" in refused.value.text("ko")


def test_it_counts_what_came_in_by_day_and_says_what_is_of_then_and_of_now(tape: Tape) -> None:
    assert sum(tape.collected.values()) > 100
    assert min(tape.collected) >= SINCE.date()
    assert tape.collected[(SINCE + DAY).date()] >= 1  # a figure counts as a text does
    assert tape.notes == ("model_then", "network_now", "rules_only")
    assert tape.model == ("made.v1",)


def test_a_period_that_ends_before_it_begins_is_refused(store: Store, network: Network) -> None:
    with pytest.raises(ValueError, match="ends"):
        tape_of(store, network, UNTIL, SINCE)


def test_a_period_without_events_tells_nothing(store: Store, network: Network) -> None:
    empty = tape_of(store, network, SINCE - 900 * DAY, SINCE - 800 * DAY)
    found = backtest(empty, rules_with(EAGER), ROUTES)
    assert (found.changes, found.alerts, found.raised) == ((), (), ())
    assert sum(found.loads["all"].told_by_day.values()) == 0
    assert timedelta(0) < empty.until - empty.since
