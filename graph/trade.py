"""What did Korea buy, sell and pay per HS6 item, by partner and month, as columns?

The arrays behind vulnerability. A month without a row had no trade that was reported; zero is
only what a source writes as zero. Totals are taken as reported ("WLD"), never as our own sum.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ews.model import series_parts
from graph.reference import ITEMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TOTAL = -1  # partner index of "all partners, as reported"
HOME = "KR"
MEASURES = ("import-usd", "import-kg", "export-usd")
# Which provider's figures of an item count, when there are several: never two in one share.
# `mirror`: what partners report to have sold to Korea, where nobody has Korea's own figure
# (ews.watching); exports of the world are never of it.
PROVIDERS = ("customs", "comtrade", "eurostat", "census", "mirror", "synthetic")
PRICE_PROVIDERS = ("pinksheet", "fred", "eia", "komis", "synthetic")


@dataclass(frozen=True, slots=True)
class Flow:
    """Monthly values of item x partner, one row each, in any order; all columns of one length."""

    item: Ints  # index into Trade.items
    partner: Ints  # index into Trade.partners, or TOTAL
    month: Ints  # months since January 1970; a yearly value stands at its January
    value: Floats

    @classmethod
    def none(cls) -> Flow:
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty, np.empty(0))

    def window(self, items: int, partners: int, last: int, months: int) -> tuple[Floats, Floats]:
        """([n, c] by partner, [n] totals as reported, NaN without one), summed over the months."""
        use = (self.month > last - months) & (self.month <= last)
        item, partner, value = self.item[use], self.partner[use], self.value[use]
        whole = partner == TOTAL
        cell = item[~whole] * partners + partner[~whole]
        table = _sums(cell, value[~whole], items * partners).reshape(items, partners)
        total = _sums(item[whole], value[whole], items)
        total[np.bincount(item[whole], minlength=items) == 0] = np.nan
        return table, total

    def newest(self, items: int, partners: int, last: int, back: int) -> Floats:
        """[n, c] sums of the newest 12 months that each cell has, none older than `back` months.

        Reporters publish months apart and some only by year, so one window would drop the late.
        """
        use = (self.month > last - back) & (self.month <= last) & (self.partner != TOTAL)
        cell, month = self.item[use] * partners + self.partner[use], self.month[use]
        newest = np.full(items * partners, -1, np.int64)
        np.maximum.at(newest, cell, month)
        fresh = month > newest[cell] - 12
        sums = _sums(cell[fresh], self.value[use][fresh], items * partners)
        return sums.reshape(items, partners)

    def monthly(self, items: int, last: int, months: int) -> Floats:
        """[n, months] of all partners: the reported total where there is one, else the sum; NaN."""
        use = (self.month > last - months) & (self.month <= last)
        cell = self.item[use] * months + self.month[use] - (last - months + 1)
        whole = self.partner[use] == TOTAL
        sums = _cells(cell[~whole], self.value[use][~whole], items * months)
        totals = _cells(cell[whole], self.value[use][whole], items * months)
        return np.where(np.isnan(totals), sums, totals).reshape(items, months)

    def mean(self, items: int, last: int, months: int) -> Floats:
        """[n, months] means of what each month has (daily prices too); NaN where it has none."""
        use = (self.month > last - months) & (self.month <= last)
        cell = self.item[use] * months + self.month[use] - (last - months + 1)
        count = np.bincount(cell, minlength=items * months)
        return (_cells(cell, self.value[use], items * months) / np.maximum(count, 1)).reshape(
            items, months
        )


def _sums(cell: Ints, value: Floats, size: int) -> Floats:
    sums: Floats = np.bincount(cell, value, size).astype(np.float64)
    return sums


def _cells(cell: Ints, value: Floats, size: int) -> Floats:
    sums = _sums(cell, value, size)
    sums[np.bincount(cell, minlength=size) == 0] = np.nan
    return sums


@dataclass(frozen=True, slots=True)
class Trade:
    """Everything that vulnerability reads, as known at one moment. What is not known is left out."""

    items: tuple[str, ...]  # HS6 codes
    partners: tuple[str, ...]  # ISO 3166-1 alpha-2, and EU
    import_usd: Flow  # Korea's, by partner
    import_kg: Flow
    export_usd: Flow  # Korea's; usually only TOTAL
    world_exports_usd: Flow  # `partner` is the reporter, of its exports to the world
    price_usd: Flow  # world price of the item, partner TOTAL
    production_usd: Mapping[str, float] = field(default_factory=dict)  # of 12 months, by HS6
    production_change: Mapping[str, float] = field(default_factory=dict)  # -0.1: down by a tenth
    partner_risk: Mapping[str, float] = field(default_factory=dict)  # 0..1 by country
    governance: Mapping[str, float] = field(default_factory=dict)  # WGI, 0..10, 10 the worst
    recycling: Mapping[str, float] = field(default_factory=dict)  # EoL_RIR 0..1 by HS6
    substitutes: Mapping[str, float] = field(default_factory=dict)  # SI_SR 0..1 by HS6
    firms: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # (sole-source, declared)
    synthetic: frozenset[str] = frozenset()  # items with a synthetic series


def trade_of(
    names: Sequence[str],
    rows: NDArray[np.intp],
    periods: NDArray[np.datetime64],
    values: Floats,
    **tables: Any,
) -> Trade:
    """The arrays of stored series: `rows[i]` indexes `names`, one value a period and series.

    Series that are no monthly or yearly trade of Korea, exports of the world, or prices are passed
    over. `tables`: the other fields of `Trade`. Measures and places as in docs/series.md.
    """
    parsed = [series_parts(name) for name in names]
    traded = [p for p in parsed if p[1] in MEASURES and _is_code(p[3])]
    items = tuple(sorted({p[3] for p in traded}))
    abroad = {c for p in traded for c in p[2].split("-")} - {"WLD", HOME}
    partners = (*sorted(abroad), HOME)
    place = {code: i for i, code in enumerate(partners)} | {"WLD": TOTAL}
    index = {code: i for i, code in enumerate(items)}
    month = periods.astype("M8[M]").astype(np.int64)

    def flow(cells: Mapping[int, tuple[int, int]]) -> Flow:
        return _flow(cells, len(names), rows, month, values)

    return Trade(
        items,
        partners,
        import_usd=flow(_imports(parsed, "import-usd", index, place)),
        import_kg=flow(_imports(parsed, "import-kg", index, place)),
        export_usd=flow(_exports(parsed, index, place)),
        world_exports_usd=flow(_world(parsed, index, place)),
        price_usd=_prices(parsed, index, rows, month, values),
        synthetic=frozenset(p[3] for p in traded if p[0] == "synthetic"),
        **tables,
    )


Parts = tuple[str, str, str, str]


def _is_code(item: str) -> bool:
    return len(item) == 6 and item.isdigit()


def _imports(
    parsed: Sequence[Parts], measure: str, index: Mapping[str, int], place: Mapping[str, int]
) -> dict[int, tuple[int, int]]:
    """Korea's own figures by origin; goods of its own that come back are no dependence."""
    rows = [
        (n, provider, item, where[: -len("-KR")])
        for n, (provider, what, where, item) in enumerate(parsed)
        if what == measure and where.endswith("-KR") and where != "KR-KR" and item in index
    ]
    best = _first((item, provider) for _, provider, item, _ in rows)
    return {n: (index[i], place[w]) for n, p, i, w in rows if best.get(i) == p}


