"""From event to shock: who is hit, how hard, how soon, and on what basis."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from ews.model import Event, Phase, Shock
from graph import Network, build_network, sample_firms, shock
from graph.compile import compile_network
from graph.shocks import profiles, suppliers
from tests.graph_samples import make_event

NETWORK = build_network(sample_firms())


def targets(event: Event, network: Network = NETWORK) -> list[str]:
    return [one.target for one in shock(event, network)]


def only(event: Event) -> Shock:
    (one,) = shock(event, NETWORK)
    return one


def test_the_imposer_of_an_export_restriction_is_the_supplier_hit() -> None:
    assert targets(make_event("export_restriction", ("CN",), ("urea",))) == ["origin:CN:urea"]


def test_of_several_named_countries_only_those_that_sell_the_item_are_hit() -> None:
    event = make_event("export_restriction", ("CN", "US", "KR"), ("natural-graphite",))
    assert targets(event) == ["origin:CN:natural-graphite"]


def test_a_country_without_a_figure_is_hit_when_room_is_left_for_it() -> None:
    assert targets(make_event("labour_action", ("AU",), ("wool",))) == ["origin:AU:wool"]


def test_a_country_is_left_out_when_known_suppliers_leave_no_room() -> None:
    assert targets(make_event("labour_action", ("AU",), ("helium",))) == []


def test_korea_is_never_an_origin() -> None:
    event = make_event("production_halt", ("KR",), ("steel",))
    one = only(event)
    assert (one.target_kind, one.target) == ("item", "item:steel")
    assert one.basis.startswith("inferred")


def test_sanctions_hit_the_state_under_them_not_the_one_that_imposes_them() -> None:
    event = make_event("sanctions", ("US", "RU"), ("enriched-uranium",))
    assert targets(event) == ["origin:RU:enriched-uranium"]


def test_a_measure_of_the_union_is_laid_on_its_members_that_sell_the_item() -> None:
    compiled = compile_network(NETWORK)
    found = suppliers("export_restriction", "active-pharmaceutical-ingredients", ["EU"], compiled)
    assert set(found) == {"FR", "IT", "DE", "ES"}
    assert suppliers("export_restriction", "vaccines", ["EU"], compiled) == ("EU",)


def test_a_strait_is_hit_instead_of_the_countries_that_a_war_report_names() -> None:
    event = make_event(
        "armed_conflict_or_unrest", ("YE", "US"), ("crude-oil",), chokepoints=("bab-el-mandeb",)
    )
    found = targets(event)
    assert "chokepoint:bab-el-mandeb" in found
    assert not any(t.startswith("origin") for t in found)


def test_a_detour_takes_days_not_cargo() -> None:
    event = make_event("logistics_disruption", chokepoints=("suez",), facts={"drop": 0.5})
    one = only(event)
    assert one.magnitude == pytest.approx(0.5 * 12 / 60)  # 12 days late over 60 days
    assert one.lag_days == pytest.approx(12.0)
    assert one.basis.startswith("observed")


def test_a_strait_without_a_way_round_loses_the_cargo() -> None:
    blocked = only(make_event("armed_conflict_or_unrest", chokepoints=("hormuz",)))
    assert blocked.magnitude == pytest.approx(0.5)
    assert blocked.basis.startswith("assumed")


def test_one_port_is_a_part_of_a_country() -> None:
    one = only(make_event("labour_action", ("CA",), ports=("vancouver",)))
    assert one.target == "port:vancouver"
    assert one.magnitude == pytest.approx(profiles()["labour_action"].magnitude / 2)


def test_a_country_alone_counts_only_for_types_that_can_stop_a_whole_country() -> None:
    assert targets(make_event("natural_disaster", ("JP",))) == ["country:JP"]
    assert targets(make_event("bankruptcy_or_closure", ("JP",))) == []
    assert only(make_event("natural_disaster", ("JP",))).basis.startswith("inferred")


def test_an_item_alone_means_every_origin_for_a_price_or_shortage() -> None:
    dear = only(make_event("price_shock", items=("coffee",)))
    assert dear.target == "item:coffee"
    assert dear.basis.startswith("assumed")
    unsaid = only(make_event("export_restriction", items=("coffee",)))
    assert unsaid.basis.startswith("inferred")


def test_a_price_is_paid_for_every_origin_whoever_is_named() -> None:
    assert targets(make_event("price_shock", ("SA",), ("crude-oil",))) == ["item:crude-oil"]
    home = only(make_event("price_shock", ("KR",), ("rice",)))
    assert home.basis.startswith("inferred")


def test_a_shortage_with_a_named_cause_is_as_hard_as_the_cause() -> None:
    plain = only(make_event("shortage_or_allocation", ("CN",), ("urea",)))
    caused = only(
        make_event("shortage_or_allocation", ("CN",), ("urea",), also=("export_restriction",))
    )
    assert caused.magnitude == profiles()["export_restriction"].magnitude > plain.magnitude


def test_a_threat_is_softer_and_later_and_easing_leaves_a_remainder() -> None:
    def of(phase: Phase) -> Shock:
        return only(make_event("export_restriction", ("CN",), ("urea",), phase=phase))

    assert of(Phase.EASING).magnitude < of(Phase.THREAT).magnitude < of(Phase.ACTUAL).magnitude
    assert of(Phase.THREAT).lag_days == of(Phase.ACTUAL).lag_days + 30


def test_severity_scales_the_magnitude_within_bounds() -> None:
    low, high = (
        only(make_event("export_restriction", ("CN",), ("urea",), severity=s)).magnitude
        for s in (0.1, 3.0)
    )
    assert (low, high) == (pytest.approx(0.24), pytest.approx(0.84))


def test_a_measure_announced_for_a_later_day_bites_on_that_day() -> None:
    event = make_event(
        "export_restriction", ("CN",), ("natural-graphite",), on="2023-10-20", onset="2023-12-01"
    )
    one = only(event)
    assert one.lag_days == 42
    assert one.start == event.first_seen
    assert event.onset is not None
    assert one.start + timedelta(days=one.lag_days) == event.onset


def test_a_named_supplier_of_a_firm_is_hit() -> None:
    event = make_event("bankruptcy_or_closure", firms=("Sample Gas (fictitious)",))
    assert only(event).target == "supplier:sample-gas-fictitious"


def test_unknown_names_are_passed_over() -> None:
    event = make_event("export_restriction", ("ZZ",), ("unobtainium",), ports=("atlantis",))
    assert shock(event, NETWORK) == []


def test_every_event_type_of_the_taxonomy_has_a_profile() -> None:
    taxonomy = Path(__file__).parents[1] / "nlp" / "taxonomy.toml"
    types = tomllib.loads(taxonomy.read_text(encoding="utf-8"))
    assert set(types) <= set(profiles())
    assert all(p.basis.startswith("assumed") for p in profiles().values())
