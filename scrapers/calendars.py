"""When did a source make a figure public, where nobody recorded it? The rules of calendars.toml."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ews.model import Frequency, Observation, VintageBasis

RULES = ("weekday", "working_day", "day_of_month", "days", "ten_days")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Release:
    """The release rule of one provider. Every date it gives is the end of a day, UTC."""

    name: str
    series: tuple[str, ...]  # prefixes of series names
    frequency: Frequency  # of its series where nobody says another
    rule: str  # one of RULES
    said: str
    said_ko: str
    read_in: str  # where the rule was read; "assumed: ..." when nowhere
    slack: timedelta  # how much later than its date a figure may be met and still be news
    days: Mapping[str, int]  # by frequency; "" for every frequency
    number: int = 0  # the working day, the day of the month, or the weekday (0 = Monday)
    country: str = ""  # whose public holidays count
    own_dates: bool = False  # the source dates its vintages itself

    def available(self, period: datetime, frequency: Frequency | None = None) -> datetime:
        """When the figure of the period that begins at `period` (aware UTC) becomes public.

        ValueError when the rule does not cover the frequency.
        """
        frequency = frequency or self.frequency
        if self.rule == "weekday":
            ready = period + timedelta(days=self.days[""])
            return ready + timedelta(days=(self.number - ready.weekday()) % 7) + _DAY
        if self.rule == "ten_days":
            return self._working(_end_of_ten_days(period)) + _DAY
        end = period_end(period, frequency)
        if self.rule == "working_day":
            return self._nth_working(end) + _DAY
        if self.rule == "day_of_month":
            return self._working(end.replace(day=self.number)) + _DAY
        if frequency not in self.days:
            raise ValueError(
                f"calendars.toml [{self.name}]: no days for frequency {frequency.value}; add it"
            )
        return end + timedelta(days=self.days[frequency])

    def _working(self, day: datetime) -> datetime:
        """The day itself, or the first working day after it."""
        while not working_day(day.date(), self.country):
            day += _DAY
        return day

    def _nth_working(self, day: datetime) -> datetime:
        """The n-th working day, counted from the day itself."""
        left = self.number
        while True:
            left -= working_day(day.date(), self.country)
            if left == 0:
                return day
            day += _DAY


def working_day(day: date, country: str) -> bool:
    """True from Monday to Friday, public holidays of the country (ISO2) left out.

    The holidays are those of public_holidays.csv, 1990 to 2045: the US federal ones and Korea's,
    with lunar, substitute and temporary ones, as the library `holidays` 0.109 (MIT) gives them.

    >>> working_day(date(2023, 7, 4), "US"), working_day(date(2023, 7, 4), "KR")
    (False, True)
    """
    return day.weekday() < 5 and (country, day) not in _holidays()


@cache
def _holidays() -> frozenset[tuple[str, date]]:
    text = (files("scrapers") / "public_holidays.csv").read_text(encoding="utf-8")
    return frozenset(
        (row["country"], date.fromisoformat(row["date"]))
        for row in csv.DictReader(text.splitlines())
    )


def period_end(period: datetime, frequency: Frequency) -> datetime:
    """The first moment after the period that begins at `period`.

    >>> period_end(datetime(2023, 12, 1, tzinfo=UTC), Frequency.MONTH).isoformat()
    '2024-01-01T00:00:00+00:00'
    """
    if frequency in (Frequency.DAY, Frequency.WEEK):
        return period + timedelta(days=1 if frequency is Frequency.DAY else 7)
    months = {Frequency.MONTH: 1, Frequency.QUARTER: 3, Frequency.YEAR: 12}[frequency]
    count = period.year * 12 + period.month - 1 + months
    return period.replace(year=count // 12, month=count % 12 + 1, day=1)


def _end_of_ten_days(period: datetime) -> datetime:
    """The 11th, the 21st or the 1st of the next month: the day after the part of the month."""
    if period.day <= 20:
        return period.replace(day=11 if period.day <= 10 else 21)
    return period_end(period, Frequency.MONTH)


# --------------------------------------------------------------------------- the table


@cache
def releases() -> Mapping[str, Release]:
    """All rules of calendars.toml by name. ValueError names the rule and the key that is wrong."""
    text = (files("scrapers") / "calendars.toml").read_text(encoding="utf-8")
    return {name: _release(name, table) for name, table in tomllib.loads(text).items()}


def _release(name: str, table: Mapping[str, object]) -> Release:
    raw = table.get("days", 0)
    days = {str(k): int(v) for k, v in raw.items()} if isinstance(raw, Mapping) else {"": raw}
    series, rule = table.get("series"), table.get("rule")
    if rule not in RULES or not isinstance(series, list):
        raise ValueError(f"calendars.toml [{name}]: rule must be one of {', '.join(RULES)}")
    number = next((table[key] for key in ("working_day", "day", "weekday") if key in table), 0)
    for key in ("said", "said_ko", "read_in", "slack_days"):
        if not table.get(key):
            raise ValueError(f"calendars.toml [{name}]: {key} is missing")
    return Release(
        name=name,
        series=tuple(series),
        frequency=Frequency(str(table.get("frequency"))),
        rule=str(rule),
        said=str(table["said"]),
        said_ko=str(table["said_ko"]),
        read_in=str(table["read_in"]),
        slack=timedelta(days=float(str(table["slack_days"]))),
        days={key: int(str(value)) for key, value in days.items()},
        number=int(str(number)),
        country=str(table.get("country", "")),
        own_dates=bool(table.get("own_dates", False)),
    )


def release_of(series: str, rules: Mapping[str, Release] | None = None) -> Release | None:
    """The rule of a series, by the longest prefix that fits; None when there is none.

    >>> release_of("portwatch/port-calls/busan/-").name
    'portwatch_ports'
    """
    fits = [
        (len(prefix), release)
        for release in (rules or releases()).values()
        for prefix in release.series
        if series.startswith(prefix)
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


# --------------------------------------------------------------------------- dating


def first_seen(
    release: Release | None, frequency: Frequency | None, period: datetime, fetched_at: datetime
) -> tuple[datetime, VintageBasis]:
    """(available_at, basis) of a figure that we meet for the first time at `fetched_at`.

    Its calendar date when it was public before we came, later than that by more than the source's
    slack; else the moment we met it. A source without a rule gives the moment we met it.
    """
    if release is None:
        return fetched_at, VintageBasis.RECORDED
    public = release.available(period, frequency)
    if fetched_at - public > release.slack:
        return public, VintageBasis.CALENDAR
    return fetched_at, VintageBasis.RECORDED


def dated(
    observations: Iterable[Observation],
    newest_held: Mapping[tuple[str, datetime], float],
    fetched_at: datetime,
    frequencies: Mapping[str, Frequency] = MappingProxyType({}),
    rules: Mapping[str, Release] | None = None,
) -> list[Observation]:
    """Fetched observations with the date at which each became known; what we hold already is out.

    `newest_held` gives the newest value that we hold per (series, period); `frequencies` says the
    frequency of a series where it is not the usual one of its provider. A value met for the first time is dated by `first_seen`; one that
    differs from ours is a revision, seen at the fetch; one that equals ours says nothing new.
    What the source dated itself (`available_at` is not `fetched_at`), and series without a rule,
    stay as they came.
    """
    judged = (
        _dated(
            one, newest_held.get((one.series, one.observed_at)), release_of(one.series, rules),
            frequencies.get(one.series), fetched_at,
        )
        for one in observations
    )  # fmt: skip
    return [one for one in judged if one is not None]


def _dated(
    one: Observation,
    held: float | None,
    release: Release | None,
    frequency: Frequency | None,
    fetched_at: datetime,
) -> Observation | None:
    """One value with its date; None when it says nothing new."""
    if one.basis is VintageBasis.CALENDAR and held is not None:
        return None  # a date by the rule says nothing of a period that we hold already
    if release is None or release.own_dates or one.available_at != fetched_at:
        return one
    if held is None:
        at, basis = first_seen(release, frequency, one.observed_at, fetched_at)
        return replace(one, available_at=at, basis=basis)
    return one if held != one.value else None


def end_of_day(day: date) -> datetime:
    """24:00 UTC of the day: a date without an hour is taken as late as it can be."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY
