"""Figures that come later: beyond the series' own past they prove, within it they do not."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ews.model import Observation, Outcome, Phase
from ews.storage import Store
from ews.tuning.ledger import ledger
from ews.tuning.ledger_known import Known
from ews.tuning.ledger_series import by_series, largest_move, series_of
from ews.tuning.ledger_settling import settle
from tests.ledger_home import DAY, RAISED, alarm, happening, keep, monthly

FLOW = "comtrade/export-kg/CN-KR/urea"
PRICE = "pinksheet/price-usd/WLD/urea"
HALF_YEAR = datetime(2023, 9, 1, tzinfo=UTC)


def steady(count: int, level: float = 100.0, wobble: float = 8.0) -> list[float]:
    dice = random.Random(7)
    return [level + dice.uniform(-wobble, wobble) for _ in range(count)]


def flow(after: list[float], past: int = 72) -> tuple[Observation, ...]:
    """`past` months up to that of the alert, then those after it."""
    month = RAISED.replace(day=1) + 31 * len(after) * DAY
    return monthly(FLOW, [*steady(past), *after], month)


def test_a_fall_that_the_past_has_not_seen_is_proof_with_its_figures() -> None:
    found = by_series(Known(alarm(), series={FLOW: flow([60, 40, 35])}), HALF_YEAR)
    assert found is not None
    assert found.outcome is Outcome.TRUE
    says = found.proofs[0].says
    assert says.startswith(f"{FLOW}:move=-0.6")
    assert found.proofs[0].at <= HALF_YEAR


def test_what_the_past_makes_likely_proves_nothing_either_way() -> None:
    for after in ([95.0, 98.0, 103.0], [90.0, 85.0, 80.0], [100.0, 140.0, 150.0]):
        assert by_series(Known(alarm(), series={FLOW: flow(after)}), HALF_YEAR) is None


def test_a_series_that_often_falls_as_far_proves_nothing() -> None:
    jumpy = [100.0, 45.0, 110.0, 95.0, 40.0, 55.0] * 12
    values = monthly(FLOW, [*jumpy, 55.0, 45.0, 50.0], datetime(2023, 6, 1, tzinfo=UTC))
    assert by_series(Known(alarm(), series={FLOW: values}), HALF_YEAR) is None


def test_a_short_past_proves_nothing() -> None:
    assert largest_move(FLOW, flow([30, 30, 30], past=30), RAISED) is None


def test_one_low_month_is_not_yet_a_fall() -> None:
    found = largest_move(FLOW, flow([20, 100, 100]), RAISED)
    assert found is not None
    assert found.move > -0.45
    assert largest_move(FLOW, flow([20]), RAISED) is None


def test_a_price_shock_without_a_dearer_price_was_none() -> None:
    shock = alarm(type="price_shock")
    month = datetime(2023, 6, 1, tzinfo=UTC)
    calm = monthly(PRICE, [*steady(72), 97.0, 98.0, 97.0], month)
    dear = monthly(PRICE, [*steady(72), 120.0, 140.0, 150.0], month)
    outcomes = [by_series(Known(shock, series={PRICE: s}), HALF_YEAR) for s in (calm, dear)]
    assert [found.outcome for found in outcomes if found] == [Outcome.FALSE, Outcome.TRUE]
    halfway = monthly(PRICE, [*steady(72), 97.0, 98.0], datetime(2023, 5, 1, tzinfo=UTC))
    assert by_series(Known(shock, series={PRICE: halfway}), HALF_YEAR) is None
    cut = Known(alarm(type="shortage_or_allocation"), series={PRICE: calm})
    assert by_series(cut, HALF_YEAR) is None


def test_only_the_series_of_its_item_country_and_strait_speak_for_an_alert() -> None:
    names = [FLOW, PRICE, "comtrade/export-kg/VN-KR/urea", "comtrade/export-kg/CN-KR/graphite",
             "portwatch/transits/suez/-", "gscpi/pressure/WLD/-"]  # fmt: skip
    assert series_of(alarm(), names) == [FLOW]
    assert series_of(alarm(type="price_shock"), names) == [PRICE]
    assert series_of(alarm(chokepoints=("suez",)), names) == [FLOW, "portwatch/transits/suez/-"]
    assert series_of(alarm(type="import_restriction"), names) == []
    assert series_of(alarm(phase=Phase.EASING), names) == []


def test_a_code_speaks_for_the_item_that_has_it_alone() -> None:
    names = ["comtrade/export-kg/CN-KR/250410", "comtrade/export-kg/CN-KR/811292"]
    assert series_of(alarm(items=("natural-graphite",)), names) == names[:1]
    assert series_of(alarm(items=("gallium", "germanium")), names) == []  # it holds other metals


def test_transits_are_read_by_the_week() -> None:
    name, first = "portwatch/transits/suez/-", datetime(2020, 1, 6, tzinfo=UTC)
    dice = random.Random(3)
    values = [
        Observation(name, day, day + 7 * DAY, dice.uniform(70, 80) * (0.5 if n > 1175 else 1))
        for n in range(1260) if (day := first + n * DAY)
    ]  # fmt: skip
    at = first + 1170 * DAY
    found = largest_move(name, values, at)
    assert found is not None
    assert found.move == pytest.approx(-0.5, abs=0.05)
    assert found.rarer < 0.02


def test_a_figure_settles_only_once_it_could_be_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = Store.open(tmp_path_factory.mktemp("ledger"))
    keep(store, alarm(), happening(relevance=None))
    values = flow([60, 40, 35])
    store.save_observations(values)
    known_at = [one.available_at for one in values[-3:]]
    assert settle(store, known_at[1] - timedelta(hours=1)).new == 0
    settle(store, known_at[2])
    (entry,) = ledger(store, known_at[2]).entries
    assert (entry.outcome, entry.basis, entry.decided_at) == ("true", "series", known_at[2])
    revised = [replace(values[-n], value=100.0, available_at=known_at[2] + DAY) for n in (1, 2, 3)]
    store.save_observations(revised)
    settle(store, known_at[2] + 2 * DAY)
    outcomes = [ledger(store, known_at[2] + n * DAY).entries[0].outcome for n in (1, 3)]
    assert outcomes == ["true", "open"]
