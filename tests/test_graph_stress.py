"""A firm's stress test: a small firm worked by hand, and properties on drawn ones."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.firm_sources import FirmSupply, firm_supply, sources, struck
from graph.firms import BomLine, FirmLink, StockLine
from graph.mix import Offer
from graph.one_company import company_of, known_as, together
from graph.plants import plants_of
from graph.plants_near import near
from graph.remedies import smallest_diversification
from graph.scenario import Hit, scenario
from graph.steps import run
from graph.stress import Strain, Stress, stops_nothing, stress_test
from graph.survival import SurvivalError, loss_at_recovery, simulated_survival, time_to_survive


def line(parent: str, part: str, supplier: str, country: str, lead: float) -> BomLine:
    return BomLine("a", "A", parent, part, 1.0, supplier=supplier, country=country,
                   essential=True, lead_days=lead, price_usd=100.0)  # fmt: skip


# Two products of equal worth. Both take the motor; the axle has one source and a small stock.
BOM = [
    line("BUS", "MOTOR", "M-Works", "CN", 9.0),
    line("TRUCK", "MOTOR", "M-Works", "CN", 9.0),
    line("BUS", "SEAT", "Seats", "KR", 0.0),
    line("TRUCK", "AXLE", "Axles", "JP", 4.0),
]
STOCKS = [StockLine("a", "A", 20.0, part="MOTOR"), StockLine("a", "A", 6.0, part="AXLE")]


@pytest.fixture(scope="module")
def supply() -> FirmSupply:
    return firm_supply([], BOM, STOCKS)


@pytest.fixture(scope="module")
def stress(supply: FirmSupply) -> Stress:
    return stress_test(supply, days=60, line=1.0)


def of(found: Stress, kind: str, code: str) -> Strain:
    return next(s for s in found.strains if (s.source.kind, s.source.code) == (kind, code))


@pytest.mark.parametrize(
    ("kind", "code", "survives", "by_recovery", "in_all"),
    [
        # 9 days on the way, one for the hop, 20 in stock; then both products stop.
        ("supplier", "m-works", 30, 60 - 30, 60 - 20),
        ("part", "MOTOR", 30, 60 - 30, 60 - 20),
        # Nothing in stock, no way to go: only the bus, which is half of the output.
        ("supplier", "seats", 1, (60 - 1) / 2, 60 / 2),
        # 4 on the way, one hop, 6 in stock; only the truck.
        ("supplier", "axles", 11, (60 - 11) / 2, (60 - 6) / 2),
        # From the origin to the supplier is one hop more.
        ("country", "CN", 31, 60 - 31, 60 - 20),
        ("country", "JP", 12, (60 - 12) / 2, (60 - 6) / 2),
    ],
)
def test_days_and_losses_are_those_worked_by_hand(
    stress: Stress, kind: str, code: str, survives: float, by_recovery: float, in_all: float
) -> None:
    found = of(stress, kind, code)
    assert found.survive_days == survives
    assert found.best_survive_days == pytest.approx(survives)
    assert found.lost_days == pytest.approx(by_recovery)
    assert found.all_lost_days == pytest.approx(in_all)


def test_the_worst_stands_first_and_has_index_one(stress: Stress) -> None:
    lost = [one.lost_days for one in stress.strains]
    assert lost == sorted(lost, reverse=True)
    assert stress.strains[0].source.code == "m-works"
    assert stress.strains[0].index == 1.0
    assert of(stress, "supplier", "axles").index == pytest.approx(24.5 / 30)


def test_what_binds_and_what_stops_are_named(stress: Stress) -> None:
    axle = of(stress, "supplier", "axles")
    assert (axle.binding, axle.cover_days) == ("AXLE", 6.0)
    assert axle.stops == (("part:a:TRUCK", 54.0),)
    both = of(stress, "supplier", "m-works")
    assert both.binding == "MOTOR"
    assert {name for name, _ in both.stops} == {"part:a:BUS", "part:a:TRUCK"}


def test_the_smallest_stock_and_the_smallest_move_keep_the_line(stress: Stress) -> None:
    """Motor: 60 - s <= 1 day. Axle: half of 60 - s. Moved: 60 m - stock is lost, m what stays."""
    motor, axle = of(stress, "supplier", "m-works"), of(stress, "supplier", "axles")
    assert {(s.item, s.now_days) for s in motor.stocks} == {("MOTOR", 20.0)}
    assert [s.enough_days for s in motor.stocks] == pytest.approx([59.0, 59.0], abs=0.02)
    assert [s.enough_days for s in axle.stocks] == pytest.approx([58.0], abs=0.02)
    assert motor.move_share == pytest.approx(1 - 21 / 60, abs=2e-3)
    assert axle.move_share == pytest.approx(1 - 8 / 60, abs=2e-3)
    assert of(stress, "part", "AXLE").move_share is None  # it comes from nowhere any more


def test_moving_agrees_with_the_remedy_of_one_group() -> None:
    """graph.remedies moves to a node of the graph; here to wherever nothing is lost."""
    rows = [FirmLink("a", "A", "urea", "CN", 0.8, "Works", stock_days=10.0, lead_days=2.0),
            FirmLink("a", "A", "urea", "VN", 0.2, "Other", stock_days=10.0, lead_days=2.0)]  # fmt: skip
    supply = firm_supply(rows)
    a = supply.arrays
    hit = a.index("supplier:works:urea")
    found = of(stress_test(supply, days=50, line=2.0), "supplier", "works")
    group = int(np.flatnonzero(a.group_buyer == a.index("firm:a"))[0])
    other = Offer(a.index("supplier:other:urea"), 1.0, 2)
    plan = smallest_diversification(
        a, scenario(60, [Hit(np.array([hit]), 1.0, 0, 50)]), group, 2.0 * supply.value, [other], [hit]
    )  # fmt: skip
    assert found.move_share == pytest.approx(plan.moved, abs=2e-3)
    assert [one.who for one in found.others] == ["supplier:other:urea"]


def test_a_part_whose_stock_lasts_or_that_nothing_needs_costs_no_output() -> None:
    stocks = [*STOCKS, StockLine("a", "A", 90.0, part="SEAT")]
    found = stress_test(firm_supply([], BOM, stocks), days=60)
    assert [one.source.code for one in stops_nothing(found.strains)] == ["SEAT"]
    assert of(found, "part", "SEAT").survive_days == 91.0  # it is still said when it would


def test_without_days_each_source_is_down_as_its_share_has_it_and_that_is_assumed() -> None:
    rows = [FirmLink("a", "A", "urea", "CN", 0.6, "Big"), FirmLink("a", "A", "urea", "VN", 0.4, "Small"),
            FirmLink("a", "A", "lng", "QA", 1.0, "Only")]  # fmt: skip
    found = stress_test(firm_supply(rows))
    days = {s.source.code: s.recover_days for s in found.strains if s.source.kind == "supplier"}
    assert days == {"big": 90.0, "small": 60.0, "only": 180.0}
    assert {s.recover_basis for s in found.strains} == {"assumed"}
    for wrong in (0.0, -3.0, float("nan"), 1e6):
        with pytest.raises(SurvivalError, match="1 to 3650"):
            stress_test(firm_supply(rows), days=wrong)


def test_a_strait_cuts_what_is_shipped_through_it_and_only_that() -> None:
    rows = [FirmLink("a", "A", "lng", "QA", 1.0, "Ras", stock_days=7.0),
            FirmLink("a", "A", "urea", "CN", 1.0, "Works", stock_days=7.0)]  # fmt: skip
    supply = firm_supply(rows)
    hormuz = next(s for s in sources(supply) if s.code == "hormuz")
    cut = [supply.rows[int(e)] for e in np.flatnonzero(struck(supply, hormuz))]
    assert [row.item for row in cut if row] == ["lng"]
    lead = int(supply.arrays.link_lead[hormuz.links[0]])
    found = of(stress_test(supply, days=60), "chokepoint", "hormuz")
    assert found.survive_days == lead + 1 + 7


def test_what_is_bought_for_all_products_stops_each_of_them() -> None:
    """A link that no bill line mentions is needed by every product, as it was by the firm."""
    supply = firm_supply([FirmLink("a", "A", "lng", "QA", 1.0, lead_days=0.0)], BOM, STOCKS)
    found = of(stress_test(supply, days=60), "part", "lng")
    assert {name for name, _ in found.stops} == {"part:a:BUS", "part:a:TRUCK"}
    assert found.all_lost_days == pytest.approx(60.0)


def test_a_ring_of_parts_that_need_each_other_is_named() -> None:
    bom = [BomLine("a", "A", "ACID", "SALT", 1.0, price_usd=1.0),
           BomLine("a", "A", "SALT", "ACID", 1.0, price_usd=1.0),
           BomLine("a", "A", "SOAP", "ACID", 1.0, price_usd=1.0)]  # fmt: skip
    found = stress_test(firm_supply([], bom), days=30)
    assert [{n.rsplit(":", 1)[1] for n in ring.names} for ring in found.cycles] == [
        {"ACID", "SALT"}
    ]


def test_one_company_spelt_two_ways_is_held_down_as_one_and_weighs_as_one() -> None:
    rows = [FirmLink("a", "A", "urea", "CN", 0.6, "LG화학", lead_days=0.0),
            FirmLink("a", "A", "urea", "KR", 0.4, "LG Chem, Ltd.", lead_days=0.0)]  # fmt: skip
    pairs = [(one.names, one.confidence) for one in together(r.supplier for r in rows) if one.same]
    found = stress_test(firm_supply(rows), days=60, companies=pairs)
    both = next(s for s in found.strains if s.source.kind == "company")
    assert both.share == pytest.approx(1.0)
    assert both.recover_days == 60
    assert both.source.confidence == pairs[0][1] >= 0.75
    assert both.lost_days > of(found, "supplier", "lg화학").lost_days


def test_an_identifier_goes_before_a_name() -> None:
    """Samsung's and SK hynix's numbers: one name twice is two, two names with one number are one."""
    number = "124-81-00998"
    assert together([f"Alpha {number}", f"Omega Metals {number}"])[0].same
    apart = together(["Works LEI 5493006MHB84DD0ZWV18", "Works LEI 529900T8BM49AURSDO55"])
    assert not [one for one in apart if one.same]
    assert company_of("Works 124-81-00997").business_number == ""  # its check digit is wrong
    assert known_as(["Nobody Ltd"], {"posco": ["POSCO"]}) == []


# --------------------------------------------------------------------------- properties

COUNTRY = st.sampled_from(["CN", "QA", "KR"])
DAYS = st.integers(0, 12).map(float)


@st.composite
def drawn_firms(draw: st.DrawFn) -> FirmSupply:
    goods = ["P1", "P2", "P3"]
    bom = [
        BomLine("a", "A", parent, part, 1.0, "urea", f"S{draw(st.integers(0, 2))}", draw(COUNTRY),
                draw(st.sampled_from([True, True, False])),
                draw(st.sampled_from(["", "", "X"])), draw(DAYS), draw(st.sampled_from([1.0, 7.0])))
        for parent in ("A1", "A2")
        for part in draw(st.lists(st.sampled_from(goods), min_size=1, max_size=3, unique=True))
        for _ in range(draw(st.integers(1, 2)))
    ]  # fmt: skip
    if draw(st.booleans()):
        bom.append(BomLine("a", "A", "A2", "A1", 1.0, essential=True, price_usd=3.0))
    links = [FirmLink("a", "A", "lng", "QA", draw(st.sampled_from([0.5, 1.0])), "S0",
                      stock_days=draw(DAYS), lead_days=draw(DAYS))] if draw(st.booleans()) else []  # fmt: skip
    stocks = [StockLine("a", "A", draw(DAYS), part=part) for part in goods]
    return firm_supply(links, bom, stocks)


@settings(max_examples=150, deadline=None)
@given(drawn_firms(), st.integers(0, 30))
def test_no_plan_lasts_shorter_than_the_model(supply: FirmSupply, pick: int) -> None:
    """LP time to survive >= simulated, node by node and for cut links."""
    held = sources(supply)
    one = held[pick % len(held)]
    if len(one.nodes) and not len(one.links):
        best = time_to_survive(plants_of(supply.arrays), one.nodes)
        assert best >= simulated_survival(supply.arrays, one.nodes, 40) - 1e-6 or best >= 40


@settings(max_examples=100, deadline=None)
@given(drawn_firms(), st.integers(0, 30))
def test_the_reached_part_of_the_plants_gives_the_times_and_losses_of_the_whole(
    supply: FirmSupply, pick: int
) -> None:
    held = sources(supply)
    one, whole = held[pick % len(held)], plants_of(supply.arrays)
    part, down, needs = near(whole, one.nodes, np.zeros(0, dtype=np.int64))
    assert part.plants <= whole.plants
    assert part.need_stock.tolist() == whole.need_stock[needs].tolist()
    assert time_to_survive(part, down) == pytest.approx(time_to_survive(whole, one.nodes), abs=1e-6)
    assert loss_at_recovery(part, down, 20.0).lost_profit == pytest.approx(
        loss_at_recovery(whole, one.nodes, 20.0).lost_profit, abs=1e-6
    )


@settings(max_examples=20, deadline=None)
@given(drawn_firms(), st.sampled_from([5.0, 20.0]))
def test_every_row_of_a_drawn_test_is_sound(supply: FirmSupply, days: float) -> None:
    found = stress_test(supply, days=days, line=days)
    for one in found.strains:
        assert one.best_survive_days >= one.survive_days - 1e-6 or one.survive_days == inf
        assert 0.0 <= one.lost_days <= one.all_lost_days + 1e-6
        # Parts that come at different days are also missed at different days.
        assert one.all_lost_days <= days + 12 + 5
        assert 0.0 <= one.index <= 1.0
        if one.survive_days >= days + 14 + 5:  # longest lead, hops
            assert one.lost_days == 0.0
        assert bool(one.stocks) == (one.all_lost_days > days)


@settings(max_examples=50, deadline=None)
@given(drawn_firms())
def test_customers_at_products_lose_when_the_product_does(supply: FirmSupply) -> None:
    """The graph that is tested keeps all stocks, shares of groups and worth of the firm's own."""
    a = supply.arrays
    assert supply.value > 0
    calm = run(a, scenario(5))
    assert (calm.level == 1.0).all()
    sums = np.bincount(a.link_group, a.link_part, a.groups)
    assert sums == pytest.approx(np.ones(a.groups))
    assert all(a.names[n].startswith("part:") for n in supply.serving)
