"""Errors: problem+json (RFC 9457) under /api, a plain page elsewhere."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from ews.web.rendering import page

# Nothing is loaded from elsewhere, nothing may frame us, and no inline script or style runs.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


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
        return JSONResponse(body, status, dict(HEADERS), "application/problem+json")
    answer = page(request, "error.html", status=status, code=status, title=title, detail=detail)
    answer.headers.update(HEADERS)
    return answer
