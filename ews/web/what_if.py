"""Questions that run the model, and the what-if page with its form."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse

from ews.reports import ExposureReport, NotFound, UnknownName, exposure_report
from ews.reports.given import korean_day, lost_share
from ews.reports.outlook import WhatIf, target_of, what_if_report
from ews.reports.outlook_views import OutlookReport
from ews.web.asked import only
from ews.web.outlook_drawing import outlook_drawn
from ews.web.rendering import language, page
from ews.web.site import Site

KINDS = (
    ("item", "품목 전체", "an item from everywhere"),
    ("origin", "한 나라의 한 품목", "an item from one country"),
    ("country", "한 나라 전체", "a whole country"),
    ("chokepoint", "해협·운하", "a strait or canal"),
    ("port", "항만", "a port"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form holds, as typed."""

    kind: str = "item"
    name: str = ""
    country: str = ""
    percent: str = "50"
    duration: str = "60"
    lag: str = "0"
    stock: str = ""


NAMES = frozenset(asdict(Asked()))


def what_if_page(request: Request, site: Site) -> HTMLResponse:
    """The form, and the outlook when something was asked; a wrong entry is told beside the form."""
    only(request, {*NAMES, "lang"})
    given = {k: v.strip() for k, v in request.query_params.items() if k in NAMES}
    asked = Asked(**given)
    outlook, wrong = None, ""
    if asked.name:
        try:
            outlook = asked_what_if(request, site, asked)
        except UnknownName as err:
            wrong = err.text(language(request))
        except (NotFound, ValueError) as err:
            wrong = str(err)
    return page(
        request,
        "what_if.html",
        status=400 if wrong else 200,
        asked=asked,
        kinds=KINDS,
        wrong=wrong,
        csv=f"/api/v1/what-if.csv?{urlencode({**given, 'lang': language(request)})}",
        **outlook_drawn(outlook, language(request)),
    )


def asked_what_if(request: Request, site: Site, asked: Asked) -> OutlookReport:
    """NotFound for a name that nobody knows, ValueError for a wrong number."""
    supposed = WhatIf(
        targets=target_of(asked.kind, asked.name, asked.country),
        magnitude=lost_share(number("percent", asked.percent)),
        duration_days=number("duration", asked.duration),
        lag_days=number("lag", asked.lag),
        stock_days=number("stock", asked.stock) if asked.stock else None,
    )
    viewer, now = request.state.viewer, site.clock()
    day = korean_day(now)  # the same all day, so that the same question is computed once
    found = site.models.run(
        ("what-if", supposed, day, viewer),
        lambda: what_if_report(site.store, supposed, now=day, viewer=viewer),
    )
    return replace(found, as_of=now)


def asked_exposure(
    request: Request,
    site: Site,
    kind: str,
    value: str,
    as_of: datetime | None,
    *,
    outlook: bool,
) -> ExposureReport:
    """The exposure report of a page or of the API; NotFound for what nobody knows."""
    viewer, now = request.state.viewer, site.clock()

    def compute() -> ExposureReport:
        return exposure_report(
            site.store, kind, value, now=now, as_of=as_of, viewer=viewer, with_outlook=outlook
        )

    if not outlook:
        return compute()
    return site.models.run(("exposure", kind, value, as_of, viewer), compute)


def number(name: str, text: str) -> float:
    """A number as typed; ValueError names the field."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name}: {text[:20]!r} is not a number") from None
