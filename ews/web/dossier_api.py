"""/api/v1/alerts/{id}/dossier: one alert as a document to hand on."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as PathParam
from fastapi.responses import Response

from ews.reports.dossier import document, dossier, markdown
from ews.reports.dossier_pdf import NoPdf, as_pdf
from ews.web.asked import known
from ews.web.site import Site

TYPES = {"md": "text/markdown; charset=utf-8", "pdf": "application/pdf"}


def dossier_path(router: APIRouter, site: Site) -> None:
    @router.get(
        "/alerts/{alert_id}/dossier",
        summary="One alert as a document",
        response_class=Response,
        responses={200: {"content": {"text/markdown": {}, "application/pdf": {}}}},
    )
    def alert_dossier(
        request: Request,
        alert_id: Annotated[str, PathParam(description="alert ID, or a unique beginning of it")],
        format: Annotated[Literal["md", "pdf"], Query(description="md or pdf")] = "md",
        lang: Annotated[Literal["ko", "en"], Query(description="ko or en")] = "ko",
        as_of: Annotated[
            str | None,
            Query(description="what was known at that time; a date is its end in Korea"),
        ] = None,
    ) -> Response:
        now = site.clock()
        found = dossier(
            site.store, alert_id, now=now, viewer=request.state.viewer, as_of=known(as_of, now)
        )
        try:
            body = (
                as_pdf(document(found, lang)) if format == "pdf" else markdown(found, lang).encode()
            )
        except NoPdf as err:
            raise HTTPException(503, str(err)) from err
        name = f"{found.explanation.alert.id}.{lang}.{format}"
        told = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, media_type=TYPES[format], headers=told)
