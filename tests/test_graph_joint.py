"""The joint mode: the peer's toy as a limit case, rationing, the floor, and cases worked by hand."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from graph.arrays import SupplyArrays, compile_arrays
from graph.joint import Ledger, Terms, ledger, run_joint
from graph.rationing import RATIONING, Claims
from graph.scenario import Hit, scenario
from graph.steps import run

DATA = Path(os.environ.get("EWS_RECORDED_DATA") or Path(__file__).parents[2] / "shared" / "data")
ORACLE = DATA / "oracles" / "inoue_todo_toy"
PEER = ("proportional", "final-last", "order-ratio")  # its rationing 0, 1, 2


def toy() -> SupplyArrays:
    """Two firms sell 100 a year to each other and 100 to consumers; 14 days and the day's goods."""
    return compile_arrays(
        2, [0, 1], [1, 0], [0, 1], [100.0, 100.0], stock=14.0, final_sales=[100.0, 100.0]
    )


def as_the_peer_runs_it(rationing: str, days: int) -> Ledger:
    shock = scenario(days, [Hit(np.array([0]), 0.1)])
    return ledger(toy(), shock, Terms(rationing, floor=0.0, restock_days=6.0, stock_follows=True))


@pytest.mark.recorded
@pytest.mark.parametrize(("number", "rationing"), list(enumerate(PEER)))
def test_inoue_and_todos_toy_is_a_limit_case(number: int, rationing: str) -> None:
    """ProductionNetworkSimulator, tau 6, 15 days, delta 0.1: output and final use, every day."""
    if not ORACLE.is_dir():
        pytest.skip(f"no recorded oracle in {ORACLE} (EWS_RECORDED_DATA)")
    made, consumed = (
        np.loadtxt(ORACLE / f"{what}_ration{number}.csv", delimiter=",")[1:, 1]
        for what in ("pact", "fc")
    )
    books = as_the_peer_runs_it(rationing, len(made))
    assert np.abs(200 * books.outcome.level.sum(axis=1) - made).max() <= 1e-9
    assert np.abs(100 * books.final.sum(axis=1) - consumed).max() <= 1e-9


# Output of the two firms together on days 0..16, as the peer prints it.
TOY = {
    "proportional": "380 343.33333333333337 303.76492194674017 251.7485460667279 231.01941128456284 "
    "200 200 200 200 200 200 200 204.05384867190423 227.47692979174462 282.84424426881992 "
    "375.06817959413934 380",
    "final-last": "380 343.33333333333337 300.5555555555556 249.07407407407413 225.8487654320989 "
    "200 200 200 200 200 200 200 202.32767489711932 222.31181412894372 272.09140660722449 "
    "360.46783312376164 380",
    "order-ratio": "380 343.33333333333337 303.88888888888891 251.8518518518519 231.21913580246925 "
    "200 200 200 200 200 200 200 204.14223251028807 227.71262002743484 283.31807984682212 "
    "375.75716116064626 380",
}


@pytest.mark.parametrize("rationing", TOY)
def test_the_toys_first_days_are_the_peers(rationing: str) -> None:
    made = [float(value) for value in TOY[rationing].split()]
    books = as_the_peer_runs_it(rationing, len(made))
    assert np.abs(200 * books.outcome.level.sum(axis=1) - made).max() <= 1e-9


def test_a_chain_hit_at_its_head_loses_the_same_in_both_modes() -> None:
    chain = compile_arrays(
        4, [0, 1, 2], [1, 2, 3], [0, 1, 2], [1.0] * 3, stock=[3.0, 0.0, 1.5], lead=[2, 0, 4]
    )
    shock = scenario(40, [Hit(np.array([0]), 0.6)])
    joint, separate = run_joint(chain, shock), run(chain, shock)
    down = np.abs(joint.level - separate.down)
    # Upstream the modes differ: what a node cannot use it does not go on ordering.
    assert down[:, 0].max() <= 1e-12
    assert (joint.first_day() == separate.first_day()).all()
    assert down.max() <= 1e-12


def claims(*rows: tuple[float, float, bool]) -> Claims:
    part, wanted, final = (np.array(column) for column in zip(*rows, strict=True))
    return Claims(part, np.zeros(len(rows), dtype=int), wanted, final)


def test_rationing_worked_by_hand() -> None:
    """Half of the output is made. One buyer wants three times its normal, one 0.2 of it."""
    three = claims((0.5, 3.0, False), (0.25, 0.2, False), (0.25, 1.0, True))
    made = np.array([0.5])

    def got(rule: str, floor: float) -> list[float]:
        return RATIONING[rule](three, made, floor).tolist()

    assert got("order-ratio", 0.0) == pytest.approx([0.6, 0.2, 0.6])
    k = 0.5 / 1.8
    assert got("proportional", 0.0) == pytest.approx([3 * k, 0.2 * k, k])
    # Floor 1: 0.25 + 0.05 + 0.125 are set aside, 0.075 goes to 1.25 and 0.125 still wanted.
    assert got("proportional", 1.0) == pytest.approx(
        [0.5 + 2.5 * 0.075 / 1.375, 0.2, 0.5 + 0.5 * 0.075 / 1.375]
    )
    k = 0.5 / 1.55
    assert got("final-last", 0.0) == pytest.approx([3 * k, 0.2 * k, 0.0])
    assert got("final-last", 1.0) == pytest.approx([0.5 + 0.075 / 0.5, 0.2, 0.5])


