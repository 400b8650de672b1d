"""Signing in and out of the pages: a form takes a token, or a name and password; a cookie keeps the
session that comes of it."""

from __future__ import annotations

import secrets
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ews.reports import Viewer, WrongToken
from ews.reports.sessions import sign_in_by_password, sign_in_by_token
from ews.reports.sessions import sign_out as sign_out_of
from ews.reports.viewer import digest_of
from ews.web.asking import COOKIE, Guesses, address_of, asking, looked_up, slow_down
from ews.web.problems import FormRefused, not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site

FORM = "ews_form"  # the form's own secret, in a cookie and in a hidden field
LONGEST = 4_000  # bytes of a form that holds one token, or a name and a password


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
    def sign_in(request: Request, sent: Annotated[dict[str, str], Depends(_sent)]) -> Response:
        try:
            session = _session(site, guesses, request, sent)
        except WrongToken as err:
            return _form(request, None, 401, wrong=type(err).__name__)
        guesses.was_right(digest_of(session))  # nobody's wrong tokens lock it out
        _end_session(site, request)
        answer = _home(request)
        keep_session(request, answer, session)
        answer.delete_cookie(FORM)
        return answer

    @router.post("/sign-out")
    def sign_out(request: Request, sent: Annotated[dict[str, str], Depends(_sent)]) -> Response:
        _end_session(site, request)
        answer = _home(request)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_secure(request))
        return answer

    return router


def _session(site: Site, guesses: Guesses, request: Request, sent: dict[str, str]) -> str:
    """The token of a new session, by a name and password or by a token."""
    name, password = sent.get("name", "").strip(), sent.get("password", "")
    if not name and not password:
        token = sent.get("token", "").strip()
        looked_up(site, guesses, request, token)
        return sign_in_by_token(site.store, token, site.clock())
    return session_by_password(site, guesses, request, name, password)


def session_by_password(
    site: Site, guesses: Guesses, request: Request, name: str, password: str
) -> str:
    """The token of a new session. WrongPassword, or 429 after too many wrong ones."""
    now, address, named = site.clock(), address_of(request), f"name {name.casefold()}"
    # By address as tokens are, but one who was right before; by name whoever asks.
    slow_down(guesses, address, named, now)
    slow_down(guesses, named, "", now)
    try:
        session = sign_in_by_password(site.store, name, password, now)
    except WrongToken:
        guesses.was_wrong(address, "", now)
        guesses.was_wrong(named, "", now)
        raise
    guesses.was_right(named)
    return session


def keep_session(request: Request, answer: Response, session: str) -> None:
    """The session in the reader's browser, out of reach of any script and of other sites."""
    answer.set_cookie(COOKIE, session, httponly=True, samesite="strict", secure=_secure(request))


def _end_session(site: Site, request: Request) -> None:
    if token := request.cookies.get(COOKIE):
        sign_out_of(site.store, token)


def _form(request: Request, viewer: Viewer | None, status: int, wrong: str = "") -> Response:
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
    fields = await form_fields(request, LONGEST)
    cookie = request.cookies.get(FORM, "")
    if not cookie or not secrets.compare_digest(cookie.encode(), fields.get("form", "").encode()):
        raise not_ours(403)
    return fields


async def form_fields(request: Request, longest: int) -> dict[str, str]:
    """The fields of a form; 403 for one that a browser says is from another site, 413 for one that
    is too long, 400 for one that is no form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise FormRefused(
            403, "this form was sent from another site", "이 양식은 다른 사이트에서 보낸 것입니다."
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise HTTPException(413, f"this is longer than the {longest:,} bytes of any such form")
    try:
        found = parse_qs(body.decode("ascii", "replace"), max_num_fields=60)
    except ValueError as err:
        raise not_ours() from err
    return {key: values[-1] for key, values in found.items()}


def _home(request: Request) -> RedirectResponse:
    return RedirectResponse(linker(language(request))("/"), 303)


def _secure(request: Request) -> bool:
    """Whether the reader came by TLS, also by way of a proxy that says so."""
    said = request.headers.get("X-Forwarded-Proto", request.url.scheme)
    return said == "https"
