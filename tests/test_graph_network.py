"""The network is checked as a whole, and says everything that is wrong at once."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import pytest

from graph import Network, build_network, sample_firms
from graph import reference as ref
from graph.compile import compile_network
from graph.network import NetworkError, assemble, check_network, kind_of


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(sample_firms())


def test_goods_flow_from_country_to_ministry(network: Network) -> None:
    assert nx.has_path(network, "country:CN", "ministry:molit")
    assert nx.has_path(network, "origin:CN:urea", "industry:49301")
    assert not nx.has_path(network, "industry:49301", "country:CN")
    assert nx.is_directed_acyclic_graph(network)


def test_a_straight_line_leads_through_the_strait(network: Network) -> None:
    assert network.has_edge("origin:QA:lng", "chokepoint:hormuz")
    assert not network.has_edge("origin:CN:urea", "chokepoint:hormuz")


def test_an_item_without_a_read_use_says_so(network: Network) -> None:
    assert network.has_edge("item:tin", "use:tin:unknown")
    assert network.nodes["use:tin:unknown"]["ko"] == "용도 미상"


def test_every_problem_is_named_at_once() -> None:
    good = ref.SHARES["helium"][0]
    bad = [
        good,
        good,
        replace(good, share=1.2),
        replace(good, partner="ZZ"),
        replace(good, partner="KR"),
        replace(good, citation=""),
    ]
    use = replace(ref.USES["helium"][0], ksic="99999", ministries=("nobody",))
    with pytest.raises(NetworkError) as caught:
        assemble({"helium": bad, "unobtainium": []}, {"helium": [use]})
    text = "\n".join(caught.value.problems)
    for words in (
        "twice", "1.2 is not within", "unknown partner", "own supplier", "where it was read",
        "unknown item 'unobtainium'", "unknown industry 99999", "unknown ministry 'nobody'",
    ):  # fmt: skip
        assert words in text


def test_a_row_read_the_wrong_way_round_is_refused(network: Network) -> None:
    turned = network.copy()
    turned.add_edge("item:urea", "origin:CN:urea")
    turned.add_edge("use:urea:1", "urea")
    problems = check_network(turned)
    assert any("wrong way" in p for p in problems)
    assert any("no known kind" in p for p in problems)


def test_an_empty_network_is_a_network() -> None:
    empty = assemble({}, {})
    assert not [n for n in empty if kind_of(n) == "origin"]
    assert compile_network(empty).pairs == ()


def test_tables_are_made_once_per_version(network: Network) -> None:
    first = compile_network(network)
    assert compile_network(network) is first
    network.graph["version"] = "changed"
    assert compile_network(network) is not first


def test_the_version_follows_the_rows() -> None:
    one, two = build_network(), build_network()
    assert one.graph["version"] == two.graph["version"]
    assert one.graph["version"] != build_network(sample_firms()).graph["version"]
