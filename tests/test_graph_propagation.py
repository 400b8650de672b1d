"""From shock to exposure, checked by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ews.model import Exposure, Shock, utc
from graph import build_network, propagate, sample_firms, shock
from graph import reference as ref
from graph.compile import compile_network
from graph.facts import Share, Use
from graph.network import Network, assemble
from tests.graph_samples import make_event

NETWORK = build_network()


def make_share(item: str, partner: str, share: float | None, year: int = 2024) -> Share:
    return Share(
        item, partner, share, "value", str(year), "stated", "test, http://example.org", "high",
        date(year, 12, 31),
    )  # fmt: skip


def make_shock(target: str, magnitude: float = 0.5, basis: str = "assumed: test") -> Shock:
    kind = target.split(":")[0]
    return Shock("evt-1", kind, target, magnitude, 0.9, 90.0, utc("2026-01-05"), 10.0, basis)


def small(*shares: Share, uses: tuple[Use, ...] = ()) -> Network:
    table: dict[str, list[Share]] = {}
    for one in shares:
        table.setdefault(one.item, []).append(one)
    return assemble(table, {u.item: [u] for u in uses})


def chain(one: Exposure) -> list[str]:
    return [hop.target for hop in one.path]


def test_loss_stock_and_days_by_hand() -> None:
    net = small(make_share("tin", "ID", 0.4))
    (one,) = propagate(net, [make_shock("origin:ID:tin", 0.5)])
    assert one.share_at_risk == 0.4
    assert one.loss == pytest.approx(0.2)  # 0.4 of the import, half of it lost
    assert one.impact_day == 10 + 9  # notice, then the sea
    assert one.time_to_survive_days == 30 / 0.2  # assumed 30 days of stock fill a gap of a fifth
    assert one.time_to_recover_days == 60  # another supplier, before the 90 days are over


def test_an_unknown_share_stays_unknown() -> None:
    (one,) = propagate(small(), [make_shock("origin:AU:wool")])
    assert (one.share_at_risk, one.loss, one.time_to_survive_days) == (None, None, None)
    hop = one.path[1]
    assert (hop.weight, hop.basis) == (None, "unknown")
    assert "not known" in hop.label_en
    assert one.use_id == "use:wool:unknown"
    assert one.industry == ""


def test_no_shock_no_exposure_and_a_disconnected_target_reaches_nothing() -> None:
    assert propagate(NETWORK, []) == []
    assert propagate(NETWORK, [make_shock("origin:KR:steel")]) == []
    assert propagate(NETWORK, [make_shock("item:unobtainium")]) == []
    assert propagate(small(), [make_shock("country:CN")]) == []


def test_a_cycle_in_the_graph_does_not_loop() -> None:
    net = NETWORK.copy()
    net.add_edge("industry:28202", "country:CN")
    net.graph["version"] = "with a cycle"
    assert propagate(net, [make_shock("origin:CN:natural-graphite")])


def test_several_shocks_on_one_origin_count_once_at_the_strongest() -> None:
    net = small(make_share("tin", "ID", 0.4))
    shocks = [make_shock("origin:ID:tin", m) for m in (0.2, 0.6, 0.4)]
    (one,) = propagate(net, shocks)
    assert one.magnitude == 0.6


def test_shares_that_pass_one_strait_are_added_up_to_one() -> None:
    net = small(make_share("lng", "QA", 0.3), make_share("lng", "AE", 0.2))
    found = propagate(net, [make_shock("chokepoint:hormuz")])
    lng = next(e for e in found if e.item == "lng")
    assert lng.share_at_risk == 0.5
    assert lng.origin is None
    full = small(make_share("lng", "QA", 0.8), make_share("lng", "AE", 0.7))
    found = propagate(full, [make_shock("chokepoint:hormuz")])
    assert next(e for e in found if e.item == "lng").share_at_risk == 1.0


def test_figures_of_different_times_are_not_added() -> None:
    net = small(make_share("lng", "QA", 0.3), make_share("lng", "AE", 0.2, year=2013))
    found = propagate(net, [make_shock("chokepoint:hormuz")])
    assert next(e for e in found if e.item == "lng").share_at_risk == 0.3


def test_what_moves_in_boxes_is_always_told_of_a_strait() -> None:
    found = propagate(NETWORK, [make_shock("chokepoint:malacca")])
    assert len(found) <= 80  # graph/data/shock_profiles.toml, [limits]
    boxes = next(e for e in found if e.item == "container-freight")
    assert boxes.share_at_risk is None


def test_an_inferred_item_shock_has_no_share_and_a_world_wide_one_has_all() -> None:
    net = small(make_share("coffee", "BR", 0.3))
    (world,) = propagate(net, [make_shock("item:coffee", 0.1)])
    (home,) = propagate(net, [make_shock("item:coffee", 0.1, "inferred: in Korea")])
    assert world.share_at_risk == 1.0
    assert home.share_at_risk is None
    assert home.impact_day == 10


def test_urea_reaches_every_use_with_its_ministries() -> None:
    event = make_event("export_restriction", ("CN",), ("urea",), on="2021-10-11")
    found = propagate(NETWORK, shock(event, NETWORK))
    by_industry = {e.industry: e for e in found}
    assert set(by_industry) == {"49301", "49212", "35113", "20311", "01110", "20202"}
    assert "molit" in by_industry["49301"].ministries
    assert "mafra" in by_industry["01110"].ministries
    assert all(e.share_at_risk == 0.8 and e.critical for e in found)


def test_the_path_says_which_stock_was_counted_with() -> None:
    def uses(on: str) -> dict[str, Exposure]:
        event = make_event("export_restriction", ("CN",), ("urea",), on=on)
        return {e.industry: e for e in propagate(NETWORK, shock(event, NETWORK))}

    def said(one: Exposure) -> str:
        return next(hop.label_en for hop in one.path if hop.target == one.use_id)

    later = uses("2023-12-05")
    trucks, crops = later["49301"], later["01110"]
    assert said(trucks).endswith("stock 90 days, stated: Kyeongin Ilbo, 2023-12-04")
    assert trucks.time_to_survive_days == pytest.approx(90 / (trucks.loss or 1), abs=0.01)
    assert said(crops).endswith("stock 30 days, assumed")
    assert crops.time_to_survive_days == pytest.approx(30 / (crops.loss or 1), abs=0.01)
    assert said(uses("2023-12-01")["49301"]).endswith("stock 30 days, assumed")


def test_swap_the_country_and_the_exposure_follows() -> None:
    def shares(country: str) -> dict[str, float | None]:
        event = make_event("export_restriction", (country,), ("urea",))
        return {e.use_id: e.share_at_risk for e in propagate(NETWORK, shock(event, NETWORK))}

    assert shares("CN")["use:urea:1"] == 0.271
    assert shares("VN")["use:urea:1"] == 0.531
    assert shares("CN")["use:urea:5"] == 0.22  # fertiliser has its own figure


def test_swap_the_item_and_the_industry_follows() -> None:
    def industries(item: str) -> set[str]:
        event = make_event("export_restriction", ("CN",), (item,))
        return {e.industry for e in propagate(NETWORK, shock(event, NETWORK))}

    assert industries("natural-graphite") == {"28202"}
    assert industries("activated-carbon") == {"36010"}
    assert industries("urea").isdisjoint(industries("natural-graphite"))


def test_the_path_leads_from_the_country_to_the_ministry_and_cites_each_figure() -> None:
    (one, *_) = propagate(NETWORK, [make_shock("origin:CN:natural-graphite")])
    assert chain(one) == [
        "origin:CN:natural-graphite", "item:natural-graphite", "use:natural-graphite:1",
        "industry:28202", "ministry:motir",
    ]  # fmt: skip
    share = one.path[1]
    assert share.weight == 0.976
    assert share.period.startswith("2024")
    assert "http" in share.citation
    assert "천연흑연" in share.label_ko
    assert one.path[0].basis == "assumed"
    allowed = {"stated", "computed", "inferred", "assumed", "unknown", "synthetic"}
    assert {hop.basis for hop in one.path} <= allowed


def test_the_path_by_sea_names_the_origins_and_the_strait() -> None:
    found = propagate(NETWORK, [make_shock("chokepoint:hormuz")])
    oil = next(e for e in found if e.item == "crude-oil")
    sources = [hop.source for hop in oil.path]
    assert sources[:3] == ["chokepoint:hormuz", "origin:SA:crude-oil", "origin:AE:crude-oil"]
    assert "item:crude-oil" in chain(oil)
    assert oil.share_at_risk == pytest.approx(0.631)


def test_a_port_hits_what_its_coast_ships() -> None:
    found = propagate(NETWORK, [make_shock("port:vancouver")])
    assert "potash" in {e.item for e in found}
    assert all(e.origin in ("CA", None) for e in found)
    korean = propagate(NETWORK, [make_shock("port:busan")])
    assert [e.item for e in korean] == ["container-freight"]
    assert korean[0].impact_day == 10


def test_a_firm_sees_its_own_share_and_stock_after_the_national_ones() -> None:
    net = build_network(sample_firms())
    found = propagate(net, [make_shock("origin:CN:urea", 0.5)])
    firm = found[-1]
    assert firm.firm == "표본운수-가상"
    assert firm.synthetic
    assert firm.share_at_risk == 0.7
    assert firm.time_to_survive_days == pytest.approx(20 / 0.35, abs=0.01)
    assert all(e.firm is None for e in found[:-1])
    assert firm.path[-1].basis == "synthetic"


def test_the_customers_of_a_named_supplier_are_exposed() -> None:
    net = build_network(sample_firms())
    hit = replace(make_shock("supplier:sample-gas-fictitious"), target_kind="firm")
    (one,) = propagate(net, [hit])
    assert (one.firm, one.item) == ("표본반도체-가상", "neon")


def test_strongest_first_and_the_same_answer_twice() -> None:
    shocks = [make_shock("chokepoint:hormuz"), make_shock("origin:CN:urea", 0.9)]
    found = propagate(NETWORK, shocks)
    assert found == propagate(NETWORK, shocks)
    assert len({e.id for e in found}) == len(found)
    watched = [e for e in found if ref.ITEMS[e.item].watched and e.loss is not None]
    best: dict[str, float] = {}
    for one in watched:
        best[one.item] = max(best.get(one.item, 0.0), one.loss or 0.0)
    assert list(best.values()) == sorted(best.values(), reverse=True)


def test_the_batch_screen_agrees_with_one_event_at_a_time() -> None:
    compiled = compile_network(NETWORK)
    magnitudes = np.zeros((1, len(compiled.pairs)))
    for n, (country, _) in enumerate(compiled.pairs):
        magnitudes[0, n] = 0.5 if country == "CN" else 0.0
    losses = compiled.item_losses(magnitudes)[0]
    graphite = losses[compiled.items.index("natural-graphite")]
    (one,) = propagate(NETWORK, [make_shock("origin:CN:natural-graphite", 0.5)])
    assert graphite == pytest.approx(one.loss)


def test_one_event_takes_under_twenty_milliseconds() -> None:
    event = make_event("armed_conflict_or_unrest", chokepoints=("malacca",))
    shocks = shock(event, NETWORK)
    propagate(NETWORK, shocks)
    start = time.perf_counter()
    for _ in range(5):
        propagate(NETWORK, shocks)
    assert (time.perf_counter() - start) / 5 < 0.02
