"""Saving on /tuning: a new version, its plan, its undo, and what two analysts at once are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from alerts.rulebook import RuleError
from ews.acting import ActRefused, person_of
from ews.model import RuleSet, flatten
from ews.reports import label
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Candidate, Version
from ews.tuning.rule_values import RuleChangeError, differing
from ews.tuning.rules import Changer, FailingCases, RulesConflict, of_version
from ews.web import tuning_words as words
from ews.web.acts_pages import key_of, own_form
from ews.web.rendering import language, linker, page
from ews.web.site import Site
from ews.web.tuning_asked import Asked, Unread, planned_at, read
from ews.web.tuning_desks import Desks, check_tuner
from ews.web.tuning_view import said, shown, tuning_page, who_saves
from graph.reference import COUNTRIES

Sent = Annotated[dict[str, str], Depends(own_form)]


def saving_pages(router: APIRouter, site: Site, desks: Desks) -> None:
    """/tuning/history, and the two forms that write: save and undo."""

    @router.get("/tuning/history")
    def history(request: Request, did: str = "", version: str = "") -> HTMLResponse:
        check_tuner(request.state.viewer)
        return _history_page(request, site, desks, did=did, version=version[:9])

    @router.post("/tuning/save")
    def save(request: Request, sent: Sent) -> Response:
        check_tuner(request.state.viewer)
        asked = read(list(sent.items()))
        try:
            saved = desks.ask(lambda desk: _save(request, site, desk, asked, sent))
        except RulesConflict as err:
            return _conflict_page(request, site, asked, err)
        except (RuleError, RuleChangeError, FailingCases, ActRefused, Unread) as err:
            return tuning_page(request, site, desks, asked, 409, said(err, language(request)))
        did = "saved" if saved.in_force(site.clock()) else "planned"
        return _seen(request, did, saved)

    @router.post("/tuning/undo")
    def undo(request: Request, sent: Sent) -> Response:
        check_tuner(request.state.viewer)
        reason = sent.get("reason", "").strip()
        try:
            now, changer = site.clock(), _changer(request, site, sent)
            saved = desks.ask(lambda desk: desk.undo(reason=reason, now=now, changer=changer))
        except (RuleChangeError, ActRefused) as err:
            why = said(err, language(request))
            return _history_page(request, site, desks, status=409, refused=why)
        return _seen(request, "undone", saved)


def _seen(request: Request, did: str, saved: RuleSet) -> RedirectResponse:
    at = linker(language(request))("/tuning/history", did=did, version=saved.version)
    return RedirectResponse(at, 303)


def _changer(request: Request, site: Site, sent: Mapping[str, str]) -> Changer:
    person = person_of(site.store, request.state.viewer)
    return Changer(person, "page", f"{key_of(person, sent)}:rules")


def _save(
    request: Request, site: Site, desk: Desk, asked: Asked, sent: Mapping[str, str]
) -> RuleSet:
    """Save at once, or plan when a time was typed."""
    now, at = site.clock(), planned_at(asked.typed.get("at", ""))
    base = asked.base if asked.base is not None else desk.base(now).version
    change = Candidate(base, asked.changes)
    name, reason = asked.typed.get("name", ""), asked.typed.get("reason", "")
    changer, force = _changer(request, site, sent), asked.typed.get("force") == "1"
    if at is None:
        return desk.save(
            change, name=name, reason=reason, now=now, changer=changer, force_tests=force
        )
    return desk.plan(
        change, at, name=name, reason=reason, now=now, changer=changer, force_tests=force
    )


# --------------------------------------------------------------------------- history


def _history_page(
    request: Request,
    site: Site,
    desks: Desks,
    *,
    did: str = "",
    version: str = "",
    status: int = 200,
    refused: str = "",
) -> HTMLResponse:
    """Versions and plans, newest first, with the one button that takes back the newest."""
    versions: tuple[Version, ...] = desks.ask(lambda desk: desk.versions(site.clock()))
    return page(
        request, "tuning_history.html", status=status, versions=versions, refused=refused,
        did=did if did in ("saved", "planned", "undone") else "",
        version=version if version.isdigit() else "", now=site.clock(), shown=shown,
        key_name=_namer(language(request)), **who_saves(request, site),
    )  # fmt: skip


def _namer(lang: str) -> Callable[[str], str]:
    names = {code: label("country", code).text(lang) for code in COUNTRIES}
    return lambda key: words.key_name(key, lang, names)


# --------------------------------------------------------------------------- conflicts


@dataclass(frozen=True, slots=True)
class Clash:
    """One key that they, or you, or both changed since the version you began from."""

    key: str
    base: object
    theirs: object
    mine: str
    collides: bool


def _conflict_page(request: Request, site: Site, asked: Asked, err: RulesConflict) -> HTMLResponse:
    """Who saved what meanwhile, which keys collide, and ways on that keep what was typed."""
    lang = language(request)
    rows = _clashes(site, asked, err)
    apart = {
        key: text for key, text in asked.changes.items() if document_key(key) not in err.colliding
    }
    return page(
        request, "tuning_conflict.html", status=409, err=err, rows=rows, why=said(err, lang),
        theirs=err.theirs, typed=asked.typed, changes=asked.changes, shown=shown, now=site.clock(),
        key_name=_namer(lang), apart=_onto(asked, err.newest, apart, lang) if apart else "",
        mine=_onto(asked, err.newest, asked.changes, lang), newest=_onto(asked, err.newest, {}, lang),
    )  # fmt: skip


def _clashes(site: Site, asked: Asked, err: RulesConflict) -> list[Clash]:
    base = of_version(site.store, err.base)
    theirs = differing(base.rules, err.theirs[-1].rules)
    mine = {document_key(key): text for key, text in asked.changes.items()}
    old = flatten(base.rules)
    return [
        Clash(key, old.get(key), theirs[key][1] if key in theirs else old.get(key),
              mine.get(key, ""), key in err.colliding)
        for key in sorted({*theirs, *mine}, key=lambda key: (key not in err.colliding, key))
    ]  # fmt: skip


def document_key(key: str) -> str:
    """
    >>> document_key("budget.molit"), document_key("evaluate.quiet_days")
    ('budgets.molit', 'evaluate.quiet_days')
    """
    return f"budgets.{key.removeprefix('budget.')}" if key.startswith("budget.") else key


def _onto(asked: Asked, version: int, changes: Mapping[str, str], lang: str) -> str:
    """The form on top of the newest version, with what was typed."""
    typed = {k: asked.typed.get(k, "") for k in ("rule", "from", "to", "name", "reason", "at")}
    query = {"base": str(version), **typed, **changes, "lang": "" if lang == "ko" else lang}
    return f"/tuning?{urlencode({key: text for key, text in query.items() if text})}"
