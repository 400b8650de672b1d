"""What did Korea import and export? Korea Customs' statistics by item and partner (data.go.kr).

One reply of `getNitemtradeList` holds rows of ten-digit codes by month and partner, under a grand
total; they become one series per six-digit code, partner and measure. Decisions, docs/series.md:
an item that is absent from a full reply stays missing; a zero that is written is a zero where the
same reply shows trade in another month; the world is the sum of a reply that asked for all
partners, and only when its grand total agrees.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ews.model import Frequency, Observation, Series, Source
from scrapers.errors import SourceError
from scrapers.hs import Cell, add, leaves, revision, sums
from scrapers.mapping import Parsed, Signal
from scrapers.rows import all_there, key_error, local_name, xml_root
from scrapers.templates import number

MONTHS = 12  # the service refuses a longer span
_WORLD = "WLD"
_NO_DATA = "03"  # data.go.kr's resultCode for a query without rows: not out yet, or nothing traded
# field of the reply -> (measure, unit, valuation); KR is on the other side of the partner
_FIELDS = {
    "impWgt": ("import-kg", "kg", ""),
    "impDlr": ("import-usd", "USD", "CIF"),
    "expWgt": ("export-kg", "kg", ""),
    "expDlr": ("export-usd", "USD", "FOB"),
}
Group = tuple[datetime, str]  # month, partner


@dataclass
class _Reply:
    """The rows of one reply by month and partner, and what was odd about them."""

    groups: dict[Group, dict[str, dict[str, float | None]]] = field(default_factory=dict)
    total: Mapping[str, float | None] | None = None
    # A row of theirs cannot be read; partner "": any.
    broken: set[Group] = field(default_factory=set)
    rows: int = 0
    odd: list[str] = field(default_factory=list)


def check_span(source: Source, url: str) -> None:
    """Raises SourceError for a query that the service is known to refuse, before it is asked."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    try:
        first, last = (_months(query[name]) for name in ("strtYymm", "endYymm"))
    except (KeyError, ValueError):
        raise SourceError(
            f"{source.name}: strtYymm and endYymm must read YYYYMM; correct url", permanent=True
        ) from None
    if not 0 <= last - first < MONTHS:
        raise SourceError(
            f"{source.name}: {last - first + 1} months asked for, the service gives 1 to {MONTHS}; "
            "ask for a shorter span in url",
            permanent=True,
        )
    if not {"hsSgn", "cntyCd"} & set(query):
        raise SourceError(
            f"{source.name}: the service wants hsSgn or cntyCd; add one to url", permanent=True
        )


def _months(text: str) -> int:
    moment = datetime.strptime(text, "%Y%m").replace(tzinfo=UTC)
    return moment.year * 12 + moment.month


def parse_customs(source: Source, body: bytes, now: datetime, label: str = "") -> Parsed:
    """Monthly series `customs/<measure>/<from>-<to>/<HS6>` in kg and US dollars.

    Raises SourceError for a key error (HTTP 200 with another root), an error code, or a reply in
    which a month cannot be read. With `options.world` the sums over partners are kept too.
    """
    root = xml_root(source, body, label)
    if _code(root) == _NO_DATA:
        return Parsed([], 0, None)
    key_error(source, root)
    reply = _read(source, _items(source, root), now)
    agreed = _agrees(reply)
    short = sum(len(code) < 6 for rows in reply.groups.values() for code in leaves(rows))
    reply.odd += [f"{short} rows of fewer than six digits give no item"] * bool(short)
    tally = _Tally(source, now)
    for (month, partner), rows in sorted(reply.groups.items()):
        if {(month, partner), (month, "")} & reply.broken:
            reply.odd.append(f"{partner} {month:%Y-%m} left out: a row of it cannot be read")
            continue
        for name, cells in _cells(rows).items():
            tally.add(name, month, partner, cells)
    if source.options.get("world") and agreed and not reply.broken:
        for month in sorted({month for month, _ in reply.groups}):
            for name, cells in _world(reply, month).items():
                tally.add(name, month, _WORLD, cells)
    newest = max((month for month, _ in reply.groups), default=None)
    said = "; ".join(dict.fromkeys([*reply.odd, *tally.left_out()]))[:600]
    signals, series = tally.traded()
    return Parsed(signals, reply.rows, newest, said, series=series)


def _code(root: Any) -> str:
    found = [node.text or "" for node in root.iter() if local_name(node) == "resultCode"]
    return found[0].strip() if found else ""


def _items(source: Source, root: Any) -> list[Any]:
    bodies = [child for child in root if local_name(child) == "body"]
    if local_name(root) != "response" or not bodies:
        raise SourceError(
            f"{source.name}: no response/body in the answer; the format has changed, compare it "
            "with the sample"
        )
    lists = [child for body in bodies for child in body if local_name(child) == "items"]
    return [child for one in lists for child in one if local_name(child) == "item"]


