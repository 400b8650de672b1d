"""An item that grows risky while nobody watches it is found, with whom it concerns; others are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from ews.model import Vulnerability
from ews.tuning.synthetic_trade import synthetic_trade
from graph.blind_spots import BlindSpot, Limits, blind_spots, money_factor, reason
from graph.goods import goods, watched_codes
from graph.trade import trade_of
from graph.vulnerability import read_limits, read_weights, vulnerabilities

NOW = datetime(2024, 9, 1, tzinfo=UTC)
LAST, MONTH_AGO, YEAR_AGO = (
    datetime(2024, 7, 1, tzinfo=UTC),
    datetime(2024, 6, 1, tzinfo=UTC),
    datetime(2023, 7, 1, tzinfo=UTC),
)
WEIGHTS = read_weights()
# Not watched, and no use of it was read: insecticides, made by KSIC 20321, used on farms.
UNWATCHED = "380891"


@pytest.fixture(scope="module")
def told() -> dict[datetime, list[Vulnerability]]:
    """60 quiet synthetic items, and one that goes from 50% to 95% on China as its price rises."""
    quiet = [c for c in goods() if c[:2] in ("84", "39") and c not in watched_codes()][:60]
    made = synthetic_trade(11, months=84, items=quiet, disturbed=0, partners=6.0)
    axis = np.datetime64("2018-01", "M") + np.arange(84)
    bought = np.ones((84, 3)) * [5.0, 3.0, 2.0]  # million kg from China, Germany, Japan
    bought[-19:] = [9.5, 0.3, 0.2]  # from June 2023
    bought[-19:-12] = np.linspace([5.0, 3.0, 2.0], [9.5, 0.3, 0.2], 7)
    price = np.ones(84) * 3.0 * np.exp(np.random.default_rng(1).normal(0, 0.03, 84))
    price[-8:] *= 1.4
    names = list(made.names)
    parts = [(made.row, made.period, made.value)]
    for measure, table in (("import-kg", bought), ("import-usd", bought * price[:, None])):
        for column, partner in enumerate(("CN", "DE", "JP")):
            parts.append((np.full(84, len(names)), axis.astype("M8[D]"), table[:, column] * 1e5))
            names.append(f"synthetic/{measure}/{partner}-KR/{UNWATCHED}")
    for partner, share in (("CN", 8e8), ("DE", 1e8), ("IN", 1e8)):
        parts.append((np.full(1, len(names)), np.array(["2023-01-01"], "M8[D]"), np.array([share])))
        names.append(f"synthetic/export-usd/{partner}-WLD/{UNWATCHED}")
    row, period, value = (np.concatenate([part[k] for part in parts]) for k in range(3))
    trade = trade_of(names, row, period, value)
    return {m: vulnerabilities(trade, WEIGHTS, m, NOW) for m in (LAST, MONTH_AGO, YEAR_AGO)}


def found(
    told: dict[datetime, list[Vulnerability]], watched: tuple[str, ...] = ()
) -> list[BlindSpot]:
    return blind_spots(told[YEAR_AGO], told[LAST], WEIGHTS, watched)


def test_an_unwatched_item_that_comes_to_hang_on_one_partner_is_at_the_top(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    first = found(told)[0]
    assert first.item == UNWATCHED
    before, after = first.change.before.indices, first.change.after.indices
    assert before["top-share"] < 0.7
    assert after["top-share"] > 0.85
    assert {m.ministry for m in first.domestic.ministries} == {"mafra"}
    assert {m.basis for m in first.domestic.ministries} == {"inferred"}


def test_quiet_items_are_not_listed(told: dict[datetime, list[Vulnerability]]) -> None:
    listed = found(told)
    assert len(listed) <= 4  # of 60 that move as prices and partners do in a year
    assert listed[0].worth > 2 * max((spot.worth for spot in listed[1:]), default=0.0)


def test_a_month_in_which_nothing_moved_lists_nobody_twice(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    assert not blind_spots(told[LAST], told[LAST], WEIGHTS)


def test_what_the_viewer_or_we_watch_is_no_blind_spot(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    assert UNWATCHED not in {spot.item for spot in found(told, (UNWATCHED,))}
    assert UNWATCHED not in {spot.item for spot in found(told, ("38",))}
    as_urea = {
        m: [replace(r, item="310210") for r in rows if r.item == UNWATCHED]
        for m, rows in told.items()
    }
    assert not found(as_urea)


def test_the_reason_says_what_moved_who_makes_it_and_what_is_only_inferred(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    spot = found(told)[0]
    korean, english = reason(spot, "ko"), reason(spot, "en")
    assert korean.startswith("[합성 자료] 380891")
    assert "중국" in korean
    assert "농림축산식품부(추정)" in korean
    assert "용도: 알려지지 않음" in korean
    assert english.startswith("[synthetic] 380891")
    assert "Ministry of Agriculture, Food and Rural Affairs (inferred)" in english
    assert "uses: not known" in english


def test_a_small_trade_and_a_low_score_are_left_out(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    dear = Limits(least_import_usd=1e12)
    assert not blind_spots(told[YEAR_AGO], told[LAST], WEIGHTS, limits=dear)
    high = Limits(least_score=0.999)
    assert not blind_spots(told[YEAR_AGO], told[LAST], WEIGHTS, limits=high)


def test_an_index_that_only_becomes_known_makes_no_blind_spot(
    told: dict[datetime, list[Vulnerability]],
) -> None:
    row = next(row for row in told[LAST] if row.item == UNWATCHED)
    fewer = {k: v for k, v in row.indices.items() if k != "concentration"}
    assert not blind_spots([replace(row, indices=fewer, coverage=0.45)], [row], WEIGHTS)


def test_money_counts_by_its_logarithm() -> None:
    limits = Limits(**read_limits())
    assert money_factor(0.0, limits) == money_factor(1e5, limits) == 0.5
    assert money_factor(1e10, limits) == money_factor(1e12, limits) == 1.5
    step = money_factor(1e7, limits) - money_factor(1e6, limits)
    assert step == pytest.approx(money_factor(1e9, limits) - money_factor(1e8, limits))
    assert limits == Limits()


@pytest.mark.torture
def test_most_shifts_to_one_partner_are_listed_within_three_months() -> None:
    """All HS6 items, 200 of them disturbed, a quarter of these by a shift; see docs/vulnerability.md."""
    made = synthetic_trade(3, months=84, disturbed=200)
    trade = trade_of(made.names, made.row, made.period, made.value)
    first, count = np.datetime64("2022-01", "M"), 12
    axis = [first + k for k in range(-1, count + 3)]
    moments = {m: datetime.fromisoformat(f"{m}-01").replace(tzinfo=UTC) for m in axis}
    rows = {m: vulnerabilities(trade, WEIGHTS, moments[m], NOW) for m in axis}
    lists = {
        m: [spot.item for spot in blind_spots(rows[m - 1], rows[m], WEIGHTS, most=10_000)]
        for m in axis[1:]
    }
    shifts = [
        hit
        for hit in made.truth
        if hit.kind == "shift"
        and first <= hit.first.astype("M8[M]") < first + count
        and hit.item not in watched_codes()
    ]
    found = [
        any(hit.item in lists[hit.first.astype("M8[M]") + k] for k in range(3)) for hit in shifts
    ]
    assert len(shifts) >= 8
    assert np.mean(found) >= 0.8
    assert np.mean([len(listed) for listed in lists.values()]) <= 50
