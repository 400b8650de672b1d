"""A report as one HTML file that needs no server: print it, or save it as PDF."""

from __future__ import annotations

from importlib.resources import files

from markupsafe import Markup

from ews.reports import ExposureReport, hops_of
from ews.reports.outlook_views import OutlookReport
from ews.web.drawing import draw_paths
from ews.web.outlook_drawing import outlook_drawn
from ews.web.rendering import render

PATHS_DRAWN = 6


def exposure_html(report: ExposureReport, lang: str) -> str:
    """The exposure page without its forms, with its style inside."""
    return _page(
        lang,
        report.outlook,
        report=report,
        drawing=Markup(draw_paths([one.path for one in report.exposures[:PATHS_DRAWN]], lang)),
        hops=hops_of(report.exposures),
    )


def outlook_html(outlook: OutlookReport, lang: str) -> str:
    """The outlook alone, likewise."""
    return _page(lang, outlook, report=None, drawing="", hops=())


def _page(lang: str, outlook: OutlookReport | None, **values: object) -> str:
    style = files("ews.web").joinpath("static").joinpath("site.css").read_text("utf-8")
    drawn = outlook_drawn(outlook, lang)
    return render("standalone.html", lang, style=style, link=_top, opened=True, **drawn, **values)


def _top(path: str, **query: object) -> str:
    """There is no server behind a file: what would be a page elsewhere stays on this one."""
    return "#top"
