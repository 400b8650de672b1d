"""A firm's stress test: the page, the paths of the API, and one file to print."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse

from ews.reports import NotFound
from ews.reports.stress import stress_report
from ews.reports.stress_sheet import stress_sheet
from ews.reports.stress_views import StressReport
from ews.web.exposure_api import SHEET, Language, csv_answer
from ews.web.rendering import language, page, render
from ews.web.site import Site
from ews.web.what_if import number

SHOWN = 40  # sources in the table of a page; the sheet has all


class Strain:
    """A stress test as it stands in the query."""

    def __init__(
        self,
        firm: Annotated[
            str, Query(description="the viewer's own firm; empty: all of its firms")
        ] = "",
        days: Annotated[
            str, Query(description="days that each source is down; empty: by its share")
        ] = "",
        line: Annotated[str, Query(description="days of output that may be lost")] = "1",
    ) -> None:
        self.firm, self.days, self.line = firm.strip(), days.strip(), line.strip() or "1"


Asks = Annotated[Strain, Depends(Strain)]


def stress_paths(router: APIRouter, site: Site) -> None:
    """The paths of the API."""

    @router.get("/firms/stress", summary="What a firm's supply hangs on, each taken away in turn")
    def stress(request: Request, asked: Asks) -> StressReport:
        return _answer(request, site, asked)

    @router.get(
        "/firms/stress.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def stress_csv(request: Request, asked: Asks, lang: Language = "ko") -> Response:
        return csv_answer(stress_sheet(_answer(request, site, asked), lang), "stress.csv")


def _answer(request: Request, site: Site, asked: Strain) -> StressReport:
    """400 for a wrong number; NotFound alike for no firm and for another's."""
    try:
        return _report(request, site, asked)
    except ValueError as err:
        raise HTTPException(400, str(err)) from err


def _report(request: Request, site: Site, asked: Strain) -> StressReport:
    return stress_report(
        site.store,
        asked.firm or None,
        now=site.clock(),
        viewer=request.state.viewer,
        days=number("days", asked.days) if asked.days else None,
        line=number("line", asked.line),
    )


def stress_page(request: Request, site: Site, asked: Strain) -> HTMLResponse:
    """The form and the report; what is wrong is told beside the form."""
    report, unknown, wrong = None, "", ""
    try:
        report = _report(request, site, asked)
    except NotFound as err:
        unknown = str(err)
    except ValueError as err:
        wrong = str(err)
    lang = language(request)
    query = {"firm": asked.firm, "days": asked.days, "line": asked.line, "lang": lang}
    return page(
        request,
        "stress.html",
        status=404 if unknown else 400 if wrong else 200,
        asked=asked,
        report=report,
        wrong=unknown or wrong,
        shown=SHOWN,
        csv=f"/api/v1/firms/stress.csv?{urlencode({k: v for k, v in query.items() if v})}",
    )


def stress_html(report: StressReport, lang: str) -> str:
    """The report as one HTML file that needs no server: print it, or save it as PDF."""
    style = files("ews.web").joinpath("static").joinpath("site.css").read_text("utf-8")
    return render("stress_alone.html", lang, report=report, style=style, shown=len(report.sources))
