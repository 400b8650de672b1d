"""/tuning: an analyst sees what a change of the rules would have done, and looks for a better one."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from ews.model import Stage
from ews.reports import Viewer
from ews.tuning.desk import Desk
from ews.tuning.desk_shapes import Proposal, Target
from ews.web.rendering import language, page
from ews.web.site import Site
from ews.web.tuning_asked import Asked, Unread, period, read
from ews.web.tuning_desks import Desks, check_tuner
from ews.web.tuning_saving import saving_pages
from ews.web.tuning_view import again_of, answer_values, look, said, tuning_page, who_saves


def tuning_router(site: Site, who: Callable[[Request], Viewer], desks: Desks) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/tuning")
    def tuning(request: Request) -> HTMLResponse:
        return tuning_page(request, site, desks, asked_in(request))

    @router.get("/tuning/answer")
    def answer(request: Request) -> HTMLResponse:
        """The part of the page that a script puts in place while a slider is dragged."""
        asked = asked_in(request)
        curve, loads = (asked.typed.get(name) != "0" for name in ("curve", "loads"))
        seen = desks.ask(lambda desk: look(desk, asked, site.clock(), curve, loads))
        values = answer_values(seen, language(request), not loads) | who_saves(request, site)
        return page(request, "tuning_answer.html", **values)

    @router.get("/tuning/proposal")
    def proposal(request: Request) -> HTMLResponse:
        return _proposal_page(request, site, desks, asked_in(request))

    saving_pages(router, site, desks)
    return router


def asked_in(request: Request) -> Asked:
    """What the query asks; NotForViewer before anything is read of it."""
    check_tuner(request.state.viewer)
    return read(request.query_params.multi_items())


# --------------------------------------------------------------------------- proposals


def _proposal_page(request: Request, site: Site, desks: Desks, asked: Asked) -> HTMLResponse:
    """The question for a better rule set, and the answer when one was asked."""
    lang, now = language(request), site.clock()
    seen = desks.ask(lambda desk: look(desk, without_changes(asked), now, False, False))
    found: Proposal | None = None
    wrong = seen.wrong
    if asked.typed.get("most") and wrong is None:
        try:
            target = target_of(asked)
            found = desks.ask(lambda desk: _proposed(desk, target, asked, site))
        except (ValueError, LookupError, Unread) as err:
            if isinstance(err, KeyError | IndexError):
                raise
            wrong = err
    values = answer_values(seen, lang) | {"wrong": said(wrong, lang)}
    take = (
        again_of(seen, lang)(base=found.candidate.base_version, **found.candidate.changes)
        if found
        else ""
    )
    return page(
        request, "tuning_proposal.html", status=400 if wrong else 200, found=found, take=take,
        stages=[(one.name.lower(), one) for one in Stage], **values,
    )  # fmt: skip


def _proposed(desk: Desk, target: Target, asked: Asked, site: Site) -> Proposal:
    now = site.clock()
    return desk.propose(target, period(asked, desk.period(now)), now)


def without_changes(asked: Asked) -> Asked:
    return Asked(asked.base, asked.rule, asked.since, asked.until, {}, asked.typed)


def target_of(asked: Asked) -> Target:
    """What a proposal should reach. Unread for what is no number or stage."""
    typed = asked.typed
    precision = typed.get("precision", "")
    try:
        stage = Stage.parse(typed.get("stage") or "watch")
    except ValueError as err:
        raise Unread(str(err), "단계는 관심, 주의, 경계, 심각 가운데 하나입니다.") from None
    return Target(
        most_per_day=_number(typed.get("most", ""), 0, 100_000),
        stage=stage,
        receiver=typed.get("receiver") or None,
        precision_at_least=_number(precision, 0, 1) if precision else None,
    )


def _number(text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise Unread(f"{text[:20]!r} is no number from {low:g} to {high:g}",
                     f"{text[:20]!r}: {low:g}에서 {high:g} 사이의 수를 적으십시오.")  # fmt: skip
    return value
