"""/api/v1: exposure, outlooks and what-ifs, as JSON and as sheets."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as PathParam

from ews.reports import KINDS, ExposureReport
from ews.reports.outlook import outlook_report
from ews.reports.outlook_views import OutlookReport
from ews.reports.sheet import outlook_sheet, sheet
from ews.web.asked import known, only
from ews.web.site import Site
from ews.web.what_if import NAMES, Asked, asked_exposure, asked_what_if


class Question:
    """One question about exposure, as it stands in the query; 400 unless exactly one is asked."""

    def __init__(
        self,
        request: Request,
        item: Annotated[str | None, Query(description="code, name or HS code")] = None,
        country: Annotated[str | None, Query(description="ISO code or name")] = None,
        chokepoint: Annotated[str | None, Query(description="code or name")] = None,
        port: Annotated[str | None, Query(description="code or name")] = None,
        industry: Annotated[str | None, Query(description="KSIC code or name")] = None,
        firm: Annotated[str | None, Query(description="the viewer's own firm")] = None,
        event: Annotated[str | None, Query(description="event ID")] = None,
        as_of: Annotated[
            str | None,
            Query(description="what was known at that time; a date is its end in Korea"),
        ] = None,
    ) -> None:
        only(request, {*KINDS, "as_of", "outlook", "lang"})
        asked = {
            "item": item, "country": country, "chokepoint": chokepoint, "port": port,
            "industry": industry, "firm": firm, "event": event,
        }  # fmt: skip
        given = [(kind, value) for kind, value in asked.items() if value]
        if len(given) != 1:
            raise HTTPException(400, f"give exactly one of {', '.join(asked)}")
        self.kind, self.value = given[0]
        self.asked_of = as_of


SHEET: dict[int | str, dict[str, object]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "a sheet"}
}
Asks = Annotated[Question, Depends(Question)]
Language = Annotated[Literal["ko", "en"], Query(description="language of names")]


class Supposition:
    """A what-if as it stands in the query."""

    def __init__(
        self,
        request: Request,
        name: Annotated[str, Query(description="what is hit: code, name or HS code")],
        kind: Annotated[
            Literal["item", "origin", "country", "chokepoint", "port"],
            Query(description="what `name` names"),
        ] = "item",
        country: Annotated[str, Query(description="of an origin: ISO code or name")] = "",
        percent: Annotated[str, Query(description="share of the flow lost, 0 to 100")] = "50",
        duration: Annotated[str, Query(description="days")] = "60",
        lag: Annotated[str, Query(description="days until it bites")] = "0",
        stock: Annotated[str, Query(description="days of cover; empty: as known")] = "",
    ) -> None:
        only(request, {*NAMES, "lang"})
        self.asked = Asked(kind, name, country, percent, duration, lag, stock)


Supposed = Annotated[Supposition, Depends(Supposition)]


def exposure_paths(router: APIRouter, site: Site) -> None:
    """The questions about exposure: rows, sheets, outlooks and what-ifs."""

    def answer(request: Request, asked: Question, outlook: bool) -> ExposureReport:
        as_of = known(asked.asked_of, site.clock())
        return asked_exposure(request, site, asked.kind, asked.value, as_of, outlook=outlook)

    @router.get("/exposure", summary="What depends on it, and what threatens it")
    def exposure(
        request: Request,
        asked: Asks,
        outlook: Annotated[
            bool, Query(description="run the model on the strongest event: about a second")
        ] = False,
    ) -> ExposureReport:
        return answer(request, asked, outlook)

    @router.get(
        "/exposure.csv",
        summary="The same as a sheet, with the outlook",
        responses=SHEET,
        response_class=Response,
    )
    def exposure_csv(request: Request, asked: Asks, lang: Language = "ko") -> Response:
        return csv_answer(sheet(answer(request, asked, True), lang), "exposure.csv")

    @router.get("/outlook/{event_id}", summary="Who runs short when, and what could be done")
    def outlook(
        request: Request, event_id: Annotated[str, PathParam(description="event ID")]
    ) -> OutlookReport:
        viewer, now = request.state.viewer, site.clock()
        return site.models.run(
            ("outlook", event_id, viewer),
            lambda: outlook_report(site.store, event_id, now=now, viewer=viewer),
        )

    @router.get("/what-if", summary="The outlook of a blow that nobody reported")
    def what_if(request: Request, asked: Supposed) -> OutlookReport:
        return supposed(request, site, asked)

    @router.get(
        "/what-if.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def what_if_csv(request: Request, asked: Supposed, lang: Language = "ko") -> Response:
        return csv_answer(outlook_sheet(supposed(request, site, asked), lang), "what-if.csv")


def supposed(request: Request, site: Site, asked: Supposition) -> OutlookReport:
    """The outlook of a supposition; 400 for a wrong number, 404 for an unknown name."""
    try:
        return asked_what_if(request, site, asked.asked)
    except ValueError as err:
        raise HTTPException(400, str(err)) from err


def csv_answer(text: str, name: str) -> Response:
    """A sheet to be saved under the name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)