def _exports(
    parsed: Sequence[Parts], index: Mapping[str, int], place: Mapping[str, int]
) -> dict[int, tuple[int, int]]:
    rows = [
        (n, provider, item, where[len("KR-") :])
        for n, (provider, what, where, item) in enumerate(parsed)
        if what == "export-usd" and where.startswith("KR-") and item in index
    ]
    best = _first((item, provider) for _, provider, item, _ in rows)
    return {n: (index[i], place[w]) for n, p, i, w in rows if best.get(i) == p}


def _world(
    parsed: Sequence[Parts], index: Mapping[str, int], place: Mapping[str, int]
) -> dict[int, tuple[int, int]]:
    """Exports to the world by reporter, each from the first provider that has it."""
    rows = [
        (n, provider, item, where[: -len("-WLD")])
        for n, (provider, what, where, item) in enumerate(parsed)
        if what == "export-usd" and where.endswith("-WLD") and item in index
    ]
    best = _first(((item, where), provider) for _, provider, item, where in rows)
    return {n: (index[i], place[w]) for n, p, i, w in rows if best.get((i, w)) == p}


def _first(rows: Iterable[tuple[Hashable, str]]) -> dict[Hashable, str]:
    """Of each thing the provider that PROVIDERS names first; others are not used."""
    best: dict[Hashable, str] = {}
    for thing, provider in rows:
        if provider in PROVIDERS:
            held = best.setdefault(thing, provider)
            best[thing] = min(held, provider, key=PROVIDERS.index)
    return best


def _flow(
    wanted: Mapping[int, tuple[int, int]],
    names: int,
    rows: NDArray[np.intp],
    month: Ints,
    values: Floats,
) -> Flow:
    item, partner = np.full(names, -1, np.int64), np.zeros(names, np.int64)
    for n, (i, p) in wanted.items():
        item[n], partner[n] = i, p
    use = item[rows] >= 0
    return Flow(item[rows[use]], partner[rows[use]], month[use], values[use])


def _prices(
    parsed: Sequence[Parts],
    index: Mapping[str, int],
    rows: NDArray[np.intp],
    month: Ints,
    values: Floats,
) -> Flow:
    """Prices are of our items; each HS6 code of an item takes the first provider's first series."""
    best: dict[int, tuple[int, str, int]] = {}
    for n, (provider, what, where, item) in enumerate(parsed):
        if what == "price-usd" and provider in PRICE_PROVIDERS:
            key = (PRICE_PROVIDERS.index(provider), where, n)
            for code in ITEMS[item].hs if item in ITEMS else (item,):
                if code in index:
                    best[index[code]] = min(best.get(index[code], key), key)
    used = np.zeros(len(parsed), np.bool_)
    used[[n for _, _, n in best.values()]] = True
    keep = used[rows]
    rows, month, values = rows[keep], month[keep], values[keep]
    parts = [Flow.none()]
    for i, (_, _, n) in sorted(best.items()):
        hit = np.flatnonzero(rows == n)
        full = np.full(len(hit), i), np.full(len(hit), TOTAL)
        parts.append(Flow(*full, month[hit], values[hit]))
    return Flow(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Flow)))
