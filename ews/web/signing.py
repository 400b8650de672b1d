"""Signing in and out of the pages: a form takes the token, a cookie keeps it."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ews.reports import Viewer, WrongToken
from ews.web.asking import COOKIE, Guesses, asking, looked_up
from ews.web.rendering import language, linker, page
from ews.web.site import Site

FORM = "ews_form"  # the form's own secret, in a cookie and in a hidden field
LONGEST = 4_000  # bytes of a form that holds one token


def sign_router(site: Site, guesses: Guesses) -> APIRouter:
    """/sign-in and /sign-out. A wrong token in the cookie does not stand in the way of either."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    who = asking(site, guesses)

    @router.get("/sign-in")
    def form(request: Request) -> Response:
        try:
            viewer: Viewer | None = who(request)
        except WrongToken:
            viewer = None
        return _form(request, viewer, 200)

    @router.post("/sign-in")
    async def sign_in(
        request: Request, sent: Annotated[dict[str, str], Depends(_sent)]
    ) -> Response:
        token = sent.get("token", "").strip()
        try:
            looked_up(site, guesses, request, token)
        except WrongToken:
            return _form(request, None, 401, wrong=True)
        answer = _home(request)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=_secure(request))
        answer.delete_cookie(FORM)
        return answer

    @router.post("/sign-out")
    async def sign_out(
        request: Request, sent: Annotated[dict[str, str], Depends(_sent)]
    ) -> Response:
        answer = _home(request)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_secure(request))
        return answer

    return router


def _form(request: Request, viewer: Viewer | None, status: int, wrong: bool = False) -> Response:
    secret = request.cookies.get(FORM) or secrets.token_urlsafe(16)
    signed_in = COOKIE in request.cookies and viewer is not None
    answer = page(
        request, "sign-in.html", status=status, form=secret, wrong=wrong,
        viewer=viewer if signed_in else None,
    )  # fmt: skip
    answer.set_cookie(FORM, secret, httponly=True, samesite="strict", secure=_secure(request))
    return answer


async def _sent(request: Request) -> dict[str, str]:
    """The fields of a form that a page of ours sent; 403 for one from elsewhere.

    The cookie of the form is SameSite=Strict and its value unknown elsewhere, so only our own page
    can send both; browsers that say where a request comes from are also believed.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "this form was sent from another site")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise HTTPException(413, "this is longer than any token")
    fields = {key: values[-1] for key, values in parse_qs(body.decode("ascii", "replace")).items()}
    cookie = request.cookies.get(FORM, "")
    if not cookie or not secrets.compare_digest(cookie.encode(), fields.get("form", "").encode()):
        raise HTTPException(403, "this form is not one of ours or is old; open /sign-in again")
    return fields


def _home(request: Request) -> RedirectResponse:
    return RedirectResponse(linker(language(request))("/"), 303)


def _secure(request: Request) -> bool:
    """Whether the reader came by TLS, also by way of a proxy that says so."""
    said = request.headers.get("X-Forwarded-Proto", request.url.scheme)
    return said == "https"
