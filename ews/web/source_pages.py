"""/sources: which are dead and what to do about it; one of them in full, and what operators decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from ews.acting import person_of
from ews.model import Source
from ews.own_sources import demote, kept_sources, promote, resume, switch
from ews.reports import NotForViewer, NotFound, Viewer
from ews.reports.collection import STATES, SourcesAsked, country_label
from ews.reports.source_advice import CHOSEN
from ews.reports.source_errors import in_korean
from ews.reports.source_report import raw_body, source_report
from ews.reports.source_views import DarkLine, SourceReport
from ews.reports.source_words import (
    a_round,
    flow_words,
    language_words,
    rows_words,
    said,
    state_words,
    terms_words,
    tier_words,
    trouble,
    why_next,
)
from ews.reports.views import Label
from ews.reports.words import outcome_word
from ews.spans import ago, span
from ews.web.acts_pages import form_values, own_form, refused
from ews.web.asked import moment, only
from ews.web.asking import bearer
from ews.web.problems import not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site
from ews.web.source_asked import FILTERS, listed
from ews.web.source_drawing import draw_days
from scrapers import CatalogError
from scrapers.catalog import GROUPS

SHOWN = 50  # lines of one page; the sheet has all
DONE = {
    "on": ("켰습니다", "Switched on"), "off": ("껐습니다", "Switched off"),
    "resume": ("다시 묻습니다", "It is asked again"), "promote": ("승격했습니다", "Promoted"),
    "demote": ("확인되지 않은 출처로 되돌렸습니다", "Unverified again"),
}  # fmt: skip
DECIDED = {
    "on": ("켬", "switched on"), "off": ("끔", "switched off"), "promoted": ("승격", "promoted"),
    "demoted": ("승격 취소", "promotion taken back"), "resumed": ("다시 묻기", "asked again"),
}  # fmt: skip
KINDS = {"item:": ("품목", "Items"), "country:": ("국가", "Countries")}


def source_router(site: Site, who: Callable[[Request], Viewer]) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/sources")
    def every(request: Request) -> HTMLResponse:
        return _list_page(request, site)

    @router.get("/sources/{name}")
    def one(request: Request, name: str) -> HTMLResponse:
        only(request, {"did", "lang"})
        return _source_page(request, site, name)

    @router.get("/sources/{name}/raw")
    def raw(request: Request, name: str, at: str, page: int = 0) -> Response:
        when = moment(at)
        if when is None:
            raise HTTPException(400, "at: give the time of the turn")
        body = raw_body(site.store, name, when, page, request.state.viewer)
        return _download(body, f"{name}-{when:%Y%m%dT%H%M%SZ}-{page}.bin")

    @router.post("/sources/{name}")
    def change(
        request: Request, name: str, sent: Annotated[dict[str, str], Depends(own_form)]
    ) -> Response:
        if request.state.viewer.role != "operator":
            raise NotForViewer(
                "sources are switched by operators", "수집원은 운영자가 켜고 끕니다."
            )
        person = person_of(site.store, request.state.viewer)
        what = sent.get("do", "")
        try:
            _decide(site, what, _named(site, name), person.name, sent.get("note", ""))
        except ValueError as err:
            return refused(request, err, f"/sources/{name}", sent)
        return RedirectResponse(linker(language(request))(f"/sources/{name}", did=what), 303)

    return router


def _named(site: Site, name: str) -> Source:
    try:
        return kept_sources(site.store).named(name)
    except CatalogError as err:
        raise NotFound(str(err)) from None


def _decide(site: Site, what: str, source: Source, by: str, why: str) -> None:
    now = site.clock()
    if what in ("on", "off"):
        switch(site.store, source, what == "on", by, now)
    elif what == "resume":
        resume(site.store, source, by, now)
    elif what == "promote":
        promote(site.store, source, by, now, why)
    elif what == "demote":
        demote(site.store, source, by, now, why)
    else:
        raise not_ours()


def _download(body: bytes, name: str) -> Response:
    """Bytes of a stranger: saved, never shown."""
    return Response(
        body,
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# --------------------------------------------------------------------------- the list


def _list_page(request: Request, site: Site) -> HTMLResponse:
    """The form and the rows; what is wrong with the question is told beside the form."""
    only(request, {*FILTERS, "offset", "lang"})
    given = {k: v.strip() for k, v in request.query_params.items() if k in FILTERS and v.strip()}
    lang, wrong, status = language(request), "", 200
    try:
        found = listed(site, _asked(given))
    except HTTPException as err:
        wrong, status, given = str(err.detail), err.status_code, {}
        found = listed(site, SourcesAsked())
    offset = _whole(request.query_params.get("offset", ""))
    query = urlencode({**given, "lang": lang})
    return page(
        request, "sources.html", status=status, found=found, given=given, wrong=wrong,
        filtered=bool(set(given) - {"sort"}), shown=found.sources[offset : offset + SHOWN],
        offset=offset, size=SHOWN, states=STATES, groups=GROUPS,
        urgent=[one for one in found.todo if one.advice.code not in CHOSEN],
        chosen=[one for one in found.todo if one.advice.code in CHOSEN],
        sheet=f"/api/v1/sources.csv?{query}", plain=f"/api/v1/sources?{urlencode(given)}",
        live=sum(one.live_tested for one in found.sources), dark=_by_kind(found.dark, lang), **_choices(site, lang), **source_tools(lang, site.clock()),
    )  # fmt: skip


def _asked(given: Mapping[str, str]) -> SourcesAsked:
    private = {"1": True, "true": True, "0": False, "false": False}.get(given.get("private", ""))
    return SourcesAsked(
        given.get("state", ""), given.get("group", ""), given.get("country", "").upper(),
        given.get("language", ""), private, given.get("todo", ""), given.get("q", ""),
        given.get("sort", ""),
    )  # fmt: skip


def _whole(text: str) -> int:
    """A place in the list; one that is none is the beginning."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _choices(site: Site, lang: str) -> dict[str, Any]:
    """Countries and languages that there are, to choose from."""
    every = kept_sources(site.store).sources
    return {
        "countries": sorted(
            ((one.code, one.text(lang)) for one in {country_label(one.country) for one in every}),
            key=lambda one: one[1],
        ),
        "languages": sorted({one.lang for one in every}),
        "privates": any(one.tier == 4 for one in every),
    }


