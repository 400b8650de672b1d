"""The shipped facts: complete, consistent, and only what was read."""

from __future__ import annotations

import csv
import os
import re
from datetime import date
from pathlib import Path

import pytest

from graph import reference as ref

DATA = Path(os.environ.get("EWS_RECORDED_DATA", Path(__file__).parents[2] / "shared" / "data"))
FACTS = DATA / "trade" / "reference" / "korea_import_shares.csv"
USE_FACTS = DATA / "trade" / "reference" / "item_uses.csv"


def test_there_are_enough_items_and_at_least_eighty_watched_ones_with_uses() -> None:
    assert len(ref.ITEMS) >= 150
    watched = [i for i in ref.ITEMS.values() if i.watched and ref.USES.get(i.id)]
    assert len(watched) >= 80
    assert len(ref.INDUSTRIES) >= 20


def test_item_ids_are_slugs_and_codes_are_hs() -> None:
    for item in ref.ITEMS.values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", item.id)
        assert all(re.fullmatch(r"\d{2}|\d{4}|\d{6}", code) for code in item.hs)
        assert item.en
        assert item.ko


def test_every_share_says_where_when_and_how_it_was_read() -> None:
    for item, rows in ref.SHARES.items():
        assert item in ref.ITEMS
        for row in rows:
            assert row.partner in ref.COUNTRIES
            assert row.share is not None
            assert 0 <= row.share <= 1
            assert "http" in row.citation
            assert row.period
            assert row.basis in {"stated", "computed"}
            assert row.reliability in {"high", "medium", "low"}


def test_implausible_rows_are_not_shipped() -> None:
    assert ref.best_share("niobium", "VN") is None
    assert ref.best_share("platinum-group-metals", "CN") is None
    assert all(row.share != 0.994 for row in ref.SHARES["nickel"])


def test_neon_and_krypton_stay_apart_though_they_share_a_code() -> None:
    found = {item.id for item in ref.items_by_hs("280429")}
    assert {"neon", "krypton", "xenon", "helium"} <= found
    assert ref.best_share("neon", "UA", date(2022, 2, 1)) != ref.best_share(
        "krypton", "UA", date(2022, 2, 1)
    )


def test_the_newest_figure_known_on_the_day_is_used() -> None:
    autumn = ref.best_share("urea", "CN", date(2021, 10, 11))
    today = ref.best_share("urea", "CN", date(2026, 1, 1))
    assert autumn is not None
    assert autumn.period == "2021-01..09"
    assert today is not None
    assert (today.share, today.period) == (0.271, "2024")


def test_a_figure_of_a_later_period_is_not_given_for_an_earlier_day() -> None:
    assert ref.best_share("bromine", "IL", date(2023, 11, 20)) is None
    assert ref.best_share("bromine", "IL", date(2026, 1, 1)) is not None


def test_a_use_gets_the_figure_of_its_own_grade() -> None:
    crops = ref.best_share("urea", "CN", date(2024, 1, 5), "fertiliser")
    trucks = ref.best_share("urea", "CN", date(2024, 1, 5), "industrial and vehicle")
    assert crops is not None
    assert trucks is not None
    assert (crops.share, trucks.share) == (0.22, 0.881)


def test_a_figure_of_2013_yields_to_a_newer_one_and_stands_alone_with_its_year() -> None:
    assert all(s.stale for s in ref.SHARES["kaolin"])
    newer = ref.best_share("nickel-hydroxide", "CN")
    assert newer is not None
    assert not newer.stale


def test_conflicting_figures_are_kept() -> None:
    figures = {s.share for s in ref.SHARES["gallium"] if s.partner == "CN"}
    assert {0.98, 0.512, 0.467} <= figures


def test_uses_name_known_industries_and_ministries() -> None:
    for uses in ref.USES.values():
        for use in uses:
            assert not use.ksic or use.ksic in ref.INDUSTRIES
            assert set(use.ministries) <= set(ref.MINISTRIES)
            assert use.basis in {"stated", "inferred"}


def test_urea_lists_every_use() -> None:
    assert [use.ksic for use in ref.USES["urea"]] == [
        "49301", "49212", "35113", "20311", "01110", "20202",
    ]  # fmt: skip


