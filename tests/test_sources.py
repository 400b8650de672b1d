"""Every source folder: its sample yields what it is expected to yield."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from ews.model import Article, Observation, Source
from scrapers.catalog import CatalogError, load_source, load_sources, read_source
from scrapers.golden import read_sample, told_text
from scrapers.mapping import independence_of
from scrapers.sources_page import by_host, daily_requests, gap_s, sources_table

SOURCES = load_sources()
BY_NAME = {source.name: source for source in SOURCES}
TOML = """\
publisher = "US Geological Survey"
title = "Earthquakes of magnitude 4.5 and more, past week"
url = "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/4.5_week.geojson"
kind = "geojson"
lang = "en"
country = "US"
group = "hazard"
tier = 1
terms = "US government work, public domain"
every = "10m"
fresh_within = "3d"
expect = { min = 10, max = 2000 }
independence = "usgs"
live_tested = false

[options.at_least]
mag = 5.5

[options.lookup.tsunami]
0 = ""
1 = "A tsunami message was issued."

[options.article]
title = "M{mag|round1} earthquake, {place}"
text = "Magnitude {mag|round1} earthquake at {depth|round0} km depth: {place}. PAGER alert level: {alert?}. {tsunami?|lookup}"
url = "{url}"
date = "time"
date_form = "epoch_ms"
"""


@pytest.mark.parametrize("source", SOURCES, ids=[source.name for source in SOURCES])
def test_the_sample_yields_what_is_expected(source: Source) -> None:
    stored = files("scrapers") / "sources" / source.name / "expected.json"
    mend = f"run: python -m scrapers {source.name} --write, and read the difference"
    assert stored.is_file(), f"{source.name} has no expected.json; {mend}"
    wanted = stored.read_text(encoding="utf-8")
    parsed = read_sample(source)
    assert json.loads(told_text(parsed)) == json.loads(wanted), mend
    assert parsed.signals, f"{source.name}: the sample yields no signal"
    assert parsed.newest is not None, f"{source.name}: no date in the sample; freshness needs one"
    for signal in parsed.signals:
        if isinstance(signal, Article):
            assert signal.title, f"{source.name}: an article without a title"
            assert signal.lang, f"{source.name}: an article without a language"
        else:
            assert isinstance(signal, Observation)
            assert all(signal.parts)


def test_there_are_enough_sources_of_every_group() -> None:
    on = [source for source in SOURCES if source.enabled]
    assert len(on) >= 120
    assert {source.group for source in on} == {
        "news", "official", "hazard", "shipping", "statistics", "price", "policy"
    }  # fmt: skip
    assert {"ko", "en", "zh", "ja", "id", "ru"} <= {source.lang for source in on}
    assert all(source.key_env is None for source in on), "a source with a key ships switched off"


def test_no_source_claims_a_live_test_that_never_was() -> None:
    assert not [source.name for source in SOURCES if source.live_tested]


def test_two_sources_never_share_an_address() -> None:
    asked = {(bare(source.url), str(source.options.get("form"))) for source in SOURCES}
    assert len(asked) == len(SOURCES)
    also = [bare(str(url)) for source in SOURCES for url in others(source)]
    assert not set(also) & {url for url, _ in asked}, "the second address of one is that of another"


def bare(url: str) -> str:
    """The address without what does not tell two feeds apart."""
    return url.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")


def others(source: Source) -> list[object]:
    found = source.options.get("also_try", [])
    return list(found) if isinstance(found, list) else []


def test_every_source_states_what_a_reader_must_know() -> None:
    for source in SOURCES:
        said = f"{source.name}: "
        assert re.search("[가-힣]", source.title_ko), said + "title_ko is for Korean readers"
        assert re.fullmatch(r"[a-z]{2,3}", source.lang), said + "lang is an ISO 639 code, or mul"
        assert source.expect_max > 0, said + "expected counts say nothing"
        assert source.fresh_within_s >= source.every_s, said + "stale before it is asked again"
        assert source.independence or source.options.get("aggregator") or source.tier == 3, (
            said + "the independence group is missing"
        )


def test_a_korean_reader_gets_the_korean_title_where_there_is_one() -> None:
    one = BY_NAME["usgs_week"]
    assert (one.titled("ko"), one.titled("en")) == (one.title_ko, one.title)
    assert replace(one, title_ko="").titled("ko") == one.title


def test_titles_tell_sources_apart() -> None:
    assert len({source.title for source in SOURCES}) == len(SOURCES)
    assert len({source.title_ko for source in SOURCES}) == len(SOURCES)


def test_only_organs_of_a_state_speak_with_authority() -> None:
    for source in SOURCES:
        if source.authority is not None:
            assert source.tier == 1, f"{source.name}: authority is for who states its own acts"
            assert source.country == source.authority, f"{source.name}: of another country"


def test_hosts_are_asked_politely() -> None:
    for name, inside in by_host(SOURCES).items():
        daily = sum(daily_requests(source) for source in inside)
        assert daily <= 1_500, f"{name} would be asked {daily:,.0f} times a day"
        feeds = [source for source in inside if source.kind == "rss"]
        if len(feeds) >= 3:
            hasty = [one.name for one in feeds if gap_s([one]) < 5]
            assert not hasty, f"{name}: set min_gap_s = 5 in {', '.join(hasty)}"
            assert gap_s(inside) * daily <= 86_400, f"{name}: its turns do not fit into a day"
    google = [source for source in SOURCES if "news.google.com" in source.url]
    assert len(google) >= 9
    assert all(source.every_s >= 3600 for source in google), (
        "an undocumented service: low rates only"
    )


def test_an_outlet_met_elsewhere_belongs_to_the_group_of_its_own_feed() -> None:
    for source in SOURCES:
        if source.group in {"news", "shipping"} and source.tier == 2:
            met = independence_of(source.publisher)
            assert met == source.independence, f"{source.name}: add the outlet to outlets.toml"


def test_papers_of_one_house_and_media_of_one_state_count_once() -> None:
    def groups(*names: str) -> set[str]:
        return {BY_NAME[name].independence for name in names}

    assert len(groups("chosun_economy", "chosunbiz")) == 1
    assert len(groups("mk_economy", "mk_world")) == 1
    assert len(groups("yonhap_news", "yonhap_english", "einfomax")) == 1
    assert groups("global_times", "china_daily_business", "cgtn_business") == {"xinhua"}
    assert len(groups("bbc_world", "nyt_world", "dw_business", "tass", "scmp_china")) == 5


def test_dates_without_a_zone_are_read_in_the_zone_of_the_publisher() -> None:
    for name in ("thelec", "snm_news", "einfomax", "china_daily_business"):
        assert BY_NAME[name].options.get("tz") in {"Asia/Seoul", "Asia/Shanghai"}, name


def test_the_page_of_sources_is_up_to_date() -> None:
    page = Path(__file__).parent.parent / "docs" / "sources.md"
    assert page.read_text(encoding="utf-8") == sources_table(), "run: python -m scrapers docs"


def test_state_notices_carry_their_authority() -> None:
    assert {BY_NAME[name].authority for name in ("koreakr_policy", "ofac_sdn")} == {"KR", "US"}
    for source in SOURCES:
        if source.name.startswith("koreakr"):
            assert source.authority == "KR"
        if source.name.startswith(("federal_register", "ofac")):
            assert source.authority == "US"
        if source.group in {"news", "hazard", "shipping"}:
            assert source.authority is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('publisher = "US Geological Survey"\n', "", "'publisher' is missing"),
        ("every =", 'colour = "red"\nevery =', "unknown key 'colour'"),
        ('every = "10m"', 'every = "often"', "every must read like"),
        ('every = "10m"', "every = 10", "every must be a str"),
        ('kind = "geojson"', 'kind = "smoke"', "kind 'smoke' is unknown"),
        ('group = "hazard"', 'group = "fun"', "group 'fun' is unknown"),
        ("{ min = 10, max = 2000 }", "{ min = 10 }", "expect must read"),
        ("{ min = 10, max = 2000 }", "{ min = 10, max = 5 }", "expect must read"),
        ('url = "https://', 'url = "ftp://', "url must begin"),
        ('terms = "US government work, public domain"', 'terms = ""', "terms is empty"),
        ("[options.at_least]", "[options.at_most]", "unknown key 'options.at_most'"),
        ('date_form = "epoch_ms"', 'dateform = "epoch_ms"', "'options.article.dateform'"),
        ('date = "time"', "", "'options.article.date' is missing"),
        ("{mag|round1}", "{mag|shout}", "unknown filter 'shout'"),
        ("live_tested = false", "live_tested = 0", "live_tested must be a bool"),
        ("publisher =", "publisher ==", "not TOML"),
        ("[options.at_least]", '[options]\nrobots = "ignore"\n[options.at_least]', "may only be"),
        ("[options.at_least]", '[options]\nrobots = "exempt"\n[options.at_least]', "robots_reason"),
        ("[options.at_least]", '[options]\ntz = "Mars"\n[options.at_least]', "no time zone"),
        ("summary/4.5_week.geojson", "summary/{key}", "key_env is missing"),
    ],
)
def test_a_wrong_source_toml_is_refused_with_file_and_key(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in TOML
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "source.toml").write_text(TOML.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        read_source(folder)
    assert "mine/source.toml" in str(caught.value)
    assert words in str(caught.value)


def test_an_unknown_name_is_answered_with_near_ones(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="usgs_week"):
        load_source("usgs_weak")
    with pytest.raises(CatalogError):
        load_source("../secret")
    with pytest.raises(CatalogError, match="is missing"):
        read_source(tmp_path)
