"""/api/v1/watch: vulnerability of items, what changed, blind spots, and the watch list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParam
from pydantic import Field

from ews.reports import Viewer
from ews.reports.watch import MOST, watch_table
from ews.reports.watch_book import month_of
from ews.reports.watch_changes import watch_changes, watch_spots
from ews.reports.watch_item import watch_item
from ews.reports.watch_list import list_key, watch_list
from ews.reports.watch_sheet import watch_sheet
from ews.reports.watch_views import Spots, WatchChanges, WatchItem, WatchList, WatchTable
from ews.web.acts_api import Body, Some, SomeValue, request_body, sent
from ews.web.api import PROBLEMS
from ews.web.asked import only
from ews.web.exposure_api import SHEET, Language, csv_answer
from ews.web.rule_changes import changer_of, saved
from ews.web.site import Site
from ews.web.watch_asked import FILTERS, Books, Filters, answered, change_list

Month = Annotated[str | None, Query(description="2026-10; the newest of each item")]
Since = Annotated[str | None, Query(description="month that is compared with; the one before")]
Lines = Annotated[int, Query(ge=1, le=MOST, description="lines at most")]
Asks = Annotated[Filters, Depends(Filters)]
Item = Annotated[str, PathParam(description="item id, name, or HS6 code")]


class Added(Body):
    item: SomeValue = Field(description="item id, name, or HS6 code")
    reason: Some
    budget: float | None = Field(None, gt=0, description="false alarms a year that are accepted")


class Removed(Body):
    reason: Some


def watch_api_router(site: Site, who: Callable[[Request], Viewer], books: Books) -> APIRouter:
    """The paths, bound to one store; `who` makes the viewer of each request."""
    problems = PROBLEMS | {code: PROBLEMS[400] for code in (409, 413, 415, 422)}
    router = APIRouter(prefix="/api/v1", responses=problems, dependencies=[Depends(who)])
    _table_paths(router, site, books)
    _change_paths(router, site, books)
    _list_paths(router, site)
    return router


def _table_paths(router: APIRouter, site: Site, books: Books) -> None:
    def found(asks: Filters) -> WatchTable:
        book = books.of(site, asks.month)
        return watch_table(site.store, asks.asked, now=site.clock(), month=asks.month, book=book)

    @router.get("/watch", summary="Vulnerability of every HS6 item, filtered and sorted")
    def table(request: Request, asks: Asks) -> WatchTable:
        only(request, {*FILTERS, "lang"})
        return found(asks)

    @router.get(
        "/watch.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def table_csv(request: Request, asks: Asks, lang: Language = "ko") -> Response:
        only(request, {*FILTERS, "lang"})
        return csv_answer(watch_sheet(found(asks), lang), "watch.csv")

    @router.get(
        "/watch/items/{item}", summary="One item: indices, past, what changed and why, partners"
    )
    def one(item: Item, month: Month = None) -> WatchItem:
        at = answered(lambda: month_of(month))
        return watch_item(site.store, item, now=site.clock(), month=at, book=books.of(site, at))


def _change_paths(router: APIRouter, site: Site, books: Books) -> None:
    @router.get("/watch/changed", summary="Items whose score rose and fell most, and why")
    def changed(month: Month = None, since: Since = None, limit: Lines = 20) -> WatchChanges:
        at, before = answered(lambda: (month_of(month), month_of(since)))
        return watch_changes(
            site.store, now=site.clock(), month=at, since=before, limit=limit,
            book=books.of(site, at),
        )  # fmt: skip

    @router.get(
        "/watch/blind-spots", summary="Items that rise while nobody watches them, and whom to tell"
    )
    def spots(month: Month = None, since: Since = None, limit: Lines = 50) -> Spots:
        at, before = answered(lambda: (month_of(month), month_of(since)))
        return watch_spots(
            site.store, now=site.clock(), month=at, since=before, limit=limit,
            book=books.of(site, at),
        )  # fmt: skip


def _list_paths(router: APIRouter, site: Site) -> None:
    @router.get("/watch/list", summary="The watch list of analysts: what, who, when, why")
    def listed() -> WatchList:
        return watch_list(site.store, site.clock())

    @router.post(
        "/watch/list", summary="Put an item on the watch list; analysts",
        openapi_extra=request_body(Added),
    )  # fmt: skip
    def add(request: Request, given: Annotated[Added, Depends(sent(Added))]) -> WatchList:
        changer = changer_of(request, site, "watch")
        key = list_key(given.item)
        saved(lambda: change_list(site, "add", key, given.reason, given.budget, changer))
        return watch_list(site.store, site.clock())

    @router.post(
        "/watch/list/{item}/remove", summary="Take an item off the watch list; analysts",
        openapi_extra=request_body(Removed),
    )  # fmt: skip
    def remove(
        request: Request, item: Item, given: Annotated[Removed, Depends(sent(Removed))]
    ) -> WatchList:
        changer, key = changer_of(request, site, "watch"), list_key(item)
        saved(lambda: change_list(site, "remove", key, given.reason, None, changer))
        return watch_list(site.store, site.clock())
