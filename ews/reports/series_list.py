"""Which series are there, how old are they, and which alarmed? One page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ews.detectors.budget import Budget
from ews.detectors.calibration import class_of
from ews.measuring.monitored import SILENT, TRADE, budget_of
from ews.measuring.shares import ruleset_of
from ews.model import Frequency, Series, series_parts
from ews.reports.series_names import item_codes, payer, search_word, series_label
from ews.reports.series_views import SeriesLine, SeriesList
from ews.storage import Store
from ews.storage.series_list import Listed, Wanted
from scrapers.calendars import Release, period_end, release_of

SORTS = ("name", "newest", "found")
MOST = 1_000  # series of one page
FARTHEST = 10_000_000  # series that may be passed over: more than anybody has
DERIVED = {"hhi": "0..1", "top-share": "share", "gap": "ln(import / export)"}  # measure -> unit


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for; empty means any."""

    text: str = ""  # words, each of which must fit the name, the item or the place
    item: str = ""
    provider: str = ""
    measure: str = ""
    place: str = ""
    detected: bool = False
    sort: str = ""  # "" is by name, or by the newest detection when only such are asked for
    offset: int = 0
    limit: int = 100


def series_list(store: Store, asked: Asked, now: datetime) -> SeriesList:
    """The series that fit, `limit` of them from `offset` on. UnknownName for an item that nothing
    is called; ValueError for a sort that is not there."""
    wanted, budget = _wanted(asked), budget_of(ruleset_of(store, now))
    derived = list(_derived(store, wanted, budget)) if wanted.detected else []
    # Derived series hold no value of their own; those with a detection stand before the others.
    first = derived[asked.offset : asked.offset + asked.limit]
    skip = max(asked.offset - len(derived), 0)
    found = store.series_page(wanted, skip, max(asked.limit - len(first), 0))
    ages = Ages(store.newest_reports(), now)
    facets = store.series_facets()
    return SeriesList(
        series=(*first, *(line_of(one, ages, budget) for one in found.rows)),
        count=found.count + len(derived),
        offset=asked.offset,
        limit=asked.limit,
        at=now,
        providers=tuple(facets["provider"]),
        measures=tuple(facets["measure"]),
    )


def _wanted(asked: Asked) -> Wanted:
    if asked.sort and asked.sort not in SORTS:
        raise ValueError(f"sort: {asked.sort[:20]!r} is none of {', '.join(SORTS)}")
    if not 0 < asked.limit <= MOST or not 0 <= asked.offset <= FARTHEST:
        raise ValueError(f"limit: give 1 to {MOST:,}; offset: 0 to {FARTHEST:,}")
    items, begins = item_codes(asked.item) if asked.item.strip() else (None, "")
    return Wanted(
        words=tuple(search_word(word) for word in asked.text.split()[:6]),
        items=items,
        item_begins=begins,
        provider=asked.provider,
        measure=asked.measure,
        place=asked.place,
        detected=asked.detected,
        sort=asked.sort or ("found" if asked.detected else "name"),
    )


# --------------------------------------------------------------------------- how old it is


@dataclass(frozen=True, slots=True)
class Ages:
    """How old series are at `now`, by the release calendar of each source."""

    reports: Mapping[tuple[str, str, str], datetime]  # newest period by provider, measure, place
    now: datetime
    _newest: dict[tuple[str, str, str], datetime]

    def __init__(self, reports: Mapping[tuple[str, str, str], datetime], now: datetime) -> None:
        newest: dict[tuple[str, str, str], datetime] = {}
        for (provider, measure, place), at in reports.items():
            key = (provider, measure, _reporter(measure, place))
            newest[key] = max(at, newest.get(key, at))
        object.__setattr__(self, "reports", reports)
        object.__setattr__(self, "now", now)
        object.__setattr__(self, "_newest", newest)

    def of(self, series: Series, newest: datetime | None) -> tuple[str, datetime | None]:
        """(on_time | due | late | stale | silent | ended | unknown, when the next value is due)."""
        if newest is None:
            return "unknown", None
        _, measure, place, _ = series_parts(series.name)
        provider = series_parts(series.name)[0]
        report = self._newest.get((provider, measure, _reporter(measure, place)), newest)
        due = due_at(series, newest)
        if newest < min(report, self.now) - SILENT:
            return "ended", None
        release = release_of(series.name)
        if due is None or release is None:
            return "unknown", None
        if self.now <= due:
            return "on_time", due
        if class_of(measure) in TRADE and newest < report <= self.now:
            return "silent", due
        return _lateness(series, newest, due, release, self.now), due


