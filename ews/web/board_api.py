"""/api/v1: the board, what receivers do not know, and for operators how messages get out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as PathParam
from pydantic import BaseModel

from ews.model import ActKind
from ews.reports import Viewer
from ews.reports.board import situation
from ews.reports.board_rows import Outbox, Situation, WithheldFrom
from ews.reports.outbox import mended, outbox
from ews.reports.receivers import (
    check_operator,
    check_work,
    find_receiver,
    routes_of,
    routes_seen,
)
from ews.reports.withheld import withheld_lists
from ews.web.acts_api import Acts, do_act, named
from ews.web.api import PROBLEMS
from ews.web.site import Site


class Withheld(BaseModel):
    receivers: list[WithheldFrom]
    today: int
    count: int


def board_api_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """The paths, bound to one store; `who` makes the viewer of each request."""
    problems = PROBLEMS | {409: PROBLEMS[400]}
    router = APIRouter(prefix="/api/v1", responses=problems, dependencies=[Depends(who)])

    @router.get("/board", summary="The situation room: stages, signatures, clocks, what is blind")
    def board(
        request: Request,
        every: Annotated[bool, Query(description="all blind items, not only those in use")] = False,
    ) -> Situation:
        return situation(site.store, site.settings, site.clock(), request.state.viewer, every)

    @router.get("/withheld", summary="What each receiver was not told, and why")
    def withheld(
        request: Request,
        receiver: Annotated[str | None, Query(description="only this receiver's")] = None,
    ) -> Withheld:
        check_work(named(request))
        routes = routes_of(site.settings)
        chosen = None if receiver is None else [find_receiver(routes, receiver)]
        found = withheld_lists(site.store, routes, site.clock(), chosen)
        return Withheld(
            receivers=list(found), today=sum(r.today for r in found),
            count=sum(r.count for r in found),
        )  # fmt: skip

    @router.get("/outbox", summary="Messages given up, and addresses that do not answer")
    def letters(request: Request) -> Outbox:
        check_operator(named(request))
        routes, problem = routes_seen(site.settings)
        return outbox(site.store, routes, site.clock(), problem)

    @router.post("/outbox/{notification_id}/resend", summary="Send a message given up once more")
    def resend(
        request: Request,
        notification_id: Annotated[str, PathParam(description="of the dead letter")],
        _: Annotated[Viewer, Depends(named)],
    ) -> Acts:
        told = site.store.notification(notification_id[:100])
        detail = {"notification": notification_id[:100], **mended(routes_of(site.settings), told)}
        return do_act(site, request, ActKind.RESEND, detail=detail)

    return router
