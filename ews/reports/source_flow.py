"""What each source brought of late beside what it usually brings, as its line tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ews.model import Source
from ews.reports.source_advice import advise
from ews.reports.source_dark import Coverage
from ews.reports.source_views import SourceLine
from ews.storage import Store

if TYPE_CHECKING:
    from ews.liveness import Usual


def flows(store: Store, sources: Sequence[Source], now: datetime) -> dict[str, Usual]:
    """What the sources that were asked within the last week brought, by name."""
    from ews.liveness import PAST, usual  # its libraries take a moment that other commands save

    return usual([one for one in sources if one.enabled], store.tallies(now - PAST), now)


def in_full(line: SourceLine, found: Mapping[str, Usual], seen: Coverage | None) -> SourceLine:
    """The line with what it brought, what rests on it, and what to do, drying up included."""
    return _covering(_flowing(line, found.get(line.name)), seen)


def _flowing(line: SourceLine, found: Usual | None) -> SourceLine:
    if found is None:
        return line
    flowing = replace(
        line,
        seen_day=found.day.seen,
        usual_day=found.day.usual,
        seen_week=found.week.seen,
        usual_week=found.week.usual,
        drying=found.drying,
    )
    return replace(flowing, advice=advise(flowing))


def _covering(line: SourceLine, seen: Coverage | None) -> SourceLine:
    if seen is None:
        return line
    own = seen.of(line.name)
    return replace(
        line,
        covers_items=sum(subject.startswith("item:") for subject in own),
        covers_countries=sum(subject.startswith("country:") for subject in own),
        dark=sum(subject in seen.dark for subject in own),
    )
