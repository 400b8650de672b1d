"""What of vulnerability is asked, by a page or the API; the rows of a month are read once for all."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Annotated, TypeVar

from fastapi import Query, Request

from alerts.words import Bilingual
from ews.model import RuleSet
from ews.reports.watch import MOST, Asked
from ews.reports.watch_book import Book, month_of, open_book, state_of
from ews.tuning.rules import Changer
from ews.tuning.watch_list import unwatch, watch
from ews.web.problems import FormRefused
from ews.web.site import Site

KEPT = 4  # months remembered: some 20 MB each
X = TypeVar("X")
FILTERS = (
    "item", "industry", "ministry", "min_score", "watched", "sort", "month", "limit", "offset",
)  # fmt: skip


@dataclass(slots=True)
class Books:
    """The months that were asked of late; computed anew, they are read anew."""

    kept: OrderedDict[Hashable, Book] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def of(self, site: Site, month: datetime | None) -> Book:
        key = (state_of(site.store), month)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        found = site.models.run(("watch", key), lambda: open_book(site.store, month))
        with self.lock:
            self.kept[key] = found
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return found


def answered(question: Callable[[], X]) -> X:
    """400 says what is wrong with the question."""
    try:
        return question()
    except ValueError as err:
        ko = err.ko if isinstance(err, Bilingual) else str(err)
        raise FormRefused(400, str(err), ko) from err


class Filters:
    """The query of the table."""

    def __init__(
        self,
        item: Annotated[
            str, Query(description="item, HS code of 2 to 6 digits, or part of a name")
        ] = "",
        industry: Annotated[
            str, Query(description="KSIC code, or how it begins, of who makes or uses it")
        ] = "",
        ministry: Annotated[str, Query(description="ministry that should hear of it")] = "",
        min_score: Annotated[float | None, Query(description="score or more, 0 to 1")] = None,
        watched: Annotated[
            bool | None, Query(description="only watched, or only unwatched")
        ] = None,
        sort: Annotated[
            str, Query(description="index or column, largest first; -NAME smallest first")
        ] = "score",
        month: Annotated[str | None, Query(description="2026-10; the newest of each item")] = None,
        limit: Annotated[int, Query(ge=1, le=MOST, description="lines at most")] = 50,
        offset: Annotated[int, Query(ge=0, description="lines passed over")] = 0,
    ) -> None:
        self.month = answered(lambda: month_of(month))
        self.asked = answered(
            lambda: Asked(item, industry, ministry, min_score, watched, sort, limit, offset)
        )


@dataclass(frozen=True, slots=True)
class Typed:
    """The same as a form sends it: what is left empty is everything."""

    month: datetime | None
    asked: Asked


def typed(request: Request, limit: int) -> Typed:
    given = given_of(request)
    return answered(lambda: _typed(given, limit))


def given_of(request: Request) -> dict[str, str]:
    return {k: v.strip() for k, v in request.query_params.items() if k in FILTERS and v.strip()}


def _typed(given: Mapping[str, str], limit: int) -> Typed:
    try:
        least = float(given["min_score"]) if "min_score" in given else None
        offset = int(given.get("offset", "0"))
    except ValueError:
        raise ValueError("min_score and offset are numbers") from None
    watched = {"true": True, "1": True, "false": False, "0": False}.get(given.get("watched", ""))
    asked = Asked(
        given.get("item", ""), given.get("industry", ""), given.get("ministry", ""), least, watched,
        given.get("sort", "score"), limit, offset,
    )  # fmt: skip
    return Typed(month_of(given.get("month")), asked)


def change_list(
    site: Site, what: str, item: str, reason: str, budget: float | None, changer: Changer
) -> RuleSet:
    """Put an item on the list or take it off. ActRefused, or one of the errors of the rules."""
    now = site.clock()
    if what == "remove":
        return unwatch(site.store, item, reason=reason, now=now, changer=changer)
    return watch(site.store, item, reason=reason, now=now, budget=budget, changer=changer)
