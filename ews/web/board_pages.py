"""/board and what hangs on it: the situation room, what is held back, decisions, silences; for
operators messages that were given up, and the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.bulletins import bulletin_message
from ews.acting import ActRefused, act, person_of, refusal
from ews.model import ActKind
from ews.reports import UnknownName, Viewer, find, label
from ews.reports.acts import check_staff, silence_lines
from ews.reports.auditing import audit_lines
from ews.reports.board import FIGURES, decision_log, left, situation
from ews.reports.outbox import mended, outbox
from ews.reports.receivers import (
    check_operator,
    check_work,
    find_receiver,
    routes_of,
    routes_seen,
    sees_work,
)
from ews.reports.withheld import next_digest_of, withheld_lists
from ews.web.acts_pages import form_values, key_of, own_form, refused
from ews.web.asking import bearer
from ews.web.rendering import language, linker, page
from ews.web.site import Site

REFRESH_S = "60"
AUDIT_ROWS = 200
SHOWN = 100  # rows of one table on a page; the API and the command line have all
KINDS = {"end": ActKind.UNSILENCE, "plan": ActKind.PLAN, "silence": ActKind.SILENCE}
Form = Annotated[dict[str, str], Depends(own_form)]


def board_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )
    _board(router, site)
    _lists(router, site)
    _silences(router, site)
    _machine(router, site)
    return router


def _page(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page of the room, with its own menu."""
    viewer, lang = request.state.viewer, language(request)
    return page(
        request, template, shown=SHOWN, staff=sees_work(viewer), operator=viewer.role == "operator",
        left=lambda at, now: left(at, now, lang),
        called=lambda kind, code: label(kind, code).text(lang), **values,
    )  # fmt: skip


def _board(router: APIRouter, site: Site) -> None:
    @router.get("/board")
    def board(request: Request, auto: str = "") -> HTMLResponse:
        found = situation(site.store, site.settings, site.clock(), request.state.viewer)
        answer = _page(request, "board.html", found=found, figures=FIGURES, auto=auto == "1")
        if auto == "1":
            answer.headers["Refresh"] = REFRESH_S  # read again by the browser, without a script
        return answer


def _lists(router: APIRouter, site: Site) -> None:
    @router.get("/withheld")
    def withheld(request: Request, receiver: str = "") -> HTMLResponse:
        check_work(request.state.viewer)
        routes, problem = routes_seen(site.settings)
        chosen = find_receiver(routes, receiver) if receiver else None
        now = site.clock()
        text, due = "", None
        if chosen is not None:
            bulletin, due = next_digest_of(site.store, chosen, now)
            text = bulletin_message(bulletin).text
        return _page(
            request, "withheld.html", problem=problem, chosen=chosen, text=text, due=due, now=now,
            found=withheld_lists(site.store, routes, now, [chosen] if chosen else None),
        )  # fmt: skip

    @router.get("/decisions")
    def decisions(request: Request) -> HTMLResponse:
        check_work(request.state.viewer)
        return _page(request, "decisions.html", found=decision_log(site.store), now=site.clock())


def _silences(router: APIRouter, site: Site) -> None:
    @router.get("/silences")
    def silences(request: Request, all: str = "", did: str = "") -> HTMLResponse:
        check_work(request.state.viewer)
        found = silence_lines(site.store, site.clock(), all=all == "1")
        return _page(
            request, "silences.html", found=found, all=all == "1", did=did == "1",
            now=site.clock(), may=_may(request, site), forms=form_values(request),
        )  # fmt: skip

    @router.post("/silences")
    def change(request: Request, sent: Form) -> Response:
        check_staff(request.state.viewer)
        kind = KINDS.get(sent.get("do", ""))
        if kind is None:
            raise HTTPException(400, "this is not one of our forms")
        try:
            said = _said(kind, sent)
        except UnknownName as err:
            return refused(request, ValueError(err.text(language(request))), "/silences", sent)
        except ActRefused as err:
            return refused(request, err, "/silences", sent)
        return _done(request, site, kind, sent, "/silences", said)


MATCHED = ("item", "country", "type", "chokepoint")


def _said(kind: ActKind, sent: Mapping[str, str]) -> dict[str, str]:
    """What the form says, as the act wants it."""
    if kind is ActKind.UNSILENCE:
        return {"silence": sent.get("silence", "")}
    said = {name: sent.get(name, "") for name in ("hours", "until", "title", "from")}
    for name in MATCHED:
        if value := sent.get(name, "").strip():
            said[f"match.{name}"] = _code(name, value)
    return said


def _code(name: str, value: str) -> str:
    """The code of what was typed. UnknownName, or ActRefused where it may mean several."""
    codes = find(name, value)
    if len(codes) > 1:
        raise ActRefused(f"{value[:40]!r} means several: {', '.join(codes[:5])}; give one")
    return codes[0]


def _machine(router: APIRouter, site: Site) -> None:
    @router.get("/outbox")
    def letters(request: Request, did: str = "") -> HTMLResponse:
        check_operator(request.state.viewer)
        routes, problem = routes_seen(site.settings)
        return _page(
            request, "outbox.html", found=outbox(site.store, routes, site.clock(), problem),
            now=site.clock(), did=did == "1", may=_may(request, site), forms=form_values(request),
        )  # fmt: skip

    @router.post("/outbox")
    def resend(request: Request, sent: Form) -> Response:
        check_operator(request.state.viewer)
        told = site.store.notification(sent.get("notification", ""))
        detail = {"notification": sent.get("notification", "")}
        detail |= mended(routes_of(site.settings), told)
        return _done(request, site, ActKind.RESEND, sent, "/outbox", detail)

    @router.get("/audit")
    def audit(request: Request, subject: str = "") -> HTMLResponse:
        check_operator(request.state.viewer)
        found = audit_lines(site.store, subject.strip() or None, AUDIT_ROWS)
        return _page(
            request, "audit.html", found=found, subject=subject.strip(),
            head=site.store.audit_head(),
        )  # fmt: skip


def _may(request: Request, site: Site) -> frozenset[str]:
    """Kinds of acts that the reader may do here; none without a session under a name."""
    viewer = request.state.viewer
    person = site.store.person(name=viewer.person) if viewer.person else None
    if person is None or bearer(request) is not None:
        return frozenset()
    kinds = (ActKind.SILENCE, ActKind.UNSILENCE, ActKind.PLAN, ActKind.RESEND)
    return frozenset(kind.value for kind in kinds if not refusal(person, kind))


def _done(
    request: Request, site: Site, kind: ActKind, sent: Mapping[str, str], back: str,
    detail: Mapping[str, str],
) -> Response:  # fmt: skip
    """Do it under the reader's name and come back; or say why not, with what was typed."""
    person = person_of(site.store, request.state.viewer)
    about = sent.get("silence", "") or sent.get("notification", "")
    try:
        act(
            site.store, person, kind, note=sent.get("note", ""), detail=detail, via="page",
            key=f"{key_of(person, sent)}:{kind.value}:{about}", now=site.clock(),
        )  # fmt: skip
    except ActRefused as err:
        return refused(request, err, back, sent)
    return RedirectResponse(linker(language(request))(back, did="1"), 303)
