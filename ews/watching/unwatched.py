"""Which items that nobody watches rose this month? Noted once, so that the digest can tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from ews.measuring import watched_codes
from ews.model import Vulnerability
from ews.storage import Store
from ews.telling.unwatched import NOTED, Unwatched
from graph.blind_spots import blind_spots
from graph.goods import goods
from graph.vulnerability import Weights

NAMED = 5  # items of one line


def note_unwatched(
    tx: Store,
    rows: Sequence[Vulnerability],
    newest: Mapping[str, datetime],
    weights: Weights,
    now: datetime,
) -> None:
    """Keep the line of the best provider's newest month. Made-up figures are noted only where there
    are no others."""
    if newest:
        provider = next(iter(newest))  # in the order of graph.trade.PROVIDERS, made-up ones last
        mine = [row for row in rows if row.facts.get("provider") == provider]
        line = unwatched(tx, mine, newest[provider], weights, now)
        tx.put(NOTED, json.dumps(asdict(line), ensure_ascii=False))


def unwatched(
    store: Store,
    rows: Sequence[Vulnerability],
    month: datetime,
    weights: Weights,
    now: datetime,
) -> Unwatched:
    """The line of one month against the month before."""
    before = [row for row in rows if row.month == month_before(month)]
    after = [row for row in rows if row.month == month]
    ruleset = store.ruleset_at(now)
    watched = watched_codes(ruleset.rules if ruleset else {})
    spots = blind_spots(before, after, weights, watched, most=len(after))
    named = [spot.item for spot in spots[:NAMED]]

    def names(lang: str) -> tuple[str, ...]:
        return tuple(f"{c} {goods()[c].name(lang)}" if c in goods() else c for c in named)

    made_up = bool(after) and all(row.synthetic for row in after)
    return Unwatched(f"{month:%Y-%m}", len(spots), names("en"), names("ko"), made_up)


def month_before(month: datetime, months: int = 1) -> datetime:
    years, at = divmod(month.year * 12 + month.month - 1 - months, 12)
    return month.replace(year=years, month=at + 1)
