"""How do rows of finer codes become six-digit items of the Harmonised System, each counted once?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

Cell = float | None  # None: a row of the sum cannot be read

# The first year in which Korea (HSK) and the EU (CN) classify by that edition of the HS
# (WCO: HS 2007, 2012, 2017, 2022; the next enters into force on 2028-01-01).
_EDITIONS = ((2028, "HS"), (2022, "HS2022"), (2017, "HS2017"), (2012, "HS2012"), (2007, "HS2007"))


def revision(month: datetime) -> str:
    """The edition of the HS by which a month was declared; "HS" where it is not known.

    >>> revision(datetime(2023, 11, 1)), revision(datetime(2021, 12, 1))  # noqa: DTZ001
    ('HS2022', 'HS2017')
    """
    return next((name for year, name in _EDITIONS if month.year >= year), "HS")


def leaves(codes: Iterable[str]) -> set[str]:
    """The codes that are no heading of another one: a sum over them counts nothing twice.

    >>> sorted(leaves(["31", "3102", "310210", "3102100000", "250410"]))
    ['250410', '3102100000']
    """
    known = set(codes)
    headings = {code[:at] for code in known for at in range(2, len(code))}
    return known - headings


def sums(values: Mapping[str, Cell]) -> dict[str, Cell]:
    """HS6 -> the sum of its finest rows; None when one of them cannot be read.

    Codes shorter than six digits are totals of something larger and give no item.
    """
    out: dict[str, Cell] = {}
    for code in leaves(values):
        if len(code) >= 6:
            add(out, code[:6], values[code])
    return dict(sorted(out.items()))


def add(totals: dict[str, Cell], item: str, value: Cell) -> None:
    """Add a cell to the total of an item; a total with a cell that cannot be read is none."""
    before = totals.get(item, 0.0)
    totals[item] = None if before is None or value is None else before + value
