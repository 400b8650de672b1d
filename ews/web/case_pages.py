"""/cases and /cases/NAME: past crises, what ews would have told of each, and when."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.model import Stage
from ews.reports import Names, Viewer
from ews.reports.receivers import sees_work
from ews.tuning.case_lines import case_lines
from ews.tuning.cases import quiet
from ews.tuning.timeline_words import lines, summary
from ews.web.case_drawing import draw_timeline
from ews.web.case_plays import Plays
from ews.web.rendering import language, page
from ews.web.site import Site

NAMES = Names()


def case_pages_router(site: Site, who: Callable[[Request], Viewer], plays: Plays) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/cases")
    def all_cases(request: Request) -> HTMLResponse:
        own = sees_work(request.state.viewer)
        return page(request, "cases.html", found=case_lines(site.store, own), own=own)

    @router.get("/cases/{name}")
    def one_case(request: Request, name: str, play: str = "") -> HTMLResponse:
        viewer, lang = request.state.viewer, language(request)
        found = plays.played(name, viewer) if play == "1" else plays.known(name, viewer)
        line = next(one for one in case_lines(site.store, sees_work(viewer)) if one.id == name)
        if found is None:
            return page(request, "case.html", line=line, found=None, quiet=name in quiet())
        told = lines(found, NAMES, lang)
        return page(
            request, "case.html", line=line, found=found, quiet=found.kind == "quiet",
            summary=list(summary(found, lang)), rows=told, stages={int(s): s for s in Stage},
            drawing=Markup(draw_timeline(told, lang)), names_of=NAMES, staff=sees_work(viewer),
        )  # fmt: skip

    return router
