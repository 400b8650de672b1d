"""Which stored figures of an item's trade count, and as known when? Series -> arrays by provider.

Of each item one provider's imports count: Korea's own customs first, else what Korea reports to
Comtrade, else what partners report to have sold to Korea (`mirror`), which is said and never mixed
with the others. Providers stay apart, each a data set with its own newest month.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ews.model import Frequency, series_parts
from ews.storage import Store
from ews.storage.series_rows import Summary
from graph.trade import HOME, PRICE_PROVIDERS, PROVIDERS, Trade, trade_of
from graph.vulnerability_indices import PAST, RECENT, SPAN

BACK = PAST + RECENT  # months of prices, and of whole imports for the unit value
SHARES = SPAN + RECENT  # months of imports by partner: the window, and the newest a year before
LATE = 4  # months that the newest one may lie behind, and a little
BATCH = 8_000  # series read at once: the driver's rows are large, ours are 18 bytes
# A month is in when so many items have a value as in four fifths of a usual month: customs asked
# item by item takes hours, and a month half in is none.
IN = 0.8
MIRROR, MADE_UP = "mirror", "synthetic"
# Whose exports to Korea stand in where nobody has Korea's imports, the first that has the partner.
REPORTERS = ("comtrade", "eurostat", "census")

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """A series that vulnerability reads."""

    name: str  # as kept
    provider: str
    part: str  # import | mirror | export | world | price
    place: str
    item: str
    money: bool  # a value in USD; False: a weight

    @property
    def told(self) -> str:
        """The name that graph.trade knows it by."""
        if self.part != MIRROR:
            return self.name
        return f"{MIRROR}/import-{'usd' if self.money else 'kg'}/{self.place}/{self.item}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The newest vintage known at one moment of every series and month, one row each."""

    series: tuple[Series, ...]
    row: Whole  # index into `series`
    month: Whole  # since January 1970
    value: Floats


@dataclass(frozen=True, slots=True)
class Group:
    """The trade of the items whose imports one provider tells."""

    provider: str
    newest: datetime  # the newest month that is in
    trade: Trade


def groups_at(
    store: Store, now: datetime, items: Sequence[str] | None = None, back: int = SPAN
) -> list[Group]:
    """What was known at `now`, by provider of the imports, of all items or of some: enough for the
    newest month and for those up to `back` months before it."""
    wanted = None if items is None else frozenset(items)
    series = [
        one for one in map(part_of, store.summaries())
        if one and (wanted is None or one.item in wanted or one.part == "price")
    ]  # fmt: skip
    long, short = by_length(chosen_mirrors(series))
    figures = [read(store, long, now, BACK + back), read(store, short, now, SHARES + back)]
    return list(grouped(joined(*figures)))


def trade_of_item(
    store: Store, item: str, provider: str, now: datetime, month: datetime
) -> Trade | None:
    """The trade of one item by its provider's figures; None without any."""
    parts = ((*series_parts(one.name), one.frequency) for one in store.series(item=item))
    series = [
        one for provider_, measure, place, code, frequency in parts
        if (one := _series(provider_, measure, place, code, frequency))
    ]  # fmt: skip
    back = (now.year - month.year) * SPAN + now.month - month.month
    figures = read(store, chosen_mirrors(series), now, SHARES + max(back, 0) + SPAN)
    trade = _trade(figures, provider, {item})
    return trade if trade.items == (item,) else None


def part_of(one: Summary) -> Series | None:
    """What the series is to vulnerability; None for what it does not read."""
    return _series(one.provider, one.measure, one.place, one.item, one.frequency)


def _series(
    provider: str, measure: str, place: str, item: str, frequency: Frequency
) -> Series | None:
    part = _part(provider, measure, place, item, frequency)
    if not part:
        return None
    name = f"{provider}/{measure}/{place}/{item}"
    return Series(name, provider, part, place, item, measure.endswith("usd"))


def _part(provider: str, measure: str, place: str, item: str, frequency: Frequency) -> str:
    if measure == "price-usd":
        return "price" if provider in PRICE_PROVIDERS else ""
    flow, _, unit = measure.partition("-")
    monthly = frequency is Frequency.MONTH
    if unit not in ("usd", "kg") or not (len(item) == 6 and item.isdigit()):
        return ""
    if flow == "import" and place.endswith(f"-{HOME}") and monthly:
        return "import" if provider in PROVIDERS else ""
    if flow != "export":
        return ""
    if place.endswith(f"-{HOME}"):
        return MIRROR if provider in REPORTERS and monthly else ""
    if place.startswith(f"{HOME}-"):
        return "export" if unit == "usd" and monthly else ""
    counted = unit == "usd" and (monthly or frequency is Frequency.YEAR)
    return "world" if place.endswith("-WLD") and counted else ""


def chosen_mirrors(series: Sequence[Series]) -> list[Series]:
    """Of what a partner reports in several places, the first of REPORTERS: never two in one sum."""
    best: dict[tuple[str, str], str] = {}
    for one in series:
        if one.part == MIRROR:
            key = (one.place, one.item)
            best[key] = min(best.get(key, one.provider), one.provider, key=REPORTERS.index)
    return [
        one for one in series
        if one.part != MIRROR or best[one.place, one.item] == one.provider
    ]  # fmt: skip


