"""What do figures that came weeks later say of how an alert turned out?

An alert's type predicts a move: what cuts supply, less export of its item from its country to Korea
or fewer transits of its strait; a shortage or a price shock, a dearer item. The largest move of the
months after the alert is held against the largest move after every earlier point of the same
series: within what its own past makes likely it proves nothing. Only a price shock is a statement
about the figure itself, so only there a calm figure says that it was not so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from statistics import fmean, median

from ews.model import Alert, Basis, Observation, Outcome, Phase, Proof
from ews.tuning.ledger_known import Found, Known
from graph import ITEMS


@dataclass(frozen=True, slots=True)
class Look:
    """How a measure is read: its period, and how many periods before and after an alert count."""

    down: bool  # the bad move
    weekly: bool  # else monthly
    before: int  # periods of the level it is compared with
    gap: int  # periods between that level and the alert, which news may already have moved
    after: int  # periods in which the move may show
    least: float  # share of the level below which a move matters to nobody


FLOW = Look(down=True, weekly=False, before=12, gap=0, after=6, least=0.3)
PASSAGE = Look(down=True, weekly=True, before=8, gap=1, after=13, least=0.15)
PRICE = Look(down=False, weekly=False, before=6, gap=1, after=3, least=0.15)
LOOKS: Mapping[str, Look] = {
    "export-kg": FLOW, "transits": PASSAGE, "capacity": PASSAGE, "price-usd": PRICE,
    "price-index": PRICE,
}  # fmt: skip
CUTS = frozenset({
    "export_restriction", "sanctions", "armed_conflict_or_unrest", "natural_disaster", "epidemic",
    "industrial_accident", "cyber_attack", "labour_action", "bankruptcy_or_closure",
    "production_halt", "logistics_disruption", "energy_outage", "shortage_or_allocation",
})  # fmt: skip
DEARER = frozenset({"shortage_or_allocation", "price_shock"})
PAST = 36  # earlier points that a series must have, for its past to say anything
UNLIKELY = 0.05  # share of the past with as large a move, over all series of the alert together
CALM = 0.5  # a move that half of the past outdid is none


def speaking(names: Iterable[str]) -> list[str]:
    """Those of many series that can speak for some alert at all."""
    return [name for name in names if name.split("/", 2)[1] in LOOKS]


def series_of(alert: Alert, names: Collection[str]) -> list[str]:
    """The series that can speak for the alert: of its item and country, its strait, its price."""
    if alert.phase is Phase.EASING:
        return []
    return [name for name in names if _speaks(alert, name)]


def _speaks(alert: Alert, name: str) -> bool:
    parts = name.split("/")
    if len(parts) != 4 or parts[1] not in LOOKS:
        return False
    _, measure, place, item = parts
    if measure == "export-kg":
        origin, _, to = place.partition("-")
        fits = alert.type in CUTS and origin in alert.countries and to == "KR"
        return fits and item_of(item) in alert.items
    if measure in ("transits", "capacity"):
        return alert.type in CUTS and place in alert.chokepoints
    return alert.type in DEARER and item in alert.items


@cache
def item_of(code: str) -> str:
    """The item that an HS6 code of a series stands for alone; the code itself when several share it
    (811292 is gallium, germanium and more) or it is an item already.

    >>> item_of("250410"), item_of("811292"), item_of("urea")
    ('natural-graphite', '811292', 'urea')
    """
    named = [item.id for item in ITEMS.values() if item.hs == (code,)]
    return named[0] if len(named) == 1 else code


@dataclass(frozen=True, slots=True)
class Move:
    """The largest bad move after an alert, and how its series' own past compares."""

    series: str
    move: float  # share of the level before, in the series' own direction: -0.4 is a fall
    level: float
    usual: float  # the largest move that 19 of 20 earlier points stayed within
    rarer: float  # share of earlier points that a move as large followed
    seen: int  # periods after the alert that are known
    whole: bool  # all of them are
    newest: Observation


def by_series(known: Known, now: datetime) -> Found | None:
    """True with the figures that moved as predicted; false for a price shock without one."""
    alert = known.alert
    moves = [
        found for name, values in known.series.items()
        if (found := largest_move(name, values, alert.raised_at)) is not None
    ]  # fmt: skip
    if not moves:
        return None
    limit = UNLIKELY / len(moves)
    far = [m for m in moves if m.rarer <= limit and abs(m.move) >= _look(m.series).least]
    if far:
        return Found(Outcome.TRUE, Basis.SERIES, now, tuple(_proof(m) for m in far))
    calm = all(m.whole and m.rarer >= CALM and abs(m.move) < _look(m.series).least for m in moves)
    if alert.type == "price_shock" and calm:
        return Found(Outcome.FALSE, Basis.SERIES, now, tuple(_proof(m) for m in moves))
    return None


def _look(series: str) -> Look:
    return LOOKS[series.split("/")[1]]


def largest_move(name: str, values: Sequence[Observation], at: datetime) -> Move | None:
    """The move after `at`; None while too little is known, of the past or of the months after."""
    look = _look(name)
    if not values:
        return None
    periods = _periods(values, look.weekly)
    start = next((n for n, (day, _) in enumerate(periods) if day > at.date()), len(periods))
    numbers = [value for _, value in periods]
    found = _move(numbers, start, look)
    past = [
        move for n in range(look.before + look.gap, start - look.after)
        if (move := _move(numbers, n, look)) is not None
    ]  # fmt: skip
    if found is None or len(past) < PAST:
        return None
    bad = -1.0 if look.down else 1.0
    outdone = sum(bad * one >= bad * found for one in past)
    ordered = sorted(past, key=lambda one: bad * one)
    after = numbers[start : start + look.after]
    last = [one for one in values if _day(one, look.weekly) <= periods[start + len(after) - 1][0]]
    return Move(
        name, round(found, 4), _level(numbers, start, look), round(ordered[-1 - len(past) // 20], 4),
        (outdone + 1) / (len(past) + 1), len(after), len(after) == look.after, last[-1],
    )  # fmt: skip


def _move(numbers: Sequence[float], start: int, look: Look) -> float | None:
    """The worst mean of two periods after `start`, against the level before; None without either."""
    level = _level(numbers, start, look)
    first = max(0, start - look.gap)
    after = numbers[first : start + look.after]
    if level <= 0 or start < look.before + look.gap or len(numbers) - start < 2:
        return None
    pairs = [fmean(pair) for pair in pairwise(after)]
    return (min(pairs) if look.down else max(pairs)) / level - 1


def _level(numbers: Sequence[float], start: int, look: Look) -> float:
    before = numbers[max(0, start - look.gap - look.before) : max(0, start - look.gap)]
    return median(before) if before else 0.0


def _periods(values: Sequence[Observation], weekly: bool) -> list[tuple[date, float]]:
    """Means of the periods, oldest first; one that is not over in the data is left out."""
    found: dict[date, list[float]] = {}
    for one in values:
        found.setdefault(_day(one, weekly), []).append(one.value)
    usual = median(len(some) for some in found.values())
    newest = max(found)
    if len(found[newest]) < 0.8 * usual:
        del found[newest]
    return [(day, fmean(found[day])) for day in sorted(found)]


def _day(one: Observation, weekly: bool) -> date:
    """First day of its month or of its week."""
    day = one.observed_at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday()) if weekly else day.replace(day=1)


def _proof(move: Move) -> Proof:
    facts = f"{move.series}:move={move.move:+.2f};usual={move.usual:+.2f};rarer={move.rarer:.3f}"
    return Proof("observation", move.newest.id, move.newest.available_at, f"{facts};n={move.seen}")
