"""Days of cover, and the other origins and suppliers: who, how much, how soon, how safe."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import build_network
from graph import reference as ref
from graph.alternatives import (
    UNKNOWN,
    UNTOUCHED,
    Alternative,
    Figure,
    alternative_origins,
    alternative_suppliers,
    ranked,
)
from graph.arrays import compile_arrays
from graph.cover import NEVER, days_of_cover
from graph.exposure_query import UnknownName
from graph.mix import offers
from graph.scenario import Hit, scenario
from graph.steps import run

CASES = settings(max_examples=500, deadline=None)
NETWORK = build_network()


# --------------------------------------------------------------------------- days of cover


@CASES
@given(
    stock=st.integers(0, 12),
    lead=st.integers(0, 3),
    start=st.integers(0, 3),
    quarters=st.integers(1, 4),
)
def test_cover_is_stock_over_loss_rate_and_ends_when_the_buyer_first_loses(
    stock: int, lead: int, start: int, quarters: int
) -> None:
    arrays = compile_arrays(2, [0], [1], [0], [1.0], stock=stock / 2, lead=lead)
    rate = quarters / 4
    shut = scenario(40, [Hit(np.array([0]), rate, start)])
    out = run(arrays, shut)
    one = days_of_cover(arrays, shut, out, 10)[0]
    assert one.impact_day == start + lead + 1
    assert one.cover_days == pytest.approx(stock / 2 / rate)
    assert one.order_by_day == pytest.approx(one.impact_day + one.cover_days - 10)
    assert one.too_late == (one.order_by_day < 0)
    assert out.first_day()[1] == int(one.impact_day + one.cover_days + 1e-9)


def test_a_stock_that_outlasts_the_shock_is_never_used_up() -> None:
    arrays = compile_arrays(2, [0], [1], [0], [1.0], stock=5.0)
    short = scenario(30, [Hit(np.array([0]), 1.0, 0, 5)])
    one = days_of_cover(arrays, short, run(arrays, short), 3)[0]
    assert (one.impact_day, one.missing, one.cover_days) == (1.0, 1.0, NEVER)
    calm = scenario(30)
    assert days_of_cover(arrays, calm, run(arrays, calm), 3)[0].impact_day == NEVER


# --------------------------------------------------------------------------- alternatives


def one(who: str, spare: float | None, loss: float | None = 0.0, **more: Figure) -> Alternative:
    def known(value: float | None) -> Figure:
        return UNKNOWN if value is None else Figure(value, "stated")

    rest = {"share": known(0.1), "transit_days": known(9.0), "qualification_days": known(0.0),
            "price": UNKNOWN} | more  # fmt: skip
    return Alternative(
        who=who, node=None, spare=known(spare), own_loss=known(loss), shared=(), **rest
    )


def test_alternatives_come_in_the_order_of_the_rule() -> None:
    fast = Figure(3.0, "stated")
    wanted = [
        one("most spare", 0.4),
        one("less spare after its loss", 0.4, 0.05),
        one("spare unknown, near", None, transit_days=fast),
        one("spare unknown, cheap", None, price=Figure(0.8, "stated")),
        one("spare unknown, price too", None),
        one("spare unknown, lag too", None, transit_days=UNKNOWN),
        one("nothing spare", 0.0),
        one("hit too", 0.9, 0.06),
        one("hit unknown", 0.9, None),
    ]
    assert UNTOUCHED == 0.05
    assert ranked(reversed(wanted)) == wanted
    assert wanted[1].usable == pytest.approx(0.38)
    assert wanted[5].lag_days is None
    assert wanted[8].usable is None


def test_a_strait_that_is_hit_puts_those_that_pass_it_last() -> None:
    found = alternative_origins(NETWORK, "crude-oil", {"chokepoint:hormuz": 0.5})
    passing = ["chokepoint:hormuz" in a.shared for a in found]
    assert any(passing)
    assert passing == sorted(passing)
    for a in found:
        route = ref.route_of(a.who, "crude-oil")
        assert route is not None
        assert (a.own_loss.value == 0.5) == ("hormuz" in route.chokepoints)
        assert a.transit_days.value == route.sailing_days
        assert a.transit_days.basis == "assumed"


def test_several_straits_leave_the_product_of_what_each_leaves() -> None:
    hit = {"chokepoint:hormuz": 0.5, "chokepoint:malacca": 0.2}
    by_code = {a.who: a for a in alternative_origins(NETWORK, "lng", hit)}
    assert by_code["QA"].own_loss.value == pytest.approx(0.6)
    assert by_code["QA"].shared == ("chokepoint:hormuz", "chokepoint:malacca")
    assert by_code["AU"].own_loss.value == 0.0


def test_an_origin_that_is_hit_itself_is_no_alternative() -> None:
    for hit in ({"country:CN": 0.6}, {"origin:CN:urea": 0.6}):
        assert "CN" not in {a.who for a in alternative_origins(NETWORK, "urea", hit)}
    union = alternative_origins(NETWORK, "active-pharmaceutical-ingredients", {"country:EU": 0.5})
    assert union
    assert not {a.who for a in union} & ref.EU_MEMBERS


def test_what_a_port_at_home_takes_of_each_origin_is_unknown() -> None:
    found = alternative_origins(NETWORK, "urea", {"port:busan": 0.5})
    assert found
    assert all(a.own_loss.value is None and "port:busan" in a.shared for a in found)


def test_spare_capacity_is_what_was_sent_before_or_unknown() -> None:
    known = 0
    for item in ref.SHARES:
        for a in alternative_origins(NETWORK, item, {}):
            if a.spare.value is None:
                assert a.spare == UNKNOWN
                continue
            known += 1
            assert a.spare.value > 0
            assert a.share.value is not None
            before = {s.share for s in ref.SHARES[item] if s.partner == a.who}
            assert round(a.share.value + a.spare.value, 6) in {round(s or 0.0, 6) for s in before}
            assert a.spare.source
    assert known > 5


def test_price_is_value_over_quantity_of_one_publisher_or_unknown() -> None:
    logs = {a.who: a.price for a in alternative_origins(NETWORK, "logs", {})}
    assert logs["NZ"].value == pytest.approx(0.58 / 0.71, abs=1e-4)
    assert logs["NZ"].period == "2022"
    urea = alternative_origins(NETWORK, "urea", {})
    assert all(a.price == UNKNOWN for a in urea)


def test_one_that_sells_today_needs_no_qualification_unless_the_caller_says_so() -> None:
    by_code = {a.who: a for a in alternative_origins(NETWORK, "urea", {"country:CN": 0.6})}
    assert by_code["VN"].qualification_days == Figure(0.0, "assumed", "sells today")
    old = [a.qualification_days for a in by_code.values() if a.qualification_days.value == 60.0]
    assert all(q.basis == "assumed" for q in old)
    stated = alternative_origins(NETWORK, "urea", {}, qualification_days=14)
    assert {a.qualification_days for a in stated} == {Figure(14, "stated", "the caller")}


def test_a_past_day_knows_no_later_figure() -> None:
    day = date(2022, 1, 1)
    found = [(item, a) for item in ref.SHARES for a in alternative_origins(NETWORK, item, {}, day)]
    assert len(found) > 50
    for item, a in found:
        known = {s.share for s in ref.SHARES[item] if s.partner == a.who and s.period_end <= day}
        assert a.share.value in known
        if a.spare.value is not None:
            assert round((a.share.value or 0.0) + a.spare.value, 6) in {
                round(s or 0.0, 6) for s in known
            }


def test_unknown_items_and_places_get_a_hint() -> None:
    with pytest.raises(UnknownName, match="did you mean helium"):
        alternative_origins(NETWORK, "heluim", {})
    with pytest.raises(UnknownName, match="chokepoint:hormuz"):
        alternative_origins(NETWORK, "helium", {"chokepoint:hormus": 0.5})
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        alternative_origins(NETWORK, "helium", {"country:QA": 50})


def test_other_suppliers_are_those_of_the_item_and_of_the_sector() -> None:
    # 0 and 1 sell item 0 to 5; 2 sells it to 4; 3 is of the sector of 0; 4 sells another item.
    arrays = compile_arrays(
        6, [0, 1, 2, 4], [5, 5, 4, 5], [0, 0, 0, 1], [6.0, 4.0, 5.0, 3.0],
        lead=[9, 4, 7, 1], sector=[1, 2, 3, 1, -1, -1], slack=[0.5, 0.5, 0.0, 0.2, 0.5, 0.5],
        final_sales=[0, 0, 0, 10.0, 0, 20.0],
    )  # fmt: skip
    shut = scenario(8, [Hit(np.array([0]), 1.0)], [Hit(np.array([2]), 0.5)])
    group = int(np.flatnonzero((arrays.group_buyer == 5) & (arrays.group_item == 0))[0])
    places = {0: ["country:CN"], 1: ["country:CN", "port:busan"], 2: ["country:VN"]}
    found = alternative_suppliers(arrays, group, shut, run(arrays, shut), places=places)
    by_node = {a.node: a for a in found}
    assert set(by_node) == {1, 2, 3}
    assert by_node[1].spare.value == pytest.approx(0.5 * 4 / 10)
    assert by_node[2].spare == UNKNOWN  # no slack is the default, not a finding
    assert by_node[3].transit_days == UNKNOWN
    assert (by_node[1].lag_days, by_node[2].lag_days) == (4.0, 67.0)
    assert by_node[1].shared == ("country:CN",)
    assert by_node[2].shared == ()
    blocked = {int(arrays.link_supplier[e]) for e in shut.links}
    assert {n for n, a in by_node.items() if a.own_loss.value} == blocked - {0}
    assert [o.supplier for o in offers(found)] == [
        a.node for a in found if a.node == 1
    ]  # the others' spare or lead time is unknown


def test_own_loss_is_what_the_same_scenario_takes_of_an_alternative() -> None:
    # 1 makes what it sells to 3 out of what the closed node 0 sells it.
    arrays = compile_arrays(4, [0, 1, 2, 0], [3, 3, 3, 1], [0, 0, 0, 1], [5.0, 3.0, 2.0, 1.0],
                            final_sales=[0, 0, 0, 20.0])  # fmt: skip
    shut = scenario(5, [Hit(np.array([0]), 1.0)])
    group = int(np.flatnonzero(arrays.group_buyer == 3)[0])
    found = alternative_suppliers(arrays, group, shut, run(arrays, shut))
    assert [(a.node, a.own_loss.value) for a in found] == [(2, 0.0), (1, pytest.approx(0.8))]


def test_an_unknown_group_is_named() -> None:
    arrays = compile_arrays(3, [0], [2], [0], [1.0])
    shut = scenario(2, [Hit(np.array([0]), 1.0)])
    out = run(arrays, shut)
    with pytest.raises(ValueError, match=r"one of 0\.\.0"):
        days_of_cover(arrays, shut, out, 1, [5])
    with pytest.raises(ValueError, match="none of the 1"):
        alternative_suppliers(arrays, 5, shut, out)
