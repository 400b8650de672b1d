"""What of series is asked, by a page or the API; the budget is shared out once for all who ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated

from fastapi import HTTPException, Query

from ews.reports.series_budget import budget_report
from ews.reports.series_list import FARTHEST, Asked, series_list
from ews.reports.series_report import PERIODS, Known, known_of, series_report
from ews.reports.series_report import known as known_then
from ews.reports.series_views import BudgetReport, SeriesList, SeriesReport
from ews.web.asked import known
from ews.web.site import Site

KEPT = 6  # moments remembered
FRESH = timedelta(seconds=60)  # what is told of now may be so old


@dataclass(slots=True)
class SeriesKept:
    """The budget as shared out, and what came of it, at the moments that were asked of late."""

    kept: OrderedDict[Hashable, tuple[datetime, Known]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def at(self, site: Site, as_of: datetime | None) -> Known:
        now = site.clock()
        key = ("now", len(site.store.rulesets())) if as_of is None else as_of
        with self.lock:
            made, found = self.kept.get(key, (now, None))
            if found is not None and (as_of is not None or timedelta(0) <= now - made < FRESH):
                return found
        found = site.models.run(
            ("series", key), lambda: known_then(site.store, as_of or now, as_of is not None)
        )
        with self.lock:
            self.kept[key] = (now, found)
            self.kept.move_to_end(key)
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return found


class Filters:
    """The query of the list."""

    def __init__(
        self,
        q: Annotated[str, Query(description="words: item, place or name, Korean or English")] = "",
        item: Annotated[str, Query(description="name, id or HS code of an item")] = "",
        provider: Annotated[str, Query(description="such as customs")] = "",
        measure: Annotated[str, Query(description="such as import-kg")] = "",
        place: Annotated[str, Query(description="such as CN-KR or suez")] = "",
        detected: Annotated[bool, Query(description="only series that alarmed")] = False,
        sort: Annotated[str, Query(description="name, newest or found")] = "",
        offset: Annotated[int, Query(ge=0, le=FARTHEST, description="series passed over")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000, description="series of a page")] = 100,
    ) -> None:
        self.asked = Asked(
            q, item.strip(), provider.strip(), measure.strip(), place.strip(), detected, sort,
            offset, limit,
        )  # fmt: skip


def listed(site: Site, asked: Asked) -> SeriesList:
    """The page of the list. 400 says what is wrong."""
    try:
        return series_list(site.store, asked, site.clock())
    except ValueError as err:
        raise HTTPException(400, str(err)) from err


def one_series(
    site: Site, kept: SeriesKept, name: str, as_of: str | None, periods: int | None = PERIODS
) -> SeriesReport:
    """One series as known then. NotFound when there was none."""
    now = site.clock()
    at = known(as_of, now)
    given = (None if at else known_of(site.store, name, now)) or kept.at(site, at)
    return series_report(site.store, name, now, at, periods, given)


def budget_of(
    site: Site, kept: SeriesKept, item: str, as_of: str | None, limit: int
) -> BudgetReport:
    at = known(as_of, site.clock())
    found = kept.at(site, at)
    return budget_report(found.shared, found.kept, at or site.clock(), item, limit)
