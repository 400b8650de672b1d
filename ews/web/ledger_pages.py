"""/ledger: how alerts turned out and whether the probabilities held, for everybody, without sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from ews.acting import ActRefused, person_of, refusal
from ews.model import ActKind, Outcome, Stage
from ews.reports import Viewer, label
from ews.reports.given import KST
from ews.reports.ledger_words import (
    BASES,
    CHANCES,
    DIMENSIONS,
    KINDS,
    STAGES,
    group_word,
    outcome_word,
    proof_word,
    said,
)
from ews.tuning.ledger_reviews import turned_out
from ews.web.acts_pages import form_values, key_of, own_form, refused
from ews.web.asked import known, only
from ews.web.asking import bearer
from ews.web.ledger_asked import Ledgers, account_of, question
from ews.web.ledger_drawing import draw_reliability
from ews.web.problems import not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site
from nlp.taxonomy import TYPES

SHOWN = 200  # alerts of the list; the sheet has all
ASKED = ("since", "until", "stage", "type", "outcome", "as_of")
TABLES = {"bases": BASES, "chances": CHANCES, "dimensions": DIMENSIONS, "kinds": KINDS,
          "stages": STAGES}  # fmt: skip
MAY_SAY = (Outcome.TRUE, Outcome.LATE, Outcome.FALSE, Outcome.OPEN)


def ledger_router(site: Site, who: Callable[[Request], Viewer], kept: Ledgers) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/ledger")
    def every(request: Request) -> HTMLResponse:
        return _every(request, site, kept)

    @router.get("/ledger/{alert_id}")
    def one(request: Request, alert_id: str, as_of: str = "") -> HTMLResponse:
        only(request, {"as_of", "lang", "did"})
        found = account_of(site, request, alert_id, as_of)
        values: dict[str, Any] = {**_saying(request, site), **_words(request)}
        return page(
            request, "ledger_alert.html", found=found, one=found.entry, as_of=as_of,
            did="did" in request.query_params, **values,
        )  # fmt: skip

    @router.post("/ledger/{alert_id}")
    def say(
        request: Request, alert_id: str, sent: Annotated[dict[str, str], Depends(own_form)]
    ) -> Response:
        person = person_of(site.store, request.state.viewer)
        if sent.get("outcome") not in set(MAY_SAY):
            raise not_ours()
        try:
            done = turned_out(
                site.store, person, alert_id, Outcome(sent["outcome"]), sent.get("note", ""),
                site.clock(), "page", f"{key_of(person, sent)}:turned_out",
            )  # fmt: skip
        except ActRefused as err:
            return refused(request, err, f"/ledger/{alert_id}", sent)
        kept.forget()
        at = linker(language(request))(f"/ledger/{done.act.alert_id}", did="1")
        return RedirectResponse(at, 303)

    return router


def _every(request: Request, site: Site, kept: Ledgers) -> HTMLResponse:
    only(request, {*ASKED, "lang"})
    lang = language(request)
    given = {k: v.strip() for k, v in request.query_params.items() if k in ASKED and v.strip()}
    asked = question(*(given.get(name) for name in ASKED[:5]))
    found = kept.answer(site, request, asked, known(given.get("as_of"), site.clock()))
    query = urlencode({**given, "lang": lang})
    return page(
        request, "ledger.html", found=found, given=given, shown=SHOWN,
        drawing=Markup(draw_reliability(found.calibration.every, lang)),
        sheet=f"/api/v1/ledger.csv?{query}", bins=f"/api/v1/ledger/reliability.csv?{query}",
        today=site.clock().astimezone(KST).date(), stages_all=list(Stage), types_all=list(TYPES),
        outcomes_all=list(Outcome), **_words(request),
    )  # fmt: skip


def _saying(request: Request, site: Site) -> dict[str, object]:
    """The form of who may say how it turned out; none for others."""
    viewer = request.state.viewer
    person = site.store.person(name=viewer.person) if viewer.person else None
    may = person is not None and not refusal(person, ActKind.NOTE) and bearer(request) is None
    return {"may": may, "may_say": MAY_SAY, **(form_values(request) if may else {})}


def _words(request: Request) -> dict[str, Any]:
    lang = language(request)
    return {
        "outcome": lambda code, unconfirmed=False: outcome_word(code, unconfirmed, lang),
        "say": lambda table, key: said(TABLES[table], key, lang),
        "group": lambda by, key: group_word(by, key, lang),
        "proof": lambda one: proof_word(one, lang),
        "type_name": lambda code: label("type", code).text(lang),
        "item_names": lambda codes: ", ".join(label("item", code).text(lang) for code in codes),
        "rate": lambda share: "-" if share is None else f"{share:.0%}",
        "figure": lambda value: "-" if value is None else f"{value:.3f}",
    }
