"""A report as one flat sheet for a spreadsheet program."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ews.reports.exposure import ExposureReport
from ews.reports.outlook_views import OutlookReport
from ews.reports.sheet_rows import COLUMNS, SECTIONS, Row, Rows

BOM = "\ufeff"  # Excel reads a file without it as cp949 and garbles Korean
RUN = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")  # how text begins that a spreadsheet runs
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


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