def by_length(series: Sequence[Series]) -> tuple[list[Series], list[Series]]:
    """(those whose long past counts, the others). Imports by partner are most of all rows, and where
    the whole is reported its past gives the unit value: then the newest shares of them are enough."""
    whole = {(s.provider, s.part, s.money, s.item) for s in series if s.place == f"WLD-{HOME}"}
    short = [
        s for s in series
        if s.place != f"WLD-{HOME}" and (s.provider, s.part, s.money, s.item) in whole
    ]  # fmt: skip
    names = {s.name for s in short}
    return [s for s in series if s.name not in names], short


def joined(one: Figures, two: Figures) -> Figures:
    return Figures(
        one.series + two.series,
        np.concatenate([one.row, two.row + len(one.series)]),
        np.concatenate([one.month, two.month]),
        np.concatenate([one.value, two.value]),
    )


def read(store: Store, series: Sequence[Series], now: datetime, reach: int) -> Figures:
    """The values of these series as known at `now`, of `reach` months."""
    rows: list[NDArray[np.int32]] = []
    months: list[NDArray[np.int32]] = []
    values: list[Floats] = []
    since = now - timedelta(days=31 * (reach + LATE))
    for start in range(0, len(series), BATCH):
        part = series[start : start + BATCH]
        got = store.columns(now, [one.name for one in part], since)
        # Vintages come in order, so the newest of a period is the last of its run.
        last = np.ones(len(got.rows), np.bool_)
        last[:-1] = (got.rows[1:] != got.rows[:-1]) | (got.periods[1:] != got.periods[:-1])
        place = {one.name: start + n for n, one in enumerate(part)}
        known = np.array([place[name] for name in got.names], np.int32)
        if len(known):
            rows.append(known[got.rows[last]])
            period = got.periods[last].astype("M8[us]").astype("M8[M]")
            months.append(period.astype(np.int64).astype(np.int32))
            values.append(got.values[last])
    none = np.empty(0, np.int32)
    return Figures(
        tuple(series),
        np.concatenate([none, *rows]).astype(np.int64),
        np.concatenate([none, *months]).astype(np.int64),
        np.concatenate([np.empty(0), *values]),
    )


def grouped(figures: Figures) -> Iterator[Group]:
    """Each item in the group of the first provider that has its imports of the newest year."""
    series = figures.series
    whose = [(MIRROR if one.part == MIRROR else one.provider) for one in series]
    imports = np.array([one.part in ("import", MIRROR) and one.money for one in series], np.bool_)
    taken: set[str] = set()
    for provider in PROVIDERS:
        mine = np.array([p == provider for p in whose], np.bool_) & imports
        newest = newest_month(figures, mine)
        if newest is None:
            continue
        use = mine[figures.row] & (figures.month > newest - SPAN) & (figures.month <= newest)
        fresh = np.bincount(figures.row[use], minlength=len(series)) > 0
        items = {series[n].item for n in np.flatnonzero(fresh).tolist()} - taken
        taken |= items
        if items:
            trade = _trade(figures, provider, items)
            yield Group(provider, _month(newest), trade)


def newest_month(figures: Figures, mine: NDArray[np.bool_]) -> int | None:
    """The newest month of these series that is in (see IN); None without any."""
    index: dict[str, int] = {}
    item = np.array([index.setdefault(one.item, len(index)) for one in figures.series], np.int64)
    use = mine[figures.row]
    if not use.any():
        return None
    month = figures.month[use]
    first = int(month.min())
    seen = np.zeros((int(month.max()) - first + 1, len(index)), np.bool_)
    seen[month - first, item[figures.row[use]]] = True
    counts = seen.sum(axis=1)
    usual = np.median(counts[-SPAN:][counts[-SPAN:] > 0])
    return first + int(np.flatnonzero(counts >= IN * usual)[-1])


def _trade(figures: Figures, provider: str, items: set[str]) -> Trade:
    """The arrays of these items: imports of one provider; made-up figures among themselves."""
    made_up = provider == MADE_UP

    def reads(one: Series) -> bool:
        if (one.provider == MADE_UP) is not made_up:
            return False
        if one.part in ("import", MIRROR):
            whose = MIRROR if one.part == MIRROR else one.provider
            return whose == provider and one.item in items
        return one.part == "price" or one.item in items

    number = np.full(len(figures.series), -1, np.int64)
    used = [n for n, one in enumerate(figures.series) if reads(one)]
    number[used] = np.arange(len(used))
    row = number[figures.row]
    use = row >= 0
    names = [figures.series[n].told for n in used]
    return trade_of(names, row[use], figures.month[use].astype("M8[M]"), figures.value[use])


def _month(number: int) -> datetime:
    return datetime(1970 + number // SPAN, number % SPAN + 1, 1, tzinfo=UTC)
