"""A source that dries up is told before it is stale; a weekend, a holiday and our own outage are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ews.liveness.usual import PAST, Usual, least, usual
from ews.storage.tallies import SPAN, Tally, span_of
from scrapers import load_source

NOW = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)  # a Wednesday
UNTIL = datetime(2026, 11, 25, 6, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = replace(load_source("mk_economy"), independence="")


def spans(
    name: str, a_day: float, seed: int = 0, weekend: float = 1.0, since: timedelta = PAST
) -> list[Tally]:
    """Synthetic tallies: Poisson counts, fewer at weekends, from `since` ago until NOW."""
    draw, found = np.random.default_rng(seed), []
    at = span_of(NOW - since)
    while at < NOW:
        mean = a_day / 4 * (weekend if at.weekday() >= 5 else 1.0)
        found.append(Tally(name, at, turns=24, new_texts=int(draw.poisson(mean))))
        at += SPAN
    return found


def cut(found: list[Tally], since: datetime, share: float) -> list[Tally]:
    return [
        replace(one, new_texts=int(one.new_texts * share)) if one.at >= since else one
        for one in found
    ]


def judged(found: list[Tally], **other: list[Tally]) -> Usual:
    sources = [replace(BASE, name=name) for name in ("it", *other)]
    return usual(sources, {"it": found, **other}, NOW)["it"]


def test_a_source_that_brings_a_quarter_of_its_usual_dries_up() -> None:
    it = judged(cut(spans("it", 40), UNTIL - DAY, 0.2))
    assert it.drying
    assert it.day.few
    assert it.day.usual == pytest.approx(40, abs=12)
    assert it.until == UNTIL


def test_a_source_as_usual_does_not() -> None:
    wrong = [seed for seed in range(150) if judged(spans("it", 40, seed)).drying]
    assert len(wrong) <= 2, "one in a thousand windows, two windows each"


def test_a_slow_source_is_judged_by_its_week() -> None:
    it = judged(cut(spans("it", 3, 1), UNTIL - 7 * DAY, 0))
    assert not it.day.few, "a day without anything is usual for it"
    assert it.week.few
    assert it.week.seen == 0


def test_a_weekend_is_held_against_weekends() -> None:
    sunday = datetime(2026, 11, 29, 20, tzinfo=UTC)
    found = [
        replace(one, at=one.at + (span_of(sunday) - span_of(NOW)), new_texts=0)
        for one in spans("it", 0)
    ]
    draw = np.random.default_rng(3)
    found = [
        replace(one, new_texts=int(draw.poisson(3 if one.at.weekday() >= 5 else 30)))
        for one in found
    ]
    it = usual([replace(BASE, name="it")], {"it": found}, sunday)["it"]
    assert not it.day.few
    assert it.day.usual is not None
    assert it.day.usual < 40


def test_a_holiday_of_the_country_is_no_drying_up() -> None:
    quiet = {f"o{n}": cut(spans(f"o{n}", 40, n), UNTIL - DAY, 0.2) for n in range(4)}
    it = judged(cut(spans("it", 40, 9), UNTIL - DAY, 0.2), **quiet)
    assert it.quiet < 0.4
    assert not it.drying
    busy = {f"o{n}": spans(f"o{n}", 40, n) for n in range(4)}
    assert judged(cut(spans("it", 40, 9), UNTIL - DAY, 0.2), **busy).drying


def test_the_same_house_is_no_witness_of_a_holiday() -> None:
    own = {f"o{n}": cut(spans(f"o{n}", 40, n), UNTIL - DAY, 0.2) for n in range(4)}
    sources = [replace(BASE, name=name, independence="house") for name in ("it", *own)]
    found = cut(spans("it", 40, 9), UNTIL - DAY, 0.2)
    assert usual(sources, {"it": found, **own}, NOW)["it"].drying


def test_what_was_not_read_and_what_is_young_is_not_judged() -> None:
    down = [one for one in spans("it", 40) if one.at < UNTIL - timedelta(hours=18)]
    assert judged(down).day.usual is None, "ews was down, the source was not"
    young = judged(cut(spans("it", 40, since=10 * DAY), UNTIL - DAY, 0))
    assert young.day.usual is None
    assert not young.drying
    failing = [replace(one, failed=24) if one.at >= UNTIL - DAY else one for one in spans("it", 40)]
    assert judged(failing).day.usual is None, "it is failing, which is told otherwise"


def test_an_outage_in_the_past_does_not_lower_what_is_usual() -> None:
    lost = [
        replace(one, failed=24, new_texts=0) if UNTIL - 8 * DAY <= one.at < UNTIL - 6 * DAY else one
        for one in spans("it", 40)
    ]
    it = judged(cut(lost, UNTIL - DAY, 0.2))
    assert it.day.few


@pytest.mark.parametrize(("mean", "swing"), [(5.0, 1.0), (40.0, 1.0), (40.0, 5.0), (400.0, 20.0)])
def test_the_limit_is_crossed_by_chance_as_rarely_as_it_says(mean: float, swing: float) -> None:
    draw = np.random.default_rng(1)
    if swing == 1.0:
        counts = draw.poisson(mean, 20_000)
    else:
        counts = draw.negative_binomial(mean / (swing - 1), 1 / swing, 20_000)
    assert (counts < least(mean, swing, 1_000_000)).mean() <= 0.002
