"""The pages: server-rendered, Korean by default, complete without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.model import Stage
from ews.reports import (
    KINDS,
    ExposureLine,
    ExposureReport,
    NotFound,
    UnknownName,
    Viewer,
    alert_list,
    find,
    hops_of,
    ruleset_lines,
    source_lines,
)
from ews.reports.explain import explain
from ews.reports.given import KST
from ews.reports.steps import first_steps
from ews.web.acts_pages import acting_values
from ews.web.asked import known, only, stage_number
from ews.web.drawing import draw_paths
from ews.web.help_pages import READERS, help_html
from ews.web.network_pages import network_pages
from ews.web.outlook_drawing import outlook_drawn
from ews.web.proof_pages import proof_pages
from ews.web.rendering import language, page
from ews.web.site import Site
from ews.web.stress_page import Strain, stress_page
from ews.web.what_if import asked_exposure, what_if_page

PATHS_DRAWN = 6  # more boxes than this and nobody reads them; the table lists all


def page_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """All pages, bound to one store; `who` makes the viewer of each request."""
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )
    _alert_pages(router, site)
    _other_pages(router, site)
    network_pages(router, site)
    proof_pages(router, site)
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
            request, "alert.html", found=found, drawing=drawing, hops=hops_of(found.exposures),
            acting=acting_values(request, site, found.alert.id),
            steps=first_steps(found.alert.type.code, found.alert.stage, language(request)),
        )  # fmt: skip


def _drawn(exposures: Sequence[ExposureLine], lang: str) -> Markup:
    return Markup(draw_paths([one.path for one in exposures[:PATHS_DRAWN]], lang))


def _other_pages(router: APIRouter, site: Site) -> None:
    @router.get("/exposure")
    def exposure(request: Request) -> HTMLResponse:
        return _exposure_page(request, site)

    @router.get("/what-if")
    def what_if(request: Request) -> HTMLResponse:
        return what_if_page(request, site)

    @router.get("/firms/stress")
    def stress(request: Request, asked: Annotated[Strain, Depends(Strain)]) -> HTMLResponse:
        return stress_page(request, site, asked)

    @router.get("/rules")
    def rules(request: Request) -> HTMLResponse:
        return page(request, "rules.html", rulesets=ruleset_lines(site.store))

    @router.get("/help")
    @router.get("/help/{reader}")
    def help_page(request: Request, reader: str = "official") -> HTMLResponse:
        lang = language(request)
        return page(request, "help.html", reader=reader, readers=READERS,
                    html=Markup(help_html(reader, lang)))  # fmt: skip


def _exposure_page(request: Request, site: Site) -> HTMLResponse:
    """The form, and the report when one thing was asked; what is wrong is told beside the form."""
    only(request, {*KINDS, "as_of", "lang"})
    lang = language(request)
    given = {k: v.strip() for k, v in request.query_params.items() if v.strip()}
    asked = {k: given[k] for k in KINDS if k in given}
    report, wrong, status = None, "", 200
    try:
        report = _asked_exposure(request, site, asked, given.get("as_of"))
    except UnknownName as err:
        wrong, status = err.text(lang), 404
    except NotFound as err:
        wrong, status = str(err), 404
    except HTTPException as err:
        wrong, status = str(err.detail), err.status_code
    return page(
        request,
        "exposure.html",
        status=status,
        asked=asked,
        as_of=given.get("as_of", ""),
        today=site.clock().astimezone(KST).date(),
        report=report,
        wrong=wrong,
        csv=f"/api/v1/exposure.csv?{urlencode({**given, 'lang': lang})}",
        drawing=_drawn(report.exposures, lang) if report else Markup(),
        hops=hops_of(report.exposures) if report else (),
        **outlook_drawn(report.outlook if report else None, lang),
    )


def _asked_exposure(
    request: Request, site: Site, asked: Mapping[str, str], as_of: str | None
) -> ExposureReport | None:
    """The report; None when nothing was asked. 400 for two questions or a wrong date."""
    at = known(as_of, site.clock())
    if not asked:
        return None
    if len(asked) > 1:
        raise HTTPException(400, _one_only(language(request)))
    ((kind, value),) = asked.items()
    return asked_exposure(request, site, kind, value, at, outlook=True)


def _one_only(lang: str) -> str:
    korean = (
        "하나만 물어 주세요: 품목, 국가, 해협·운하, 항만, 산업, 기업, 사건 가운데 한 칸만 채웁니다."
    )
    return korean if lang == "ko" else f"give exactly one of {', '.join(KINDS)}"
