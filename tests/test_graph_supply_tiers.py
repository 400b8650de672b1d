"""Missing tiers: what nobody was named for is inferred from trade shares, or stays unknown."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.supply import (
    Node,
    SupplyLink,
    as_of,
    build_supply,
    compile_supply,
    held_links,
    members,
    node_rows,
)
from graph.tiers import Origin, fill_tiers, import_origins

ON = date(2023, 12, 1)


def _origins(item: str, on: date) -> list[Origin]:
    return [
        Origin("CN", 0.5, 0.8, "customs", date(2023, 10, 31)),
        Origin("VN", 0.3, 0.6, "customs", date(2023, 10, 31)),
    ]


def _firm(spend: float = 100.0, country: str = "KR") -> Node:
    return Node("firm:b", "firm", country=country, spend={"urea": spend})


def test_what_no_link_covers_is_bought_by_import_shares_and_the_rest_stays_unknown() -> None:
    known = SupplyLink("firm:a", "firm:b", "urea", 40.0, essential=1, stock_days=9.0)
    graph = fill_tiers(build_supply([Node("firm:a", "firm"), _firm()], [known]), ON, _origins)
    bought = {k.supplier: k for k in held_links(graph)}
    assert {name: k.weight for name, k in bought.items()} == pytest.approx(
        {
            "firm:a": 40.0,
            "supplier:CN:urea": 30.0,
            "supplier:VN:urea": 18.0,
            "supplier:unknown:urea": 12.0,
        }
    )
    inferred = [k for k in bought.values() if k.supplier != "firm:a"]
    assert all(k.inferred and (k.essential, k.stock_days) == (1, 9.0) for k in inferred)
    assert [k.confidence for k in inferred] == [0.8, 0.6, 0.0]
    assert bought["supplier:CN:urea"].source == "customs"
    assert bought["supplier:CN:urea"].source_of("lead_days") == "assumed"
    unknown = graph.nodes["supplier:unknown:urea"]["node"]
    assert (unknown.country, unknown.inferred, unknown.ko) == ("", True, "요소 공급처 미상")


def test_an_event_in_a_country_reaches_the_virtual_supplier_and_never_the_unknown() -> None:
    graph = fill_tiers(build_supply([_firm()], []), ON, _origins)
    hit = [node_rows(graph)[n].id for n in members(graph, "country:CN").nodes]
    assert hit == ["supplier:CN:urea"]
    everywhere = {n for c in ("CN", "VN", "KR") for n in members(graph, f"country:{c}").nodes}
    assert len(node_rows(graph)) - len(everywhere) == 1


def test_an_origin_of_the_national_view_is_the_supplier_and_gets_no_more_than_was_said() -> None:
    nodes = [Node("origin:CN:urea", "origin", country="CN"), _firm()]
    fresh = fill_tiers(build_supply(nodes, []), ON, _origins)
    assert held_links(fresh)[0].supplier == "origin:CN:urea"
    said = SupplyLink("origin:CN:urea", "firm:b", "urea", 0.1, unit="share")
    filled = fill_tiers(build_supply(nodes, [said]), ON, _origins)
    weights = {k.supplier: k.weight for k in held_links(filled)}
    assert weights == pytest.approx(
        {"origin:CN:urea": 0.1, "supplier:VN:urea": 0.27, "supplier:unknown:urea": 0.63}
    )


def test_a_buyer_abroad_and_an_item_without_shares_stay_unknown() -> None:
    abroad = fill_tiers(build_supply([_firm(country="DE")], []), ON, _origins)
    assert [k.supplier for k in held_links(abroad)] == ["supplier:unknown:urea"]
    none = fill_tiers(build_supply([_firm()], []), ON, lambda item, on: [])
    assert [(k.supplier, k.weight) for k in held_links(none)] == [("supplier:unknown:urea", 1.0)]


def test_a_graph_with_gaps_is_not_compiled_until_they_are_filled() -> None:
    graph = build_supply([_firm()], [])
    with pytest.raises(ValueError, match="fill_tiers"):
        compile_supply(graph)
    assert compile_supply(fill_tiers(graph, ON, _origins)).links == 3


def test_the_day_of_the_graph_is_kept() -> None:
    ended = SupplyLink("firm:a", "firm:b", "urea", 40.0, valid_to=date(2022, 1, 1))
    graph = build_supply([Node("firm:a", "firm"), _firm()], [ended])
    then = fill_tiers(as_of(graph, date(2021, 6, 1)), ON, _origins)
    assert "firm:a" in {k.supplier for k in held_links(then)}
    now = fill_tiers(as_of(graph), ON, _origins)
    assert "firm:a" not in {k.supplier for k in held_links(now)}


@given(
    st.lists(st.floats(0, 100), max_size=4),
    st.floats(100, 1000),
    st.lists(st.floats(0, 0.25), max_size=4),
)
@settings(max_examples=500, deadline=None)
def test_spending_is_covered_exactly_once(
    weights: list[float], more: float, shares: list[float]
) -> None:
    spend = sum(weights) + more
    nodes = [_firm(spend), *(Node(f"firm:s{n}", "firm") for n in range(len(weights)))]
    links = [SupplyLink(f"firm:s{n}", "firm:b", "urea", w) for n, w in enumerate(weights)]
    told = [
        Origin(c, s, 0.5, "x", ON) for c, s in zip(("CN", "VN", "JP", "US"), shares, strict=False)
    ]
    graph = fill_tiers(build_supply(nodes, links), ON, lambda item, on: told)
    held = held_links(graph)
    total = sum(k.weight * (spend if k.unit == "share" else 1.0) for k in held)
    assert total == pytest.approx(spend)
    assert [k for k in held if not k.inferred] == links  # known links are as they were
    again = fill_tiers(graph, ON, lambda item, on: told)
    assert again.graph["version"] == graph.graph["version"]  # nothing left to fill


def test_the_shipped_shares_never_come_to_more_than_one_and_never_from_later() -> None:
    for item in ("gallium", "urea", "lng", "neon"):
        for day in (date(2021, 10, 15), date(2026, 1, 1)):
            found = import_origins(item, day)
            assert sum(o.share for o in found) <= 1.0 + 1e-12
            assert all(o.as_of <= day and 0 < o.confidence < 1 for o in found)
    older = {
        o.country: o.confidence for o in import_origins("artificial-graphite", date(2025, 12, 1))
    }
    newer = {o.country: o.confidence for o in import_origins("artificial-graphite", ON)}
    assert older["CN"] < newer["CN"]
