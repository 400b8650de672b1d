"""Standing dependence: what Korea, an industry or a firm depends on, with no event at all."""

from __future__ import annotations

from datetime import date

import pytest

from graph import build_network, sample_firms
from graph import reference as ref
from graph.exposure_query import (
    UnknownName,
    exposure_of_country,
    exposure_of_firm,
    exposure_of_industry,
    exposure_of_item,
)

NETWORK = build_network(sample_firms())


def test_an_item_shows_its_partners_uses_and_straits() -> None:
    found = exposure_of_item(NETWORK, "lng")
    assert found.partners[0].country.code == "AU"
    assert {u.use.ksic for u in found.uses} == {"35200", "35113"}
    assert dict(found.chokepoints)["hormuz"] == pytest.approx(0.153 + 0.005, abs=0.01)
    assert 0 < (found.hhi or 0) < 1
    assert found.covered <= 1


def test_concentration_is_the_sum_of_squares_of_known_shares() -> None:
    found = exposure_of_item(NETWORK, "natural-graphite")
    assert found.hhi == pytest.approx(0.976**2)


def test_an_item_without_figures_says_so() -> None:
    found = exposure_of_item(NETWORK, "wool")
    assert found.partners == ()
    assert found.hhi is None
    assert found.uses[0].use.basis == "unknown"


def test_an_older_day_gives_the_figures_of_that_day() -> None:
    found = exposure_of_item(NETWORK, "urea", on=date(2021, 10, 11))
    china = next(p for p in found.partners if p.country.code == "CN")
    assert china.used is not None
    assert china.used.share == 0.8
    assert all(other.period_end <= date(2021, 10, 11) for other in china.others)
    assert not found.stocks


def test_no_figure_of_a_period_that_ended_later_is_used_or_listed() -> None:
    day = date(2022, 6, 30)
    rows = [p for item in ref.SHARES for p in exposure_of_item(NETWORK, item, day).partners]
    rows += [p for _, p, _ in exposure_of_country(NETWORK, "CN", day).rows]
    for row in rows:
        figures = [*row.others, *((row.used,) if row.used else ())]
        assert figures
        assert all(figure.period_end <= day for figure in figures)


def test_concentration_is_of_one_set_and_none_when_shares_exceed_the_whole() -> None:
    for item in ref.SHARES:
        found = exposure_of_item(NETWORK, item)
        assert found.hhi is None or 0 <= found.hhi <= 1.02
        assert found.covered <= 1
    gallium = exposure_of_item(NETWORK, "gallium")  # figures of three scopes make 145 %
    assert gallium.covered == pytest.approx(0.992)
    krypton = exposure_of_item(NETWORK, "krypton")  # 2021 and 2023 in one unit make 121 %
    assert (krypton.hhi, krypton.covered) == (None, 0)


def test_every_stated_stock_is_shown_and_a_use_has_that_of_its_grade() -> None:
    found = exposure_of_item(NETWORK, "urea", on=date(2023, 12, 8))
    assert [(s.days, s.as_of.isoformat()) for s in found.stocks] == [
        (90, "2023-12-04"), (22, "2021-11-08"),
    ]  # fmt: skip
    assert {s.scope for s in found.stocks} == {"industrial and vehicle"}
    assert found.stock == found.stocks[0]
    by_industry = {u.use.ksic: u.stock for u in found.uses}
    assert by_industry["49301"] == by_industry["20202"] == found.stock
    assert by_industry["01110"] is None
    today = exposure_of_item(NETWORK, "urea", on=date(2026, 1, 5))
    assert today.stock is None
    assert len(today.stocks) == 5


def test_a_country_lists_what_korea_buys_there() -> None:
    found = exposure_of_country(NETWORK, "QA")
    assert {item.id for item, _, _ in found.rows} >= {"lng", "helium", "urea"}


def test_an_industry_lists_the_items_it_uses() -> None:
    found = exposure_of_industry(NETWORK, "28202")
    assert "natural-graphite" in {row.item.id for row, _ in found.rows}
    assert all(u.use.ksic == "28202" for _, uses in found.rows for u in uses)


def test_a_firm_sees_its_links_beside_the_national_figures() -> None:
    found = exposure_of_firm(NETWORK, "표본운수(가상)")
    assert found.synthetic
    assert [link.share for link in found.links] == [0.7, 0.3]
    assert [row.item.id for row in found.items] == ["urea"]


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(UnknownName, match="did you mean helium"):
        exposure_of_item(NETWORK, "heluim")
    with pytest.raises(UnknownName):
        exposure_of_firm(NETWORK, "nobody")
    with pytest.raises(UnknownName):
        exposure_of_industry(NETWORK, "00000")
    with pytest.raises(UnknownName):
        exposure_of_country(NETWORK, "ZZ")
