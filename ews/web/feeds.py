"""/feeds: CAP messages, the Atom feed of them, the calendar of dates, the schema of webhooks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParam

from alerts.atom import MEDIA_TYPE
from ews.model import Stage
from ews.reports import Viewer
from ews.reports.feeds import atom_document, cap_document, ical_document, issuer_of
from ews.web.asked import only, stage_number
from ews.web.site import Site

Language = Annotated[Literal["ko", "en"], Query()]
READ = ["GET", "HEAD"]


def feed_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    """All feeds, bound to one store; they are the same for every viewer."""
    router = APIRouter(prefix="/feeds", include_in_schema=False, dependencies=[Depends(who)])

    @router.api_route("/alerts.atom", methods=READ)
    def atom(
        request: Request,
        page: Annotated[int, Query(ge=1, le=1_000)] = 1,
        lang: Language = "ko",
        stage: str | None = None,
    ) -> Response:
        only(request, {"page", "lang", "stage"})
        found = atom_document(
            site.store, issuer_of(site.settings), site.clock(), _base(site, request), page, lang,
            Stage(stage_number(stage) or Stage.WATCH),
        )  # fmt: skip
        return _answer(request, found, "application/atom+xml")

    @router.api_route("/cap/{identifier}.xml", methods=READ)
    def cap(request: Request, identifier: Annotated[str, PathParam(max_length=100)]) -> Response:
        only(request, set())
        found = cap_document(site.store, issuer_of(site.settings), identifier)
        return _answer(request, found, MEDIA_TYPE)

    @router.api_route("/dates.ics", methods=READ)
    def dates(request: Request, lang: Language = "ko") -> Response:
        only(request, {"lang"})
        found = ical_document(site.store, site.settings, site.clock(), lang)
        return _answer(request, found, "text/calendar; charset=utf-8")

    @router.api_route("/webhook.schema.json", methods=READ)
    def schema(request: Request) -> Response:
        found = files("alerts").joinpath("webhook.schema.json").read_bytes()
        return _answer(request, found, "application/schema+json")

    return router


def _base(site: Site, request: Request) -> str:
    """What the addresses in the feed begin with: the setting, else how the reader came."""
    return f"{(site.settings.public_url or str(request.base_url)).rstrip('/')}/feeds/"


def _answer(request: Request, body: bytes, media_type: str) -> Response:
    """The document, or 304 when the reader has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = {one.strip() for one in request.headers.get("If-None-Match", "").split(",")}
    if tag in known or f"W/{tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
