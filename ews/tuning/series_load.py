"""How do figures of the past get into a home without raising alarms today? Files, and made-up trade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from ews.measuring.shares import share_out
from ews.model import Frequency, Observation, Series
from ews.storage import Store
from ews.storage.value_rows import Columns
from ews.tuning.series import read_series
from ews.tuning.synthetic_trade import RELEASE_DAYS, SyntheticTrade, synthetic_trade
from graph.goods import goods
from graph.reference import ITEMS
from scrapers.calendars import release_of

MONTHS = 60  # of made-up trade
LEAST_MONTHS, MOST_MONTHS = 24, 240  # detectors need two years


class RealSeries(ValueError):
    """The home has real series: made-up ones beside them need to be asked for."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What went into the store."""

    series: int
    values: int  # vintages that said something new
    oldest: datetime | None  # periods
    newest: datetime | None
    later: int  # values that become known after now: they are read then, as news


def load_series(store: Store, files: Sequence[Path], now: datetime) -> Loaded:
    """Keep the values of series files as history: the detectors count as having read them, so what
    was unusual long ago raises no alarm. SeriesFileError names a bad line; UnitChanged, with nothing
    kept, a series that the home has in another unit."""
    found = read_series(files)
    names = sorted({one.series for one in found})
    with store.begin() as tx:
        known = set(tx.series_names())
        waited = {one.name for one in tx.waiting_series(now)}
        tx.describe_series([one for one in _described(found) if one.name not in known])
        kept = tx.save_observations(found)
        mark_read(tx, set(names) - waited, now)
        share_out(tx, now)
    periods = [one.observed_at for one in found]
    later = sum(one.available_at > now for one in found)
    return Loaded(
        len(names), kept, min(periods, default=None), max(periods, default=None), later
    )  # fmt: skip


def mark_read(store: Store, names: Iterable[str], at: datetime) -> None:
    """The detectors count as having read these series as known at `at`; what became known later is
    news."""
    wanted = set(names)
    store.mark_scored([one for one in store.waiting_series(at) if one.name in wanted], at)


def _described(found: Sequence[Observation]) -> list[Series]:
    """What a file says of its series, and the calendar of their frequency."""
    units = {one.series: (one.unit, one.source, one.parts[3]) for one in found}
    days = {one.series for one in found if one.observed_at.day != 1}
    told = []
    for name, (unit, source, item) in units.items():
        release = release_of(name)
        shown = Frequency.DAY if name in days else Frequency.MONTH
        told.append(
            Series(
                name,
                release.frequency if release else shown,
                unit,
                source=source,
                currency="USD" if unit.startswith("USD") else "",
                classification="HS" if item.isdigit() and len(item) == 6 else "",
            )
        )
    return told


# --------------------------------------------------------------------------- made up


def load_synthetic(
    store: Store,
    now: datetime,
    items: int,
    months: int = MONTHS,
    seed: int = 1,
    fresh: int = 0,
    mixed: bool = False,
) -> Loaded:
    """Make up monthly trade of so many items up to the newest release before `now`, every series
    labelled synthetic. The newest `fresh` releases are left for the next turn of the detectors.

    RealSeries when the home has real series and `mixed` is not asked for.
    """
    if not LEAST_MONTHS <= months <= MOST_MONTHS or not 0 <= fresh < months:
        raise ValueError(f"months: give {LEAST_MONTHS} to {MOST_MONTHS}; fresh: fewer than months")
    if not mixed and any(not one.synthetic for one in store.series()):
        raise RealSeries(
            "this home has real series, and made-up ones beside them mislead: take another --home, "
            "or add --mixed"
        )
    made = synthetic_trade(
        seed, _first_month(now, months), months, chosen(items), disturbed=max(1, items // 20)
    )
    with store.begin() as tx:
        tx.describe_series(made.series())
        kept = tx.save_columns(_columns(made))
        mark_read(tx, made.names, now - timedelta(days=31 * fresh))
        share_out(tx, now)
    oldest, newest = (
        one.astype("M8[us]").astype(datetime).replace(tzinfo=now.tzinfo)
        for one in (made.period.min(), made.period.max())
    )
    return Loaded(len(made.names), kept, oldest, newest, 0)


def _columns(made: SyntheticTrade) -> Columns:
    period, available = (
        one.astype("M8[us]").astype(np.int64) for one in (made.period, made.available_at)
    )
    calendar = np.ones(len(made.row), np.int8)
    return Columns(made.names, made.row, period, available, made.value, calendar)


def _first_month(now: datetime, months: int) -> str:
    """The first of so many months, of which the newest is out by `now`."""
    out = (now - timedelta(days=RELEASE_DAYS + 2)).date()
    count = out.year * 12 + out.month - 1 - months
    return f"{count // 12:04}-{count % 12 + 1:02}"


def chosen(count: int) -> list[str]:
    """So many HS6 codes: those of our own items first, then others spread over the whole tariff."""
    every = [code for code, good in goods().items() if "2022" in good.revisions]
    if not 1 <= count <= len(every):
        raise ValueError(f"items: give 1 to {len(every):,}")
    own = dict.fromkeys(hs[:6] for item in ITEMS.values() for hs in item.hs if len(hs) >= 6)
    first = [code for code in own if code in set(every)][:count]
    rest = [code for code in every if code not in own]
    step = np.linspace(0, len(rest) - 1, max(count - len(first), 0)).astype(int)
    return [*first, *(rest[at] for at in dict.fromkeys(step.tolist()))]
