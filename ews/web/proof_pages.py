"""/alerts/<id>/why: the whole explanation, now or as of a past moment."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.model import Stage
from ews.reports import hops_of
from ews.reports.explain import explain
from ews.web.asked import known, only
from ews.web.drawing import draw_paths
from ews.web.rendering import language, page
from ews.web.site import Site

PATHS_DRAWN = 6


def proof_pages(router: APIRouter, site: Site) -> None:
    @router.get("/alerts/{alert_id}/why")
    def why(request: Request, alert_id: str, as_of: str = "") -> HTMLResponse:
        only(request, {"as_of", "lang"})
        at = known(as_of, site.clock())
        lang = language(request)
        found = explain(site.store, alert_id, viewer=request.state.viewer, as_of=at)
        drawn = draw_paths([one.path for one in found.exposures[:PATHS_DRAWN]], lang)
        return page(
            request, "why.html", found=found, drawing=Markup(drawn), hops=hops_of(found.exposures),
            events=[one for one in (found.event, *found.joined) if one is not None],
            as_of=as_of, asked=f"&{urlencode({'as_of': as_of})}" if as_of.strip() else "",
            stage_name=lambda number: Stage(number).ko if lang == "ko" else Stage(number).en,
        )  # fmt: skip
