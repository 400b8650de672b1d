"""What new facts, new rules and time change, over a real store: no old news told as new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.life import apply
from alerts.matching import match
from alerts.routes import parse_routes
from alerts.rulebook import shipped_ruleset
from ews.judging import judge
from ews.model import (
    Act,
    ActKind,
    Alert,
    AlertState,
    ChangeKind,
    Ending,
    Event,
    Exposure,
    Notification,
    Phase,
    Receiver,
)
from ews.reports import Names
from ews.storage import Store
from ews.telling import tell
from graph import USES, build_network, propagate, shock
from tests.alert_samples import NOW, urea_event, urea_exposure

RULES = shipped_ruleset(datetime(2000, 1, 1, tzinfo=UTC))
OTHER = replace(RULES, version=2, reason="the same, saved anew")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRAVE = urea_event(probability=0.95, severity=2.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    opened.save_ruleset(RULES)
    yield opened
    opened.close()


def happens(
    store: Store, event: Event = GRAVE, exposures: Sequence[Exposure] | None = None
) -> None:
    store.save_events([event])
    found = [urea_exposure(n) for n in (1, 2)] if exposures is None else exposures
    store.save_propagation(event, [], [replace(one, event_id=event.id) for one in found])


def only(store: Store) -> Alert:
    (alert,) = store.alerts()
    return alert


def kinds(store: Store) -> list[ChangeKind]:
    return [change.kind for change in store.changes()]


def test_new_rules_do_not_open_again_what_went_quiet(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    later = NOW + 31 * DAY
    judge(store, RULES, later)
    assert only(store).ending is Ending.QUIET
    store.save_ruleset(OTHER)
    assert judge(store, OTHER, later + HOUR) == 0, "nothing was heard: no 'new facts'"
    heard = replace(GRAVE, revision=9, last_seen=later + 2 * HOUR, updated_at=later + 2 * HOUR)
    happens(store, heard)
    judge(store, OTHER, later + 3 * HOUR)
    assert store.changes()[-1].kind is ChangeKind.REOPENED
    assert store.changes()[-1].reason.startswith("new facts after the end")


def test_new_rules_raise_nothing_of_which_nothing_was_heard_for_a_month(store: Store) -> None:
    happens(store)
    later = NOW + 31 * DAY
    assert judge(store, RULES, later) == 0
    assert store.alerts() == []


def test_an_alert_that_new_rules_open_again_does_not_speak_of_new_facts(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    happens(store, replace(GRAVE, phase=Phase.EASING, revision=9))
    judge(store, RULES, NOW + HOUR)
    phases = ["threat_or_proposed", "actual_or_ongoing", "easing_or_aftermath"]
    rules = {name: {**rule, "phases": phases} for name, rule in RULES.rules["rules"].items()}  # type: ignore[attr-defined]
    wider = replace(OTHER, rules={**RULES.rules, "rules": rules})
    store.save_ruleset(wider)
    judge(store, wider, NOW + 2 * HOUR)
    last = store.changes()[-1]
    assert last.kind is ChangeKind.REOPENED
    assert last.reason == f"rule {last.alert.rule} asks for alert"


def test_what_was_true_and_eased_is_not_retracted_with_a_report_that_was_not(store: Store) -> None:
    second = replace(GRAVE, id="evt-2")
    happens(store)
    happens(store, second)
    judge(store, RULES, NOW)
    happens(store, replace(second, phase=Phase.EASING, revision=9))
    judge(store, RULES, NOW + HOUR)
    assert only(store).state is AlertState.FIRING
    happens(store, replace(GRAVE, probability=0.05, revision=9))
    judge(store, RULES, NOW + 2 * HOUR)
    assert (only(store).ending, kinds(store)[-1]) == (Ending.EASED, ChangeKind.RESOLVED)


def test_what_was_never_so_in_any_report_is_retracted(store: Store) -> None:
    second = replace(GRAVE, id="evt-2")
    happens(store)
    happens(store, second)
    judge(store, RULES, NOW)
    happens(store, replace(second, probability=0.05, revision=9))
    judge(store, RULES, NOW + HOUR)
    happens(store, replace(GRAVE, probability=0.05, revision=9))
    judge(store, RULES, NOW + 2 * HOUR)
    assert only(store).ending is Ending.RETRACTED


def test_an_item_with_uses_on_record_never_says_that_nobody_recorded_them(store: Store) -> None:
    assert USES["urea"], "urea has uses on record"
    at_home = replace(GRAVE, countries=("KR",), severity=2.4)
    happens(store, at_home, exposures=[])
    judge(store, RULES, NOW)
    assert only(store).unlisted == ()
    assert "molit" in only(store).ministries


def test_who_follows_one_of_many_goods_of_a_strait_is_told_when_it_shuts(store: Store) -> None:
    shut = replace(
        GRAVE, type="logistics_disruption", items=(), countries=(), chokepoints=("hormuz",)
    )
    network = build_network()
    happens(store, shut, propagate(network, shock(shut, network)))
    judge(store, RULES, NOW)
    alert = only(store)
    assert "lng" not in alert.items, "more than an alert can name"
    gas = Receiver("gas", "console", "-", lang="en", items=("lng",))
    assert "LNG" in (match(alert, gas, USES, Names()) or "").upper()
    assert match(alert, replace(gas, items=("rare-earths",)), USES, Names()) is None
    ministries = {m for use in USES["lng"] for m in use.ministries}
    assert ministries <= set(alert.ministries)


CHIEF = """
[[receiver]]
name = "chief"
channel = "console"
address = "-"
lang = "en"
minimum = "경계"
"""


def told(store: Store, now: datetime) -> list[Notification]:
    """What goes out to a chief who reads 경계 and above, and hears of what is proposed."""
    tell(store, parse_routes(CHIEF), Names(), now)
    return [n for n in store.notifications() if n.at == now and n.reason.sent and not n.edit]


def test_who_was_told_of_a_proposal_is_told_that_it_is_withdrawn(store: Store) -> None:
    happens(store)
    judge(store, RULES, NOW)
    assert [n.change for n in told(store, NOW)] == [ChangeKind.RAISED]
    weaker = replace(GRAVE, severity=1.6, revision=9)
    happens(store, weaker, [replace(urea_exposure(), time_to_survive_days=300.0)])
    judge(store, RULES, NOW + HOUR / 4)
    assert "alert is no longer proposed" in store.changes()[-1].reason
    assert [n.change for n in told(store, NOW + HOUR / 4)] == [ChangeKind.UPDATED]


@pytest.mark.parametrize(
    ("kind", "detail"), [(ActKind.CLEAR, {}), (ActKind.FALSE_ALARM, {"reason": "not_real"})]
)
def test_who_was_told_of_a_proposal_is_told_of_the_end(
    store: Store, kind: ActKind, detail: dict[str, str]
) -> None:
    happens(store)
    judge(store, RULES, NOW)
    assert told(store, NOW)
    alert, later = only(store), NOW + HOUR / 4
    change = apply(alert, Act("act-1", kind, "Kim", later, "cli", alert.id, "why", detail), later)
    assert change is not None
    store.save_changes([change])
    assert [n.change for n in told(store, later)] == [change.kind]
