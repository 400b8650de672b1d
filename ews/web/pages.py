"""The pages: server-rendered, Korean by default, complete without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.model import Stage
from ews.reports import (
    KINDS,
    ExposureLine,
    NotFound,
    Viewer,
    alert_list,
    explain,
    exposure_report,
    find,
    hops_of,
    ruleset_lines,
    source_lines,
)
from ews.web.asked import moment, stage_number
from ews.web.drawing import draw_paths
from ews.web.help_pages import READERS, help_html
from ews.web.network_pages import network_pages
from ews.web.outlook_drawing import outlook_drawn
from ews.web.rendering import language, page
from ews.web.site import Site
from ews.web.stress_page import Strain, stress_page
from ews.web.what_if import what_if_page

PATHS_DRAWN = 6  # more boxes than this and nobody reads them; the table lists all


def page_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """All pages, bound to one store; `who` makes the viewer of each request."""
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )
    _alert_pages(router, site)
    _other_pages(router, site)
    network_pages(router, site)
    return router


def _alert_pages(router: APIRouter, site: Site) -> None:
    @router.get("/")
    def alerts(request: Request, stage: str = "", state: str = "", item: str = "") -> HTMLResponse:
        found = alert_list(
            site.store,
            stage=stage_number(stage),
            state=state or None,
            items=find("item", item) if item.strip() else None,
            limit=200,
        )
        blind = [line for line in source_lines(site.store, site.clock()) if line.blind]
        return page(
            request, "alerts.html",
            alerts=found, blind=blind, stage=stage, state=state, item=item, stages=list(Stage),
        )  # fmt: skip

    @router.get("/alerts/{alert_id}")
    def alert(request: Request, alert_id: str) -> HTMLResponse:
        found = explain(site.store, alert_id, viewer=request.state.viewer)
        drawing = _drawn(found.exposures, language(request))
        return page(
            request, "alert.html", found=found, drawing=drawing, hops=hops_of(found.exposures)
        )


def _drawn(exposures: Sequence[ExposureLine], lang: str) -> Markup:
    return Markup(draw_paths([one.path for one in exposures[:PATHS_DRAWN]], lang))


def _other_pages(router: APIRouter, site: Site) -> None:
    @router.get("/exposure")
    def exposure(request: Request, as_of: str = "") -> HTMLResponse:
        asked = [(k, v.strip()) for k in KINDS if (v := request.query_params.get(k, "")).strip()]
        kind, value = asked[0] if asked else ("item", "")
        report, unknown, drawing = None, "", Markup()
        if asked:
            try:
                report = exposure_report(
                    site.store,
                    kind,
                    value,
                    now=site.clock(),
                    as_of=moment(as_of),
                    viewer=request.state.viewer,
                    with_outlook=True,
                )
                drawing = _drawn(report.exposures, language(request))
            except NotFound as err:
                unknown = str(err)
        return page(
            request,
            "exposure.html",
            status=404 if unknown else 200,
            kind=kind,
            value=value,
            as_of=as_of,
            report=report,
            unknown=unknown,
            csv=f"/api/v1/exposure.csv?{request.query_params}",
            drawing=drawing,
            hops=hops_of(report.exposures) if report else (),
            **outlook_drawn(report.outlook if report else None, language(request)),
        )

    @router.get("/what-if")
    def what_if(request: Request) -> HTMLResponse:
        return what_if_page(request, site)

    @router.get("/firms/stress")
    def stress(request: Request, asked: Annotated[Strain, Depends(Strain)]) -> HTMLResponse:
        return stress_page(request, site, asked)

    @router.get("/sources")
    def sources(request: Request) -> HTMLResponse:
        return page(request, "sources.html", sources=source_lines(site.store, site.clock()))

    @router.get("/rules")
    def rules(request: Request) -> HTMLResponse:
        return page(request, "rules.html", rulesets=ruleset_lines(site.store))

    @router.get("/help")
    @router.get("/help/{reader}")
    def help_page(request: Request, reader: str = "official") -> HTMLResponse:
        lang = language(request)
        return page(request, "help.html", reader=reader, readers=READERS,
                    html=Markup(help_html(reader, lang)))  # fmt: skip
