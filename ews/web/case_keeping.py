"""Keeping cases on /cases: an analyst adds one by hand or from an alert, or withdraws one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ews.acting import NotAllowed, person_of, refusal
from ews.model import ActKind, Stage
from ews.reports import find_alert, label
from ews.reports.receivers import sees_work
from ews.tuning import casework
from ews.tuning.case_fields import CaseFieldError, full
from ews.tuning.case_lines import case_lines
from ews.tuning.casework import CaseRefused, Keeper
from ews.tuning.references import WINDOW_DAYS
from ews.web.acts_pages import form_values, key_of, own_form
from ews.web.asking import bearer
from ews.web.case_form import FIELDS, TYPED, begun, row_of, typed_of, wrong
from ews.web.rendering import language, linker, page
from ews.web.site import Site

Sent = Annotated[dict[str, str], Depends(own_form)]
DONE = ("added", "withdrawn")


def keeping_pages(router: APIRouter, site: Site) -> None:
    """/cases with its form, and what the form and the button send."""

    @router.get("/cases")
    def all_cases(request: Request, alert: str = "", did: str = "") -> HTMLResponse:
        """`alert`: the form begins with what that alert says. NotFound for an unknown one."""
        if not alert:
            return cases_page(request, site, did=did if did in DONE else "")
        if not may_keep(request, site):
            raise _for_analysts()
        found = find_alert(site.store, alert[:100])
        typed = begun(casework.from_alert(site.store, found, {}))
        return cases_page(request, site, typed=typed, alert=found.id)

    @router.post("/cases")
    def add(request: Request, sent: Sent) -> Response:
        person = person_of(site.store, request.state.viewer)
        key_of(person, sent)  # a form that stood on no page of ours is refused
        keeper, typed = Keeper(person.name, person), typed_of(sent)
        alert = find_alert(site.store, sent["alert"]).id if sent.get("alert") else ""
        row = row_of(typed)
        try:
            name = _added(site, row, keeper, alert)
        except (CaseFieldError, CaseRefused) as err:
            said = wrong(err, language(request))
            status = 422 if isinstance(err, CaseFieldError) else 409
            return cases_page(request, site, typed=typed, alert=alert, wrong=said, status=status)
        return RedirectResponse(linker(language(request))(f"/cases/{name}", did="added"), 303)

    @router.post("/cases/{name}/withdraw")
    def withdraw(request: Request, name: str, sent: Sent) -> Response:
        person = person_of(site.store, request.state.viewer)
        key_of(person, sent)
        casework.withdraw_case(site.store, name, Keeper(person.name, person), site.clock())
        return RedirectResponse(linker(language(request))("/cases", did="withdrawn"), 303)


def _added(site: Site, row: Mapping[str, object], keeper: Keeper, alert: str) -> str:
    """The name of the case that was kept; of a form that was sent twice, too."""
    try:
        return casework.add_case(site.store, row, keeper, site.clock(), alert).id
    except CaseRefused:
        there = site.store.case(str(row.get("id")))
        if there is None or there.withdrawn_at or there.added_by != keeper.name:
            raise
        if there.body != full(row):
            raise
        return there.id


def cases_page(
    request: Request,
    site: Site,
    *,
    typed: Mapping[str, str] | None = None,
    alert: str = "",
    wrong: list[str] | None = None,
    did: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The list, with the form for who may keep cases; open when something stands in it."""
    own, lang = sees_work(request.state.viewer), language(request)
    keeps = may_keep(request, site)
    types = sorted((label("type", code).text(lang), code) for code in WINDOW_DAYS)
    return page(
        request, "cases.html", status=status, own=own, keeps=keeps, did=did,
        found=case_lines(site.store, own), alert=alert, wrong=wrong or [], types=types,
        stages=[one.ko if lang == "ko" else one.en for one in Stage], open=typed is not None,
        typed=typed or dict.fromkeys(TYPED, ""), labels=labels(lang), stage_of=Stage.parse,
        **(form_values(request) if keeps else {"form": "", "key": ""}),
    )  # fmt: skip


def labels(lang: str) -> dict[str, str]:
    return {name: ko if lang == "ko" else en for name, (ko, en) in FIELDS.items()}


def may_keep(request: Request, site: Site) -> bool:
    """Whether the reader may keep cases by a form: an analyst or operator who is signed in."""
    viewer = request.state.viewer
    person = site.store.person(name=viewer.person) if viewer.person else None
    return person is not None and bearer(request) is None and not refusal(person, ActKind.RULES)


def _for_analysts() -> NotAllowed:
    return NotAllowed("cases are kept by analysts and operators who sign in under a name",
                      "사례는 이름으로 로그인한 분석가와 운영자가 남깁니다.")  # fmt: skip
