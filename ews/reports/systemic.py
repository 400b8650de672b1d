"""Which countries, straits, ports and single origins would cost Korea most: rows in both tongues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ews.reports.names import label, labels, node_label
from ews.reports.standing import network
from ews.reports.views import Label
from graph.reference import ITEMS
from graph.systemic import HORIZON, KINDS, STOPS, Stop, Stops, stops

TOP = 20


@dataclass(frozen=True, slots=True)
class ItemLoss:
    """Days of normal use that the uses of an item lose together."""

    item: Label
    critical: bool
    loss_days: float


@dataclass(frozen=True, slots=True)
class StoppedLine:
    """One thing that stops, alone, for so many days."""

    rank: int
    kind: str  # country | chokepoint | port | origin
    who: Label
    alike: tuple[Label, ...]  # ports at which the same goods may load, hence with the same figures
    days: int
    loss_days: float  # days of normal use, summed over all uses
    critical_days: float  # of these, of uses of critical items
    missing_days: float  # that do not arrive, before stocks and substitutes
    uses_short: int
    uses: int  # of what it sends or lets pass, with a share that was read
    first_day: int | None
    items: tuple[ItemLoss, ...]  # those that lose most, critical ones first
    unread: tuple[Label, ...]  # items of which no share was read: their loss is not known
    magnitude: float
    pause_days: float
    basis: str


@dataclass(frozen=True, slots=True)
class SystemicReport:
    """The ranking, each kind and length of stop by itself, the costliest first."""

    on: date
    horizon_days: int
    lengths: tuple[int, ...]
    lines: tuple[StoppedLine, ...]
    items: int  # with a share that was read
    unread: int  # items without one: nothing is known of what they would cost
    assumed_stocks: int
    stated_stocks: int
    open_sea: tuple[Label, ...]  # straits that are open sea and cannot stop
    engine: str
    switches: str
    residual: float

    def of(self, kind: str, days: int) -> tuple[StoppedLine, ...]:
        """The lines of one table."""
        return tuple(line for line in self.lines if (line.kind, line.days) == (kind, days))


def systemic_report(on: date, *, top: int = TOP, kind: str | None = None) -> SystemicReport:
    """What would cost most by what was known on the day; at most `top` lines of each table.

    ValueError for an unknown kind or a wrong number of lines.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; use one of {', '.join(KINDS)}")
    if not 1 <= top <= 1000:
        raise ValueError("top: 1 to 1000 lines of a table")
    found = computed(on)
    kinds = KINDS if kind is None else (kind,)
    return SystemicReport(
        on=on,
        horizon_days=found.horizon,
        lengths=STOPS,
        lines=tuple(
            _line(rank, stop)
            for one in kinds
            for days in STOPS
            for rank, stop in enumerate(found.of(one, days)[:top], 1)
        ),
        items=found.items,
        unread=found.unread,
        assumed_stocks=found.assumed_stocks,
        stated_stocks=found.stated_stocks,
        open_sea=tuple(map(node_label, found.open_sea)),
        engine=found.engine,
        switches=found.switches,
        residual=found.residual,
    )


@lru_cache(maxsize=4)
def computed(on: date) -> Stops:
    """Of the shipped network, without any firm; kept for the next reader of the day."""
    return stops(network(), on, horizon=HORIZON)


def _line(rank: int, stop: Stop) -> StoppedLine:
    return StoppedLine(
        rank=rank,
        kind=stop.kind,
        who=node_label(stop.node),
        alike=tuple(map(node_label, stop.alike)),
        days=stop.days,
        loss_days=stop.loss_days,
        critical_days=stop.critical_days,
        missing_days=stop.missing_days,
        uses_short=stop.uses_short,
        uses=stop.uses,
        first_day=stop.first_day,
        items=tuple(
            ItemLoss(label("item", item), ITEMS[item].critical, days) for item, days in stop.items
        ),
        unread=labels("item", stop.unread),
        magnitude=stop.magnitude,
        pause_days=stop.pause_days,
        basis=stop.basis,
    )
