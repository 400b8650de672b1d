"""/account: one's own password, by whoever is signed in under a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.words import Bilingual
from ews.acting import ActRefused, person_of
from ews.model import Person
from ews.reports import Viewer, WrongToken
from ews.reports.passwords import LONGEST, SHORTEST
from ews.reports.people import Doing, set_password
from ews.reports.sessions import sign_in_by_password
from ews.web.acts_pages import form_values, key_of, own_form
from ews.web.asking import COOKIE, Guesses, bearer
from ews.web.problems import FormRefused
from ews.web.rendering import language, linker, page
from ews.web.signing import keep_session, session_by_password
from ews.web.site import Site


def account_router(site: Site, who: Callable[[Request], Viewer], guesses: Guesses) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/account")
    def account(request: Request) -> HTMLResponse:
        return _page(request, site, _signed_in(request, site))

    @router.post("/account")
    def change(request: Request, sent: Annotated[dict[str, str], Depends(own_form)]) -> Response:
        person = _signed_in(request, site)
        try:
            _change(request, site, guesses, person, sent)
        except (WrongToken, ValueError) as err:
            return _page(request, site, person, err)
        # That ended every session of the person, also this one; it goes on under a new token.
        session = sign_in_by_password(site.store, person.name, sent["new"], site.clock())
        answer = RedirectResponse(linker(language(request))("/account", did="password"), 303)
        keep_session(request, answer, session)
        return answer

    return router


def _signed_in(request: Request, site: Site) -> Person:
    """Whose browser it is. 403 for a token in a header and for a session that names nobody."""
    if bearer(request) is not None or COOKIE not in request.cookies:
        raise FormRefused(403, "sign in first (/sign-in)", "먼저 로그인하십시오 (/sign-in).")
    return person_of(site.store, request.state.viewer)


def _change(
    request: Request, site: Site, guesses: Guesses, person: Person, sent: Mapping[str, str]
) -> None:
    """The old password is asked for: a browser left open does not give the name away for good."""
    new = sent.get("new", "")
    if new != sent.get("again", ""):
        raise ActRefused("the two new passwords differ", "새 비밀번호 두 개가 서로 다릅니다.")
    if site.store.password(person.id) is not None:
        session_by_password(site, guesses, request, person.name, sent.get("old", ""))
    doing = Doing(person, "page", f"{key_of(person, sent)}:password", site.clock(), {})
    set_password(site.store, doing, person.name, new)


def _page(
    request: Request, site: Site, person: Person, err: Exception | None = None
) -> HTMLResponse:
    wrong = ""
    if err is not None:
        wrong = err.text(language(request)) if isinstance(err, Bilingual) else str(err)
    return page(
        request, "account.html", status=200 if err is None else 409, person=person.name,
        wrong=wrong, did=request.query_params.get("did") == "password", shortest=SHORTEST,
        longest=LONGEST, has_password=site.store.password(person.id) is not None,
        forms=form_values(request),
    )  # fmt: skip
