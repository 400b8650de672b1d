"""A report as one flat sheet for a spreadsheet program."""

from __future__ import annotations

from collections.abc import Iterable

from ews.reports.exposure import ExposureReport
from ews.reports.outlook_views import OutlookReport
from ews.reports.sheet_rows import COLUMNS, SECTIONS, Row, Rows
from ews.reports.sheet_text import written


def sheet(report: ExposureReport, lang: str) -> str:
    """All that the report holds, a line each: the question, shares, uses, exposures, and the
    outlook where one was made. The column `section` says which; see `sheet_rows`."""
    return _flat(Rows(lang).of_report(report), lang)


def outlook_sheet(report: OutlookReport, lang: str) -> str:
    """An outlook or a what-if likewise: what is asked, who runs short, what could be done."""
    return _flat(Rows(lang).of_outlook(report), lang)


def _flat(rows: Iterable[Row], lang: str) -> str:
    """Korean column names and sections for Korean readers, machine names else."""
    korean = lang == "ko"
    told = [
        {**row, "section": SECTIONS[str(row["section"])] if korean else row["section"]}
        for row in rows
    ]
    return written(
        tuple(COLUMNS.values()) if korean else tuple(COLUMNS),
        [[row.get(column) for column in COLUMNS] for row in told],
    )
