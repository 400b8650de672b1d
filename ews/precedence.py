"""Two sources bring one series: which of them is believed?

Where both wrote, two that disagree would turn one value into a row of revisions that never ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from ews.model import Observation, Source
from ews.storage import Store

PATIENCE = timedelta(days=30)  # the slowest round of a source that goes first takes 7 days


def left_to_others(store: Store, source: Source, names: Collection[str], now: datetime) -> set[str]:
    """The series of these that a source named in `options.after` describes, and answered for within
    PATIENCE: there this source adds periods that nobody brought, and revises nothing."""
    after = source.options.get("after")
    first = [str(name) for name in after] if isinstance(after, list) else []
    if not first:
        return set()
    _, answered = store.newest_fetches(first)
    speaking = {name for name, fetch in answered.items() if now - fetch.at <= PATIENCE}
    if not speaking:
        return set()
    return {one.name for one in store.series(names) if one.source in speaking}


def believed(
    values: Sequence[Observation], held: Mapping[tuple[str, datetime], float], left: Collection[str]
) -> tuple[list[Observation], int]:
    """What may be kept of these values, and how many say something else than the first source."""
    kept = [
        one for one in values
        if one.series not in left or (one.series, one.observed_at) not in held
    ]  # fmt: skip
    differ = sum(
        held.get((one.series, one.observed_at), one.value) != one.value
        for one in values
        if one.series in left
    )
    return kept, differ
