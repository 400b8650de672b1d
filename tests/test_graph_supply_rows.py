"""Supply graphs from files: encodings, a million lines, saved arrays, and pieces to look at."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import supply_files
from graph.arrays import SupplyArrays
from graph.supply import (
    Node,
    SupplyError,
    SupplyLink,
    build_supply,
    compile_supply,
    held_links,
    link_rows,
)
from graph.supply_rows import load_arrays, read_arrays, read_supply, save_arrays, view
from graph.synthetic import synthetic_network
from tests.supply_samples import csv_of, differences, supplies

NODES = (
    "id,kind,en,ko,country\nfirm:가,firm,Ga,가상상사(가상),KR\nfirm:b,firm,Bee,비상사(가상),CN\n"
)
LINKS = "supplier,buyer,item,weight\nfirm:b,firm:가,urea,1000\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
def test_a_file_from_excel_is_read_in_any_of_its_encodings(encoding: str, tmp_path: Path) -> None:
    for text, name in ((NODES, "nodes.csv"), (LINKS, "links.csv")):
        (tmp_path / name).write_bytes(text.encode(encoding))
    graph = read_supply(tmp_path / "nodes.csv", tmp_path / "links.csv")
    assert graph.nodes["firm:가"]["node"].ko == "가상상사(가상)"
    bulk = read_arrays(tmp_path / "nodes.csv", tmp_path / "links.csv")
    assert differences(bulk.arrays, compile_supply(graph)) == []


def _said(nodes: bytes, links: bytes) -> list[tuple[str, int, str, str]]:
    with pytest.raises(SupplyError) as read:
        read_supply(nodes, links)
    with pytest.raises(SupplyError) as bulk:
        read_arrays(nodes, links)
    assert bulk.value.problems == read.value.problems
    return [tuple(problem) for problem in read.value.problems]


def test_a_file_that_is_no_text_is_refused_by_its_line() -> None:
    odd = LINKS.encode() + b"firm:b,firm:\xff\xff\xff,urea,1\n"
    reason = "not text in UTF-8 or CP949; save it as 'CSV UTF-8'"
    assert _said(NODES.encode(), odd) == [("links", 3, "file", reason)]


def test_a_header_that_lacks_a_column_or_has_a_strange_one_is_refused() -> None:
    said = _said(NODES.encode(), b"supplier,buyer,item,wieght\n")
    assert {problem[:3] for problem in said} == {("links", 1, "wieght"), ("links", 1, "weight")}


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ("firm:b,firm:가,urea,much", "weight", "'much' is not a number"),
        ("firm:b,firm:가,urea,70%", "weight", "'70%' is a percentage; write 0.7, and unit share, for 70%"),
        ("firm:b,firm:가,urea,", "weight", "is empty"),
        ("firm:b,firm:가,urea,nan", "weight", "nan is not a number"),
        ("firm:b,,urea,1", "buyer", "is empty"),
        ("firm:b,firm:가,urea", "line", "3 cells, expected 4"),
        ("firm:b,firm:가,urea,-4", "weight", "-4.0 is below 0 (currency a year)"),
        ("firm:x,firm:가,urea,1", "supplier", "unknown node 'firm:x'; add it to the nodes"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_named_by_line_and_column(cells: str, column: str, reason: str) -> None:
    links = "supplier,buyer,item,weight\n\n" + cells + "\n"
    assert ("links", 3, column, reason) in _said(NODES.encode(), links.encode())


def test_lines_are_counted_as_in_the_file_past_a_cell_of_two_lines() -> None:
    head = "supplier,buyer,item,weight,source\n"
    rows = 'firm:b,firm:가,urea,1,"two\nlines"\nfirm:b,firm:가,lng,-1,x\n'
    said = _said(NODES.encode(), (head + rows).encode())
    assert [problem[1:3] for problem in said] == [(3, "source"), (4, "weight")]


def test_a_date_a_flag_and_a_route_are_read_or_refused() -> None:
    head = "supplier,buyer,item,weight,valid_from,synthetic,route,stock_days_source\n"
    good = 'firm:b,firm:가,urea,"1,000",2021.10.15,TRUE,port:busan=50%;chokepoint:suez=1,survey\n'
    link = held_links(read_supply(NODES.encode(), (head + good).encode()))[0]
    assert (link.weight, link.valid_from, link.synthetic) == (1000.0, date(2021, 10, 15), True)
    assert link.route == {"port:busan": 0.5, "chokepoint:suez": 1.0}
    assert link.source_of("stock_days") == "survey"
    bad = "firm:b,firm:가,urea,1,soon,perhaps,port:busan,\n"
    said = {problem[2]: problem[3] for problem in _said(NODES.encode(), (head + bad).encode())}
    assert said == {
        "valid_from": "'soon' is not a date; write 2024-01-31",
        "synthetic": "'perhaps' is neither true nor false",
        "route": "'port:busan' is no list like port:busan=0.75; chokepoint:suez=1",
    }


def test_one_bad_line_among_many_is_found_and_nothing_is_given(tmp_path: Path) -> None:
    firms, count, bad = 2_000, 120_000, 77_777  # more than two pieces
    nodes = tmp_path / "nodes.csv"
    nodes.write_text("id,kind\n" + "".join(f"firm:{n},firm\n" for n in range(firms)))
    links = tmp_path / "links.csv"
    rows = [
        f"firm:{n % firms},firm:{(n + 1 + n // firms) % firms},26,{n + 1}" for n in range(count)
    ]
    rows[bad] = rows[bad].rpartition(",")[0] + ",NaN"
    links.write_text("\n".join(["supplier,buyer,item,weight", *rows]))
    with pytest.raises(SupplyError) as error:
        read_arrays(nodes, links)
    assert error.value.problems == (("links", bad + 2, "weight", "nan is not a number"),)


def test_past_a_thousand_bad_rows_the_rest_is_counted() -> None:
    links = "supplier,buyer,item,weight\n" + "firm:b,firm:b,urea,-1\n" * 1500
    with pytest.raises(SupplyError) as error:
        read_arrays(NODES.encode(), links.encode())
    assert "500 more rows are wrong" in {problem.reason for problem in error.value.problems}


def test_more_links_than_networkx_holds_are_sent_to_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graph.supply_rows.MOST_LINKS", 0)
    with pytest.raises(ValueError, match="use read_arrays"):
        read_supply(NODES.encode(), LINKS.encode())


@given(supplies(), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_a_view_of_everything_compiles_to_the_same_arrays(
    rows: tuple[list[Node], list[SupplyLink]], hops: int
) -> None:
    nodes, links = rows
    arrays = compile_supply(build_supply(nodes, links))
    seen = view(arrays, arrays.names, hops)
    again = compile_supply(seen)
    assert set(differences(again, arrays)) <= {"sector"}  # a market is named by its number only
    assert {k.key: k.weight for k in held_links(seen)} == {k.key: k.weight for k in links}
    files = csv_of(nodes, Node).encode(), csv_of(links, SupplyLink).encode()
    supply = read_arrays(*files)
    rows_seen = sorted(held_links(view(supply, arrays.names, 0)), key=lambda k: k.key)
    assert rows_seen == sorted(links, key=lambda k: k.key)


@given(supplies(), st.integers(0, 4), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_a_view_holds_what_is_within_so_many_hops(
    rows: tuple[list[Node], list[SupplyLink]], hops: int, start: int
) -> None:
    nodes, links = rows
    name = nodes[start % len(nodes)].id
    near = {name}
    for _ in range(hops):
        near |= {k.buyer for k in links if k.supplier in near} | {
            k.supplier for k in links if k.buyer in near
        }
    seen = view(compile_supply(build_supply(nodes, links)), [name], hops)
    assert set(seen.nodes) == near
    assert {k.key for k in held_links(seen)} == {
        k.key for k in links if k.supplier in near and k.buyer in near
    }


def test_a_view_of_an_unknown_node_or_of_too_much_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = synthetic_network(50, 200, sectors=5)
    with pytest.raises(KeyError, match="no node 'x'"):
        view(arrays, ["x"], 1)
    monkeypatch.setattr(supply_files, "MOST_LINKS", 10)
    with pytest.raises(ValueError, match="fewer hops"):
        view(arrays, ["1"], 9)


def test_saved_arrays_come_back_mapped_and_to_the_bit(tmp_path: Path) -> None:
    arrays = synthetic_network(200, 1000, sectors=7)
    path = tmp_path / "graph.npz"
    save_arrays(path, arrays)
    found = load_arrays(path)
    assert differences(found, arrays) == []
    assert found.version == arrays.version
    for field in fields(SupplyArrays):
        column = getattr(found, field.name)
        if isinstance(column, np.ndarray):
            assert isinstance(column, np.memmap)
            assert column.flags.aligned
            assert not column.flags.writeable
    with np.load(path) as plain:  # anybody's reader will do
        assert np.array_equal(plain["link_weight"], arrays.link_weight)


def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    save_arrays(path, synthetic_network(10, 20, sectors=2))
    before = path.read_bytes()
    broken = replace(synthetic_network(10, 20, sectors=2), link_weight=np.array([object()]))
    with pytest.raises(ValueError, match="Object arrays"):
        save_arrays(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_saved_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.npz"
    np.savez(path, weights=np.ones(3))
    with pytest.raises(ValueError, match="save it again"):
        load_arrays(path)
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="save it again"):
        load_arrays(path)


def test_an_empty_links_file_makes_a_graph_without_links() -> None:
    links = b"supplier,buyer,item,weight\n"
    graph = read_supply(NODES.encode(), links)
    assert link_rows(graph) == ()
    assert differences(read_arrays(NODES.encode(), links).arrays, compile_supply(graph)) == []
