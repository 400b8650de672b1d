"""What does the silence of each source mean now? Its state, beside what says so: one answer for every
page, message and metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Fetch, Polling, Source, SourceState
from ews.storage import Store
from scrapers import freshness
from scrapers.schedule import renewed


@dataclass(frozen=True, slots=True)
class Heard:
    """What was last heard of a source: `last` of any outcome, `good` the last good answer."""

    source: Source
    last: Fetch | None
    good: Fetch | None
    polling: Polling
    state: SourceState


def heard(store: Store, sources: Sequence[Source], now: datetime) -> list[Heard]:
    """Each of the sources as it stands at `now`, in their order."""
    last, good = store.newest_fetches(one.name for one in sources)
    pollings = store.pollings()
    found = []
    for one in sources:
        polling = renewed(one, pollings.get(one.name) or Polling(one.name))
        tried, answered = last.get(one.name), good.get(one.name)
        state = freshness(one, answered, now, tried, polling.news_at)
        found.append(Heard(one, tried, answered, polling, state))
    return found


def silent_first_named(found: Sequence[Heard]) -> tuple[Source, ...]:
    """The silent ones among them, in the order in which a message names a few: states and measurers
    before newsrooms and machines, Korean ones first."""
    silent = [one.source for one in found if one.state.blind]
    return tuple(sorted(silent, key=lambda one: (one.tier, one.country != "KR", one.name)))
