"""/series: which series there are, why one alarmed, and what false alarms are accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from ews.reports import Viewer, label
from ews.reports.given import KST
from ews.reports.series_answer import answer, number
from ews.reports.series_names import said
from ews.reports.series_views import SeriesReport
from ews.reports.viewer import NotFound
from ews.web.asked import only
from ews.web.rendering import language, page
from ews.web.series_api import ONE, Named
from ews.web.series_asked import Filters, SeriesKept, budget_of, listed, one_series
from ews.web.series_drawing import compact, draw_series
from ews.web.site import Site

ASKED = ("q", "item", "provider", "measure", "place", "detected", "sort", "offset", "limit")
SHOWN = 50  # series of one page, and items of the budget
RATES = {"series": ("이 계열", "this series"), "item": ("이 품목·장소", "its item or place"),
         "service": ("서비스 전체", "the service")}  # fmt: skip
VERDICTS = {"within": ("예산 이내", "within"), "above": ("예산 초과", "above"),
            "too few to say": ("판단하기에 부족", "too few to say")}  # fmt: skip
KINDS = {
    "counts": ("선박 수", "counts of ships"), "tonnage": ("선복량·물량", "tonnage"),
    "flows-kg": ("교역 물량", "trade by quantity"), "flows-usd": ("교역액", "trade by value"),
    "prices": ("가격", "prices"), "shares": ("집중도", "concentration"),
    "gaps": ("양국 통계 차이", "mirror gaps"), "index": ("지수", "indices"),
    "other": ("기타", "other"),
}  # fmt: skip


def series_router(site: Site, who: Callable[[Request], Viewer], kept: SeriesKept) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )

    @router.get("/series")
    def every(request: Request) -> HTMLResponse:
        return _every(request, site)

    @router.get("/series/budget")
    def budget(request: Request, item: str = "", as_of: str = "") -> HTMLResponse:
        only(request, {"item", "as_of", "lang"})
        return _budget(request, site, kept, item, as_of)

    @router.get(ONE)
    def one(
        request: Request, name: Annotated[Named, Depends(Named)], as_of: str = ""
    ) -> HTMLResponse:
        only(request, {"as_of", "lang"})
        found = one_series(site, kept, name.name, as_of)
        lang = language(request)
        query = urlencode({"as_of": as_of, "lang": lang} if as_of else {"lang": lang})
        return page(
            request, "series_one.html", found=found, one=found.series, as_of=as_of,
            answer=answer(found),
            drawing=Markup(draw_series(found, lang)), alarms=_alarms(found),
            csv=f"/api/v1/series/{name.name}", query=query,
            today=site.clock().astimezone(KST).date(), **_words(request),
        )  # fmt: skip

    return router


def _every(request: Request, site: Site) -> HTMLResponse:
    only(request, {*ASKED, "lang"})
    given = {k: v.strip() for k, v in request.query_params.items() if k in ASKED and v.strip()}
    wrong = ""
    asked = _asked(given)
    try:
        found = listed(site, asked)
    except NotFound as err:
        wrong = err.text(language(request))
        found = listed(site, _asked({}))
    pages = {k: v for k, v in given.items() if k != "offset"}
    lang = language(request)
    sheet = urlencode({**pages, "limit": 1000, "lang": lang})
    return page(
        request, "series.html", status=404 if wrong else 200, found=found, given=given,
        wrong=wrong, sheet=f"/api/v1/series.csv?{sheet}", pages=pages,
        before=max(0, found.offset - found.limit) if found.offset else None,
        after=found.offset + found.limit if found.offset + found.limit < found.count else None,
        **_words(request),
    )  # fmt: skip


def _asked(given: dict[str, str]) -> Any:
    """The question of the form. A figure that is none is the first page."""
    offset = given.get("offset", "0")
    return Filters(
        given.get("q", ""), given.get("item", ""), given.get("provider", ""),
        given.get("measure", ""), given.get("place", ""), bool(given.get("detected")),
        given.get("sort", ""), int(offset) if offset.isdecimal() and len(offset) < 8 else 0, SHOWN,
    ).asked  # fmt: skip


def _budget(request: Request, site: Site, kept: SeriesKept, item: str, as_of: str) -> HTMLResponse:
    wrong = ""
    try:
        found = budget_of(site, kept, item, as_of, SHOWN)
    except NotFound as err:
        wrong, found = err.text(language(request)), budget_of(site, kept, "", as_of, SHOWN)
    query = urlencode({k: v for k, v in (("item", item), ("as_of", as_of)) if v}
                      | {"lang": language(request)})  # fmt: skip
    return page(
        request, "series_budget.html", status=404 if wrong else 200, found=found, item=item,
        as_of=as_of, wrong=wrong, sheet=f"/api/v1/series/budget.csv?{query}",
        today=site.clock().astimezone(KST).date(), **_words(request),
    )  # fmt: skip


def _alarms(found: SeriesReport) -> dict[Any, list[str]]:
    """Detectors that alarmed, by period."""
    alarms: dict[Any, list[str]] = {}
    for one in found.detections:
        alarms.setdefault(one.period, []).append(one.detector)
    return alarms


def _words(request: Request) -> dict[str, Any]:
    lang = language(request)

    def pick(pair: tuple[str, str]) -> str:
        return pair[0] if lang == "ko" else pair[1]

    return {
        "say": lambda table, code: said(table, code, lang),
        "figure": lambda value: "-" if value is None else number(value),
        "short": lambda value: "-" if value is None else compact(value, lang),
        "chance": lambda p: "-" if p is None else f"{p:.2g}",
        "rated": lambda name: pick(
            RATES.get(name)
            or KINDS.get(name)
            or (said("detector", name, "ko"), said("detector", name, "en"))
        ),
        "verdict": lambda name: pick(VERDICTS[name]),
        "kind": lambda name: pick(KINDS.get(name, (name, name))),
        "type_name": lambda code: label("type", code).text(lang),
    }
