"""Who gets what part of an item's budget, and what a month without trade is judged by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alerts.rulebook import shipped_ruleset
from ews.measuring import Measured, Measurer
from ews.measuring.monitored import monitored
from ews.measuring.weights import PARTNERS, SHARES, Weighed, sized, weights
from ews.model import Direction, Event, EventStatus, Frequency, Observation, Phase
from ews.storage import Store
from ews.storage.series_rows import Summary

NOW = datetime(2024, 6, 20, tzinfo=UTC)
CHINA, JAPAN = "customs/import-kg/CN-KR/250410", "customs/import-kg/JP-KR/250410"


def flow(name: str) -> Weighed:
    return Weighed(name, "flows-kg", name.rsplit("/", 1)[1])


def test_a_hundred_destinations_weigh_less_together_than_what_comes_to_korea() -> None:
    abroad = [
        flow(f"comtrade/export-kg/CN-{a}{b}/250410") for a in "ABCDEFGHIJ" for b in "QRSTUVWXYZ"
    ]
    found = weights([flow(CHINA), *abroad], {})
    assert found[0] == PARTNERS
    assert sum(found[1:]) < PARTNERS / 5
    assert min(found) > 0


def test_partners_share_by_what_korea_bought_and_a_small_one_keeps_something() -> None:
    vietnam = "customs/import-kg/VN-KR/250410"
    asked = [
        flow(CHINA),
        flow(JAPAN),
        flow(vietnam),
        Weighed("customs/hhi/KR/250410", "shares", "250410"),
    ]
    china, japan, small, shares = weights(asked, {CHINA: 9e6, JAPAN: 1e6})
    assert china / japan == pytest.approx(9)
    assert small == pytest.approx(PARTNERS * 0.02 / 1.02)
    assert china + japan + small == pytest.approx(PARTNERS)
    assert shares == SHARES


def test_what_two_sources_say_of_a_partner_is_compared_within_each_source() -> None:
    mirror = "comtrade/export-kg/CN-KR/250410"  # of one partner, whatever its unit
    china, japan, other = weights(
        [flow(CHINA), flow(JAPAN), flow(mirror)], {CHINA: 5, JAPAN: 5, mirror: 9e9}
    )
    assert other == pytest.approx(2 * china) == pytest.approx(2 * japan)


def test_a_value_that_is_tested_does_not_set_its_own_threshold(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    months = (
        np.arange(np.datetime64("2020-01"), np.datetime64("2024-06"))
        .astype("M8[us]")
        .astype(object)
    )
    saved = [
        Observation(name, at.replace(tzinfo=UTC), at.replace(tzinfo=UTC) + timedelta(days=45), 10.0, "kg", "c")
        for name in (CHINA, JAPAN) for at in months
    ]  # fmt: skip
    store.save_observations(saved)
    before = store.sizes(*sized(NOW), NOW)
    assert before == {CHINA: pytest.approx(130.0, rel=0.1), JAPAN: pytest.approx(130.0, rel=0.1)}
    newest = [o for o in saved if o.series == CHINA and o.observed_at > NOW - timedelta(days=390)]
    store.save_observations([
        Observation(o.series, o.observed_at, NOW, 1e9, "kg", "c") for o in newest
    ])  # fmt: skip
    assert store.sizes(*sized(NOW), NOW) == before


def summary(name: str, since: int = 2015) -> Summary:
    provider, measure, place, item = name.split("/")
    return Summary(
        name, provider, measure, place, item, Frequency.MONTH, datetime(since, 1, 1, tzinfo=UTC),
        datetime(2024, 5, 1, tzinfo=UTC), NOW, 1, False, None,
    )  # fmt: skip


def test_money_is_judged_where_the_weight_is_another_countrys_report_or_too_young() -> None:
    def judged(*given: Summary) -> set[str]:
        tests = monitored(given, NOW)
        return {one.series for one in tests if one.tests_per_year and one.weight}

    bought, usd = "comtrade/import-kg/CN-KR/250410", "comtrade/import-usd/CN-KR/250410"
    sold = "comtrade/export-usd/CN-KR/250410"
    assert judged(summary(bought), summary(usd)) == {bought}
    assert judged(summary(bought), summary(sold)) == {bought, sold}
    assert judged(summary(bought, 2024), summary(usd)) == {usd}


# --------------------------------------------------------------------------- months without trade


def stopped_after(store: Store, left: float, months: int = 72) -> Measured:
    """Ten partners; in the newest month China sells `left` of the usual, nothing when that is 0."""
    first = np.datetime64("2018-01")
    noise = np.random.default_rng(7).normal(0.0, 0.15, (10, months))
    for month, released in ((slice(0, months - 1), False), (slice(months - 1, months), True)):
        rows = [
            (f"customs/import-kg/{partner}-KR/250410", t, 1e5 * np.exp(noise[n, t]))
            for n, partner in enumerate("CN JP US DE VN TW AU IN BR MY".split())
            for t in range(*month.indices(months))
        ]
        days = [
            (first + t).astype("M8[us]").astype(object).replace(tzinfo=UTC) for t in range(months)
        ]
        store.save_observations([
            Observation(name, days[t], days[t] + timedelta(days=45), value * scale, "kg", "customs")
            for name, t, value in rows
            if (scale := left if released and name == CHINA else 1.0) > 0
        ])  # fmt: skip
        now = days[month.stop - 1] + timedelta(days=46)
        found = Measurer(store).measure(shipped_ruleset(now), store.waiting_series(now), (), now)
        store.mark_scored(found.read, now)
    return found


@pytest.mark.parametrize("left", [0.0, 0.05])
def test_a_trade_that_stops_whole_is_seen_as_soon_as_one_of_which_little_is_left(
    left: float, tmp_path: Path
) -> None:
    found = stopped_after(Store.open(tmp_path), left)
    told = [one for one in found.detections if one.series == CHINA]
    assert {"seasonal", "change_point"} & {one.detector for one in told}
    assert {one.direction for one in told} == {Direction.DOWN}
    assert {one.series for one in found.detections if "/import-kg/" in one.series} == {CHINA}


def trade_of(store: Store, partners: str, item: str, months: range, values: float = 1e5) -> None:
    first = np.datetime64("2018-01")
    noise = np.random.default_rng(int(item)).normal(0.0, 0.1, (20, months.stop))
    store.save_observations([
        Observation(
            f"customs/import-kg/{partner}-KR/{item}", (day := day_of(first, t)),
            day + timedelta(days=45), values * float(np.exp(noise[n, t])), "kg", "customs",
        )
        for n, partner in enumerate(partners.split()) for t in months
    ])  # fmt: skip


def day_of(first: np.datetime64, month: int) -> datetime:
    day: datetime = (first + month).astype("M8[us]").astype(object)
    return day.replace(tzinfo=UTC)


def look(store: Store, now: datetime) -> Measured:
    found = Measurer(store).measure(shipped_ruleset(now), store.waiting_series(now), (), now)
    store.mark_scored(found.read, now)
    return found


def test_an_item_of_which_nothing_comes_any_more_is_seen_though_nothing_of_it_waits(
    tmp_path: Path,
) -> None:
    store, months = Store.open(tmp_path), 72
    lone, many = "310210", "CN JP US DE VN TW"
    trade_of(store, "CN", lone, range(months - 1))
    trade_of(store, many, "250410", range(months - 1))
    released = day_of(np.datetime64("2018-01"), months - 1) + timedelta(days=46)
    look(store, released - timedelta(days=30))
    trade_of(store, many, "250410", range(months - 1, months))
    told = look(store, released).detections
    assert {one.series for one in told} == {f"customs/import-kg/CN-KR/{lone}"}
    assert {(one.value, one.direction) for one in told} == {(0.0, Direction.DOWN)}


def test_a_pause_is_tested_once_and_not_again_when_something_else_is_revised(
    tmp_path: Path,
) -> None:
    store, months = Store.open(tmp_path), 72
    trade_of(store, "CN JP US DE VN TW AU", "250410", range(months - 1))
    released = day_of(np.datetime64("2018-01"), months - 1) + timedelta(days=46)
    look(store, released - timedelta(days=30))
    trade_of(store, "CN JP US DE VN TW", "250410", range(months - 1, months))
    first = {turn.detector: turn.tests for turn in look(store, released).turns}
    store.save_observations([
        Observation(CHINA, day_of(np.datetime64("2018-01"), months - 1), released + timedelta(days=3),
                    9e4, "kg", "customs")
    ])  # fmt: skip
    again = {turn.detector: turn.tests for turn in look(store, released + timedelta(days=4)).turns}
    assert (first["seasonal"], first["stopped"]) == (7, 1)
    assert (again["seasonal"], again.get("stopped", 0)) == (1, 0)


def test_an_event_that_waits_for_a_series_hears_that_nothing_came(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    trade_of(store, "CN JP US DE VN TW AU", "250410", range(71))
    released = day_of(np.datetime64("2018-01"), 71) + timedelta(days=46)
    look(store, released - timedelta(days=30))
    trade_of(store, "JP US DE VN TW AU", "250410", range(71, 72))
    event = Event(
        "evt-0", "export_restriction", (), EventStatus.SUSPECTED, next(iter(Phase)), 0.5, 1.0, ("CN",),
        ("natural-graphite",), (), (), (), "made up", released, released, (), "news",
        links=(f"series:{CHINA}",),
    )  # fmt: skip
    waiting = store.waiting_series(released)
    found = Measurer(store).measure(shipped_ruleset(released), waiting, (event,), released)
    assert (found.readings[CHINA].value, found.readings[CHINA].move) == (0.0, -1.0)
    assert found.readings[CHINA].p < 0.01


def test_what_is_no_finite_number_is_no_value(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    odd = [
        Observation(CHINA, NOW, NOW + timedelta(days=n), value, "kg", "customs")
        for n, value in enumerate((float("inf"), float("nan"), 3.0))
    ]
    assert store.save_observations(odd) == 1
    assert store.columns(NOW + timedelta(days=9), [CHINA]).values.tolist() == [3.0]
