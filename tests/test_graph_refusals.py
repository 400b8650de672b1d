"""What the graph's engines refuse, in every engine alike, before compiled code reads it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.arrays import SupplyArrays, compile_arrays, patch_weights
from graph.arrays_checks import ArraysError, check_arrays
from graph.esri import EsriError, esri
from graph.frontier import run_frontier
from graph.joint import ledger, run_joint
from graph.planner import esri_all, esri_of
from graph.scenario import Hit, Scenario, ScenarioError, check_scenario, scenario
from graph.step_kernels import run_block, run_fast, run_many
from graph.steps import run

Engine = Callable[[SupplyArrays, Scenario], object]
ENGINES: dict[str, Engine] = {
    "reference": run,
    "frontier": run_frontier,
    "fast": run_fast,
    "block": lambda arrays, one: run_block(arrays, [one]),
    "many": lambda arrays, one: run_many(arrays, [one]),
    "joint": run_joint,
    "ledger": ledger,
}
PAIR = compile_arrays(2, [0], [1], [0], [1.0], final=0.5)
CALM = scenario(3)


def struck(**fields: object) -> Scenario:
    """Half of node 0 for three days, but for the fields given."""
    half = np.full((3, 1), 0.5)
    return replace(scenario(3, [Hit(np.array([0]), 0.5)]), **{"psi": half, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (scenario(3, [Hit(np.array([2]), 0.5)]), r"nodes: a target outside 0\.\.1"),
        (scenario(3, [Hit(np.array([10**9]), 0.5)]), r"nodes: a target outside 0\.\.1"),
        (scenario(3, deliveries=[Hit(np.array([1]), 0.5)]), r"links: a target outside 0\.\.0"),
        (scenario(3, demand=[Hit(np.array([7]), 0.5)]), r"buyers: a target outside 0\.\.1"),
        (struck(nodes=np.array([-1])), r"nodes: a target outside 0\.\.1"),
        (struck(nodes=np.array([0.0])), "nodes: a list of whole numbers"),
        (struck(psi=np.full((3, 1), math.nan)), "no number or outside"),
        (struck(psi=np.full((3, 1), 1.5)), "no number or outside"),
        (struck(psi=np.full((3, 1), -0.5)), "no number or outside"),
        (struck(psi=np.full((3, 2), 0.5)), "losses of shape"),
        (struck(psi=np.full((2, 1), 0.5)), "losses of shape"),
        (struck(nodes=np.array([1, 0]), psi=np.full((3, 2), 0.5)), "rising order"),
        (struck(nodes=np.array([1, 1]), psi=np.full((3, 2), 0.5)), "rising order"),
        (struck(days=0), "nothing to run"),
    ],
)
def test_no_engine_takes_a_scenario_that_does_not_fit_the_graph(
    engine: str, wrong: Scenario, said: str
) -> None:
    with pytest.raises(ScenarioError, match=said):
        ENGINES[engine](PAIR, wrong)


def test_the_check_looks_at_the_scenario_and_not_at_the_graph() -> None:
    class Untouched:
        nodes, links = 10**9, 10**9  # any array that is asked for is missing

    assert check_scenario(Untouched(), CALM) is CALM  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"magnitude": math.nan}, "magnitude nan"),
        ({"magnitude": 1.5}, "magnitude 1.5"),
        ({"magnitude": -0.5}, "magnitude -0.5"),
        ({"start_day": math.nan}, "start_day nan"),
        ({"start_day": -math.inf}, "start_day -inf"),
        ({"duration_days": math.nan}, "duration_days nan"),
        ({"duration_days": -1.0}, "duration_days -1"),
        ({"recovery_days": math.nan}, "recovery_days nan"),
        ({"recovery": "soon"}, "unknown recovery 'soon'"),
        ({"recovery": "soon", "recovery_days": 3.0}, "unknown recovery 'soon'"),
        ({"member": np.array([1.5])}, "member is one share"),
        ({"member": np.array([math.nan])}, "member is one share"),
        ({"member": np.array([0.5, 0.5])}, "member is one share"),
        ({"targets": np.array([-1])}, "target -1"),
        ({"targets": np.array([0.5])}, "whole numbers"),
    ],
)
def test_a_blow_that_is_none_is_refused_when_it_is_made(
    words: dict[str, object], said: str
) -> None:
    with pytest.raises(ScenarioError, match=said):
        Hit(**{"targets": np.array([0]), "magnitude": 0.5, **words})  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", [run, run_frontier, run_joint])
def test_a_node_that_the_graph_has_not_has_no_level(engine: Engine) -> None:
    out = engine(PAIR, CALM)
    assert out.of(1).tolist() == [1.0] * 3  # type: ignore[attr-defined]
    for node in (2, 99, -1):
        with pytest.raises(IndexError, match=rf"no node {node}: this graph has the nodes 0\.\.1"):
            out.of(node)  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [1.0, 1.5, -0.5, math.nan])
def test_nobody_sells_more_than_it_makes(share: float) -> None:
    with pytest.raises(ValueError, match=r"final: .* for node 0, which sells to other nodes"):
        compile_arrays(2, [0], [1], [0], [1.0], final=share)
    assert compile_arrays(2, [0], [1], [0], [1.0], final=[0.5, share]).final.tolist() == [0.5, 1.0]
    with pytest.raises(ArraysError, match="final"):
        check_arrays(replace(PAIR, final=np.array([share, 1.0])))


def test_a_saved_graph_that_sells_more_than_it_makes_is_refused() -> None:
    with pytest.raises(ArraysError, match="more than all of what a node makes"):
        check_arrays(replace(PAIR, final=np.array([0.75, 1.0])))


@pytest.mark.parametrize("amount", [-0.5, math.nan, math.inf])
def test_final_demand_in_currency_is_an_amount(amount: float) -> None:
    with pytest.raises(ValueError, match="final_sales: an amount"):
        compile_arrays(2, [0], [1], [0], [1.0], final_sales=amount)


def test_a_graph_that_sells_next_to_nothing_of_what_it_makes_is_one() -> None:
    least = compile_arrays(2, [0], [1], [0], [1.0], final_sales=1e20)
    assert check_arrays(least) is least
    assert least.final[0] < 1
    patched = patch_weights(least, [0], [2.0])
    assert patched.output.tolist() == least.output.tolist()


@given(
    st.lists(
        st.tuples(st.floats(1e-3, 1e6), st.floats(0, 1e6), st.floats(1e-3, 1e6), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=500, deadline=None)
def test_a_patch_moves_the_output_that_was_made_of_sales(
    rows: list[tuple[float, float, float, bool]],
) -> None:
    """Each node sells to the last; final demand is in currency, hence its share is rounded."""
    n = len(rows)
    old, times, new, moved = (np.array(column) for column in zip(*rows, strict=True))
    links = np.arange(n), np.full(n, n), np.arange(n)
    arrays = compile_arrays(n + 1, *links, old, final_sales=[*(old * times), 5.0])
    patched = patch_weights(arrays, np.flatnonzero(moved), new[moved])
    sales = np.where(moved, new, old)
    anew = compile_arrays(n + 1, *links, sales, final=arrays.final)
    np.testing.assert_allclose(patched.output[:n], anew.output[:n], rtol=1e-9)
    assert patched.output[n] == arrays.output[n]  # it sells to nobody: final demand makes it
    still = np.flatnonzero(~moved)
    np.testing.assert_allclose(patched.output[still], arrays.output[still], rtol=1e-9)


def test_an_output_that_was_stated_stays_when_weights_are_patched() -> None:
    stated = compile_arrays(2, [0], [1], [0], [1.0], final=0.3, output=[2.0, 5.0])
    assert patch_weights(stated, [0], [4.0]).output.tolist() == [2.0, 5.0]


BIG = 3004903099  # a tariff line of ten digits


def test_codes_that_do_not_fit_are_numbered_and_keep_their_names() -> None:
    arrays = compile_arrays(3, [0, 1], [2, 2], [BIG + 1, BIG], [1.0, 2.0], sector=[BIG, 7, BIG])
    assert [arrays.items[k] for k in arrays.group_item] == [str(BIG), str(BIG + 1)]
    assert arrays.link_supplier.tolist() == [1, 0]
    assert arrays.sector.tolist() == [1, 0, 1]  # no engine keeps a table of three milliards
    assert check_arrays(arrays) is arrays
    wide = compile_arrays(4, [0, 1], [2, 3], [0, 0], [1.0, 3.0], sector=[2**31 - 1] * 2 + [-1] * 2)
    near = compile_arrays(4, [0, 1], [2, 3], [0, 0], [1.0, 3.0], sector=[0, 0, -1, -1])
    blow = scenario(3, [Hit(np.array([0]), 0.5)])
    assert (
        run(wide, blow, market=True).level.tolist() == run(near, blow, market=True).level.tolist()
    )
    with pytest.raises(ArraysError, match="sector: a value outside"):
        check_arrays(replace(near, sector=np.full(4, 2**31 - 1, np.int32)))


def test_codes_that_fit_stay_as_they_are() -> None:
    arrays = compile_arrays(3, [0, 1], [1, 2], [7, 8], [1.0, 1.0], sector=[0, 2, -1])
    assert (arrays.group_item.tolist(), arrays.items) == ([7, 8], ())
    assert arrays.sector.tolist() == [0, 2, -1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"lead": 2**32}, "lead: "),
        ({"lead": 2**31}, "lead: "),
        ({"lead": -1}, "lead: "),
        ({"lead": 1.9}, "lead: whole numbers"),
        ({"lead": math.nan}, "lead: whole numbers"),
        ({"essential": 257}, "essential: "),
        ({"essential": -1}, "essential: "),
        ({"sector": -5}, "sector: "),
        ({"sector": 2.5}, "sector: whole numbers"),
        ({"sector": 2**64}, "sector: whole numbers"),
        ({"item": [1], "items": ["urea"]}, "item: "),
        ({"item": [0.5]}, "item: whole numbers"),
        ({"supplier": [0.5]}, "supplier: whole numbers"),
        ({"supplier": [2]}, "a link names a node"),
    ],
)
def test_what_would_wrap_round_or_lose_a_part_is_refused(
    words: dict[str, object], said: str
) -> None:
    columns = {"nodes": 2, "supplier": [0], "buyer": [1], "item": [0], "weight": [1.0]}
    with pytest.raises(ValueError, match=said):
        compile_arrays(**{**columns, **words})  # type: ignore[arg-type]


ALL = ("auto", "push", "block", "block64", "scipy", "networkx")


@pytest.mark.parametrize("engine", ALL)
def test_a_graph_without_sales_or_nodes_is_told_alike_by_every_engine_of_esri(engine: str) -> None:
    silent, empty = compile_arrays(2, [], [], [], []), compile_arrays(0, [], [], [], [])
    with pytest.raises(EsriError, match="what they sell to other nodes, come to nothing"):
        esri_all(silent, engine=engine)
    assert esri_all(silent, weights=[3.0, 1.0], engine=engine).esri.tolist() == [0.75, 0.25]
    assert esri_all(empty, engine=engine).esri.tolist() == []
    with pytest.raises(EsriError, match="no nodes"):
        esri_of(empty, np.zeros((0, 2)), losses=False, engine=engine)


@pytest.mark.parametrize("weights", [[math.nan, 1.0], [math.inf, 1.0], [-1.0, 2.0], [1.0]])
def test_esri_asks_for_weights_that_weigh(weights: list[float]) -> None:
    with pytest.raises(EsriError, match="weights: "):
        esri(PAIR, [1.0, 0.0], weights=weights)


@pytest.mark.parametrize("unit", [1.0, 1e-12, 1e12])
def test_a_market_steps_in_whatever_the_currency(unit: float) -> None:
    """The second shop makes good three quarters of the market that the first one leaves."""
    shops = compile_arrays(
        4, [0, 1], [2, 3], [0, 0], [unit, 3 * unit], final=0.5, sector=[1, 1, -1, -1]
    )
    sigma = 1.0 / 3.5  # of the first, when half of it fails
    blow = scenario(3, [Hit(np.array([0]), 0.5)])
    for engine in (run, run_frontier):
        assert engine(shops, blow, market=True).of(2)[-1] == pytest.approx(1 - sigma / 2)
    for name in ("scipy", "networkx"):
        lost = esri(shops, [0.5, 0.0, 0.0, 0.0], market=True, engine=name).down[2, 0]
        assert lost == pytest.approx(sigma / 2)


def test_a_market_that_is_all_but_sold_out_steps_in_for_nobody() -> None:
    """The peer says so of 1e-10 in its unit; here it is that share of what the market sells."""
    shops = compile_arrays(
        4, [0, 1], [2, 3], [0, 0], [5e11, 5e11], final=0.5, sector=[1, 1, -1, -1]
    )
    psi = np.array([1.0, 1.0 - 1e-11, 0.0, 0.0])
    for name in ("scipy", "networkx"):
        assert esri(shops, psi, market=True, engine=name).down[2, 0] == 1.0
