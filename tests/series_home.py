"""A home with made-up customs figures of one item: a surge that is found, and one revised month.

Figures are ours. What was found was found by the service's own turn, at the release of the month.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alerts.rulebook import shipped_ruleset
from ews.measuring import Measurer
from ews.measuring.shares import ruleset_of
from ews.model import (
    Event,
    EventStatus,
    Frequency,
    Observation,
    Phase,
    Series,
    VintageBasis,
)
from ews.storage import Store
from scrapers.calendars import release_of

GRAPHITE = "customs/import-kg/CN-KR/250410"
JAPAN = "customs/import-kg/JP-KR/250410"
HHI = "customs/hhi/KR/250410"
PRICE = "pinksheet/price-usd/WLD/urea"
MADE_UP = "synthetic/import-kg/CN-KR/851762"
BEFORE = datetime(2023, 12, 1, tzinfo=UTC)  # the surge is not out yet
NOW = datetime(2024, 1, 3, 2, tzinfo=UTC)
TURNS = (datetime(2023, 12, 16, 2, tzinfo=UTC), NOW)  # after the month is out, after the revision
SURGE = datetime(2023, 11, 1, tzinfo=UTC)
REVISED = datetime(2023, 6, 1, tzinfo=UTC)
MISSING = datetime(2022, 3, 1, tzinfo=UTC)
EVENT = "evt-graphite00000001"


def months(first: str, last: str) -> list[datetime]:
    axis = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)
    return [one.astype("M8[us]").astype(datetime).replace(tzinfo=UTC) for one in axis]


def values(name: str, size: float, seed: int, unit: str, surge: float = 1.0) -> list[Observation]:
    """Monthly values about `size`, each known on its calendar day; one month is missing."""
    rng, release = np.random.default_rng(seed), release_of(name)
    found = []
    for month in months("2019-07", "2023-11"):
        value = round(size * float(rng.lognormal(0.0, 0.1)) * (surge if month == SURGE else 1.0))
        at = release.available(month) if release else month + timedelta(days=45)
        if month != MISSING:
            found.append(
                Observation(name, month, at, value, unit, "customs", VintageBasis.CALENDAR)
            )
    return found


def series_of(name: str, unit: str) -> Series:
    flow = "import" in name
    return Series(
        name, Frequency.MONTH, unit, "customs" if flow else "pink_sheet",
        "" if unit == "kg" else "USD", "HS2022" if flow else "", "CIF" if flow else "",
        synthetic=name.startswith("synthetic/"),
    )  # fmt: skip


def every() -> list[Observation]:
    """All that the home ever learns, the revision too."""
    found = [
        *values(GRAPHITE, 4_000_000, 1, "kg", surge=3.5),
        *values(JAPAN, 1_000_000, 2, "kg"),
        *values(PRICE, 400, 3, "USD/t"),
        *values(MADE_UP, 90_000, 4, "kg"),
    ]
    first = next(one for one in found if (one.series, one.observed_at) == (GRAPHITE, REVISED))
    at = datetime(2023, 12, 20, tzinfo=UTC)
    later = replace(first, value=first.value * 1.25, available_at=at, basis=VintageBasis.RECORDED)
    return [*found, later]


def keep(store: Store, until: datetime) -> None:
    """What is known by `until`; the detectors have read what was known at `BEFORE`."""
    known = [one for one in every() if one.available_at <= until]
    units = {one.series: one.unit for one in known}
    with store.begin() as tx:
        tx.describe_series([series_of(name, unit) for name, unit in units.items()])
        tx.save_observations([one for one in known if one.available_at <= BEFORE])
        tx.mark_scored(tx.waiting_series(BEFORE), BEFORE)
        tx.save_observations(known)


def make_series_home(home: Path, until: datetime = NOW) -> None:
    """The home, with the turn that found the surge and the event that it became."""
    made = _made(until)
    shutil.copytree(made.name, home, dirs_exist_ok=True)


@cache
def _made(until: datetime) -> TemporaryDirectory[str]:
    """The same home, made once a run; gone with the process."""
    folder = TemporaryDirectory(prefix="series-home-")
    _make(Path(folder.name), until)
    return folder


def _make(home: Path, until: datetime) -> None:
    store = Store.open(home)
    try:
        store.save_ruleset(shipped_ruleset(BEFORE - timedelta(days=900)))
        keep(store, until)
        if until >= NOW:
            for at in TURNS:
                _turn(store, at)
    finally:
        store.close()


def _turn(store: Store, now: datetime) -> None:
    found = Measurer(store).measure(ruleset_of(store, now), store.waiting_series(now), [], now)
    real = [one for one in found.detections if one.series == GRAPHITE]
    with store.begin() as tx:
        tx.save_events([_event(TURNS[0])])
        tx.save_turns(found.turns)
        tx.save_detections(
            [replace(one, event_id=EVENT if one in real else "") for one in found.detections]
        )
        tx.mark_scored(found.read, now)


def _event(now: datetime) -> Event:
    return Event(
        id=EVENT, type="shortage_or_allocation", also=(), status=EventStatus.SUSPECTED,
        phase=Phase.THREAT, probability=0.6, severity=1.0, countries=("CN",),
        items=("natural-graphite",), ports=(), chokepoints=(), firms=(),
        title=f"{GRAPHITE} +230% (2023-11)", first_seen=now, updated_at=now, evidence=(),
        detector="series", links=(f"series:{GRAPHITE}",),
    )  # fmt: skip
