"""/api/v1/sources: the sources and how they stand, one of them in full, and the list as a sheet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as PathParam

from ews.reports.source_report import source_report
from ews.reports.source_sheet import sources_sheet
from ews.reports.source_views import SourceReport, SourcesReport
from ews.web.exposure_api import SHEET, Language, csv_answer
from ews.web.site import Site
from ews.web.source_asked import Filters, listed

Asks = Annotated[Filters, Depends(Filters)]


def source_paths(router: APIRouter, site: Site) -> None:
    """The paths on the router of the API; every viewer may read them, kept bodies aside."""

    @router.get("/sources", summary="Sources and their state, what to do, and what is blind for it")
    def sources(asks: Asks) -> SourcesReport:
        return listed(site, asks.asked)

    @router.get(
        "/sources.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def sources_csv(asks: Asks, lang: Language = "ko") -> Response:
        return csv_answer(sources_sheet(listed(site, asks.asked), lang), "sources.csv")

    @router.get("/sources/{name}", summary="One source: turns, what it brought, what rests on it")
    def source(
        request: Request, name: Annotated[str, PathParam(description="name of the source")]
    ) -> SourceReport:
        return source_report(site.store, name, site.clock(), request.state.viewer)