def test_routes_name_known_straits_and_every_supplier_has_one() -> None:
    assert {c for route in ref.ROUTES for c in route.chokepoints} <= set(ref.CHOKEPOINTS)
    partners = {s.partner for rows in ref.SHARES.values() for s in rows}
    assert [c for c in partners if ref.route_of(c, "urea") is None] == []


def test_routes_follow_the_item_where_the_country_has_two_coasts() -> None:
    lng, beef = ref.route_of("US", "lng"), ref.route_of("US", "beef")
    assert lng is not None
    assert beef is not None
    assert lng.chokepoints == ("panama",)
    assert beef.chokepoints == ()
    chips = ref.route_of("NL", "euv-lithography-equipment")
    assert chips is not None
    assert chips.via == "air"


def test_places_have_names_in_four_languages_and_sane_coordinates() -> None:
    for place in (*ref.CHOKEPOINTS.values(), *ref.PORTS.values()):
        assert all((place.en, place.ko, place.zh, place.ja))
        assert -90 <= place.lat <= 90
        assert -180 <= place.lon <= 180
    assert {"CN", "TW", "EU", "KR", "NA"} <= set(ref.COUNTRIES)
    assert all(c.ko and c.ja and c.zh for c in ref.COUNTRIES.values())
    assert sum(p.country == "KR" for p in ref.PORTS.values()) >= 8


def test_stocks_of_a_later_day_are_not_used() -> None:
    assert ref.best_stock("gallium", date(2023, 7, 3)) is None
    known = ref.best_stock("gallium", date(2023, 7, 5))
    assert known is not None
    assert known.days == 40


def test_a_stock_stated_more_than_a_year_ago_is_not_used() -> None:
    scope = "industrial and vehicle"
    assert ref.best_stock("urea", date(2023, 12, 1), scope) is None  # that of November 2021
    known = ref.best_stock("urea", date(2023, 12, 5), scope)
    assert known is not None
    assert (known.days, known.as_of) == (90, date(2023, 12, 4))
    assert ref.best_stock("urea", date(2023, 12, 5), "fertiliser") is None


def test_a_stock_is_of_a_grade_that_some_use_takes() -> None:
    for item, rows in ref.STOCKS.items():
        scopes = {use.scope for use in ref.USES[item]}
        assert {row.scope for row in rows if row.scope} <= scopes


def test_the_document_counts_the_rows_that_ship() -> None:
    root = Path(__file__).parents[1]
    text = (root / "docs" / "reference-network.md").read_text(encoding="utf-8")
    counted = dict(re.findall(r"^\| `(\w+\.csv)` \| (\d+) \|", text, flags=re.MULTILINE))
    shipped = {
        path.name: str(len(list(csv.DictReader(path.read_text("utf-8").splitlines()))))
        for path in (root / "graph" / "data").glob("*.csv")
    }
    assert counted == shipped


@pytest.mark.recorded
def test_every_shipped_share_and_use_is_in_the_recorded_facts() -> None:
    if not FACTS.exists():
        pytest.skip(f"no recorded data at {DATA}; set EWS_RECORDED_DATA")
    with FACTS.open(encoding="utf-8-sig") as file:
        facts = {
            (r["hs"], r["partner"], float(r["share"]), r["period"], r["source_url"].split(" ")[0])
            for r in csv.DictReader(file)
        }
    with USE_FACTS.open(encoding="utf-8-sig") as file:
        uses = list(csv.DictReader(file))
    shares = [row for rows in ref.SHARES.values() for row in rows]
    for row in shares:
        url = row.citation.rsplit(", ", 1)[1]
        assert (row.hs, row.partner, row.share, row.period, url) in facts
    urls = {r["source_url"].split(" ")[0] for r in uses} | {f[4] for f in facts}
    for case in sorted((DATA / "cases").glob("*.csv")):  # pages read for the cases count as read
        with case.open(encoding="utf-8") as file:
            urls |= {r["url_or_id"] for r in csv.DictReader(file)}
    stated = {(r["use_en"], r["source_url"]) for r in uses}
    for item_uses in ref.USES.values():
        for use in item_uses:
            url = use.citation.rsplit(", ", 1)[1]
            assert url in urls
            assert use.basis == "inferred" or (use.en, url) in stated
