"""The supply graph: rows are checked, versions are kept apart in two times, arrays are made once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graph.supply import (
    Node,
    SupplyError,
    SupplyGraph,
    SupplyLink,
    all_links,
    as_of,
    build_supply,
    compile_supply,
    link_rows,
    members,
    node_rows,
    patch_weights,
    reweigh,
)
from graph.supply_checks import check_supply
from graph.supply_nouns import in_force
from graph.supply_rows import read_arrays, read_supply
from tests.supply_samples import csv_of, differences, supplies

SEEDS = st.integers(0, 2**32)
Rows = tuple[list[Node], list[SupplyLink]]


def _link(change: Callable[[SupplyLink], SupplyLink]) -> Callable[[Rows, int], tuple[Rows, int]]:
    """A row of links made bad; gives the rows and the number of the bad one."""

    def spoil(rows: Rows, n: int) -> tuple[Rows, int]:
        nodes, links = rows
        at = n % len(links)
        return (nodes, [change(k) if i == at else k for i, k in enumerate(links)]), at + 1

    return spoil


def _node(change: Callable[[Node], Node]) -> Callable[[Rows, int], tuple[Rows, int]]:
    def spoil(rows: Rows, n: int) -> tuple[Rows, int]:
        nodes, links = rows
        at = n % len(nodes)
        return ([change(k) if i == at else k for i, k in enumerate(nodes)], links), at + 1

    return spoil


def _twice(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, links = rows
    return (nodes, [*links, links[n % len(links)]]), len(links) + 1


def _node_twice(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, links = rows
    return ([*nodes, nodes[n % len(nodes)]], links), len(nodes) + 1


def _other_stock(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, links = rows
    like = links[n % len(links)]
    more = replace(like, supplier="firm:new", stock_days=like.stock_days + 1)
    return ([*nodes, Node("firm:new", "firm")], [*links, more]), len(links) + 1


def _too_many_shares(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, _ = rows
    like = SupplyLink("firm:0", "firm:1", "urea", 0.7, unit="share")
    more = replace(like, supplier="firm:new", weight=0.4)
    return ([*nodes, Node("firm:new", "firm")], [like, more]), 2


def _final(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, links = rows
    at = next(i for i, node in enumerate(nodes) if node.id == links[n % len(links)].supplier)
    return ([replace(k, final=1.0) if i == at else k for i, k in enumerate(nodes)], links), at + 1


def _spend(rows: Rows, n: int) -> tuple[Rows, int]:
    nodes, links = rows
    link = links[n % len(links)]
    at = next(i for i, node in enumerate(nodes) if node.id == link.buyer)
    low = replace(nodes[at], spend={link.item: link.weight / 2})
    return ([low if i == at else k for i, k in enumerate(nodes)], links), at + 1


BAD = [
    ("links", "weight", "not a number", _link(lambda k: replace(k, weight=math.nan))),
    ("links", "weight", "not a number", _link(lambda k: replace(k, weight=math.inf))),
    ("links", "weight", "below 0", _link(lambda k: replace(k, weight=-1.0))),
    ("links", "weight", "above 1", _link(lambda k: replace(k, weight=70.0, unit="share"))),
    ("links", "weight", "add up to 1.1", _too_many_shares),
    ("links", "unit", "one currency", _link(lambda k: replace(k, unit="XAU/yr"))),
    ("links", "weight", "is not known", _link(lambda k: replace(k, unit="tonnes"))),
    ("links", "essential", "no class", _link(lambda k: replace(k, essential=3))),
    ("links", "stock_days", "within", _link(lambda k: replace(k, stock_days=-2.0))),
    ("links", "stock_days", "same buyer and item", _other_stock),
    ("links", "lead_days", "within", _link(lambda k: replace(k, lead_days=-1))),
    ("links", "lead_days", "whole", _link(lambda k: replace(k, lead_days=1.5))),  # type: ignore[arg-type]
    ("links", "substitutability", "within", _link(lambda k: replace(k, substitutability=30.0))),
    ("links", "ramp_days", "not a number", _link(lambda k: replace(k, ramp_days=math.nan))),
    ("links", "confidence", "within", _link(lambda k: replace(k, confidence=1.5))),
    ("links", "supplier", "unknown node", _link(lambda k: replace(k, supplier="firm:nobody"))),
    ("links", "buyer", "unknown node", _link(lambda k: replace(k, buyer="firm:nobody"))),
    ("links", "buyer", "itself", _link(lambda k: replace(k, buyer=k.supplier))),
    ("links", "item", "unknown item", _link(lambda k: replace(k, item="unobtainium"))),
    ("links", "item", "the same as", _twice),
    ("links", "basis", "unknown basis", _link(lambda k: replace(k, basis="rumour"))),
    ("links", "source", "where it was read", _link(lambda k: replace(k, basis="stated"))),
    ("links", "synthetic", "marked", _link(lambda k: replace(k, basis="synthetic"))),
    ("links", "route", "unknown port", _link(lambda k: replace(k, route={"port:atlantis": 1.0}))),
    ("links", "route", "within", _link(lambda k: replace(k, route={"port:busan": 75.0}))),
    (
        "links",
        "valid_to",
        "before valid_from",
        _link(lambda k: replace(k, valid_from=date(2022, 1, 1), valid_to=date(2021, 1, 1))),
    ),
    ("nodes", "id", "the same as", _node_twice),
    ("nodes", "kind", "unknown kind", _node(lambda k: replace(k, kind="planet"))),
    ("nodes", "kind", "the row says", _node(lambda k: replace(k, kind="site"))),
    ("nodes", "country", "unknown country", _node(lambda k: replace(k, country="XX"))),
    ("nodes", "sector", "unknown sector", _node(lambda k: replace(k, sector="alchemy"))),
    ("nodes", "output", "below 0", _node(lambda k: replace(k, output=-5.0))),
    ("nodes", "final", "within", _node(lambda k: replace(k, final=30.0))),
    ("nodes", "final", "nothing for its buyers", _final),
    ("nodes", "slack", "not a number", _node(lambda k: replace(k, slack=math.nan))),
    ("nodes", "time_to_recover_days", "within", _node(lambda k: replace(k, time_to_recover_days=-1.0))),
    ("nodes", "unit", "no unit", _node(lambda k: replace(k, unit="USD/yr"))),
    ("nodes", "unit", "one currency", _node(lambda k: replace(k, output=1.0, unit="XAU/d"))),
    ("nodes", "spend", "less than", _spend),
    ("nodes", "spend", "unknown item", _node(lambda k: replace(k, spend={"unobtainium": 1.0}))),
    ("nodes", "member", "part of", _node(lambda k: replace(k, member={"firm:nobody": 1.0}))),
    ("nodes", "member", "within", _node(lambda k: replace(k, member={"country:CN": 2.0}))),
    ("nodes", "source", "where it was read", _node(lambda k: replace(k, basis="computed"))),
]  # fmt: skip


@given(supplies(), st.sampled_from(BAD), st.integers(0, 99))
@settings(max_examples=300, deadline=None)  # seven for each kind of bad row
def test_every_bad_row_is_named_with_its_reason_by_every_way_in(
    rows: Rows,
    bad: tuple[str, str, str, Callable[[Rows, int], tuple[Rows, int]]],
    n: int,
) -> None:
    assume(len(rows[1]) > 2)  # so that it is plain which row differs from the others
    table, column, words, spoil = bad
    (nodes, links), row = spoil(rows, n)
    with pytest.raises(SupplyError) as built:
        build_supply(nodes, links)
    named = [p for p in built.value.problems if (p.table, p.row, p.column) == (table, row, column)]
    assert any(words in p.reason for p in named), built.value
    files = csv_of(nodes, Node).encode(), csv_of(links, SupplyLink).encode()
    with pytest.raises(SupplyError) as read:
        read_supply(*files)
    with pytest.raises(SupplyError) as bulk:
        read_arrays(*files)
    assert [p[:3:2] for p in read.value.problems] == [p[:3:2] for p in built.value.problems]
    assert [p.row - 1 for p in read.value.problems] == [p.row for p in built.value.problems]
    assert bulk.value.problems == read.value.problems


@given(
    supplies(times=True),
    st.sampled_from([None, 2021, 2022, 2023]),
    st.sampled_from([None, 2021, 2022]),
)
@settings(max_examples=200, deadline=None)
def test_both_ways_in_give_the_same_arrays_on_every_day(
    rows: Rows, valid: int | None, known: int | None
) -> None:
    nodes, links = rows
    days = [date(year, 6, 1) if year else None for year in (valid, known)]
    files = csv_of(nodes, Node).encode(), csv_of(links, SupplyLink).encode()
    graph = read_supply(*files)
    seen = as_of(graph, *days)
    supply = read_arrays(*files, valid_on=days[0], known_on=days[1])
    assert differences(compile_supply(seen), supply.arrays) == []
    assert [supply.link(n) for n in range(supply.arrays.links)] == list(link_rows(seen))
    for target in ("port:busan", "country:CN", "sector:26", "origin:CN:urea", "item:lng", "firm:1"):
        assert _members(seen, target) == _members(supply, target)


def _members(of: object, target: str) -> object:
    try:
        found = members(of, target) if isinstance(of, nx.DiGraph) else of.members(target)  # type: ignore[attr-defined]
    except KeyError:
        return "unknown"
    return [
        column.tolist() for column in (found.nodes, found.node_share, found.links, found.link_share)
    ]


@given(
    supplies(times=True),
    st.dates(date(2020, 6, 1), date(2024, 1, 1)),
    st.dates(date(2020, 6, 1), date(2024, 1, 1)),
)
@settings(max_examples=200, deadline=None)
def test_a_day_shows_what_held_then_as_it_was_known(rows: Rows, valid: date, known: date) -> None:
    held = in_force(rows[1], valid, known)
    assert len({k.key for k in held}) == len(held)
    for row in held:
        assert (row.known_from or date.min) <= known
        assert (row.valid_from or date.min) <= valid < (row.valid_to or date.max)
        for other in rows[1]:
            later = (row.known_from or date.min) < (other.known_from or date.min) <= known
            if other.key == row.key and other.valid_from == row.valid_from:
                assert not later
    # What was learned afterwards changes nothing.
    late = [replace(k, weight=k.weight * 2, known_from=date(2024, 6, 1)) for k in rows[1]]
    assert in_force([*rows[1], *late], valid, known) == held


def test_a_correction_replaces_and_a_withdrawal_removes() -> None:
    nodes = [Node("firm:a", "firm"), Node("firm:b", "firm")]
    first = SupplyLink("firm:a", "firm:b", "urea", 1.0, known_from=date(2021, 1, 1))
    second = replace(first, weight=2.0, known_from=date(2022, 1, 1))
    gone = replace(first, valid_from=None, valid_to=date(2023, 1, 1), known_from=date(2023, 2, 1))
    graph = build_supply(nodes, [first, second, gone])

    def weights(valid: date, known: date) -> list[float]:
        return [k.weight for k in all_links(as_of(graph, valid, known))]

    assert weights(date(2021, 6, 1), date(2020, 1, 1)) == []
    assert weights(date(2021, 6, 1), date(2021, 6, 1)) == [1.0]
    assert weights(date(2021, 6, 1), date(2022, 6, 1)) == [2.0]
    assert weights(date(2023, 6, 1), date(2023, 1, 15)) == [2.0]
    assert weights(date(2023, 6, 1), date(2023, 6, 1)) == []
    assert weights(date(2022, 12, 31), date(2023, 6, 1)) == [1.0]
    assert weights(date(2023, 1, 1), date(2023, 6, 1)) == []  # valid_to is the first day without


@given(supplies(), SEEDS)
@settings(max_examples=100, deadline=None)
def test_the_version_is_of_the_content_not_of_the_order(rows: Rows, seed: int) -> None:
    nodes, links = rows
    random = Random(seed)
    graph = build_supply(nodes, links)
    mixed_nodes, mixed = list(nodes), list(links)
    random.shuffle(mixed_nodes)
    random.shuffle(mixed)
    again = build_supply(mixed_nodes, mixed)
    assert again.graph["version"] == graph.graph["version"]
    assert differences(compile_supply(again), compile_supply(graph)) == []
    if links:
        other = build_supply(nodes, [replace(links[0], stock_days=links[0].stock_days), *links[1:]])
        assert other.graph["version"] == graph.graph["version"]
        heavier = build_supply(nodes, [replace(links[0], weight=links[0].weight * 2), *links[1:]])
        assert heavier.graph["version"] != graph.graph["version"]


@given(supplies(), SEEDS)
@settings(max_examples=200, deadline=None)
def test_a_patch_of_weights_equals_compiling_anew(rows: Rows, seed: int) -> None:
    nodes, links = rows
    graph = build_supply(nodes, links)
    arrays = compile_supply(graph)
    random = Random(seed)
    new = {k.key: random.lognormvariate(5, 3) for k in links if random.random() < 0.4}
    changed = reweigh(graph, new)
    anew = build_supply(nodes, [replace(k, weight=new.get(k.key, k.weight)) for k in links])
    assert "compiled" in changed.graph  # patched, not to be made anew
    assert differences(compile_supply(changed), compile_supply(anew)) == []
    assert changed.graph["version"] == anew.graph["version"]
    assert link_rows(changed) == link_rows(anew)
    numbers = [n for n, row in enumerate(link_rows(graph)) if row.key in new]
    weights = [new[link_rows(graph)[n].key] for n in numbers]
    assert differences(patch_weights(arrays, numbers, weights), compile_supply(anew)) == []
    assert compile_supply(graph) is arrays  # the old version is as it was
    assert [k.weight for k in all_links(graph)] == [
        k.weight for k in all_links(build_supply(nodes, links))
    ]


def test_a_patch_that_cannot_be_is_refused() -> None:
    nodes = [Node("firm:a", "firm"), Node("firm:b", "firm", spend={"urea": 10.0})]
    graph = build_supply(nodes, [SupplyLink("firm:a", "firm:b", "urea", 10.0)])
    key = ("firm:a", "firm:b", "urea")
    with pytest.raises(SupplyError, match="below 0"):
        reweigh(graph, {key: -1.0})
    with pytest.raises(SupplyError, match="not a number"):
        reweigh(graph, {key: math.nan})
    with pytest.raises(SupplyError, match="less than its links"):
        reweigh(graph, {key: 20.0})
    with pytest.raises(KeyError, match="no link by which"):
        reweigh(graph, {("firm:b", "firm:a", "urea"): 1.0})
    arrays = compile_supply(graph)
    with pytest.raises(ValueError, match="compile the graph anew"):
        patch_weights(arrays, [0], [0.0])
    with pytest.raises(ValueError, match="a link outside"):
        patch_weights(arrays, [1], [1.0])
    with pytest.raises(ValueError, match=r"come to 5 of 10.*fill_tiers"):
        compile_supply(reweigh(graph, {key: 5.0}))


def test_a_graph_is_compiled_once_and_cannot_be_changed_unseen() -> None:
    graph = _national()
    assert compile_supply(graph) is compile_supply(graph)
    with pytest.raises(nx.NetworkXError, match="Frozen"):
        graph.add_edge("firm:acme", "country:KR")


def _national() -> SupplyGraph:
    """Two origins of urea, one use, a firm with two sites in two countries."""
    nodes = [
        Node("origin:CN:urea", "origin", country="CN"),
        Node("origin:VN:urea", "origin", country="VN"),
        Node("item:urea", "item"),
        Node("use:trucks", "use", sector="49301"),
        Node("firm:acme", "firm", country="KR", sector="2029"),
        Node("site:ulsan", "site", country="KR", member={"firm:acme": 1.0}),
        Node(
            "site:abroad", "site", member={"firm:acme": 0.5, "country:CN": 0.6, "country:VN": 0.4}
        ),
    ]
    sea = {"chokepoint:malacca": 0.25}
    links = [
        SupplyLink("origin:CN:urea", "item:urea", "urea", 0.7, unit="share"),
        SupplyLink("origin:VN:urea", "item:urea", "urea", 0.3, unit="share", route=sea),
        SupplyLink("item:urea", "use:trucks", "urea", 1.0, unit="share"),
        SupplyLink("origin:CN:urea", "site:ulsan", "310210", 1.0, unit="share"),
        SupplyLink("site:abroad", "firm:acme", "urea", 1.0, unit="share"),
    ]
    return build_supply(nodes, links)


@pytest.mark.parametrize(
    ("target", "nodes", "links"),
    [
        ("country:CN", {"origin:CN:urea": 1.0, "site:abroad": 0.6}, {}),
        ("country:KR", {"firm:acme": 1.0, "site:ulsan": 1.0, "site:abroad": 0.5}, {}),
        ("firm:acme", {"firm:acme": 1.0, "site:ulsan": 1.0, "site:abroad": 0.5}, {}),
        ("sector:20", {"firm:acme": 1.0}, {}),
        ("industry:493", {"use:trucks": 1.0}, {}),
        ("item:urea", {"item:urea": 1.0}, {}),
        ("item:310210", {}, {("origin:CN:urea", "site:ulsan"): 1.0}),
        ("origin:CN:urea", {"origin:CN:urea": 1.0}, {("site:abroad", "firm:acme"): 0.6}),
        ("chokepoint:malacca", {}, {("origin:VN:urea", "item:urea"): 0.25}),
    ],
)
def test_a_target_of_any_kind_falls_on_nodes_or_links(
    target: str, nodes: dict[str, float], links: dict[tuple[str, str], float]
) -> None:
    graph = _national()
    found = members(graph, target)
    hit = {node_rows(graph)[n].id: m for n, m in zip(found.nodes, found.node_share, strict=True)}
    rows = [link_rows(graph)[n] for n in found.links]
    cut = {(k.supplier, k.buyer): m for k, m in zip(rows, found.link_share, strict=True)}
    assert hit == pytest.approx(nodes)
    assert cut == pytest.approx(links)


def test_a_target_that_is_nothing_here_is_an_error() -> None:
    with pytest.raises(KeyError, match="port:atlantis"):
        members(_national(), "port:atlantis")


def test_goods_that_run_the_wrong_way_and_places_that_trade_are_refused() -> None:
    nodes = [
        Node("item:urea", "item"),
        Node("use:t", "use"),
        Node("port:busan", "port", output=1.0),
    ]
    links = [
        SupplyLink("use:t", "item:urea", "urea", 1.0),
        SupplyLink("port:busan", "use:t", "urea", 1.0),
        SupplyLink("item:urea", "use:t", "lng", 0.5, unit="share"),
    ]
    said = {(p.table, p.row, p.column): p.reason for p in check_supply(nodes, links)}
    assert said == {
        ("nodes", 3, "output"): "a port holds others and produces nothing itself",
        ("links", 1, "buyer"): "goods do not run from use to item; turn the link round",
        ("links", 2, "supplier"): "a port trades nothing; put it in the route or country",
        ("links", 3, "unit"): "say what use:t spends on lng: other links are in currency",
    }


def test_links_past_networkx_that_run_the_wrong_way_are_refused_too() -> None:
    nodes = [Node("item:urea", "item"), Node("use:t", "use")]
    links = [SupplyLink("use:t", "item:urea", "urea", 1.0)]
    with pytest.raises(SupplyError, match="links row 2, buyer: goods do not run from use to item"):
        read_arrays(csv_of(nodes, Node).encode(), csv_of(links, SupplyLink).encode())


def test_membership_through_levels_multiplies_and_the_greatest_way_counts() -> None:
    nodes = [
        Node("firm:a", "firm", member={"country:CN": 0.5}),
        Node("site:deep", "site", member={"firm:a": 0.5}),
        Node("site:both", "site", member={"firm:a": 0.5, "country:CN": 0.4}),
    ]
    graph = build_supply(nodes, [])
    found = members(graph, "country:CN")
    shares = [node_rows(graph)[n].id for n in found.nodes], found.node_share.tolist()
    assert shares == (["firm:a", "site:both", "site:deep"], [0.5, 0.4, 0.25])


def test_a_coefficient_without_a_source_counts_as_assumed() -> None:
    link = SupplyLink("a", "b", "urea", 1.0, source="customs", sources={"lead_days": "carrier"})
    said = {name: link.source_of(name) for name in ("weight", "lead_days", "stock_days")}
    assert said == {"weight": "customs", "lead_days": "carrier", "stock_days": "assumed"}


def test_shares_are_taken_of_what_the_buyer_spends() -> None:
    nodes = [
        Node("firm:a", "firm"),
        Node("firm:b", "firm"),
        Node("firm:c", "firm", spend={"urea": 200.0}),
    ]
    links = [
        SupplyLink("firm:a", "firm:c", "urea", 0.75, unit="share"),
        SupplyLink("firm:b", "firm:c", "urea", 0.25, unit="share"),
        SupplyLink("firm:a", "firm:b", "lng", 50.0),
    ]
    arrays = compile_supply(build_supply(nodes, links))
    assert np.sort(arrays.link_weight).tolist() == [50.0, 50.0, 150.0]
