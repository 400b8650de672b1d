"""Every source folder: its sample yields what it is expected to yield."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from ews.model import Article, Observation, Source
from scrapers.catalog import CatalogError, load_source, load_sources, read_source
from scrapers.golden import SAMPLE_NOW, expected_text, sample_file, sources_table
from scrapers.kinds import parse

SOURCES = load_sources()
TOML = (files("scrapers") / "sources" / "usgs_week" / "source.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=[source.name for source in SOURCES])
def test_the_sample_yields_what_is_expected(source: Source) -> None:
    stored = files("scrapers") / "sources" / source.name / "expected.json"
    mend = f"run: python -m scrapers {source.name} --write, and read the difference"
    assert stored.is_file(), f"{source.name} has no expected.json; {mend}"
    wanted = stored.read_text(encoding="utf-8")
    assert json.loads(expected_text(source)) == json.loads(wanted), mend
    parsed = parse(source, sample_file(source).read_bytes(), SAMPLE_NOW)
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
    assert len(on) >= 24
    assert {source.group for source in on} == {
        "news", "official", "hazard", "shipping", "statistics", "price", "policy"
    }  # fmt: skip
    assert {"ko", "en", "zh", "ja"} <= {source.lang for source in on}
    assert all(source.key_env is None for source in on), "a source with a key ships switched off"


def test_no_source_claims_a_live_test_that_never_was() -> None:
    assert not [source.name for source in SOURCES if source.live_tested]


def test_two_sources_never_share_an_address() -> None:
    asked = {(source.url, str(source.options.get("form"))) for source in SOURCES}
    assert len(asked) == len(SOURCES)


def test_the_page_of_sources_is_up_to_date() -> None:
    page = Path(__file__).parent.parent / "docs" / "sources.md"
    assert page.read_text(encoding="utf-8") == sources_table(), "run: python -m scrapers docs"


def test_state_notices_carry_their_authority() -> None:
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
