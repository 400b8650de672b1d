"""A firm's own rows as a supply graph: who stops whom, and when, in the time-stepped model."""

from __future__ import annotations

import numpy as np
import pytest

from graph.arrays import SupplyArrays
from graph.declarations import SUBSTITUTE_RHO, supply_of_firm
from graph.firms import BomLine, FirmLink, StockLine
from graph.reference import route_of
from graph.scenario import Hit, Outcome, scenario
from graph.steps import run


def closed(arrays: SupplyArrays, node: str, days: int = 60) -> Outcome:
    return run(arrays, scenario(days, [Hit(np.array([arrays.index(node)]), 1.0)]))


def first_short(arrays: SupplyArrays, hit: str, node: str = "firm:a") -> int:
    level = closed(arrays, hit).of(arrays.index(node))
    short = np.flatnonzero(level < 1 - 1e-9)
    return int(short[0]) if len(short) else -1


def link(item: str, country: str, share: float | None, **more: object) -> FirmLink:
    return FirmLink("a", "A", item, country, share, **more)  # type: ignore[arg-type]


def test_a_firm_runs_short_after_sailing_stock_and_one_day() -> None:
    """One supplier of all, stock 20 days: dispatch stops on day 0, ships at sea still arrive."""
    route = route_of("CN", "urea")
    assert route is not None
    arrays = supply_of_firm([link("urea", "CN", 1.0, stock_days=20.0)])
    assert first_short(arrays, "origin:CN:urea") == round(route.sailing_days) + 1 + 20


def test_a_stated_lead_and_a_stock_row_go_before_what_is_assumed() -> None:
    rows = [link("urea", "CN", 1.0, stock_days=20.0, lead_days=7.0)]
    assert first_short(supply_of_firm(rows), "origin:CN:urea") == 7 + 1 + 20
    stocks = [StockLine("a", "A", 5.0, "urea")]
    assert first_short(supply_of_firm(rows, stocks=stocks), "origin:CN:urea") == 7 + 1 + 5


def test_what_the_shares_leave_over_comes_from_others_and_goes_on() -> None:
    arrays = supply_of_firm([link("urea", "CN", 0.7, lead_days=0.0)])
    level = closed(arrays, "origin:CN:urea").of(arrays.index("firm:a"))
    assert level[-1] == pytest.approx(0.3)
    assert "origin:others:urea" in arrays.names


def test_a_supplier_stands_between_its_origin_and_the_firm_for_one_good_only() -> None:
    rows = [link("urea", "CN", 1.0, supplier="Works", lead_days=0.0),
            link("gallium", "CN", 1.0, supplier="Works", lead_days=0.0, essential=False)]  # fmt: skip
    arrays = supply_of_firm(rows)
    assert {"supplier:works:urea", "supplier:works:gallium"} <= set(arrays.names)
    urea = closed(arrays, "origin:CN:urea")
    assert urea.of(arrays.index("supplier:works:urea"))[-1] == 0
    assert urea.of(arrays.index("supplier:works:gallium"))[-1] == 1
    assert urea.of(arrays.index("firm:a"))[-1] == 0
    # What is not essential lowers output by its part of what the firm buys.
    assert closed(arrays, "origin:CN:gallium").of(arrays.index("firm:a"))[-1] == pytest.approx(0.5)


def test_amounts_weigh_and_shares_follow_from_them() -> None:
    rows = [link("urea", "CN", None, spend=300.0, lead_days=0.0),
            link("urea", "VN", None, spend=100.0, lead_days=0.0),
            link("gallium", "CN", 1.0, spend=600.0, lead_days=0.0, essential=False)]  # fmt: skip
    arrays = supply_of_firm(rows)
    level = closed(arrays, "origin:VN:urea").of(arrays.index("firm:a"))
    assert level[-1] == pytest.approx(0.75)
    level = closed(arrays, "origin:CN:gallium").of(arrays.index("firm:a"))
    assert level[-1] == pytest.approx(0.4)


def test_a_part_stops_what_is_made_of_it_and_only_that_product() -> None:
    bom = [
        BomLine("a", "A", "TRUCK", "TANK", 1.0, price_usd=10.0),
        BomLine(
            "a", "A", "TANK", "DEF", 20.0, "diesel-exhaust-fluid", "Works", "CN", lead_days=0.0
        ),
        BomLine("a", "A", "BIKE", "STEEL", 1.0, "", "Mill", "KR", lead_days=0.0),
    ]
    arrays = supply_of_firm([], bom, [StockLine("a", "A", 3.0, part="DEF")])
    found = closed(arrays, "supplier:works:diesel-exhaust-fluid")
    assert found.of(arrays.index("part:a:TRUCK"))[-1] == 0
    assert found.of(arrays.index("part:a:BIKE"))[-1] == 1
    assert 0 < found.of(arrays.index("firm:a"))[-1] < 1
    at = [
        int(np.flatnonzero(found.of(arrays.index(f"part:a:{p}")) < 1)[0]) for p in ("TANK", "TRUCK")
    ]
    assert at == [3 + 1, 3 + 2]


def test_links_say_where_a_bought_part_comes_from() -> None:
    bom = [BomLine("a", "A", "TANK", "DEF", 20.0, "urea", essential=True)]
    arrays = supply_of_firm([link("urea", "CN", 1.0, lead_days=0.0)], bom)
    assert closed(arrays, "origin:CN:urea").of(arrays.index("firm:a"))[-1] == 0
    assert list(arrays.names).count("origin:CN:urea") == 1


def test_a_named_substitute_replaces_an_assumed_part_in_time() -> None:
    bom = [
        BomLine("a", "A", "T", "P", 1.0, supplier="W", country="CN", substitute="Q", lead_days=0.0)
    ]
    arrays = supply_of_firm([], bom)
    level = closed(arrays, "supplier:w:P", 400).of(arrays.index("firm:a"))
    assert level[5] < level[399]
    assert level[399] == pytest.approx(SUBSTITUTE_RHO, abs=0.01)


def test_no_blow_no_loss_and_no_rows_is_refused() -> None:
    arrays = supply_of_firm([link("urea", "CN", 0.7), link("hs:8471300000", "TW", 1.0)])
    calm = run(arrays, scenario(30))
    assert np.all(calm.level == 1)
    assert arrays.output[arrays.index("firm:a")] > 0
    with pytest.raises(ValueError, match="import a file first"):
        supply_of_firm([])
