"""Jinja2 with autoescape, and the few words and filters that every page uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from html import escape, unescape
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ews.reports import days, percent
from ews.reports.given import KST
from ews.reports.names import told
from ews.reports.phrases import (
    event_words,
    grounds,
    heading,
    list_name,
    nothing_read,
    original_title,
    period,
    scope,
    steps_of,
    undecided,
    weight,
)
from ews.reports.words import word

ENVIRONMENT = Environment(
    loader=PackageLoader("ews.web"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,  # a misspelt name in a template is an error, not a blank
    trim_blocks=True,
    lstrip_blocks=True,
)


TUNERS = ("analyst", "operator")  # roles that see the tuning page and its answers


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
        "tunes": getattr(getattr(request.state, "viewer", None), "role", "") in TUNERS,
    }
    return HTMLResponse(render(template, lang, **tools, **values), status)


def render(template: str, lang: str, **values: object) -> str:
    """A template in a language, with the words and filters that every template uses."""
    tools: dict[str, object] = {
        "lang": lang,
        "t": lambda ko, en: ko if lang == "ko" else en,
        "name": lambda label: label.text(lang),
        "told": lambda row: told(row, lang),
        "names": lambda labels: ", ".join(label.text(lang) for label in labels),
        "percent": lambda share: percent(share, lang),
        "days": lambda value, exact=False: days(value, lang, exact=exact),
        "grounds": lambda text: grounds(text, lang),
        "scope": lambda text: scope(text, lang),
        "period": lambda text: period(text, lang),
        "list_name": lambda code: list_name(code, lang),
        "heading": lambda report: heading(report, lang),
        "event_words": lambda report, event_id: event_words(report, event_id, lang),
        "original_title": original_title,
        "nothing_read": nothing_read,
        "undecided": undecided,
        "weight": lambda hop: weight(hop, lang),
        "steps_of": steps_of,
        "opened": False,  # details of a page are closed, those of a file to print are open
        "word": lambda code: word(code, lang),
        "when": moment,
        "shortday": lambda day, on, start: short_day(day, on, lang, start),
    }
    return ENVIRONMENT.get_template(template).render({**tools, **values})


def cards(html: str) -> Markup:
    """A table whose cells each carry their column's heading, so that on a narrow screen the rows
    may stand as cards. The text is markup already: what came from outside was escaped before."""
    names = [escape(unescape(re.sub("<[^>]*>", "", one))) for one in HEADING.findall(html)]

    def row(found: re.Match[str]) -> str:
        count = iter(range(len(names)))
        return CELL.sub(lambda cell: _labelled(cell, names, next(count, None)), found[0])

    return Markup(ROW.sub(row, html))


HEADING, ROW, CELL = (
    re.compile(pattern, re.DOTALL)
    for pattern in (r"<th scope=\"col\"[^>]*>(.*?)</th>", r"<tr><td.*?</tr>", r"<td( [^>]*)?>")
)


def _labelled(cell: re.Match[str], names: Sequence[str], at: int | None) -> str:
    if at is None or not names[at]:
        return cell[0]
    return f'<td{cell[1] or ""} data-label="{names[at]}">'


ENVIRONMENT.filters["cards"] = cards
ENVIRONMENT.filters["list_name"] = list_name


def short_day(day: float | None, on: date | None, lang: str, start: date) -> str:
    """The day of a first shortage with its date, and the year when it is not that of day 0;
    "none" when it does not come.

    >>> short_day(12.0, date(2026, 1, 17), "en", date(2026, 1, 5))
    '01-17 (day 12)'
    >>> short_day(20.0, date(2027, 1, 4), "ko", date(2026, 12, 15))
    '2027-01-04 (20일)'
    """
    if day is None or on is None:
        return "없음" if lang == "ko" else "none"
    written = f"{on:%m-%d}" if on.year == start.year else f"{on:%Y-%m-%d}"
    return f"{written} ({day:.0f}일)" if lang == "ko" else f"{written} (day {day:.0f})"


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
