"""The outlook of an event and the advice on it: bands, days, paths, assumptions, plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
import pytest

from ews.model import Shock
from graph import build_network, sample_firms
from graph.advice import Advice, advice
from graph.national import national_model
from graph.network import Network
from graph.outlook import Outlook, bad_case, outlook
from graph.step_kernels import run_fast

DAY = datetime(2026, 1, 5, tzinfo=UTC)


@cache
def network() -> Network:
    return build_network()


def told_of(target: str, magnitude: float = 0.6, days: float = 120.0, seed: int = 1) -> Outlook:
    shock = Shock("evt-1", target.split(":")[0], target, magnitude, 0.5, days, DAY, 4.0, "assumed: test")  # fmt: skip
    return outlook(
        national_model(network(), [shock], DAY.date(), sample_firms()), runs=96, seed=seed
    )


@cache
def graphite() -> Outlook:
    return told_of("origin:CN:natural-graphite", 0.8)


@cache
def advised() -> Advice:
    return advice(network(), graphite())


def test_the_bad_case_loses_no_less_than_the_run_as_assumed() -> None:
    found = graphite()
    bad = run_fast(*bad_case(found.model, found.design, found.days))
    for one in found.buyers:
        assert (one.bad_curve >= one.curve - 1e-12).all()
        assert one.bad_day is not None
        assert np.allclose(1.0 - bad.of(found.model.numbers[one.node]), one.bad_curve)


def test_bands_are_in_order_and_weighted_by_the_probability_of_the_event() -> None:
    for one in graphite().buyers:
        loss = one.band.given
        assert 0 <= loss.p5 <= loss.p50 <= loss.p95 <= loss.cvar95
        assert one.band.weighted.mean == pytest.approx(0.5 * loss.mean)
        assert (np.diff(one.band.hit_by) >= 0).all()


def test_paths_of_every_buyer_add_up_to_its_loss() -> None:
    for one in graphite().buyers:
        parts = sum(p.contribution for p in one.why.paths) + one.why.rest
        parts += sum(loop.contribution for loop in one.why.loops)
        assert parts == pytest.approx(one.why.loss)
        assert one.why.loss == pytest.approx((one.bad_curve if one.why_bad else one.curve).sum())


def test_the_same_seed_gives_the_same_outlook() -> None:
    one, other = told_of("origin:CN:gallium"), told_of("origin:CN:gallium")
    assert [b.band.given for b in one.buyers] == [b.band.given for b in other.buyers]


def test_a_shock_of_which_no_share_was_read_is_told_as_unknown_and_loses_nothing() -> None:
    found = told_of("chokepoint:hormuz")
    assert ("container-freight", "chokepoint:hormuz") in found.unknown
    assert not [b for b in found.buyers if "container" in b.node]
    empty = told_of("origin:NZ:urea")
    assert empty.buyers == ()
    assert empty.unknown == (("urea", "NZ"),)


def test_the_deciding_assumptions_are_those_that_move_the_worst_loss() -> None:
    names = [d.assumption.name.split(" ")[0] for d in graphite().deciding]
    assert {"magnitude", "duration", "stock"} <= set(names)
    for one in graphite().deciding:
        assert one.moves > 0 or (one.variance or 0) > 0.01


def test_the_stock_that_is_advised_keeps_the_bad_case_under_the_line() -> None:
    found = graphite()
    arrays, scenario = bad_case(found.model, found.design, found.days)
    for plan in advised().plans:
        assert plan.stock.enough
        stock = arrays.group_stock.copy()
        stock[plan.stock.groups] = plan.stock.days
        kept = run_fast(replace(arrays, group_stock=stock), scenario)
        node = found.model.numbers[plan.buyer]
        assert (1.0 - kept.of(node)).sum() <= advised().line + 1e-9


def test_alternatives_leave_out_the_origin_that_is_hit() -> None:
    for item, found in advised().alternatives.items():
        assert item == "natural-graphite"
        assert "CN" not in [one.who for one in found]


def test_an_alternative_behind_the_same_strait_is_told_so() -> None:
    half, all_of_it = (
        advice(network(), told_of("chokepoint:hormuz", m)).alternatives["helium"]
        for m in (0.4, 0.9)
    )
    shared = {one.who: one.shared for one in half}
    assert shared["QA"] == ("chokepoint:hormuz",)
    assert shared["US"] == ()
    assert [one.who for one in all_of_it] == ["US", "RU"]  # who is struck as hard is no way out


@pytest.mark.parametrize(
    "item", ["urea", "helium", "crude-oil", "lithium-hydroxide", "photoresist"]
)
def test_an_item_that_stops_everywhere_has_an_outlook_and_advice(item: str) -> None:
    told = advice(network(), told_of(f"item:{item}", 1.0))
    assert all(plan.mix is None for plan in told.plans)  # there is no origin to move to


def test_what_a_reader_supposes_is_not_varied() -> None:
    shock = Shock("what-if", "origin", "origin:CN:natural-graphite", 0.8, 1.0, 60.0, DAY, 4.0, "supposed: what-if")  # fmt: skip
    model = national_model(network(), [shock], DAY.date()).with_stock(10.0)
    found = outlook(model, runs=32)
    varied = {s.name.split(" ")[0] for s in found.design.spreads if s.high > s.low}
    assert varied == {"substitution"}
    assert {fact.basis for fact in model.stocks if fact.days > 0} == {"supposed"}


def test_figures_of_the_day_are_used() -> None:
    shock = Shock("e", "origin", "origin:CN:urea", 0.6, 1.0, 90.0,
                  datetime(2021, 10, 11, tzinfo=UTC), 4.0, "assumed: test")  # fmt: skip
    found = outlook(national_model(network(), [shock], date(2021, 10, 11)), runs=32)
    assert {f.country for f in found.model.links if f.country} == {"CN", "unknown"}
