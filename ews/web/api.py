"""/api/v1: reads only, typed answers. Its meaning never changes; a new meaning is /api/v2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParam
from pydantic import BaseModel, Field

from ews.reports import (
    Aggregates,
    AlertLine,
    EventLine,
    Explanation,
    NotFound,
    RuleSetLine,
    Viewer,
    alert_line,
    alert_list,
    described_event,
    find,
    find_alert,
    ruleset_lines,
    source_lines,
)
from ews.reports.aggregates import aggregates
from ews.reports.blind import Board, board_states
from ews.reports.explain import explain
from ews.web.asked import known, moment, stage_number
from ews.web.dossier_api import dossier_path
from ews.web.exposure_api import exposure_paths
from ews.web.network_api import network_paths, ranking_paths
from ews.web.reproduce_api import reproduce_path
from ews.web.site import Site
from ews.web.source_api import source_paths
from ews.web.stress_page import stress_paths

AlertId = Annotated[str, PathParam(description="alert ID, or a unique beginning of it")]


class Alerts(BaseModel):
    alerts: list[AlertLine]
    count: int


class Rules(BaseModel):
    rulesets: list[RuleSetLine]
    in_force: int | None = Field(description="version in force; null before the first")


class Health(BaseModel):
    status: Literal["ok", "blind"]
    blind_sources: list[str]
    open_alerts: int


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


PROBLEMS: dict[int | str, dict[str, object]] = {
    code: {"model": Problem, "content": {"application/problem+json": {}}}
    for code in (400, 401, 403, 404, 429)
}


Who = Callable[[Request], Viewer]


def api_router(site: Site, who: Who) -> APIRouter:
    """All paths of /api/v1, bound to one store; `who` makes the viewer of each request."""
    router = APIRouter(prefix="/api/v1", responses=PROBLEMS, dependencies=[Depends(who)])
    _alert_paths(router, site)
    dossier_path(router, site)
    reproduce_path(router, site)
    exposure_paths(router, site)
    network_paths(router, site)
    ranking_paths(router, site)
    stress_paths(router, site)
    source_paths(router, site)
    _other_paths(router, site)
    return router


def _alert_paths(router: APIRouter, site: Site) -> None:
    @router.get("/alerts", summary="Alerts, newest first")
    def alerts(
        stage: Annotated[str | None, Query(description="this stage or higher: 관심..심각")] = None,
        since: Annotated[str | None, Query(description="ISO 8601 date or time")] = None,
        item: Annotated[str | None, Query(description="code, name or HS code")] = None,
        state: Annotated[
            Literal["firing", "acknowledged", "resolved"] | None,
            Query(description="firing, acknowledged or resolved"),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 100,
    ) -> Alerts:
        found = alert_list(
            site.store,
            since=moment(since),
            stage=stage_number(stage),
            state=state,
            items=find("item", item) if item else None,
            limit=limit,
        )
        return Alerts(alerts=list(found), count=len(found))

    @router.get("/alerts/{alert_id}", summary="One alert")
    def alert(alert_id: AlertId) -> AlertLine:
        found = find_alert(site.store, alert_id)
        return alert_line(found, site.store.event(found.event_id))

    @router.get("/alerts/{alert_id}/explain", summary="Why this alert")
    def alert_explained(
        request: Request,
        alert_id: AlertId,
        as_of: Annotated[
            str | None,
            Query(description="what was known at that time; a date is its end in Korea"),
        ] = None,
    ) -> Explanation:
        at = known(as_of, site.clock())
        return explain(site.store, alert_id, viewer=request.state.viewer, as_of=at)


def _other_paths(router: APIRouter, site: Site) -> None:
    @router.get("/aggregates", summary="Firms exposed, in sums that tell of no one firm")
    def sums(
        by: Annotated[
            Literal["item", "industry", "country"], Query(description="what to sum by")
        ] = "item",
        as_of: Annotated[
            str | None,
            Query(description="what was known at that time; a date is its end in Korea"),
        ] = None,
    ) -> Aggregates:
        return aggregates(site.store, by, now=site.clock(), as_of=known(as_of, site.clock()))

    @router.get("/events/{event_id}", summary="One event with its evidence")
    def event(event_id: Annotated[str, PathParam(description="event ID")]) -> EventLine:
        found = site.store.event(event_id)
        if found is None:
            raise NotFound(f"no event {event_id!r}")
        return described_event(site.store, found)

    @router.get("/blind", summary="Each item: alerting, calm, blind, or not watched")
    def blind(
        every: Annotated[bool, Query(description="all items, not only those with a use")] = False,
    ) -> Board:
        return board_states(site.store, site.clock(), every=every)

    @router.get("/rules", summary="Versions of the rules, newest first")
    def rules() -> Rules:
        found = ruleset_lines(site.store)
        return Rules(rulesets=list(found), in_force=found[0].version if found else None)

    @router.get("/health", summary="Can it warn, or is it blind?")
    def health() -> Health:
        blind = [line.name for line in source_lines(site.store, site.clock()) if line.blind]
        return Health(
            status="blind" if blind else "ok",
            blind_sources=blind,
            open_alerts=len(site.store.open_alerts()),
        )
