"""/learning: an analyst decides what feedback teaches; who is wrong how often; what has drifted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ews.acting import ActRefused, NotFound, person_of
from ews.model import Person, Suggestion
from ews.reports import Viewer, label
from ews.reports.learning_words import (
    ASKS,
    BY,
    RELEVANT,
    STATES,
    group_words,
    missed_words,
    reason_words,
    suggestion_words,
)
from ews.reports.ledger_words import said
from ews.tuning.drift_telling import sentence, subject
from ews.tuning.learning import accept_suggestion, reject_suggestion, suggest
from ews.tuning.learning_ratios import LEAST
from ews.tuning.learning_teaching import accept_example, gather, reject_example
from ews.tuning.rule_tests import FailingCases
from ews.tuning.rules import Changer, RuleChangeError
from ews.web.acts_pages import key_of, own_form, refused
from ews.web.asked import only
from ews.web.learning_asked import check_analyst, check_ratios, counted, drifted, learnt
from ews.web.problems import not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site
from ews.web.tuning_desks import Desks
from ews.web.tuning_view import who_saves
from nlp.taxonomy import TYPES

SHOWN = 50  # examples of one page
DONE = ("gathered", "suggested", "accepted", "rejected")
Sent = Annotated[dict[str, str], Depends(own_form)]


def learning_router(site: Site, who: Callable[[Request], Viewer], desks: Desks) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/learning")
    def learning(request: Request, state: str = "") -> HTMLResponse:
        check_analyst(request.state.viewer)
        only(request, {"state", "lang", "did"})
        did = request.query_params.get("did", "")
        return page(
            request, "learning.html", found=learnt(site, state), state=state or "open",
            did=did if did in DONE else "", shown=SHOWN, types_all=list(TYPES),
            **who_saves(request, site), **_words(request),
        )  # fmt: skip

    @router.get("/learning/ratios")
    def ratios(request: Request, since: str = "", until: str = "") -> HTMLResponse:
        check_ratios(request.state.viewer)
        only(request, {"since", "until", "lang"})
        return page(
            request, "learning_ratios.html", found=counted(site, since, until), since=since,
            until=until, least=LEAST, by_all=list(BY), **_words(request),
        )  # fmt: skip

    @router.get("/learning/drift")
    def drift(request: Request, since: str = "", until: str = "") -> HTMLResponse:
        check_analyst(request.state.viewer)
        only(request, {"since", "until", "lang"})
        return page(
            request, "learning_drift.html", found=drifted(site, since, until), since=since,
            until=until, **_words(request),
        )  # fmt: skip

    @router.post("/learning/{what}")
    def decide(request: Request, what: str, sent: Sent) -> Response:
        check_analyst(request.state.viewer)
        person = person_of(site.store, request.state.viewer)
        try:
            did = _done(site, desks, person, what, sent)
        except (ActRefused, NotFound, RuleChangeError, FailingCases) as err:
            return refused(request, err, "/learning", sent)  # type: ignore[arg-type]
        at = linker(language(request))("/learning", did=did, state=sent.get("state", ""))
        return RedirectResponse(at, 303)

    return router


def _done(
    site: Site, desks: Desks, person: Person, what: str, sent: Mapping[str, str]
) -> str:  # fmt: skip
    """What was asked by a form, done; the word of it."""
    now, id, note = site.clock(), sent.get("id", ""), sent.get("note", "")
    if what == "gather":
        gather(site.store, now)
        return "gathered"
    if what == "suggest":
        gather(site.store, now)
        desks.ask(lambda desk: suggest(desk, now))
        return "suggested"
    if what == "example":
        if sent.get("do") == "reject":
            reject_example(site.store, id, person, now, note)
            return "rejected"
        accept_example(
            site.store, id, person, now, labels=_types(sent), relevant=_relevant(sent),
            items=[one for one in sent["items"].split(",") if one] if sent.get("items") else None,
            note=note,
        )  # fmt: skip
        return "accepted"
    if what == "suggestion":
        if sent.get("do") == "reject":
            reject_suggestion(site.store, id, person, now, note)
            return "rejected"
        changer = Changer(person, "page", f"{key_of(person, sent)}:rules")
        rebase = sent.get("rebase") == "1"
        desks.ask(lambda desk: accept_suggestion(desk, id, changer, now, rebase=rebase))
        return "accepted"
    raise not_ours()


def _types(sent: Mapping[str, str]) -> list[str] | None:
    """The types chosen; None: as proposed."""
    chosen = [sent[name] for name in ("type1", "type2") if sent.get(name)]
    return chosen or None


def _relevant(sent: Mapping[str, str]) -> bool | None:
    return {"yes": True, "no": False}.get(sent.get("relevant", ""))


def preview_of(one: Suggestion) -> dict[str, str]:
    """The question of the tuning page that shows what the change would have done."""
    rule = next((key.split(".")[1] for key in one.changes if key.startswith("rules.")), "")
    return {"base": one.facts["base"], "rule": rule, **{k: str(v) for k, v in one.changes.items()}}


def _words(request: Request) -> dict[str, Any]:
    lang = language(request)
    return {
        "type_name": lambda code: label("type", code).text(lang),
        "item_names": lambda codes: ", ".join(label("item", code).text(lang) for code in codes),
        "state_name": lambda code: said(STATES, code, lang),
        "asks": lambda note: said(ASKS, note, lang),
        "relevance": lambda value: RELEVANT[value][0 if lang == "ko" else 1],
        "suggested": lambda one: suggestion_words(one, lang),
        "preview": preview_of,
        "missed_why": lambda one: missed_words(one.why, one.facts, one.nearest, lang),
        "by_name": lambda by: said(BY, by, lang),
        "group": lambda by, key: group_words(by, key, lang),
        "reasons": lambda found: reason_words(found, lang),
        "rate": lambda share: "-" if share is None else f"{share:.0%}",
        "drifted": lambda test: sentence(test, lang),
        "subject": lambda test: subject(test, lang),
    }
