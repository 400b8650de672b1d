"""/api/v1/alerts/{id}/reproduce: is a past change made again bit for bit? For those who tune."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as PathParam

from ews.reports import NotForViewer, NotFound, Viewer, find_alert
from ews.reports.standing import network
from ews.tuning.reproduce import NotFound as NoChange
from ews.tuning.reproduce import Reproduced, reproduce
from ews.web.asked import known
from ews.web.rendering import TUNERS
from ews.web.site import Site


def reproduce_path(router: APIRouter, site: Site) -> None:
    @router.get("/alerts/{alert_id}/reproduce", summary="A change made again, against the record")
    def alert_reproduced(
        request: Request,
        alert_id: Annotated[str, PathParam(description="alert ID, or a unique beginning of it")],
        revision: Annotated[
            int | None, Query(ge=1, description="that revision of the alert; else the newest")
        ] = None,
        as_of: Annotated[
            str | None,
            Query(description="the newest change as of then; a date is its end in Korea"),
        ] = None,
    ) -> Reproduced:
        _check(request.state.viewer)
        at, found = known(as_of, site.clock()), find_alert(site.store, alert_id)
        try:
            return reproduce(site.store, network(), found.id, revision=revision, as_of=at)
        except NoChange as error:
            raise NotFound(str(error)) from error


def _check(viewer: Viewer) -> None:
    """A record names people and every value of the rules."""
    if viewer.role not in TUNERS:
        raise NotForViewer(
            "this is for analysts and operators; sign in as one",
            "분석가와 운영자만 볼 수 있습니다. 분석가로 로그인하십시오.",
        )
