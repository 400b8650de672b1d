"""How are rows written so that a spreadsheet program opens them rightly, and runs none of them?"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

BOM = "\ufeff"  # Excel reads a file without it as cp949 and garbles Korean
RUN = re.compile(r"[\t\r\n]|\s*[=+\-@＝＋－＠]")  # how text begins that a spreadsheet runs
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


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