def _by_kind(found: Sequence[DarkLine], lang: str) -> list[tuple[str, list[DarkLine]]]:
    return [
        (said(pair, "", lang), [one for one in found if one.subject.code.startswith(kind)])
        for kind, pair in KINDS.items()
    ]


# --------------------------------------------------------------------------- one


def _source_page(request: Request, site: Site, name: str) -> HTMLResponse:
    lang, viewer, now = language(request), request.state.viewer, site.clock()
    found = source_report(site.store, name, now, viewer)
    did = request.query_params.get("did", "")
    acts = _acts(request, found) if viewer.role == "operator" and viewer.person else ()
    return page(
        request, "source.html", found=found, s=found.source, acts=acts,
        did=DONE[did][lang != "ko"] if did in DONE else "",
        drawing=Markup(draw_days(found.days, found.source.usual_day, lang)),
        forms=form_values(request) if acts else {}, covered=_covered(found, lang),
        decided=lambda done: said(DECIDED.get(done), done, lang),
        told_of=lambda error: in_korean(error) if lang == "ko" else error,
        **source_tools(lang, now),
    )  # fmt: skip


def _covered(found: SourceReport, lang: str) -> list[tuple[str, list[Label]]]:
    return [
        (said(pair, "", lang), [one for one in found.covers if one.code.startswith(kind)])
        for kind, pair in KINDS.items()
    ]


def _acts(request: Request, found: SourceReport) -> tuple[str, ...]:
    """What makes sense now; a form needs a session, which no program has."""
    if bearer(request) is not None:
        return ()
    line = found.source
    acts = ["off" if line.state != "off" else "on"]
    if line.circuit != "closed" or any(one.code == "short" for one in line.advice):
        acts.append("resume")
    if line.private:
        acts.append("demote" if line.trusted else "promote")
    return tuple(acts)


def source_tools(lang: str, now: datetime) -> dict[str, Any]:
    """Words of sources for templates."""
    return {
        "ago": lambda at: ago(at, now, lang),
        "span": lambda seconds: span(seconds, lang),
        "stands": lambda line: state_words(line, now, lang),
        "flow": lambda line: flow_words(line, lang),
        "rows": lambda line: rows_words(line, lang),
        "tier": lambda number: tier_words(number, lang),
        "tongue": lambda code: language_words(code, lang),
        "terms": lambda terms: terms_words(terms, lang),
        "because": lambda why: why_next(why, lang),
        "outcome": lambda code: outcome_word(code, lang) if code else "-",
        "trouble": lambda line: trouble(line, lang),
        "a_round": lambda line: a_round(line, lang),
    }
