"""/people: who there is, for operators; add, change, disable, and a token shown once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ews.acting import person_of
from ews.reports import ROLES, NotForViewer, UnknownName, Viewer
from ews.reports.people import (
    Doing,
    add_person,
    change_person,
    disable_person,
    give_token,
    people_lines,
)
from ews.web.acts_pages import form_values, key_of, own_form, refused
from ews.web.problems import not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site

OFFERED = sorted(ROLES, key="official analyst firm operator".split().index)
DONE = ("add", "change", "disable", "enable")


def people_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/people")
    def people(request: Request) -> HTMLResponse:
        return _page(request, site)

    @router.post("/people")
    def change(request: Request, sent: Annotated[dict[str, str], Depends(own_form)]) -> Response:
        _check(request.state.viewer)
        person = person_of(site.store, request.state.viewer)
        what, name = sent.get("do", ""), sent.get("name", "").strip()
        doing = Doing(person, "page", f"{key_of(person, sent)}:{what}:{name}", site.clock(), {})
        try:
            if what == "token":
                token, _ = give_token(site.store, doing, name)
                return _page(request, site, token=token, owner=name)
            _change(site, doing, what, name, sent)
        except UnknownName as err:
            said = ValueError(err.text(language(request)))
            return refused(request, said, "/people", sent)
        except ValueError as err:
            return refused(request, err, "/people", sent)
        return RedirectResponse(linker(language(request))("/people", did=what), 303)

    return router


def _change(site: Site, doing: Doing, what: str, name: str, sent: Mapping[str, str]) -> None:
    if what == "add":
        add_person(site.store, doing, name, sent.get("role", ""), owner=sent.get("owner") or None,
                   **_facts(sent))  # fmt: skip
    elif what == "change":
        change_person(site.store, doing, name, role=sent.get("role", ""), **_facts(sent))
    elif what == "disable":
        disable_person(site.store, doing, name)
    elif what == "enable":
        change_person(site.store, doing, name, disabled_at=None)
    else:
        raise not_ours()


def _facts(sent: Mapping[str, str]) -> dict[str, object]:
    """What the form holds; an empty field takes the fact away."""
    return {
        "slack_id": sent.get("slack_id", "").strip(),
        "email": sent.get("email", "").strip(),
        "signs": "signs" in sent,
        "ministries": tuple(sent.get("ministries", "").replace(",", " ").split()),
    }


def _check(viewer: Viewer) -> None:
    if viewer.role != "operator":
        raise NotForViewer("people are for operators", "사람 관리는 운영자만 합니다.")


def _page(request: Request, site: Site, token: str = "", owner: str = "") -> HTMLResponse:
    viewer = request.state.viewer
    _check(viewer)
    did = request.query_params.get("did", "")
    return page(
        request, "people.html", people=people_lines(site.store), roles=OFFERED, token=token,
        owner=owner, named=viewer.person is not None, did=did if did in DONE else "",
        forms=form_values(request),
    )  # fmt: skip
