"""/watch: the table of vulnerability, one item, what changed, blind spots, and the watch list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup

from alerts.rulebook import RuleError
from ews.acting import ActRefused, person_of
from ews.reports import NotFound, UnknownName, Viewer
from ews.reports.watch import Asked, named, watch_table
from ews.reports.watch_book import Book, month_of, provider_label
from ews.reports.watch_changes import watch_changes, watch_spots
from ews.reports.watch_item import watch_item
from ews.reports.watch_list import list_key, watch_list
from ews.reports.watch_views import short_name
from ews.tuning.rule_values import RuleChangeError
from ews.tuning.rules import Changer, FailingCases
from ews.web.acts_pages import key_of, own_form, refused
from ews.web.asked import only
from ews.web.problems import FormRefused, not_ours
from ews.web.rendering import language, linker, page
from ews.web.site import Site
from ews.web.tuning_view import who_saves
from ews.web.watch_asked import FILTERS, Books, answered, change_list, given_of, typed
from ews.web.watch_drawing import draw_history
from graph.reference import MINISTRIES

SHOWN = 50  # lines of one page; the sheet has all
SPOTS = 30
BARE = ("score", "coverage", "import_usd", "item", "rank", "top-share")  # columns always there


def watch_router(site: Site, who: Callable[[Request], Viewer], books: Books) -> APIRouter:
    router = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(who)]
    )
    _reading_pages(router, site, books)
    _list_pages(router, site)
    return router


def _reading_pages(router: APIRouter, site: Site, books: Books) -> None:
    @router.get("/watch")
    def table(request: Request) -> HTMLResponse:
        return _table_page(request, site, books)

    @router.get("/watch/items/{item}")
    def one(request: Request, item: str, month: str = "") -> HTMLResponse:
        only(request, {"month", "lang"})
        lang = language(request)
        book = books.of(site, answered(lambda: month_of(month)))
        found = watch_item(site.store, item, now=site.clock(), month=book.month, book=book)
        return page(
            request, "watch_item.html", found=found, month=month, tab="item",
            drawing=Markup(draw_history(found.history, lang)), **_words(lang),
            **who_saves(request, site),
        )  # fmt: skip

    @router.get("/watch/changed")
    def changed(request: Request) -> HTMLResponse:
        book, since = _months(request, site, books)
        found = watch_changes(site.store, now=site.clock(), since=since, limit=SPOTS, book=book)
        return page(
            request, "watch_changed.html", found=found, tab="changed", **_asked(request, book),
            **_words(language(request)),
        )  # fmt: skip

    @router.get("/watch/blind-spots")
    def spots(request: Request) -> HTMLResponse:
        book, since = _months(request, site, books)
        found = watch_spots(site.store, now=site.clock(), since=since, limit=SPOTS, book=book)
        return page(
            request, "watch_spots.html", found=found, tab="blind-spots",
            **_asked(request, book), **_words(language(request)), **who_saves(request, site),
        )  # fmt: skip


def _months(request: Request, site: Site, books: Books) -> tuple[Book, Any]:
    only(request, {"month", "since", "lang"})
    given = request.query_params
    month, since = answered(lambda: (month_of(given.get("month")), month_of(given.get("since"))))
    return books.of(site, month), since


def _asked(request: Request, book: Book) -> dict[str, Any]:
    """What the form of two months holds."""
    given = request.query_params
    return {
        "month": given.get("month", ""), "since": given.get("since", ""),
        "months": [f"{one:%Y-%m}" for one in reversed(book.months)],
    }  # fmt: skip


def _table_page(request: Request, site: Site, books: Books) -> HTMLResponse:
    """The form and the rows; what is wrong with the question is told beside the form."""
    only(request, {*FILTERS, "wide", "lang"})
    lang, given = language(request), given_of(request)
    wrong, status, found, asked = "", 200, None, Asked()
    try:
        it = typed(request, SHOWN)
        asked = it.asked
        book = books.of(site, it.month)
        found = watch_table(site.store, asked, now=site.clock(), month=it.month, book=book)
    except NotFound as err:
        wrong, status = err.text(lang), 404
    except FormRefused as err:
        wrong, status = err.text(lang), err.status_code
    except HTTPException as err:
        wrong, status = str(err.detail), err.status_code
    every = {k: v for k, v in given.items() if k not in ("offset", "limit")}
    wide = {"wide": "1"} if request.query_params.get("wide") else {}
    key = asked.sort.lstrip("-")
    return page(
        request, "watch.html", status=status, found=found, wrong=wrong, given=given, tab="table",
        wide=bool(wide), kept={**every, **wide}, extra="" if key in BARE else key,
        sheet=f"/api/v1/watch.csv?{urlencode({**every, 'limit': 10_000, 'lang': lang})}",
        ministries=MINISTRIES, shown=SHOWN, column_name=lambda key: named(key).text(lang),
        turned=lambda key: f"-{key}" if asked.sort == key else key, **_words(lang),
    )  # fmt: skip


def _list_pages(router: APIRouter, site: Site) -> None:
    @router.get("/watch/list")
    def listed(request: Request) -> HTMLResponse:
        only(request, {"did", "item", "lang"})
        did = request.query_params.get("did", "")
        return page(
            request, "watch_list.html", found=watch_list(site.store, site.clock()), tab="list",
            did=did if did in ("add", "remove") else "",
            item=request.query_params.get("item", "")[:60], **who_saves(request, site),
            **_words(language(request)),
        )  # fmt: skip

    @router.post("/watch/list")
    def change(request: Request, sent: Annotated[dict[str, str], Depends(own_form)]) -> Response:
        person = person_of(site.store, request.state.viewer)
        what = sent.get("what", "")
        if what not in ("add", "remove"):
            raise not_ours()
        reason = sent.get("note", "")
        typed_ = {**sent, "outcome": "", "decision": sent.get("item", "")}
        try:
            item = list_key(sent.get("item", ""))
            changer = Changer(person, "page", f"{key_of(person, sent)}:watch:{what}:{item}")
            change_list(site, what, item, reason, _budget(sent), changer)
        except (ActRefused, UnknownName, RuleError, RuleChangeError, FailingCases) as err:
            told = err if isinstance(err, ValueError) else ActRefused(str(err), err.text("ko"))
            return refused(request, told, "/watch/list", typed_)
        return RedirectResponse(linker(language(request))("/watch/list", did=what, item=item), 303)


def _budget(sent: dict[str, str]) -> float | None:
    text = sent.get("budget", "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise ActRefused(
            f"{text[:20]!r} is no number of false alarms a year",
            f"‘{text[:20]}’은(는) 한 해 오경보 수가 아닙니다.",
        ) from None


def _words(lang: str) -> dict[str, Any]:
    def figure(value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"

    return {
        "figure": figure,
        "money": lambda value: _money(value, lang),
        "short": lambda one: short_name(one, lang),
        "rate": lambda share: "-" if share is None else f"{share:.0%}",
        "whose": lambda code: provider_label(code).text(lang),
        "signed": lambda value: f"{value:+.3f}",
    }


def _money(value: float, lang: str) -> str:
    """
    >>> _money(36_492_045.0, "ko"), _money(36_492_045.0, "en"), _money(1_500.0, "en")
    ('3,649만 달러', '$36.5M', '$1,500')
    """
    if lang == "ko":
        for size, word in ((1e8, "억 달러"), (1e4, "만 달러")):
            if value >= size:
                number = value / size
                return (
                    f"{number:,.1f}{word}"
                    if number < 100 and size == 1e8
                    else f"{number:,.0f}{word}"
                )
        return f"{value:,.0f}달러"
    for size, word in ((1e9, "B"), (1e6, "M")):
        if value >= size:
            return f"${value / size:,.1f}{word}"
    return f"${value:,.0f}"
