"""The bars of the recorded data: what was found in time, and how often nothing was found falsely.

Every figure is read from the replay; a bar knows its figure, what was asked, and whether it held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from ews.detectors.achieved import poisson_interval
from ews.detectors.dated import Dated
from ews.model import Detection, Direction, Frequency, Observation, series_parts
from tests.recorded_replay import Replay, Test, daily

QUIET = (np.datetime64("2019-01-01"), np.datetime64("2022-12-31"))
RECORDED = frozenset({"comtrade", "portwatch", "mirror"})  # providers of the event-free windows
MARGIN = {Frequency.WEEK: timedelta(days=8), Frequency.MONTH: timedelta(days=32)}


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    asked: str
    figure: str
    passed: bool | None  # None: nothing is asked, the figure is told


@dataclass(frozen=True, slots=True)
class Quiet:
    """False alarms of event-free tests against what their alphas allow."""

    what: str
    tests: int
    item_years: float
    expected: float  # sum of the alphas
    alarms: int
    episodes: int  # alarms of one series, detector and direction that follow one another: one

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the Poisson mean behind the number of episodes."""
        return poisson_interval(self.episodes)

    @property
    def verdict(self) -> str:
        if self.episodes <= self.expected:
            return "within"
        return "above" if self.interval[0] > self.expected else "above, but the interval holds it"


def payer(name: str) -> str:
    """Whose budget pays for a series: its item, or the place of a series of ships."""
    _, _, place, item = series_parts(name)
    return item if item != "-" else place


def last_day(period: np.datetime64, frequency: Frequency) -> np.datetime64:
    """
    >>> last_day(np.datetime64("2024-02-01"), Frequency.MONTH)
    np.datetime64('2024-02-29')
    """
    if frequency is Frequency.MONTH:
        return (period.astype("M8[M]") + 1).astype("M8[D]") - np.timedelta64(1, "D")
    return period + np.timedelta64(6 if frequency is Frequency.WEEK else 0, "D")


def window(events: Iterable[Dated], name: str, period: np.datetime64, frequency: Frequency) -> str:
    """The dated event whose window has a day of the period; "" when none has."""
    last = last_day(period, frequency)
    touching = (one for one in events if one.begin <= last and one.until >= period)
    return next((one.id for one in touching if one.touches(name)), "")


def calm(test: Test, events: Sequence[Dated]) -> bool:
    """A test on 2019-2022 of a mirror or chokepoint series, outside every dated event's window."""
    within = test.period >= QUIET[0] and last_day(test.period, test.frequency) <= QUIET[1]
    recorded = test.series.split("/", 1)[0] in RECORDED
    return recorded and within and not window(events, test.series, test.period, test.frequency)


def day(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.date())


def episodes(alarms: Sequence[Detection]) -> list[Detection]:
    """The alarms that do not carry on one of the period before, in the same direction."""
    found: list[Detection] = []
    newest: dict[tuple[str, str, Direction], datetime] = {}
    for one in sorted(alarms, key=lambda alarm: alarm.period):
        key = (one.series, one.detector, one.direction)
        margin = MARGIN[Frequency.WEEK if daily(one.series) else Frequency.MONTH]
        before = newest.get(key)
        if before is None or one.period - before > margin:
            found.append(one)
        newest[key] = one.period
    return found


def quiet(what: str, tests: Sequence[Test], false: Sequence[Detection]) -> Quiet:
    """The count of some calm tests and of the alarms that they raised."""
    months: dict[str, set[np.datetime64]] = {}
    for test in tests:
        months.setdefault(payer(test.series), set()).add(test.period.astype("M8[M]"))
    return Quiet(
        what,
        len(tests),
        sum(len(held) for held in months.values()) / 12,
        sum(test.alpha for test in tests),
        len(false),
        len(episodes(false)),
    )


def counts(
    found: Replay, events: Sequence[Dated]
) -> tuple[Quiet, list[Quiet], list[Quiet], list[Detection]]:
    """(service, by detector, by item, the false alarms) of the event-free windows."""
    tests = [test for test in found.tests if calm(test, events)]
    made = {(test.series, test.detector, test.period) for test in tests}
    false = [d for d in found.detections if (d.series, d.detector, day(d.period)) in made]

    def split(of_test: Callable[[Test], str], of_alarm: Callable[[Detection], str]) -> list[Quiet]:
        return [
            quiet(
                name,
                [test for test in tests if of_test(test) == name],
                [one for one in false if of_alarm(one) == name],
            )
            for name in sorted({of_test(test) for test in tests})
        ]

    by_detector = split(lambda test: test.detector, lambda one: one.detector)
    by_item = split(lambda test: payer(test.series), lambda one: payer(one.series))
    return quiet("service", tests, false), by_detector, by_item, false


# --------------------------------------------------------------------------- found in time