def test_nobody_waits_for_the_floor_when_there_is_enough() -> None:
    enough = claims((0.5, 0.4, False), (0.5, 0.6, True))
    for rule in RATIONING.values():
        for floor in (0.0, 1.0):
            assert rule(enough, np.array([0.5]), floor).tolist() == pytest.approx([0.4, 0.6])


def test_without_a_floor_a_chain_without_stock_never_asks_for_more_again() -> None:
    """Ten days at half; then the buyer still orders the half that it made, and so on for ever."""
    chain = compile_arrays(2, [0], [1], [0], [1.0])
    shock = scenario(60, [Hit(np.array([0]), 0.5, 0, 10)])
    assert run_joint(chain, shock, floor=0.0).level[-1].tolist() == pytest.approx([0.5, 0.5])
    assert run_joint(chain, shock).level[-1].tolist() == [1.0, 1.0]


def scarce(seed: int) -> tuple[SupplyArrays, list[Hit]]:
    """Thirty firms with little stock, four of them at a tenth for 30 days. Synthetic."""
    rng = np.random.default_rng(seed)
    supplier = rng.integers(0, 30, 90)
    arrays = compile_arrays(
        30,
        supplier,
        (supplier + rng.integers(1, 30, 90)) % 30,
        rng.integers(0, 4, 90),
        rng.uniform(1, 9, 90),
        stock=rng.choice([0.0, 1.0, 3.0, 9.0], 90),
        lead=rng.integers(0, 3, 90),
        rho=0.3,
        ramp=5.0,
        final=0.4,
        slack=0.1,
    )
    return arrays, [Hit(rng.choice(30, 4), 0.9, 1, 30)]


@pytest.mark.parametrize("rationing", PEER)
def test_the_floor_keeps_scarcity_from_feeding_on_itself(rationing: str) -> None:
    for seed in range(3):
        arrays, hits = scarce(seed)
        shock = scenario(200, hits)
        floored = run_joint(arrays, shock, rationing=rationing)
        spiral = run_joint(arrays, shock, rationing=rationing, floor=0.0)
        assert floored.level[-1].min() > 0.99
        assert spiral.level[-1].mean() < 0.7


def test_a_route_that_is_hit_carries_at_most_what_is_left_of_normal() -> None:
    chain = compile_arrays(2, [0], [1], [0], [1.0], stock=2.0, final=0.5)
    books = ledger(chain, scenario(12, deliveries=[Hit(np.array([0]), 0.75, 2, 3)]))
    assert books.sent[:, 0].tolist()[:5] == [1.0, 1.0, 0.25, 0.25, 0.25]
    assert books.outcome.of(0)[2:5].tolist() == [0.625] * 3  # what cannot go is not made
    assert books.sent[5, 0] == 1.0  # capacity is 1, half of it for final demand
    assert books.orders[5, 0] > 1.0


def test_spare_capacity_refills_the_stock() -> None:
    chain = compile_arrays(2, [0], [1], [0], [1.0], stock=3.0, slack=0.25)
    books = ledger(chain, scenario(60, [Hit(np.array([0]), 1.0, 0, 2)]))
    assert books.outcome.of(1).tolist() == [1.0] * 60
    assert books.outcome.of(0)[:3].tolist() == [0.0, 0.0, 1.25]
    assert books.outcome.of(0).max() == 1.25
    assert books.stock[-1, 0] == pytest.approx(3.0, abs=1e-3)


def test_substitutes_come_from_outside_and_are_kept_apart() -> None:
    chain = compile_arrays(2, [0], [1], [0], [1.0], rho=0.5)
    books = ledger(chain, scenario(4, [Hit(np.array([0]), 1.0)]))
    assert books.sent[:, 0].tolist() == [0.0] * 4
    assert books.substitutes[:, 0].tolist() == [0.5] * 4
    assert books.outcome.of(1).tolist() == [1.0, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rationing": "lottery"}, "unknown rationing 'lottery'; use one of"),
        ({"floor": 1.5}, "floor 1.5 is not a share"),
        ({"floor": float("nan")}, "floor nan is not a share"),
        ({"restock_days": 0.0}, "restock_days 0.0 is under one day"),
    ],
)
def test_wrong_terms_are_named(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        run_joint(toy(), scenario(2), **wrong)  # type: ignore[arg-type]


def test_an_outcome_says_by_which_terms_it_came() -> None:
    got = run_joint(toy(), scenario(2), rationing="final-last", floor=0.5)
    assert got.switches == "joint; rationing final-last; floor 0.5; restock 6 d; stock target fixed"
