"""What would cost Korea most: each thing stopped alone, the same numbers as a run of its own."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ews.reports.ranking_sheets import stops_sheet
from ews.reports.systemic import systemic_report
from graph import reference as ref
from graph.national import whole_model
from graph.network import Network, build_network
from graph.scenario import Hit, scenario
from graph.steps import run
from graph.systemic import HORIZON, KINDS, STOPS, Stops, stops

ON = date(2026, 1, 5)
ITEMS = ("urea", "helium", "lng", "natural-graphite", "crude-oil", "lithium-carbonate")


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network()


@pytest.fixture(scope="module")
def found(network: Network) -> Stops:
    return stops(network, ON, items=[*ITEMS, "mercury"])


def test_each_line_is_what_a_run_of_its_own_gives(network: Network, found: Stops) -> None:
    model = whole_model(network, ITEMS, ON)
    n = model.arrays.nodes
    for code, days in (("CN", 90), ("QA", 90), ("VN", 30)):
        line = next(x for x in found.of("country", days) if x.node == f"country:{code}")
        closed = [i for i, name in enumerate(model.arrays.names)
                  if name.startswith(f"origin:{code}:")]  # fmt: skip
        supposed = scenario(HORIZON, [Hit(np.array(closed), 1.0, 0.0, float(days))])
        level = run(model.arrays, supposed).whole(n).level
        uses = [model.numbers[use] for use in model.uses if use in model.numbers]
        lost = 1.0 - level[:, uses]
        assert line.loss_days == pytest.approx(lost.sum(), abs=1e-9)
        assert line.uses_short == (lost > 0.01).any(axis=0).sum()
        first = np.flatnonzero((lost > 0.01).any(axis=1))
        assert line.first_day == (int(first[0]) if len(first) else None)


def test_a_country_costs_no_less_than_the_worst_of_its_origins(found: Stops) -> None:
    for days in STOPS:
        countries = {x.node.split(":")[1]: x for x in found.of("country", days)}
        for origin in found.of("origin", days):
            whole = countries[origin.node.split(":")[1]]
            assert whole.loss_days >= origin.loss_days - 1e-9
            assert whole.missing_days >= origin.missing_days - 1e-9


def test_tables_are_sorted_by_loss_and_a_longer_stop_costs_no_less(found: Stops) -> None:
    assert {line.kind for line in found.lines} == set(KINDS)
    for kind in KINDS:
        short = {line.node: line for line in found.of(kind, 30)}
        long = found.of(kind, 90)
        losses = [line.loss_days for line in long]
        assert losses == sorted(losses, reverse=True)
        assert all(line.loss_days >= short[line.node].loss_days - 1e-9 for line in long)
    assert found.of("country", 90)[0].loss_days > 0


def test_a_detour_pauses_arrivals_and_a_block_stops_them(found: Stops) -> None:
    places = {line.node: line for line in found.of("chokepoint", 90)}
    assert places["chokepoint:hormuz"].pause_days == 90
    assert places["chokepoint:malacca"].pause_days == ref.CHOKEPOINTS["malacca"].detour_days
    assert "detour" in places["chokepoint:malacca"].basis
    assert all(found_ not in places for found_ in found.open_sea)


def test_ports_with_the_same_goods_are_one_line_and_half_is_assumed(found: Stops) -> None:
    ports = found.of("port", 90)
    named = [node for line in ports for node in (line.node, *line.alike)]
    assert len(named) == len(set(named))
    shanghai = next(x for x in ports if "port:shanghai" in (x.node, *x.alike))
    assert {shanghai.magnitude, 0.5} == {0.5}
    assert "was not read" in shanghai.basis


def test_an_item_of_which_no_share_was_read_is_counted_as_unknown(found: Stops) -> None:
    assert "mercury" not in ref.SHARES or not ref.SHARES["mercury"]
    assert found.unread == 1
    assert found.items == len(ITEMS)


def test_nothing_to_run_is_refused(network: Network) -> None:
    with pytest.raises(ValueError, match="one day or more"):
        stops(network, ON, items=["urea"], lengths=())
    with pytest.raises(ValueError, match="unknown kind"):
        systemic_report(ON, kind="firm")
    with pytest.raises(ValueError, match="top"):
        systemic_report(ON, top=0)


def test_the_report_names_all_in_both_languages_and_the_sheet_has_each_line() -> None:
    report = systemic_report(ON, top=5)
    assert {line.kind for line in report.lines} == set(KINDS)
    assert all(line.rank <= 5 for line in report.lines)
    first = report.of("country", 90)[0]
    assert (first.who.en, first.who.ko) == ("China", "중국")
    assert [one.critical for one in first.items] == sorted(
        (one.critical for one in first.items), reverse=True
    )
    sheet = stops_sheet(report, "ko").splitlines()
    assert len(sheet) == 1 + len(report.lines)
    assert f"{first.loss_days:.6g}" in next(
        row for row in sheet if ",중국," in row and ",90," in row
    )
    assert report.unread > 0
    assert report.engine
    assert report.switches