def bab_el_mandeb(found: Replay) -> list[Bar]:
    """Found in the first release that holds 17 December 2023; quiet in the eight weeks before.

    Transits are counted for all ships and for container ships and tankers alone: the bar asks for
    any of them, and the second row tells whether all ships together show it as early.
    """
    place = "portwatch/transits/bab-el-mandeb/-"
    release = min(
        (datetime.fromisoformat(str(test.known.astype("M8[s]"))).replace(tzinfo=UTC)
         for test in found.tests
         if test.series == place and last_day(test.period, test.frequency) >= _DECEMBER_17),
        default=datetime.max.replace(tzinfo=UTC),
    )  # fmt: skip
    mine = [one for one in found.detections if series_parts(one.series)[2] == "bab-el-mandeb"]
    down = [one for one in mine if one.direction is Direction.DOWN and "transits" in one.series]
    hits = [one for one in down if one.found_at == release]
    early = [one for one in mine if release - timedelta(weeks=8) <= one.found_at < release]
    whole = [one for one in down if one.series == place and one.found_at >= release]
    asked = f"down, in the release of {release:%Y-%m-%d}"
    return [
        Bar("Bab el-Mandeb transits, December 2023", asked, _told(hits, down), bool(hits)),
        Bar("Bab el-Mandeb, all ships alone", "told only", _told(whole[:1], []), None),
        Bar("Bab el-Mandeb, eight weeks before", "no alarm on any of its series",
            _told(early, []), not early),
    ]  # fmt: skip


_DECEMBER_17 = np.datetime64("2023-12-17")


def monthly(found: Replay, series: str, direction: Direction, first: str, until: str) -> Bar:
    """An alarm in that direction on a month from `first` to `until` (YYYY-MM)."""
    mine = [one for one in found.detections if one.series == series and one.direction is direction]
    hits = [one for one in mine if first <= f"{one.period:%Y-%m}" <= until]
    later = [one for one in mine if f"{one.period:%Y-%m}" > until]
    months = first if first == until else f"{first} to {until}"
    asked = f"{direction.value}, by the value of {until}"
    return Bar(f"{series}, {months}", asked, _told(hits, later), bool(hits))


def _told(hits: Sequence[Detection], other: Sequence[Detection]) -> str:
    if hits:
        return "; ".join(
            f"{one.detector} on {one.series} {one.period:%Y-%m-%d} {one.direction.value}, known "
            f"{one.found_at:%Y-%m-%d} (p {one.p:.2g}, alpha {one.alpha:.2g})"
            for one in hits
        )
    if not other:
        return "none"
    return f"none; the next was {other[0].detector} on {other[0].period:%Y-%m-%d}"


# --------------------------------------------------------------------------- what stays hidden

# What left China in July 2023 of wrought germanium and gallium, tonnes, all destinations; in August
# nothing did (China Customs by way of Reuters, 2023-09-20; data/cases/gallium_germanium_2023.csv).
GERMANIUM_JULY_T, GALLIUM_JULY_T = 8.63, 5.15
METALS = "gallium, germanium, indium, niobium and vanadium (until 2021 hafnium and rhenium too)"


def hidden(found: Replay, observations: Iterable[Observation]) -> tuple[Bar, str]:
    """Why 811292 does not show the stop of August 2023; the text is made of the figures."""
    sums = _tonnes(observations, "811292")
    july, august = sums["2023-07"], sums["2023-08"]
    before = np.array([sums[month] for month in sorted(sums) if "2021-07" <= month <= "2023-07"])
    spread = float(np.std(np.diff(np.log(before)), ddof=1))
    part = min((GERMANIUM_JULY_T + GALLIUM_JULY_T) / july, 0.999)
    fell = f"{august:,.1f} t ({august / july - 1:+.0%})"
    text = (
        f"HS 811292 holds {METALS}, unwrought. In July 2023 China reported {july:,.1f} t under it to "
        f"the recorded destinations. The {GALLIUM_JULY_T + GERMANIUM_JULY_T:.1f} t of wrought gallium "
        f"and germanium of that month, of which none followed in August, are {part:.0%} as much (and "
        "wrought metal belongs to 811299, so that less of it may lie in this code). Had all else "
        f"stayed, such a stop would have lowered the code by {part:.0%}: "
        f"{-np.log1p(-part) / spread:.1f} times the usual change from one month to the next, which "
        f"was a factor of {np.exp(spread):.2f} over the 24 months before. In August it stood at "
        f"{fell}, {abs(np.log(august / july)) / spread:.1f} times the usual change. Codes of eight "
        "digits would show the stop; six do not."
    )
    mine = [
        one for one in found.detections
        if one.series.endswith("/811292") and "2023-07" <= f"{one.period:%Y-%m}" <= "2023-12"
    ]  # fmt: skip
    seen = _told(mine, []) if mine else "no alarm on 811292 from July to December 2023"
    asked = "no alarm required; the report says why"
    return Bar("gallium and germanium 2023", asked, seen, None), text


def _tonnes(observations: Iterable[Observation], code: str) -> dict[str, float]:
    """China's exports of a code to all recorded destinations, by month, the world total left out."""
    sums: dict[str, float] = {}
    for one in observations:
        provider, measure, place, item = one.parts
        if (provider, measure, item) == ("comtrade", "export-kg", code) and place != "CN-WLD":
            month = f"{one.observed_at:%Y-%m}"
            sums[month] = sums.get(month, 0.0) + one.value / 1000
    return sums
