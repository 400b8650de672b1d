"""Which texts of a turn are kept? Those that are new; of a source that nobody vouches for, not without end.

What comes in must be read by the classifier before the next cycle ends, so a private feed that sends
thousands of texts an hour would hold up the alerts of all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ews.model import Article, Source
from ews.storage import Store
from scrapers import Collected
from scrapers.voices import first_hand, may_be_silenced

DAY = timedelta(days=1)
A_DAY = 2_000  # new texts of one private source that nobody promoted; a busy newsroom has 500


def keep_texts(tx: Store, source: Source, texts: Sequence[Article]) -> int:
    """Keep the texts; how many are new. What another source gave before under the same link and
    title is kept again where this one says it first hand: nobody silences a ministry by copying it."""
    new = tx.save_articles(texts)
    own = [one.id for one in texts if may_be_silenced(source, one)]
    if new == len(texts) or not own:
        return new
    return new + tx.save_articles(first_hand(source, texts, tx.articles(own)))


def within_quota(store: Store, source: Source, got: Collected, now: datetime) -> Collected:
    """The turn with no more new texts than the source may bring in a day; what was left out is told."""
    texts = [one for one in got.signals if isinstance(one, Article)]
    if source.trusted or not texts:
        return got
    left = A_DAY - sum(one.new_texts for one in store.tallies_of(source.name, now - DAY))
    if len(texts) <= left:
        return got
    known = store.articles([one.id for one in texts])
    new = [one for one in texts if one.id not in known]
    over = {one.id for one in new[max(left, 0) :]}
    if not over:
        return got
    note = f"{len(over)} new texts more than the {A_DAY:,} a day of an unverified source; not kept"
    error = "; ".join(filter(None, [got.fetch.error, note]))
    kept = [one for one in got.signals if one.id not in over]
    return replace(got, fetch=replace(got.fetch, error=error), signals=kept)
