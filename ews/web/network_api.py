"""/api/v1: supply networks that an analyst brought, and the national systemic ranking."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi import Path as PathParam
from pydantic import BaseModel

from ews.reports.network_files import networks
from ews.reports.network_ranking import network_systemic
from ews.reports.network_views import NetworkLine, NetworkSystemic, NetworkWhatIf
from ews.reports.network_what_if import Blow, network_what_if
from ews.reports.ranking_sheets import firms_sheet, stops_sheet
from ews.reports.systemic import SystemicReport, systemic_report
from ews.web.exposure_api import SHEET, Language, csv_answer
from ews.web.site import Site


class Networks(BaseModel):
    networks: list[NetworkLine]
    count: int


Name = Annotated[str, PathParam(description="name of a network, as /networks lists it")]
Kind = Annotated[
    Literal["country", "chokepoint", "port", "origin"] | None,
    Query(description="only this kind"),
]
Lines = Annotated[int, Query(ge=1, le=1000, description="lines of each table")]


class Supposed:
    """A what-if on a network as it stands in the query."""

    def __init__(
        self,
        node: Annotated[list[str] | None, Query(description="node hit, by its id; may be repeated")] = None,
        sector: Annotated[str, Query(description="sector hit: its code or how its codes begin")] = "",
        percent: Annotated[float, Query(description="share of its output lost, 0 to 100")] = 60.0,
        days: Annotated[float, Query(description="days that it lasts")] = 30.0,
        lag: Annotated[float, Query(description="days until it bites")] = 0.0,
        horizon: Annotated[int, Query(description="days that are looked at")] = 60,
        explain: Annotated[str, Query(description="node whose loss is explained")] = "",
        top: Annotated[int, Query(description="nodes listed")] = 20,
        mode: Annotated[
            Literal["separate", "joint"],
            Query(description="joint: what is really made drives deliveries and orders"),
        ] = "separate",
    ) -> None:  # fmt: skip
        self.blow = Blow(tuple(node or ()), sector, percent, days, lag, horizon, explain, top, mode)


class Ranked:
    """Which ranking of a network is asked for."""

    def __init__(
        self,
        top: Annotated[int, Query(ge=1, le=10_000, description="firms listed")] = 50,
        market: Annotated[bool, Query(description="others of a sector step in")] = True,
        leak: Annotated[
            bool, Query(description="sales to final demand take upstream losses out")
        ] = True,
    ) -> None:
        self.top, self.market, self.leak = top, market, leak


def network_paths(router: APIRouter, site: Site) -> None:
    """The questions about networks; for whom they are not, each answers as if there were none."""

    def ranking(request: Request, name: str, asked: Ranked) -> NetworkSystemic:
        try:
            return network_systemic(
                site.settings.home, name, request.state.viewer, at=site.clock(),
                top=asked.top, market=asked.market, leak=asked.leak,
            )  # fmt: skip
        except ValueError as err:
            raise HTTPException(400, str(err)) from err

    @router.get("/networks", summary="The supply networks that were brought")
    def listed(request: Request) -> Networks:
        found = networks(site.settings.home, request.state.viewer)
        return Networks(networks=list(found), count=len(found))

    @router.get("/networks/{name}/what-if", summary="Who loses what when some of it stops")
    def what_if(
        request: Request, name: Name, asked: Annotated[Supposed, Depends(Supposed)]
    ) -> NetworkWhatIf:
        try:
            return network_what_if(site.settings.home, name, asked.blow, request.state.viewer)
        except ValueError as err:
            raise HTTPException(400, str(err)) from err

    @router.get("/networks/{name}/systemic", summary="All firms by what their closing costs")
    def systemic(
        request: Request, name: Name, asked: Annotated[Ranked, Depends(Ranked)]
    ) -> NetworkSystemic:
        return ranking(request, name, asked)

    @router.get(
        "/networks/{name}/systemic.csv",
        summary="The same as a sheet",
        responses=SHEET,
        response_class=Response,
    )
    def systemic_csv(
        request: Request,
        name: Name,
        asked: Annotated[Ranked, Depends(Ranked)],
        lang: Language = "ko",
    ) -> Response:
        return csv_answer(firms_sheet(ranking(request, name, asked), lang), f"{name}-systemic.csv")


def ranking_paths(router: APIRouter, site: Site) -> None:
    """What would cost Korea most if it stopped: the shipped network, for everybody."""

    @router.get("/systemic", summary="What would cost Korea most if it stopped")
    def stops(kind: Kind = None, top: Lines = 20) -> SystemicReport:
        return systemic_report(site.clock().date(), top=top, kind=kind)

    @router.get(
        "/systemic.csv", summary="The same as a sheet", responses=SHEET, response_class=Response
    )
    def stops_csv(kind: Kind = None, top: Lines = 20, lang: Language = "ko") -> Response:
        report = systemic_report(site.clock().date(), top=top, kind=kind)
        return csv_answer(stops_sheet(report, lang), "systemic.csv")
