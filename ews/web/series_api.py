"""/api/v1/series: the series, one of them as known then, and the false-alarm budget; open data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParam

from ews.reports import NotForViewer, Viewer
from ews.reports.series_dry_run import dry_run
from ews.reports.series_sheet import budget_sheet, list_sheet, points_sheet, vintages_sheet
from ews.reports.series_views import BudgetReport, DryRun, SeriesList, SeriesReport
from ews.web.api import PROBLEMS
from ews.web.asked import known
from ews.web.exposure_api import SHEET, Language, csv_answer
from ews.web.rendering import TUNERS
from ews.web.series_asked import Filters, SeriesKept, budget_of, listed, one_series
from ews.web.site import Site

AsOf = Annotated[
    str | None, Query(description="what was known at that time; a date is its end in Korea")
]
Asks = Annotated[Filters, Depends(Filters)]
Item = Annotated[str, Query(description="only this item: name, id or HS code")]
Lines = Annotated[int, Query(ge=1, le=10_000, description="items listed")]
ONE = "/series/{provider}/{measure}/{place}/{item}"


class Named:
    """The four parts of a series' name, as they stand in the path."""

    def __init__(
        self,
        provider: Annotated[str, PathParam(description="who publishes it")],
        measure: Annotated[str, PathParam(description="what is measured")],
        place: Annotated[str, PathParam(description="where; - for none")],
        item: Annotated[str, PathParam(description="of what; - for none")],
    ) -> None:
        self.name = f"{provider}/{measure}/{place}/{item}"
        self.file = f"{provider}-{measure}-{place}-{item}".replace("--", "-").strip("-")


Name = Annotated[Named, Depends(Named)]


def series_api_router(site: Site, who: Callable[[Request], Viewer], kept: SeriesKept) -> APIRouter:
    """The paths, bound to one store. Series are public figures: every viewer may read them."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS, dependencies=[Depends(who)])

    @router.get("/series", summary="Series, with their newest value and how old it is")
    def every(asks: Asks) -> SeriesList:
        return listed(site, asks.asked)

    @router.get(
        "/series.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def every_csv(asks: Asks, lang: Language = "ko") -> Response:
        return csv_answer(list_sheet(listed(site, asks.asked), lang), "series.csv")

    @router.get("/series/budget", summary="The false-alarm budget: set, shared out, and kept")
    def budget(item: Item = "", as_of: AsOf = None, limit: Lines = 50) -> BudgetReport:
        return budget_of(site, kept, item, as_of, limit)

    @router.get(
        "/series/budget.csv", summary="The same as a sheet, a line for each item",
        responses=SHEET, response_class=Response,
    )  # fmt: skip
    def budget_csv(
        item: Item = "", as_of: AsOf = None, limit: Lines = 10_000, lang: Language = "ko"
    ) -> Response:
        found = budget_of(site, kept, item, as_of, limit)
        return csv_answer(budget_sheet(found, lang), "series-budget.csv")

    _one(router, site, kept)
    return router


def _one(router: APIRouter, site: Site, kept: SeriesKept) -> None:
    @router.get(ONE, summary="One series: values, vintages, alarms, events and budget")
    def one(
        name: Name,
        as_of: AsOf = None,
        periods: Annotated[
            int, Query(ge=1, le=5000, description="newest periods whose vintages are listed")
        ] = 60,
    ) -> SeriesReport:
        return one_series(site, kept, name.name, as_of, periods)

    @router.get(
        f"{ONE}/periods.csv", summary="Its periods as the detectors saw them, as a sheet",
        responses=SHEET, response_class=Response,
    )  # fmt: skip
    def periods_csv(name: Name, as_of: AsOf = None, lang: Language = "ko") -> Response:
        found = one_series(site, kept, name.name, as_of)
        return csv_answer(points_sheet(found, lang), f"{name.file}.csv")

    @router.get(
        f"{ONE}/vintages.csv", summary="Every published figure of it, as a sheet",
        responses=SHEET, response_class=Response,
    )  # fmt: skip
    def vintages_csv(name: Name, as_of: AsOf = None, lang: Language = "ko") -> Response:
        found = one_series(site, kept, name.name, as_of, None)
        return csv_answer(vintages_sheet(found, lang), f"{name.file}-vintages.csv")

    @router.get(f"{ONE}/dry-run", summary="What every detector says at each release; analysts")
    def run(
        request: Request,
        name: Name,
        since: Annotated[
            str | None, Query(description="first release; a year back if none")
        ] = None,
        as_of: AsOf = None,
    ) -> DryRun:
        if request.state.viewer.role not in TUNERS:
            raise NotForViewer("a dry run of the detectors is for analysts and operators")
        now = site.clock()
        until = known(as_of, now) or now
        first = known(since, now) or until - timedelta(days=366)
        given = kept.at(site, known(as_of, now)).shared
        return site.models.run(
            ("dry-run", name.name, first, until),
            lambda: dry_run(site.store, name.name, first, until, given),
        )
