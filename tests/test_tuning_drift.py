"""Drift: quiet weeks are quiet, a shift is found within the week, and operators are told once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from alerts.routes import load_routes
from ews.model import Article, Phase, Tag, TaggedArticle
from ews.storage import Store
from ews.storage.readings import Reading
from ews.tuning import drift_tests as tests
from ews.tuning.drift import WEEK, Drift, drift, looked
from ews.tuning.drift_days import days_of, summed
from ews.tuning.drift_telling import key, look, sentence
from nlp.taxonomy import NAMES

UNTIL = datetime(2024, 3, 4, tzinfo=UTC)
SINCE = UNTIL - WEEK
BEGINS = SINCE - 8 * WEEK
DAY = timedelta(days=1)
SOURCES = {"wire": 40, "daily": 25, "weekly": 12}
TYPES = ("natural_disaster", "labour_action", "price_shock", "sanctions")
Change = Callable[[Reading, np.random.Generator], Sequence[Reading]]


@cache
def quiet(seed: int, days: int = 63) -> tuple[Reading, ...]:
    """Synthetic: texts of sources that write less at weekends, of one and the same world."""
    dice, made = np.random.default_rng(seed), []
    for number in range(days):
        at = BEGINS + number * DAY
        for source, usual in SOURCES.items():
            count = dice.poisson(usual * (0.5 if at.weekday() > 4 else 1.0))
            made += [text(dice, source, at + timedelta(minutes=15 * n)) for n in range(count)]
    return tuple(made)


def text(dice: np.random.Generator, source: str, at: datetime) -> Reading:
    p = float(dice.beta(1.2, 2.0))
    screened = bool(dice.random() < 0.3)
    type_ = str(dice.choice(TYPES, p=[0.4, 0.2, 0.2, 0.2]))
    return Reading(f"art-{dice.integers(1 << 50)}", source, source, "ko" if source == "daily" else "en",
                   at, p, screened=screened, relevance=float(dice.beta(2, 5)),
                   tags=((type_, 0.9),))  # fmt: skip


def seen(readings: Sequence[Reading]) -> Drift:
    return looked(summed(readings, BEGINS, UNTIL), SINCE, UNTIL)


def shifted(change: Change, seed: int = 1) -> set[str]:
    """What is found once the change sets in with the window."""
    dice, made = np.random.default_rng(seed + 100), list[Reading]()
    for one in quiet(seed):
        made += change(one, dice) if one.at >= SINCE else [one]
    return {key(one) for one in seen(made).findings}


def test_quiet_weeks_bring_no_finding() -> None:
    found = [seen(quiet(seed)) for seed in range(1, 5)]
    assert all(len(one.tests) >= 6 for one in found)
    assert sum(len(one.findings) for one in found) == 0


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        ("scores:p_event scores", lambda one, _: [replace(one, p_event=(one.p_event or 0) ** 0.5)]),
        ("scores:relevance scores", lambda one, _: [replace(one, relevance=one.relevance / 2)]),
        ("mix:type mix", lambda one, dice: [
            replace(one, tags=(("epidemic", 0.9),)) if dice.random() < 0.2 else one]),
        ("mix:language mix", lambda one, dice: [
            replace(one, lang="zh") if dice.random() < 0.15 else one]),
        ("share:screened share", lambda one, dice: [
            replace(one, screened=one.screened or dice.random() < 0.25)]),
        ("share:degraded share", lambda one, dice: [replace(one, degraded=dice.random() < 0.1)]),
        ("share:untagged share", lambda one, dice: [
            replace(one, p_event=None) if dice.random() < 0.1 else one]),
        ("source:wire silent", lambda one, _: [] if one.source == "wire" else [one]),
        ("source:weekly silent",
         lambda one, _: [] if one.source == "weekly" and one.at >= UNTIL - 3 * DAY else [one]),
        ("source:daily fewer",
         lambda one, dice: [one] if one.source != "daily" or dice.random() < 0.3 else []),
        ("source:wire more",
         lambda one, _: [one, replace(one), replace(one)] if one.source == "wire" else [one]),
    ],
)  # fmt: skip
def test_a_synthetic_shift_is_found_within_the_week(expected: str, change: Change) -> None:
    for seed in (1, 2):
        assert expected in shifted(change, seed)


def test_a_weekend_is_no_silence_and_a_source_of_rare_words_is_not_watched() -> None:
    monday_only = [replace(one, source="bulletin") for one in quiet(1)
                   if one.at.weekday() == 0 and one.source == "wire"]  # fmt: skip
    rare = [replace(one, source="rare") for one in quiet(2)[:30]]
    found = seen([*quiet(1), *monday_only, *rare])
    assert not [one for one in found.findings if one.kind == "silent"]
    assert not [one for one in found.tests if one.subject == "source:rare"]


def test_without_four_weeks_of_past_nothing_is_tested() -> None:
    young = [one for one in quiet(1) if one.at >= UNTIL - 4 * WEEK]
    assert (seen(young).tests, seen(young).why_not) == ((), "too_little_past")


def test_statistics_are_what_their_names_say() -> None:
    same = np.array([100, 200, 300, 400])
    assert tests.psi(same, same * 3) == pytest.approx(0, abs=1e-3)
    assert tests.divergence(np.array([10, 0]), np.array([0, 10])) == pytest.approx(1)
    assert tests.g_test(same, same * 2) > 0.99
    assert tests.kolmogorov(same, same[::-1])[1] < 1e-6
    assert tests.adjusted([0.01, 0.02, 0.9]) == pytest.approx([0.03, 0.03, 0.9])
    assert tests.adjusted([]) == []


# --------------------------------------------------------------------------- in a store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store.open(tmp_path)
    yield found
    found.close()


def keep(store: Store, readings: Sequence[Reading]) -> None:
    """The texts of a synthetic world, classified."""
    articles = [
        Article(one.article_id, one.source, one.outlet, f"https://example.org/{one.article_id}",
                "", "", one.lang, one.at, one.at) for one in readings
    ]  # fmt: skip
    tags = [
        TaggedArticle(one.article_id, "made.v1", tuple(Tag(*tag) for tag in one.tags),
                      one.p_event or 0.0, Phase.ACTUAL, 1.0, screened=one.screened,
                      relevance=one.relevance) for one in readings
    ]  # fmt: skip
    with store.begin() as tx:
        tx.save_articles(articles)
        tx.save_tagged(tags, UNTIL)


def test_a_store_gives_the_days_that_its_texts_made(store: Store) -> None:
    part = [one for one in quiet(1) if one.at >= SINCE - WEEK]
    keep(store, part)
    kept, made = days_of(store, SINCE, UNTIL), summed(part, SINCE - WEEK, UNTIL)[7:]
    assert [day.counts["type"] for day in kept] == [day.counts["type"] for day in made]
    assert [day.scores["relevance"].tolist() for day in kept] == [
        day.scores["relevance"].tolist() for day in made
    ]


def test_operators_are_told_once_in_their_language(store: Store, tmp_path: Path) -> None:
    (tmp_path / "routes.toml").write_text(
        '[[receiver]]\nname = "운영"\nchannel = "console"\naddress = "-"\noperator = true\n\n'
        '[[receiver]]\nname = "desk"\nchannel = "console"\naddress = "d"\n', "utf-8",
    )  # fmt: skip
    routes = load_routes(tmp_path / "routes.toml")
    keep(store, [one for one in quiet(1) if one.at < SINCE or one.source != "wire"])
    now = UNTIL + timedelta(hours=3)
    assert drift(store, now).findings
    first = look(store, routes, now)
    assert first is not None
    assert "source:wire silent" in {key(one) for one in first.findings}
    told = [note for note in store.notifications() if note.bulletin]
    assert [note.receiver for note in told] == ["운영"]
    bulletin = store.bulletin(str(told[0].bulletin))
    assert bulletin is not None
    assert "수집원 wire" in " ".join(bulletin.parts[0].lines)
    assert look(store, routes, now + timedelta(hours=1)) is None
    assert look(store, routes, now + DAY) is not None
    assert len([note for note in store.notifications() if note.bulletin]) == 1


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_kind_of_finding_has_words(lang: str) -> None:
    facts = {"before": "0.10", "after": "0.30", "key": NAMES[0], "source": "wire", "days": "4",
             "longest": "1", "usual": "9.0"}  # fmt: skip
    subjects = {"scores": "scores:chance", "mix": "mix:type", "share": "share:triage",
                "silent": "source:wire", "fewer": "source:wire", "more": "source:wire"}  # fmt: skip
    for kind, subject in subjects.items():
        test = tests.Test(subject, kind, 0.3, 0.1, 0.2, 0.0, 10, 10, facts)
        told = sentence(test, lang)
        assert "{" not in told
        assert bool(re.search("[가-힣]", told)) == (lang == "ko")
