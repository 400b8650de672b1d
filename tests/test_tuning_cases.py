"""The shipped cases load, count as one source per fact, and hold no hindsight labels."""

from __future__ import annotations

import csv
from datetime import timedelta

import pytest

from ews.model import Article, Observation
from ews.tuning import case_figures, cases


@pytest.mark.parametrize("name", [*cases.names(), *cases.quiet()])
def test_every_case_loads_in_order_of_availability(name: str) -> None:
    signals = cases.load(name)
    assert signals == sorted(signals, key=lambda s: (s.available_at, s.id))
    assert len({signal.id for signal in signals}) == len(signals)
    assert all(signal.available_at >= signal.observed_at for signal in signals)


@pytest.mark.parametrize("name", [*cases.names(), *cases.quiet()])
def test_a_fact_is_told_in_korean_and_english_by_one_outlet(name: str) -> None:
    articles = [s for s in cases.load(name) if isinstance(s, Article)]
    ko = [a for a in articles if a.lang == "ko"]
    en = [a for a in articles if a.lang == "en"]
    assert len(ko) == len(en) == len(articles) // 2
    assert {(a.url, a.independence, a.observed_at) for a in ko} == {
        (a.url, a.independence, a.observed_at) for a in en
    }
    assert all(a.url.startswith("http") and a.title for a in articles)


@pytest.mark.parametrize("name", cases.names())
def test_a_case_has_a_fact_within_a_day_of_its_expected_date(name: str) -> None:
    at = cases.expected(name).at
    near = [s for s in cases.load(name) if timedelta(0) <= s.available_at - at <= timedelta(days=1)]
    assert near


@pytest.mark.parametrize("name", cases.quiet())
def test_a_quiet_week_is_full_of_traps(name: str) -> None:
    signals = cases.load(name)
    assert len(signals) >= 60
    assert all(isinstance(signal, Article) for signal in signals)


def test_no_outcome_is_shipped_and_context_is_not_read() -> None:
    for path in cases.FOLDER.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert {row["kind"] for row in rows} <= cases.TEXT_KINDS | {"series", "context"}
        text = {row["fact_en"] for row in rows if row["kind"] in {"context", "series"}}
        shown = {s.title for s in cases.load(path.stem) if isinstance(s, Article)}
        assert not text & shown


def test_a_monthly_value_is_known_only_after_its_publication_lag() -> None:
    values = [s for s in cases.load("graphite_2023") if isinstance(s, Observation)]
    assert values
    assert all(v.available_at - v.observed_at >= timedelta(days=100) for v in values)


def test_an_unknown_case_names_the_known_ones() -> None:
    with pytest.raises(cases.CaseError, match="urea_2021"):
        cases.load("nothing")


def test_figures_of_a_case_are_news_from_a_day_on_and_the_past_before_it() -> None:
    past, news = case_figures.history("urea_2021"), case_figures.figures("urea_2021")
    assert len(past) >= 100
    assert max(one.available_at for one in past) < min(one.available_at for one in news)
    own = {one.observed_at for one in cases.load("urea_2021") if isinstance(one, Observation)}
    assert own.isdisjoint(one.observed_at for one in news), "the case's own rows count once"
    assert all(one.observed_at < one.available_at for one in (*past, *news))
    first = case_figures.facts(news)[0]
    assert "265.00 USD/t" in first.en
    assert "2021년 1월" in first.ko
    assert case_figures.figures("japan_2019") == case_figures.history("japan_2019") == []
