"""Which series follow from others: concentration over partners, and gaps between two reports.

Derived series are made from a panel, never fetched. As of a moment they hold what could be worked
out then: a value is `known` when the newest of the values it was made of was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ews.detectors.panel import Floats, Panel
from ews.detectors.partner_shares import (
    MEMBER,
    PARTNER,
    TOTAL,
    UNION,
    Partners,
    concentration,
)

UNITS = ("usd", "kg")  # values before weights: value shares are what Korean and EU lists quote
SYNTHETIC = "synthetic"  # provider of generated series; what is derived from them keeps the label
# Sources whose answer for an item names every partner that traded. Of others a total is needed.
COMPLETE = frozenset({"customs"})
# A union's members (Regulation texts; the United Kingdom left on 2020-01-31 and counts alone). The
# same as graph.reference.EU_MEMBERS: rooms never import each other, a test holds the two equal.
EU_MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def derive(
    panel: Panel,
    importers: Collection[str] = ("KR",),
    exporters: Collection[str] = ("CN",),
    complete: Collection[str] = COMPLETE,
) -> Panel:
    """Every series that follows from the panel's: `<provider>/hhi/KR/<item>` and `top-share` (over
    the partners that `importers` buy from), the same with the place `CN-WLD` (over the
    destinations of `exporters`), and `mirror/gap/CN-KR/<item>`. A panel without rows when none does.

    A source that is not in `complete` needs the reporter's total (`WLD-KR`, `CN-WLD`).
    """
    parts = [_concentrations(panel, importers, exporters, complete), _gaps(panel)]
    return _stacked(panel, [part for part in parts if part.names])


# --------------------------------------------------------------------------- concentration


@dataclass(slots=True)
class _Group:
    """Rows of one country's trade in one item, by unit."""

    rows: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # unit -> (row, kind)

    def chosen(self) -> list[tuple[int, int]]:
        """The rows in the first unit that has a partner at all."""
        for unit in UNITS:
            rows = self.rows.get(unit, [])
            if any(kind != TOTAL for _, kind in rows):
                return rows
        return []


def _concentrations(
    panel: Panel, importers: Collection[str], exporters: Collection[str], complete: Collection[str]
) -> Panel:
    groups: dict[tuple[str, str, str], _Group] = {}
    for at, provider, flow, unit, origin, target, item in _flows(panel.names):
        bought = flow == "import"
        hub, partner = (target, origin) if bought else (origin, target)
        kind = _kind(partner)
        if hub in (importers if bought else exporters) and kind is not None:
            key = (provider, hub if bought else f"{hub}-WLD", item)
            groups.setdefault(key, _Group()).rows.setdefault(unit, []).append((at, kind))
    named = {
        key: rows
        for key, group in groups.items()
        if (rows := group.chosen()) and (key[0] in complete or TOTAL in [kind for _, kind in rows])
    }
    if not named:
        return panel.rows(np.empty(0, np.intp))
    flat = np.array([pair for rows in named.values() for pair in rows], np.intp)
    starts = np.cumsum([0, *(len(rows) for rows in named.values())])[:-1]
    whole = np.array([provider in complete for provider, _, _ in named], np.bool_)
    found = concentration(panel, Partners(flat[:, 0], starts, flat[:, 1].astype(np.int8), whole))
    names = [
        f"{provider}/{measure}/{place}/{item}"
        for measure in ("hhi", "top-share")
        for provider, place, item in named
    ]
    values = np.vstack([found.hhi, found.top])
    twice = [np.vstack([moments, moments]) for moments in (found.known, found.first)]
    return replace(panel, names=tuple(names), values=values, known=twice[0], first=twice[1])


def _kind(partner: str) -> int | None:
    """What a partner code stands for; None for groups and for "not stated", which are no partner.

    >>> [_kind(one) for one in ("WLD", "EU", "DE", "CN", "XX", "R4")]
    [3, 2, 1, 0, None, None]
    """
    if partner == "WLD":
        return TOTAL
    if partner == "EU":
        return UNION
    if partner in EU_MEMBERS:
        return MEMBER
    # User-assigned codes of ISO 3166-1 stand for areas not stated; Kosovo's XK is a place.
    private = partner in ("AA", "ZZ") or "QM" <= partner <= "QZ" or "XA" <= partner <= "XZ"
    named = len(partner) == 2 and partner.isalpha() and (not private or partner == "XK")
    return PARTNER if named else None


# --------------------------------------------------------------------------- mirror gaps


def _gaps(panel: Panel) -> Panel:
    """ln(import that the importer reports / export that the exporter reports), where both did."""
    sides: dict[tuple[str, str, bool], dict[tuple[str, str], tuple[bool, str, int]]] = {}
    for at, provider, flow, unit, origin, target, item in _flows(panel.names):
        if "WLD" in (origin, target):
            continue
        key = (f"{origin}-{target}", item, provider == SYNTHETIC)
        # A country's own publication before the copy of it that the United Nations hold.
        rank = (provider == "comtrade", provider, at)
        held = sides.setdefault(key, {})
        held[flow, unit] = min(rank, held.get((flow, unit), rank))
    pairs = {key: pair for key, held in sides.items() if (pair := _pair(held)) is not None}
    if not pairs:
        return panel.rows(np.empty(0, np.intp))
    bought, sold = (np.array(side, np.intp) for side in zip(*pairs.values(), strict=True))
    names = tuple(
        f"{SYNTHETIC if made else 'mirror'}/gap/{place}/{item}" for place, item, made in pairs
    )
    return replace(
        panel,
        names=names,
        values=_log_ratio(panel.values[bought], panel.values[sold]),
        known=np.maximum(panel.known[bought], panel.known[sold]),
        first=np.maximum(panel.first[bought], panel.first[sold]),
    )


def _pair(held: dict[tuple[str, str], tuple[bool, str, int]]) -> tuple[int, int] | None:
    """Rows of the two reports in one unit; None when no unit has both."""
    for unit in UNITS:
        bought, sold = held.get(("import", unit)), held.get(("export", unit))
        if bought is not None and sold is not None:
            return bought[2], sold[2]
    return None


def _log_ratio(over: Floats, under: Floats) -> Floats:
    """ln(over / under) where both are above zero, else NaN."""
    ratio = np.full(over.shape, np.nan)
    np.divide(over, under, out=ratio, where=(over > 0) & (under > 0))
    logs: Floats = np.log(ratio)
    return logs


# --------------------------------------------------------------------------- common


def _flows(names: Sequence[str]) -> Iterator[tuple[int, str, str, str, str, str, str]]:
    """(row, provider, import | export, usd | kg, origin, target, item) of series of trade."""
    for at, name in enumerate(names):
        provider, measure, place, item = name.split("/")
        flow, _, unit = measure.partition("-")
        origin, _, target = place.partition("-")
        if flow in ("import", "export") and unit in UNITS and target:
            yield at, provider, flow, unit, origin, target, item


def _stacked(panel: Panel, parts: Sequence[Panel]) -> Panel:
    """The panels below each other. A cell without a value is known at no time."""
    if not parts:
        return panel.rows(np.empty(0, np.intp))
    values = np.vstack([part.values for part in parts])
    none = np.isnan(values)
    known, first = (
        np.where(none, np.datetime64("NaT"), np.vstack(moments)).astype("M8[us]")
        for moments in ([part.known for part in parts], [part.first for part in parts])
    )
    names = tuple(name for part in parts for name in part.names)
    return replace(panel, names=names, values=values, known=known, first=first)
