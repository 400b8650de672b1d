"""A report as one flat sheet for a spreadsheet program."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ews.reports.exposure import ExposureReport
from ews.reports.outlook_views import BuyerLine, OutlookReport
from ews.reports.views import ExposureLine, Label

BOM = "\ufeff"  # Excel reads a file without it as cp949 and garbles Korean
COLUMNS = (
    "event_id", "item", "item_name", "origins", "via", "use", "industry", "industry_name",
    "ministries", "firm", "share_at_risk", "magnitude", "loss", "probability", "impact_day",
    "time_to_survive_days", "time_to_recover_days", "bases", "synthetic", "first_short_p5",
    "first_short_p50", "first_short_p95", "worlds_without_shortage", "lost_days_mean",
    "lost_days_p5", "lost_days_p50", "lost_days_p95", "lost_days_cvar95",
)  # fmt: skip
OUTLOOK_COLUMNS = COLUMNS[-9:]
RUN = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")  # how text begins that a spreadsheet runs
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def sheet(report: ExposureReport, lang: str) -> str:
    """One line per exposure, with the outlook of its use or firm where one was made."""
    buyers = {line.who.code: line for line in report.outlook.buyers} if report.outlook else {}
    event = report.outlook.event_id if report.outlook else None
    rows = [
        [*_exposure(one, lang), *_outlook(_buyer(one, buyers) if one.event_id == event else None)]
        for one in report.exposures
    ]
    return written(COLUMNS, rows)


def outlook_sheet(report: OutlookReport, lang: str) -> str:
    """One line per use, industry and firm of an outlook or a what-if."""
    columns = ("kind", "code", "name", "items", "ministries", "synthetic", *OUTLOOK_COLUMNS)
    rows = [
        [
            one.kind, one.who.code, one.who.text(lang), _names(one.items, lang),
            _names(one.ministries, lang), one.synthetic, *_outlook(one),
        ]
        for one in report.buyers
    ]  # fmt: skip
    return written(columns, rows)


def _buyer(one: ExposureLine, buyers: dict[str, BuyerLine]) -> BuyerLine | None:
    if one.firm:
        return buyers.get(f"firm:{one.firm}")
    return buyers.get(one.use.code) if one.use else None


def _exposure(one: ExposureLine, lang: str) -> list[object]:
    return [
        one.event_id,
        one.item.code,
        one.item.text(lang),
        _names(one.origins, lang),
        _names(one.via, lang),
        one.use.text(lang) if one.use else "",
        one.industry.code if one.industry else "",
        one.industry.text(lang) if one.industry else "",
        _names(one.ministries, lang),
        one.firm or "",
        one.share_at_risk,
        one.magnitude,
        one.loss,
        one.probability,
        one.impact_day,
        one.time_to_survive_days,
        one.time_to_recover_days,
        "; ".join(dict.fromkeys(hop.basis for hop in one.path)),
        one.synthetic,
    ]


def _outlook(one: BuyerLine | None) -> list[object]:
    if one is None:
        return [None] * len(OUTLOOK_COLUMNS)
    first, loss = one.shortage, one.loss
    return [
        first.p5, first.p50, first.p95, first.never,
        loss.mean, loss.p5, loss.p50, loss.p95, loss.cvar95,
    ]  # fmt: skip


def _names(labels: Iterable[Label], lang: str) -> str:
    return "; ".join(label.text(lang) for label in labels)


def written(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV that a spreadsheet program opens rightly, Korean letters too."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return BOM + stream.getvalue()


def _cell(value: object) -> object:
    """Empty for what is unknown; text that a spreadsheet would run as a formula is quoted, a
    number written as text is not.

    >>> _cell("=1+1"), _cell("-2+3"), _cell("-5"), _cell(" @x")
    ("'=1+1", "'-2+3", '-5', "' @x")
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and RUN.match(value) and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value
