"""What a month of a large stream costs the story index: time per item, open stories, memory.

The stream is synthetic: made-up happenings of made-up words, at the pace and the share of events of
a world feed. It measures cost only; whether items land rightly is `nlp.storyscore`'s part.
"""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from ews.model import Article, Mention, MentionKind, Phase, Tag, TaggedArticle
from nlp.nearness import GAP_DAYS
from nlp.stories import StoryIndex

DAYS, A_DAY = 30, 50_000
PASSED, EVENTS = 0.5, 0.13  # shares past the first pass, and that may open a story; as in 2023
AGAIN = 0.6  # share of those that follow a happening told before
SPREAD = 0.35  # length of the noise on an item's vector against the happening's own
WORDS, CODES = 40_000, 400
START = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Made:
    """A made-up happening."""

    type: str
    vector: np.ndarray[tuple[int], np.dtype[np.float64]]
    words: tuple[str, ...]
    codes: tuple[tuple[MentionKind, str], ...]


def items(days: int, a_day: int, seed: int = 5) -> Iterator[tuple[Article, TaggedArticle]]:
    """The synthetic stream, oldest first."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    recent: list[Made] = []
    for number in range(days * a_day):
        at = START + timedelta(days=number / a_day)
        kind = rng.random()
        if kind >= PASSED:
            article = Article(f"n{number}", "s", "s", "", "nothing", "", "en", at, at)
            yield article, TaggedArticle(article.id, "made", (), 0.01, None, 0.0, screened=True)
            continue
        if kind >= EVENTS:  # read by the model, and told to be nothing
            article, tagged = _tell(_make(rng, noise), number, at, rng, noise)
            yield article, replace(tagged, tags=(Tag(tagged.tags[0].type, 0.03),))
            continue
        if recent and rng.random() < AGAIN:
            made = recent[-1 - min(int(rng.expovariate(1 / 300)), len(recent) - 1)]
        else:
            made = _make(rng, noise)
            recent = [*recent[-5_000:], made]
        yield _tell(made, number, at, rng, noise)


def _make(rng: random.Random, noise: np.random.Generator) -> Made:
    """Words and codes are drawn by rank, few often and many seldom, as in real text."""
    words = tuple(f"Word{int(WORDS ** rng.random())}" for _ in range(24))
    kinds = (MentionKind.COUNTRY, MentionKind.ITEM, MentionKind.PORT, MentionKind.FIRM)
    codes = tuple((kind, f"c{int(CODES ** rng.random())}") for kind in rng.sample(kinds, k=2))
    vector = noise.normal(size=128)
    return Made(rng.choice(list(GAP_DAYS)), vector / np.linalg.norm(vector), words, codes)


def _tell(
    made: Made, number: int, at: datetime, rng: random.Random, noise: np.random.Generator
) -> tuple[Article, TaggedArticle]:
    words = rng.sample(made.words, k=16)
    outlet = f"o{rng.randrange(60)}"
    article = Article(
        f"a{number}", outlet, outlet, "", " ".join(words[:8]), " ".join(words[8:]), "en", at, at
    )
    vector = made.vector + SPREAD * noise.normal(size=128) / np.sqrt(128)
    packed = np.round(127 * vector / np.linalg.norm(vector)).astype(np.int8).tobytes()
    mentions = tuple(
        Mention(kind, code, 0.9, 0, 1, "x", in_title=True) for kind, code in made.codes
    )
    tags = (Tag(made.type, round(rng.uniform(0.1, 1.0), 3)),)
    tagged = TaggedArticle(
        article.id, "made", tags, 0.9, Phase.ACTUAL, 1.0, mentions, vector=packed
    )
    return article, tagged


def month(days: int = DAYS, a_day: int = A_DAY) -> dict[str, object]:
    """Place the stream day by day; the making of the items is not timed. Milliseconds are of CPU time,
    so that a busy machine gives the same."""
    index = StoryIndex()
    made = items(days, a_day)
    told: list[dict[str, float]] = []
    placed = 0
    for _ in range(days):
        today = [next(made) for _ in range(a_day)]
        spent: list[float] = []
        began = time.process_time()
        for article, tagged in today:
            start = time.process_time()
            home = index.place(article, tagged, 0.4)
            if not tagged.screened:
                spent.append(time.process_time() - start)
            placed += home is not None
        index.close_before(today[-1][0].available_at)
        index.touched()
        took = time.process_time() - began
        told.append({
            "ms_per_item": round(1e3 * took / a_day, 4),
            "ms_per_passed_median": round(1e3 * median(spent), 3),
            "ms_per_passed_p99": round(1e3 * sorted(spent)[int(0.99 * len(spent))], 3),
            "open_stories": len(index),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        })  # fmt: skip
    return {
        "synthetic": True,
        "items_a_day": a_day,
        "days": days,
        "passed_share": PASSED,
        "event_share": EVENTS,
        "placed": placed,
        "first_day": told[0],
        "middle_day": told[days // 2],
        "last_day": told[-1],
    }
