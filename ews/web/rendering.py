"""Jinja2 with autoescape, and the few words and filters that every page uses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ews.reports import days, percent
from ews.reports.words import word

KST = timezone(timedelta(hours=9), "KST")  # Korea keeps no summer time

ENVIRONMENT = Environment(
    loader=PackageLoader("ews.web"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,  # a misspelt name in a template is an error, not a blank
    trim_blocks=True,
    lstrip_blocks=True,
)


def language(request: Request) -> str:
    """Korean unless the reader asks for ?lang=en."""
    return "en" if request.query_params.get("lang") == "en" else "ko"


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The rendered page in the reader's language."""
    lang = language(request)
    tools: dict[str, object] = {
        "link": linker(lang),
        "other": _other_language(request, lang),
        "path": request.url.path,
        "signed_in": getattr(request.state, "signed_in", False),
    }
    return HTMLResponse(render(template, lang, **tools, **values), status)


def render(template: str, lang: str, **values: object) -> str:
    """A template in a language, with the words and filters that every template uses."""
    tools: dict[str, object] = {
        "lang": lang,
        "t": lambda ko, en: ko if lang == "ko" else en,
        "name": lambda label: label.text(lang),
        "names": lambda labels: ", ".join(label.text(lang) for label in labels),
        "percent": lambda share: percent(share, lang),
        "days": lambda value: days(value, lang),
        "word": lambda code: word(code, lang),
        "when": moment,
        "shortday": lambda day, on: short_day(day, on, lang),
    }
    return ENVIRONMENT.get_template(template).render(**tools, **values)


def short_day(day: float | None, on: date | None, lang: str) -> str:
    """The day of a first shortage with its date; "none" when it does not come.

    >>> short_day(12.0, date(2026, 1, 17), "en"), short_day(None, None, "ko")
    ('01-17 (day 12)', '없음')
    """
    if day is None or on is None:
        return "없음" if lang == "ko" else "none"
    return f"{on:%m-%d} ({day:.0f}일)" if lang == "ko" else f"{on:%m-%d} (day {day:.0f})"


def moment(at: datetime | None) -> str:
    """A time as Korean readers use it, with its zone; "-" when there is none.

    >>> from datetime import UTC
    >>> moment(datetime(2023, 10, 20, 3, 0, tzinfo=UTC))
    '2023-10-20 12:00 KST'
    """
    return "-" if at is None else at.astimezone(KST).strftime("%Y-%m-%d %H:%M KST")


def linker(lang: str) -> Callable[..., str]:
    """A maker of own links that keep the reader's language."""

    def link(path: str, **query: object) -> str:
        asked = {key: str(value) for key, value in query.items() if value not in (None, "")}
        if lang != "ko":
            asked["lang"] = lang
        return f"{path}?{urlencode(asked)}" if asked else path

    return link


def _other_language(request: Request, lang: str) -> str:
    asked = {k: v for k, v in request.query_params.items() if k != "lang"}
    if lang == "ko":
        asked["lang"] = "en"
    return f"{request.url.path}?{urlencode(asked)}" if asked else request.url.path