# --------------------------------------------------------------------------- rows


def _read(source: Source, items: Iterable[Any], now: datetime) -> _Reply:
    reply = _Reply()
    rows = [{local_name(child): (child.text or "").strip() for child in item} for item in items]
    all_there(source, rows, ("year", "hsCd", "statCd", *_FIELDS))
    for row in rows:
        values = {name: number(row.get(name)) for name in _FIELDS}
        code = row.get("hsCd", "")
        if code == "-":  # the grand total; counted with its rows every sum doubles
            reply.odd += ["a second grand total"] if reply.total else []
            reply.total = reply.total or values
            continue
        reply.rows += 1
        _place(source, reply, row, code, values, now)
    return reply


def _place(
    source: Source,
    reply: _Reply,
    row: Mapping[str, str],
    code: str,
    values: dict[str, float | None],
    now: datetime,
) -> None:
    month = _month(source, row.get("year", ""), now)
    partner = row.get("statCd", "")
    partner = partner if partner.isascii() and partner.isalnum() else ""  # "": could be anyone's
    rows = reply.groups.setdefault((month, partner), {})
    if not (partner and code.isascii() and code.isdigit() and 2 <= len(code) <= 10):
        reply.broken.add((month, partner))
    elif code in rows:  # the same line twice: neither can be trusted, their sum least of all
        rows[code] = dict.fromkeys(_FIELDS)
        reply.odd.append(f"{code} of {partner} {month:%Y-%m} comes twice")
    else:
        rows[code] = values


def _month(source: Source, text: str, now: datetime) -> datetime:
    """The month of a row. A row without one could belong to any: the reply is refused."""
    try:
        month = datetime.strptime(text, "%Y.%m").replace(tzinfo=UTC)
    except ValueError:
        month = None
    if month is None or month > now:
        raise SourceError(
            f"{source.name}: a row has the month {text[:20]!r}; nothing of this answer is summed, "
            "compare it with the sample"
        )
    return month


def _agrees(reply: _Reply) -> bool:
    """True when the rows add up to the grand total; otherwise `odd` says what does not."""
    if reply.total is None:
        reply.odd += ["no grand total: the sums are unchecked"] if reply.rows else []
        return False
    agreed = True
    for name, stated in reply.total.items():
        cells = [
            rows[code][name] for rows in reply.groups.values() for code in leaves(rows)
        ]  # fmt: skip
        ours = sum(value for value in cells if value is not None)
        if stated is None or None in cells or abs(ours - stated) > 0.5:
            agreed = False
            reply.odd.append(f"{name}: rows add up to {ours:,.0f}, the grand total says {stated}")
    return agreed


# --------------------------------------------------------------------------- series


def _cells(rows: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, Cell]]:
    return {
        name: sums({code: values[name] for code, values in rows.items()}) for name in _FIELDS
    }  # fmt: skip


def _world(reply: _Reply, month: datetime) -> dict[str, dict[str, Cell]]:
    """The sums over all partners of one month."""
    out: dict[str, dict[str, Cell]] = {name: {} for name in _FIELDS}
    for (other, _), rows in reply.groups.items():
        if other != month:
            continue
        for name, cells in _cells(rows).items():
            for item, cell in cells.items():
                add(out[name], item, cell)
    return out


@dataclass
class _Tally:
    source: Source
    now: datetime
    signals: list[Observation] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)
    unread: int = 0

    def add(self, name: str, month: datetime, partner: str, cells: Mapping[str, Cell]) -> None:
        measure, unit, valuation = _FIELDS[name]
        place = f"{partner}-KR" if measure.startswith("import") else f"KR-{partner}"
        for item, value in cells.items():
            if value is None:
                self.unread += 1
                continue
            series = sys.intern(f"customs/{measure}/{place}/{item}")
            self.signals.append(
                Observation(series, month, self.now, value, unit, self.source.name)
            )  # fmt: skip
            self.series[series] = Series(
                series,
                Frequency.MONTH,
                unit,
                self.source.name,
                currency="USD" if unit == "USD" else "",
                classification=revision(month),
                valuation=valuation,
            )

    def traded(self) -> tuple[list[Signal], list[Series]]:
        """What is kept: a row of imports alone writes a zero for exports too, and a flow that is
        zero in every month of the reply is none that anybody compares with."""
        alive = {one.series for one in self.signals if one.value}
        kept: list[Signal] = [one for one in self.signals if one.series in alive]
        return kept, [one for name, one in self.series.items() if name in alive]

    def left_out(self) -> list[str]:
        return [f"{self.unread} sums left out: a row of theirs cannot be read"] * bool(self.unread)
