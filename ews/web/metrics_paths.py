"""/metrics for Prometheus, and /healthz for whatever watches the machine."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from ews.liveness.pulse import Sign
from ews.reports import Viewer
from ews.reports.metrics import StoreCollector, exposition
from ews.reports.pulse import pulse
from ews.reports.viewer import NotForViewer
from ews.web.site import Site

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
        found = pulse(site.settings, site.store, site.clock())
        bad = [one for one in found if not one.ok]
        if not bad:
            status = "ok" if found else "idle"  # idle: `ews run` never ran on this store
            return JSONResponse({"status": status, "checks": {one.name: "ok" for one in found}})
        body = {
            "type": "about:blank",
            "title": "ews does not work as it should",
            "status": 503,
            "detail": "; ".join(f"{one.name}: {_openly(one)}" for one in bad),
            "instance": request.url.path,
            "failed": [one.name for one in bad],
        }
        return JSONResponse(body, 503, media_type="application/problem+json")

    return router