def _reporter(measure: str, place: str) -> str:
    """Who reports a flow; the series of others stand for themselves."""
    origin, _, target = place.partition("-")
    if measure.startswith("import-") and target:
        return target
    return origin if measure.startswith("export-") and target else ""


def due_at(series: Series, newest: datetime) -> datetime | None:
    """When the value after the newest one is due; None where no calendar says."""
    release = release_of(series.name)
    if release is None:
        return None
    try:
        return release.available(period_end(newest, series.frequency), series.frequency)
    except ValueError:
        return None


def _lateness(
    series: Series, newest: datetime, due: datetime, release: Release, now: datetime
) -> str:
    """`late` past the slack of the source, `stale` when the release after that is past it too."""
    if now <= due + release.slack:
        return "due"
    step = period_end(newest, series.frequency) - newest
    after = due + max(step, timedelta(days=7))  # days come in weekly releases
    return "late" if now <= after + release.slack else "stale"


def line_of(one: Listed, ages: Ages, budget: Budget) -> SeriesLine:
    """A stored series as a line."""
    age, due = ages.of(one.series, one.newest)
    return _line(one.series, budget, derived=False, age=age, due=due, listed=one)


def _line(
    series: Series, budget: Budget, *, derived: bool, age: str, due: datetime | None, listed: Listed
) -> SeriesLine:
    provider, measure, place, item = series_parts(series.name)
    return SeriesLine(
        name=series.name,
        title=series_label(series.name),
        provider=provider,
        measure=measure,
        place=place,
        item=item,
        frequency=series.frequency.value,
        unit=series.unit,
        currency=series.currency,
        classification=series.classification,
        valuation=series.valuation,
        source=series.source or provider,
        synthetic=series.synthetic,
        derived=derived,
        oldest=listed.oldest.date() if listed.oldest else None,
        newest=listed.newest.date() if listed.newest else None,
        value=listed.value,
        available_at=listed.newest_available,
        age=age,
        due_at=due,
        blind=age == "stale",
        found_at=listed.found_at,
        detections=listed.detections,
        allowed=budget.of(payer(series.name)),
    )


# --------------------------------------------------------------------------- derived ones


def derived_series(name: str) -> Series | None:
    """What a derived series is; None for a name that no derivation gives."""
    provider, measure, _, _ = series_parts(name)
    unit = DERIVED.get(measure)
    if unit is None:
        return None
    return Series(name, Frequency.MONTH, unit, provider, synthetic=provider == "synthetic")


def derived_line(
    series: Series, budget: Budget, found_at: datetime | None, detections: int
) -> SeriesLine:
    none = Listed(series, None, None, None, None, found_at, detections)
    return _line(series, budget, derived=True, age="unknown", due=None, listed=none)


def _derived(store: Store, wanted: Wanted, budget: Budget) -> Iterator[SeriesLine]:
    """Derived series with a detection that fit, the newest first."""
    found = store.detected_series()
    for name, (at, number) in sorted(found.items(), key=lambda one: (one[1][0], one[0]))[::-1]:
        series = derived_series(name)
        if series is not None and _fits(name, wanted):
            yield derived_line(series, budget, at, number)


def _fits(name: str, wanted: Wanted) -> bool:
    provider, measure, place, item = series_parts(name)
    asked = (wanted.provider, wanted.measure, wanted.place)
    if any(one and one != own for one, own in zip(asked, (provider, measure, place), strict=True)):
        return False
    if wanted.items is not None or wanted.item_begins:
        begins = bool(wanted.item_begins) and item.startswith(wanted.item_begins)
        if item not in (wanted.items or ()) and not begins:
            return False
    return all(
        word.text.casefold() in name.casefold()
        or item in word.items
        or not {place, *place.split("-")}.isdisjoint((*word.places, *word.countries))
        for word in wanted.words
    )
