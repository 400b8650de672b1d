"""How often is a source called drying up? On 51 recorded feeds of 2023, a look a day, and with made-up counts.

    EWS_RECORDED_DATA=... python -m tests.bench_liveness_usual      prints the figures

Recorded: items by their time of publication, as if each had been fetched then; gaps of the recording
count as what they look like. Each day one source that brings 10 or more is cut to a fifth in a copy:
is it noticed the same day? Made up: independent days, so that every "drying up" is a false one.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ews.liveness.usual import PAST, usual
from ews.model import Source, utc
from ews.storage.tallies import SPAN, Tally, span_of
from scrapers import load_source

DATA = Path(os.environ.get("EWS_RECORDED_DATA", "../shared/data"))
DAY = timedelta(days=1)
FROM, UNTIL = datetime(2023, 2, 15, 7, tzinfo=UTC), datetime(2023, 12, 30, tzinfo=UTC)
BASE = replace(load_source("mk_economy"), independence="", country="INT")
CUT, LEAST = 0.2, 10.0
MADE_UP = ((40.0, 1.0, 1.0), (40.0, 4.0, 0.3), (200.0, 20.0, 0.3))  # a day, swing, weekends
COPIES = 1_000
Spans = Mapping[str, Sequence[Tally]]


def recorded() -> dict[str, list[Tally]]:
    """Tallies of each feed, from its first item to the end of the year."""
    counts: dict[str, Counter[datetime]] = defaultdict(Counter)
    for half in (1, 2):
        file = DATA / "feeds" / "rss2023" / f"rss_2023_h{half}.jsonl.gz"
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                counts[row["source"]][span_of(utc(row["published"]))] += 1
    return {
        name: [Tally(name, at, 24, new_texts=by[at]) for at in _spans(min(by), UNTIL)]
        for name, by in counts.items()
    }


def _spans(begin: datetime, end: datetime) -> Iterator[datetime]:
    while begin < end:
        yield begin
        begin += SPAN


def on_recorded() -> dict[str, object]:
    spans = recorded()
    sources = [replace(BASE, name=name, independence=name) for name in spans]
    dice, before, days = np.random.default_rng(0), set[str](), 0
    judged = spells = found = cut = 0
    now = FROM
    while now < UNTIL:
        known = {
            name: [one for one in own if now - PAST - DAY <= one.at < now]
            for name, own in spans.items()
        }
        told = usual(sources, known, now)
        judged += sum(one.day.usual is not None for one in told.values())
        drying = {name for name, one in told.items() if one.drying}
        spells, before = spells + len(drying - before), drying
        large = sorted(n for n, u in told.items() if (u.day.usual or 0) >= LEAST and not u.drying)
        if large:
            name = large[int(dice.integers(len(large)))]
            found += _noticed(sources, known, name, now)
            cut += 1
        now, days = now + DAY, days + 1
    return {"sources": len(sources), "days": days, "source_days_judged": judged,
            "new_spells_of_drying": spells, "cut_to_a_fifth": cut, "noticed_that_day": found}  # fmt: skip


def _noticed(sources: Sequence[Source], known: Spans, name: str, now: datetime) -> bool:
    since = span_of(now) - DAY
    less = [
        replace(one, new_texts=int(one.new_texts * CUT)) if one.at >= since else one
        for one in known[name]
    ]
    return usual(sources, {**known, name: less}, now)[name].day.few


def on_made_up() -> list[dict[str, float]]:
    """False alarms of a day and of a week, per source; the share noticed at a fifth."""
    figures = []
    for rate, swing, weekend in MADE_UP:
        rows: dict[str, float] = {"a_day": rate, "swing": swing, "weekends": weekend}
        for key, share in (("false", 1.0), ("noticed", CUT)):
            spans = {
                f"s{n}": _drawn(f"s{n}", rate, swing, weekend, share, n) for n in range(COPIES)
            }
            sources = [replace(BASE, name=name, independence="one") for name in spans]
            told = usual(sources, spans, FROM).values()
            rows[f"{key}_day"] = sum(one.day.few for one in told) / COPIES
            rows[f"{key}_week"] = sum(one.week.few for one in told) / COPIES
        figures.append(rows)
    return figures


def _drawn(
    name: str, rate: float, swing: float, weekend: float, share: float, seed: int
) -> list[Tally]:
    dice, found, mean = np.random.default_rng(seed), [], rate
    until = span_of(FROM)
    for n, at in enumerate(_spans(until - PAST, until)):
        if n % 4 == 0:
            mean = rate * (weekend if at.weekday() >= 5 else 1.0)
            mean = dice.gamma(mean / (swing - 1), swing - 1) if swing > 1 else mean
        less = share if at >= until - DAY else 1.0
        found.append(Tally(name, at, 24, new_texts=int(dice.poisson(mean / 4 * less))))
    return found


def measure() -> dict[str, object]:
    return {"recorded": on_recorded(), "made_up": on_made_up()}


def main() -> None:
    print(json.dumps(measure(), indent=1))


if __name__ == "__main__":
    main()
