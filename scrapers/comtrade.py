"""What do countries report of their trade with each other? UN Comtrade, one cell once.

A reply lists breakdowns by second partner, transport and customs procedure beside their totals:
only the totals are read, and a cell that still has several different values is refused, never
summed. Errors come with HTTP 200 in `error`; a reply of exactly the row limit is cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ews.model import Frequency, Observation, Series, Source
from scrapers.errors import SourceError, Truncated
from scrapers.lists import shared_lists
from scrapers.mapping import Parsed
from scrapers.rows import all_there, read_json, refused_inside
from scrapers.templates import Row, number
from scrapers.text import clean_text

# What a row must say to be a total and not a part of one: field -> value.
_TOTALS = {"partner2Code": "0", "motCode": "0", "mosCode": "0", "customsCode": "C00"}
_COLUMNS = (
    "freqCode", "period", "reporterCode", "flowCode", "partnerCode", "cmdCode", "primaryValue", "netWgt",
)  # fmt: skip
_FLOWS = {"M": "import", "X": "export"}
_KG = 8  # qtyUnitCode
# qtyUnitCode -> end of the measure, unit (Comtrade's reference table of quantity units). Each unit has a
# measure of its own: an item that is declared in another one next year must not mix with its past.
_UNITS = {
    2: ("qty-m2", "m2"), 3: ("qty-mwh", "1000 kWh"), 4: ("qty-m", "m"), 5: ("qty", "items"),
    6: ("qty-pairs", "pairs"), 7: ("qty-l", "l"), 9: ("qty-1000", "1000 items"),
    10: ("qty-packages", "packages"), 11: ("qty-dozens", "dozens"), 12: ("qty-m3", "m3"),
    13: ("qty-carats", "carats"),
}  # fmt: skip
_EDITIONS = {
    "H0": "HS1992", "H1": "HS1996", "H2": "HS2002", "H3": "HS2007", "H4": "HS2012",
    "H5": "HS2017", "H6": "HS2022",
}  # fmt: skip
# Providers keep the two apart: a year is no sum of the months that happen to be there.
_PROVIDERS = {"M": ("comtrade", Frequency.MONTH), "A": ("comtrade-annual", Frequency.YEAR)}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One row as the values of one item, partner and period."""

    key: tuple[str, str, datetime, str]  # provider, flow and place, period, item
    values: Mapping[str, tuple[float, str]]  # measure suffix -> value, unit
    edition: str
    valuation: str
    frequency: Frequency
    aggregate: bool


@dataclass
class _Tally:
    cells: dict[tuple[str, str, datetime, str], list[_Cell]] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)

    def skip(self, why: str) -> None:
        self.odd[why] = self.odd.get(why, 0) + 1


