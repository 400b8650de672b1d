"""Errors: problem+json (RFC 9457) under /api, a plain page elsewhere."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse

from alerts.words import Bilingual
from ews.web.rendering import language, page

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

TITLES_KO = {
    400: "잘못된 요청", 401: "로그인 필요", 403: "권한 없음", 404: "없음", 409: "할 수 없음",
    413: "너무 큼", 422: "잘못된 값", 429: "너무 잦음", 500: "ews의 고장", 503: "잠시 뒤에",
}  # fmt: skip


class FormRefused(Bilingual, HTTPException):
    """A form or a question that is not taken, in the words of who sent it."""

    def __init__(self, status: int, said: str, ko: str) -> None:
        HTTPException.__init__(self, status, said)
        self.ko = ko

    def text(self, lang: str) -> str:
        return self.ko if lang == "ko" else str(self.detail)


def not_ours(status: int = 400) -> FormRefused:
    return FormRefused(
        status,
        "this form is not one of ours or is old; open the page again",
        "이 양식은 여기서 낸 것이 아니거나 오래되었습니다. 화면을 새로 여십시오.",
    )


def problem(request: Request, status: int, detail: str | Exception) -> Response:
    """The answer for an error, in the form and the language the path's readers expect."""
    title = HTTPStatus(status).phrase
    if request.url.path.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": str(detail),
            "instance": request.url.path,
        }
        return JSONResponse(body, status, dict(HEADERS), "application/problem+json")
    lang = language(request)
    answer = page(
        request, "error.html", status=status, code=status,
        title=TITLES_KO.get(status, title) if lang == "ko" else title,
        detail=detail.text(lang) if isinstance(detail, Bilingual) else str(detail),
    )  # fmt: skip
    answer.headers.update(HEADERS)
    return answer
