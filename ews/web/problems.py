"""Errors: problem+json (RFC 9457) under /api, a plain page elsewhere."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ews.web.rendering import page


def problem(request: Request, status: int, detail: str) -> Response:
    """The answer for an error, in the form the path's readers expect."""
    title = HTTPStatus(status).phrase
    if request.url.path.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": request.url.path,
        }
        return JSONResponse(body, status, media_type="application/problem+json")
    return page(request, "error.html", status=status, code=status, title=title, detail=detail)
