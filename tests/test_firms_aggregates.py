"""Sums over firms tell of no one firm: by size, by dominance, by difference, by combination."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ews.config import load_settings
from ews.model import Exposure
from ews.reports.aggregates import (
    LEAST,
    MARGIN,
    MOST,
    aggregates,
    atoms_of,
    cells_of,
    hides,
    line_of,
    shown,
)
from ews.storage import Store
from ews.web import create_app
from tests.faces_home import NOW, make_home

Atoms = dict[tuple[str, tuple[str, str, str]], float]


def atom(
    owner: str, value: float, item: str = "urea", industry: str = "", country: str = "CN"
) -> Atoms:
    return {(owner, (item, industry, country)): value}


def many(count: int, value: float = 0.5, start: int = 0, **place: str) -> Atoms:
    found: Atoms = {}
    for n in range(start, start + count):
        found |= atom(f"f{n}", value, **place)
    return found


def test_fewer_than_five_owners_are_not_shown_however_many_firms_and_links() -> None:
    assert shown(many(4)) == []
    assert ("item", "urea") in shown(many(5))
    exposures = [
        replace(EXPOSURE, firm=f"owner{n % 4}/firm{n}", origin=code)
        for n, code in itertools.product(range(12), ("CN", "VN"))
    ]
    assert shown(atoms_of(exposures)) == []


def test_a_sum_that_one_owner_makes_is_not_shown() -> None:
    assert shown(many(5, 0.01) | atom("big", 5.0)) == []
    # The second largest knows itself: what is left over must hide the largest from it.
    assert shown(many(5, 0.001) | atom("big", 1.0) | atom("next", 0.9)) == []
    assert shown(many(6, 0.4) | atom("big", 1.0))


def test_a_country_that_differs_from_an_item_by_one_owner_is_not_shown_with_it() -> None:
    """All urea is from China; China less urea would be the one firm that buys graphite."""
    told = shown(many(6) | atom("x", 0.4, item="graphite"))
    assert told in ([("country", "CN")], [("item", "urea")])


def test_what_is_left_over_of_a_table_is_not_one_firm_either() -> None:
    atoms = many(6, country="CN") | many(6, start=6, country="VN") | atom("x", 0.4, country="AU")
    told = shown(atoms)
    assert ("item", "urea") in told
    assert [c for t, c in told if t == "country"] != ["CN", "VN"]


def test_unknown_shares_count_owners_and_add_nothing() -> None:
    exposures = [replace(EXPOSURE, firm=f"o{n}", share_at_risk=None) for n in range(7)]
    atoms = atoms_of(exposures)
    line = line_of("item", "urea", cells_of(atoms)["item", "urea"], atoms)
    assert (line.firms, line.loss) == (5, None)


def test_an_input_is_lost_once_though_two_events_threaten_it_and_invented_firms_do_not_count() -> (
    None
):
    two = [
        replace(EXPOSURE, firm="o", event_id=e, magnitude=m) for e, m in (("a", 0.4), ("b", 0.8))
    ]
    assert list(atoms_of(two).values()) == [pytest.approx(0.9 * 0.8 * 0.5)]
    assert atoms_of([replace(EXPOSURE, firm="o", synthetic=True), EXPOSURE]) == {}


values = st.floats(0, 1, allow_nan=False).map(lambda v: round(v, 3))
atoms_st = st.dictionaries(
    st.tuples(
        st.sampled_from([f"o{n}" for n in range(9)]),
        st.tuples(st.sampled_from(["urea", "gallium"]), st.sampled_from(["", "1", "2"]),
                  st.sampled_from(["CN", "VN"])),
    ),
    values,
    min_size=8,
    max_size=24,
)  # fmt: skip


@given(atoms_st)
@settings(max_examples=200, deadline=None)
def test_no_sum_shown_and_no_difference_of_two_tells_of_one_firm(atoms: Atoms) -> None:
    cells = cells_of(atoms)
    told = shown(atoms)
    for cell in told:
        of: dict[str, float] = {}
        for owner, place in cells[cell]:
            of[owner] = of.get(owner, 0.0) + atoms[owner, place]
        assert len(of) >= LEAST
        first, second, *rest = sorted(of.values(), reverse=True)
        total = first + second + sum(rest)
        if total > 0:
            assert first <= MOST * total + 1e-9
            assert sum(rest) >= MARGIN * first - 1e-9
        line = line_of(*cell, cells[cell], atoms)
        assert line.firms % LEAST == 0
        if line.loss is not None:  # no finer than what one owner adds
            assert line.loss == 0 or line.loss >= first - 1e-9
    for one, other in itertools.permutations(told, 2):
        if cells[one] < cells[other]:
            assert hides(cells[other] - cells[one], atoms)


# Drawn cases seldom need it: urea less China is what x buys from elsewhere less its gallium.
@example(many(5) | atom("x", 0.4, country="VN") | atom("x", 0.4, item="gallium"))
@example(many(5, 0) | atom("f0", 0, country="VN") | atom("f0", 0, item="gallium"))
@given(atoms_st)
@settings(max_examples=200, deadline=None)
def test_no_combination_of_the_sums_shown_is_of_one_owner_alone(atoms: Atoms) -> None:
    """Least squares: weights on the sums that give one owner's atoms and zero of all others'."""
    cells, told = cells_of(atoms), shown(atoms)
    order = sorted(atoms)
    matrix = np.array([[a in cells[c] for a in order] for c in told], dtype=float).reshape(
        len(told), len(order)
    )
    for owner in {o for o, _ in order}:
        mine = np.array([o == owner for o, _ in order])
        if not told or not mine.any():
            continue
        left = matrix[:, ~mine]
        # Combinations that leave no other owner's atom: the null space of the rest.
        _, s, v = np.linalg.svd(left.T, full_matrices=True)
        null = v[int((s > 1e-9).sum()) :]
        assert np.abs(null @ matrix[:, mine]).max(initial=0.0) < 1e-6, owner


EXPOSURE = Exposure(
    event_id="evt-urea0000000001", item="urea", origin="CN", use_id="", industry="", ministries=(),
    share_at_risk=0.5, magnitude=0.8, probability=0.9, impact_day=3.0, time_to_survive_days=None,
    time_to_recover_days=90.0, path=(),
)  # fmt: skip


def test_the_api_and_the_report_give_the_same_sums_and_nothing_below_five(tmp_path: Path) -> None:
    make_home(tmp_path)
    store = Store.open(tmp_path)
    event = store.event("evt-urea0000000001")
    assert event is not None
    for count, rows in ((4, 0), (7, 1)):
        own = [replace(EXPOSURE, firm=f"o{n}") for n in range(count)]
        store.save_propagation(event, [], own)
        client = TestClient(create_app(load_settings(tmp_path), store, clock=lambda: NOW))
        answer = client.get("/api/v1/aggregates", params={"by": "item"})
        assert answer.status_code == 200
        assert len(answer.json()["lines"]) == rows
        assert (
            answer.json()["lines"]
            == [{"code": {"code": "urea", "en": "Urea", "ko": "요소"}, "firms": 5, "loss": 2.5}]
            * rows
        )  # 7 firms of 0.36 each are 2.52: in steps of 0.5
        assert len(aggregates(store, "country", now=NOW).lines) == rows
    assert client.get("/api/v1/aggregates?by=firm").status_code == 422
    with pytest.raises(ValueError, match="item, industry, country"):
        aggregates(store, "firm", now=NOW)
    assert math.isclose(7 * 0.9 * 0.8 * 0.5, 2.52)
    store.close()