def parse_comtrade(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """Series `comtrade/<flow>-<kg|usd|qty>/<from>-<to>/<HS6>` of one reply, `comtrade-annual/...`
    for years. `options.row_limit` is the length at which the service cuts.

    Raises SourceError for an error inside, Truncated for a reply that was cut off.
    """
    rows = _rows(source, read_json(source, body, label))
    all_there(source, rows, _COLUMNS)
    tally = _Tally()
    for row in rows:
        cell = _cell(row, now, tally)
        if cell is not None:
            tally.cells.setdefault(cell.key, []).append(cell)
    kept = [one for cells in tally.cells.values() if (one := _one(cells, tally)) is not None]
    signals: list[Observation] = []
    series: dict[str, Series] = {}
    for cell in sorted(kept, key=lambda one: one.key[2]):  # the newest describes its series
        for measure, (value, unit) in cell.values.items():
            told = _series(source, cell, measure, unit)
            series[told.name] = told
            signals.append(Observation(told.name, cell.key[2], now, value, unit, source.name))
    newest = max((cell.key[2] for cell in kept), default=None)
    said = ", ".join(f"{n} {why}" for why, n in sorted(tally.odd.items()))
    return Parsed([*signals], len(rows), newest, said[:600], series=list(series.values()))


def _rows(source: Source, answer: object) -> list[Row]:
    refused_inside(source, answer)
    if not isinstance(answer, Mapping) or not isinstance(answer.get("data"), list):
        if isinstance(answer, Mapping) and answer.get("count") == 0:
            return []  # a period that is not published yet
        words = answer.get("message") if isinstance(answer, Mapping) else ""
        often = isinstance(answer, Mapping) and answer.get("statusCode") == 429
        raise SourceError(
            f"{source.name}: no list at 'data' ({clean_text(str(words or ''), 80)}); "
            + ("asked too often" if often else "compare the query with the service's documents"),
            retry_after_s=60 if often else None,
        )
    rows = [row for row in answer["data"] if isinstance(row, Mapping)]
    limit = source.options.get("row_limit")
    if isinstance(limit, int) and len(rows) >= limit:
        raise Truncated(
            f"{source.name}: {len(rows)} rows are the most that one reply holds, so it is cut off; "
            "ask for fewer items, partners or periods at a time"
        )
    stated = answer.get("count")
    if isinstance(stated, int) and stated > len(rows):
        raise Truncated(
            f"{source.name}: {len(rows)} rows came of {stated}; ask for fewer at a time"
        )
    return rows


# --------------------------------------------------------------------------- one row


def _cell(row: Row, now: datetime, tally: _Tally) -> _Cell | None:
    if any(str(row.get(name) or total) != total for name, total in _TOTALS.items()):
        tally.skip("rows that are parts of another row")
        return None
    flow = str(row.get("flowCode", "")).strip()
    frequency = str(row.get("freqCode", "")).strip()
    item = str(row.get("cmdCode", "")).strip()
    if flow not in _FLOWS or frequency not in _PROVIDERS or not (len(item) == 6 and item.isdigit()):
        tally.skip("rows of another flow, frequency or level")
        return None
    place, period = _place(row, flow), _period(row, now)
    if place is None or period is None:
        tally.skip("rows whose country or period is not known")
        return None
    provider, freq = _PROVIDERS[frequency]
    return _Cell(
        (provider, f"{_FLOWS[flow]} {place}", period, item),
        _values(row),
        _edition(row),
        _valuation(row, flow),
        freq,
        row.get("isAggregate") is True,
    )


def _place(row: Row, flow: str) -> str | None:
    known = shared_lists()["tables"]["comtrade"]
    assert isinstance(known, Mapping)
    reporter = known.get(str(row.get("reporterCode", "")))
    partner = known.get(str(row.get("partnerCode", "")))
    if reporter is None or partner is None:
        return None
    return f"{partner}-{reporter}" if flow == "M" else f"{reporter}-{partner}"


def _period(row: Row, now: datetime) -> datetime | None:
    """The first day of the period. Annual rows carry refMonth 52: `period` alone is read."""
    text = str(row.get("period", ""))
    try:
        form = {4: "%Y", 6: "%Y%m"}[len(text)]
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None
    yearly = str(row.get("freqCode", "")) == "A"
    return moment if moment <= now and yearly == (len(text) == 4) else None


def _values(row: Row) -> dict[str, tuple[float, str]]:
    """What the row states. 0 kg of something that was paid for is a weight that is not stated."""
    out: dict[str, tuple[float, str]] = {}
    value, weight = number(row.get("primaryValue")), number(row.get("netWgt"))
    quantity, unit = number(row.get("qty")), row.get("qtyUnitCode")
    if value is not None:
        out["usd"] = (value, "USD")
    if unit == _KG and weight is None:
        weight = quantity
    if weight is not None and (weight > 0 or not value):
        out["kg"] = (weight, "kg")
    known = _UNITS.get(unit) if isinstance(unit, int) else None
    if known and quantity is not None and (quantity > 0 or not value):
        out[known[0]] = (quantity, known[1])
    return out


def _edition(row: Row) -> str:
    code = str(row.get("classificationCode", "")).strip()
    return _EDITIONS.get(code, code or "HS")


def _valuation(row: Row, flow: str) -> str:
    """CIF or FOB as the row itself shows, "" when it shows neither."""
    first, second = ("cifvalue", "fobvalue") if flow == "M" else ("fobvalue", "cifvalue")
    for name in (first, second):
        if number(row.get(name)) is not None:
            return name[:3].upper()
    return ""


# --------------------------------------------------------------------------- one cell


def _one(cells: list[_Cell], tally: _Tally) -> _Cell | None:
    """The cell's one row: the only one, the aggregate, or any when all say the same."""
    if len(cells) == 1:
        return cells[0]
    totals = [cell for cell in cells if cell.aggregate]
    if len(totals) == 1:
        return totals[0]
    if all(cell.values == cells[0].values for cell in cells):
        return cells[0]
    tally.skip("cells refused: they come several times with different values")
    return None


def _series(source: Source, cell: _Cell, measure: str, unit: str) -> Series:
    provider, flow_place, _, item = cell.key
    flow, place = flow_place.split(" ")
    money = measure == "usd"
    return Series(
        f"{provider}/{flow}-{measure}/{place}/{item}",
        cell.frequency,
        unit,
        source.name,
        currency="USD" if money else "",
        classification=cell.edition,
        valuation=cell.valuation if money else "",
    )
