"""/metrics for Prometheus, and /healthz for whatever watches the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from ews.liveness.pulse import Sign
from ews.reports import Viewer
from ews.reports.metrics import StoreCollector, exposition
from ews.reports.pulse import pulse
from ews.reports.viewer import NotForViewer
from ews.web.site import Site

log = logging.getLogger(__name__)

# What these say names no receiver, no channel and no address.
OPEN = ("scheduler", "cycles", "collection")


def _openly(sign: Sign) -> str:
    return sign.en if sign.name in OPEN else "failed; `ews doctor` says more"


def metrics_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """Both paths. /metrics is for everybody but firms, who ask as on the pages; /healthz says
    without a token whether ews works, and nothing of what it knows."""
    router = APIRouter(include_in_schema=False)
    collector = StoreCollector(site.settings, site.store, site.clock)

    @router.get("/metrics")
    def metrics(request: Request, viewer: Viewer = Depends(who)) -> Response:
        if viewer.role == "firm":
            raise NotForViewer("metrics are for those who run ews, not for a firm's token")
        body, media_type = exposition(collector, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": media_type})

    @router.get("/healthz")
    def healthz(request: Request) -> Response:
        try:
            found = pulse(site.settings, site.store, site.clock())
        except Exception:  # whatever is wrong with the store, a watch must hear it as such
            log.exception("the store cannot be asked how ews is")
            return _failed(
                request, ["store"], "store: it cannot be read; see the log of `ews serve`"
            )
        bad = [one for one in found if not one.ok]
        if not bad:
            status = "ok" if found else "idle"  # idle: `ews run` never ran on this store
            return JSONResponse({"status": status, "checks": {one.name: "ok" for one in found}})
        said = "; ".join(f"{one.name}: {_openly(one)}" for one in bad)
        return _failed(request, [one.name for one in bad], said)

    return router


def _failed(request: Request, names: list[str], detail: str) -> Response:
    """RFC 9457, with the names of the checks that failed."""
    body = {
        "type": "about:blank",
        "title": "ews does not work as it should",
        "status": 503,
        "detail": detail,
        "instance": request.url.path,
        "failed": names,
    }
    return JSONResponse(body, 503, media_type="application/problem+json")
