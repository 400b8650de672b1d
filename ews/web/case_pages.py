"""/cases/NAME: a past crisis, what ews would have told of it, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.model import Stage, utc
from ews.reports import Names, Viewer
from ews.reports.receivers import sees_work
from ews.tuning.case_lines import case_lines, case_row
from ews.tuning.cases import quiet
from ews.tuning.timeline_words import conditions, lines, summary
from ews.web.acts_pages import form_values
from ews.web.case_drawing import draw_timeline
from ews.web.case_keeping import keeping_pages, may_keep
from ews.web.case_plays import Plays
from ews.web.rendering import language, page
from ews.web.site import Site

NAMES = Names()
SHOWN = 30  # links of a case on its page


def case_pages_router(site: Site, who: Callable[[Request], Viewer], plays: Plays) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )
    keeping_pages(router, site)

    @router.get("/cases/{name}")
    def one_case(request: Request, name: str, play: str = "", did: str = "") -> HTMLResponse:
        viewer, lang = request.state.viewer, language(request)
        found = plays.played(name, viewer) if play == "1" else plays.known(name, viewer)
        line = next(one for one in case_lines(site.store, sees_work(viewer)) if one.id == name)
        keeps = line.kind == "case" and may_keep(request, site)
        values: dict[str, object] = {
            "line": line, "found": found, "quiet": name in quiet(), "staff": sees_work(viewer),
            "did": did == "added", "keeps": keeps, "names_of": NAMES, "says": _says(site, name, viewer),
            **(form_values(request) if keeps else {}),
        }  # fmt: skip
        if found is None:
            return page(request, "case.html", status=200, **values)
        told = lines(found, NAMES, lang)
        return page(
            request, "case.html", status=200, summary=list(summary(found, lang)), rows=told,
            stages={int(s): s for s in Stage}, drawing=Markup(draw_timeline(told, lang)),
            conditions=conditions(found, lang, sees_work(viewer)), **values,
        )  # fmt: skip

    return router


def _says(site: Site, name: str, viewer: Viewer) -> Mapping[str, object] | None:
    """What the case says should be told; None of a quiet week, of which nothing should."""
    if name in quiet():
        return None
    row = case_row(site.store, name, sees_work(viewer))
    items = cast("Sequence[Mapping[str, str]]", row.get("matching_items") or ())
    links = [one["link"] for one in items if one["link"].startswith("http")]
    expected, at = Stage.parse(str(row["expected_stage"])), utc(str(row["reference_time"]))
    return {**row, "links": links[:SHOWN], "expected": expected, "at": at}
