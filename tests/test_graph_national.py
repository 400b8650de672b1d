"""The national view: facts of the day become a supply graph, and shocks take hold of it."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from ews.model import Shock
from graph import build_network, sample_firms
from graph.arrays import SupplyArrays
from graph.firms import FirmLink
from graph.national import NationalModel, national_model, scenario_of, shortage_days
from graph.network import Network
from graph.propagation import propagate
from graph.reference import INDUSTRIES, ITEMS
from graph.steps import run

DAY = datetime(2021, 10, 11, tzinfo=UTC)


@cache
def network() -> Network:
    return build_network(sample_firms())


def blow(kind: str, target: str, magnitude: float = 0.5, **more: float) -> Shock:
    return Shock("evt-1", kind, target, magnitude, 0.9, more.get("days", 60.0), DAY,
                 more.get("lag", 0.0), "assumed: test")  # fmt: skip


def model_of(
    *shocks: Shock, on: date = DAY.date(), firms: list[FirmLink] | None = None
) -> NationalModel:
    return national_model(network(), shocks, on, firms or [])


def rigid(arrays: SupplyArrays) -> SupplyArrays:
    return replace(arrays, link_rho=np.zeros(arrays.links))


@pytest.mark.parametrize(
    "target", ["origin:CN:urea", "origin:CN:natural-graphite", "origin:QA:helium"]
)
def test_shortage_day_is_the_closed_form_of_the_exposure(target: str) -> None:
    hit = blow("origin", target, 0.9, days=400.0, lag=4.0)
    model = model_of(hit, on=date(2026, 1, 5))
    hit = replace(hit, start=datetime(2026, 1, 5, tzinfo=UTC))
    exposures = {e.use_id: e for e in propagate(network(), [hit]) if e.use_id and e.share_at_risk}
    found = run(rigid(model.arrays), scenario_of(model, 400))
    days = shortage_days(model, found.down)
    assert exposures
    for use, one in exposures.items():
        assert one.impact_day is not None
        assert one.time_to_survive_days is not None
        # One day for the hop; the day on which the stock ends is short already.
        expected = one.impact_day + 1 + one.time_to_survive_days
        assert days[use] == pytest.approx(expected, abs=1.0)


def test_what_no_share_covers_is_an_unknown_origin_and_marked_inferred() -> None:
    model = model_of(blow("origin", "origin:CN:urea"))
    rest = [fact for fact in model.links if fact.country == "unknown"]
    assert rest
    assert {fact.basis for fact in rest} == {"inferred"}
    by_buyer: dict[str, float] = {}
    for fact in model.links:
        if fact.country:
            by_buyer[fact.buyer] = by_buyer.get(fact.buyer, 0.0) + fact.weight
    assert all(total == pytest.approx(1.0) for total in by_buyer.values())


def test_no_figure_of_a_later_period_is_used_for_a_past_day() -> None:
    for fact in model_of(blow("origin", "origin:CN:urea")).links:
        assert fact.period <= "2021-09" or fact.period == "2021-01..09"


def test_firms_of_the_network_stay_out_unless_they_are_given() -> None:
    shock = blow("origin", "origin:CN:natural-graphite")
    assert not [n for n in model_of(shock).arrays.names if n.startswith("firm:")]
    seen = model_of(shock, firms=sample_firms())
    firm = next(fact for fact in seen.links if fact.buyer.startswith("firm:"))
    assert firm.basis == "synthetic"


def test_a_named_supplier_hits_only_its_own_buyers() -> None:
    firms = sample_firms()
    link = next(x for x in firms if x.item == "natural-graphite" and x.supplier)
    slug = "sample-graphite-fictitious"
    model = model_of(blow("firm", f"supplier:{slug}", 1.0, days=400.0), firms=firms)
    days = shortage_days(model, run(rigid(model.arrays), scenario_of(model, 300)).down)
    assert list(days) == [f"firm:{link.firm}"]


def test_a_strait_cuts_links_and_leaves_origins_whole() -> None:
    model = model_of(blow("chokepoint", "chokepoint:hormuz"), on=date(2026, 1, 5))
    (target,) = model.targets
    assert len(target.links)
    assert not len(target.nodes)
    assert {model.links[n].item for n in target.links} <= set(ITEMS)
    assert "container-freight" in {item for item, _ in model.unknown}  # its share was never read


def test_the_crises_name_what_the_network_knows() -> None:
    text = files("graph").joinpath("data").joinpath("crises.toml").read_text("utf-8")
    for name, crisis in tomllib.loads(text).items():
        assert set(crisis.get("items", ())) <= set(ITEMS), name
        assert crisis["outcome"]["sources"], name
        known = [i["ksic"] for i in crisis["outcome"]["industries"] if i["ksic"] in INDUSTRIES]
        assert known or name == "red_sea_2023"
