"""The outlook of an event or a what-if, as rows: one function each, three faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from ews.model import Event, Shock, content_id
from ews.reports.names import UnknownName, find, node_label
from ews.reports.outlook_rows import outlook_rows
from ews.reports.outlook_views import (
    OutlookReport,
)
from ews.reports.standing import network
from ews.reports.viewer import OPEN, NotFound, Viewer, rows_seen, visible_shocks
from ews.reports.views import Label
from ews.storage import Store
from graph.advice import Advice, advice
from graph.declarations import links_of
from graph.firms import FirmLink, StockLine
from graph.national import SUPPOSED, national_model
from graph.outlook import RUNS, Outlook, outlook
from graph.shocks import settings

HORIZON = 180  # days looked ahead, at least
TAIL = 60  # days for cargo and stocks to come back
LONGEST = 1095
PORT_PART = settings()["targets"]["port"]  # of a country's cargo, assumed to go by one port
AT_A_PORT = f"what-if; {PORT_PART:.0%} of the country's cargo is assumed to go by the port"
TARGETS = ("item", "country", "chokepoint", "port", "origin")


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A blow that nobody reported: what is hit (node ids), how hard, how long, from when."""

    targets: tuple[str, ...]
    magnitude: float
    duration_days: float
    lag_days: float = 0.0
    stock_days: float | None = None  # cover of every use hit, instead of what is known


def outlook_report(
    store: Store,
    event_id: str,
    *,
    now: datetime,
    as_of: datetime | None = None,
    viewer: Viewer = OPEN,
    days: int | None = None,
    runs: int = RUNS,
) -> OutlookReport:
    """The outlook of an event by its shocks, with facts as known at `as_of`, by default on the day
    it begins: those that its exposures were computed with.

    NotFound for an event that is not there, or that reaches nothing.
    """
    event = store.event(event_id)
    if event is None:
        raise NotFound(f"no event {event_id!r}; `ews alert ID` names the event behind an alert")
    shocks = visible_shocks(store, event.id, viewer)
    if not shocks:
        raise NotFound(f"event {event_id!r} hits nothing on the network: there is no outlook")
    moment = as_of or min(now, *(shock.start for shock in shocks))
    what = Label(event.id, event.title, event.title)
    return _report(store, shocks, what, moment, viewer, event=event, days=days, runs=runs)


def what_if_report(
    store: Store,
    asked: WhatIf,
    *,
    now: datetime,
    viewer: Viewer = OPEN,
    days: int | None = None,
    runs: int = RUNS,
) -> OutlookReport:
    """The outlook of a blow that nobody reported, from today. ValueError for a wrong number."""
    if not 0 < asked.magnitude <= 1:
        raise ValueError("magnitude: give the share of the flow that is lost, above 0 and up to 1")
    if not asked.duration_days > 0 or not asked.lag_days >= 0:
        raise ValueError("duration and lag: give days; the duration above 0")
    if not asked.lag_days + asked.duration_days <= LONGEST - TAIL:
        raise ValueError(f"duration and lag: together at most {LONGEST - TAIL} days")
    if asked.stock_days is not None and not 0 <= asked.stock_days <= 3650:
        raise ValueError("stock: give days of cover, 0 to 3650")
    if not asked.targets:
        raise ValueError("name what is hit: an item, country, origin, strait or port")
    named = [node_label(node) for node in asked.targets]
    what = Label(
        "what-if",
        f"What if: {', '.join(n.en for n in named)}",
        f"가정: {', '.join(n.ko for n in named)}",
    )
    shocks = [
        Shock(
            event_id=content_id("what-if", node),
            target_kind=node.split(":", 1)[0],
            target=node,
            magnitude=asked.magnitude * (PORT_PART if node.startswith("port:") else 1.0),
            probability=1.0,
            duration_days=asked.duration_days,
            start=now,
            lag_days=asked.lag_days,
            basis=f"{SUPPOSED}: {AT_A_PORT if node.startswith('port:') else 'what-if'}",
        )
        for node in asked.targets
    ]
    return _report(
        store, shocks, what, now, viewer, days=days, runs=runs, stock_days=asked.stock_days
    )


def target_of(kind: str, text: str, country: str = "") -> tuple[str, ...]:
    """Node ids for what a person typed: `("item", "urea")`, `("origin", "urea", "CN")`, ...

    UnknownName, with near names, when nothing fits.
    """
    if kind not in TARGETS:
        raise UnknownName(f"unknown kind of target {kind!r}; use one of {', '.join(TARGETS)}")
    if kind == "origin":
        places = find("country", country)
        return tuple(f"origin:{c}:{item}" for item in find("item", text) for c in places)
    return tuple(f"{kind}:{code}" for code in find(kind, text))


def _report(
    store: Store,
    shocks: Sequence[Shock],
    what: Label,
    moment: datetime,
    viewer: Viewer,
    *,
    event: Event | None = None,
    days: int | None,
    runs: int,
    stock_days: float | None = None,
) -> OutlookReport:
    rows = (row for row in store.firm_links() if viewer.sees(str(row["owner"])))
    stocks = map(StockLine.from_row, rows_seen(store, viewer, ["stocks"]))
    firms = links_of(map(FirmLink.from_row, rows), stocks, moment.date())
    long = days or horizon(shocks)
    found, told = computed(tuple(shocks), moment.date(), tuple(firms), long, runs, stock_days)
    return outlook_rows(found, told, what, event, moment)


def horizon(shocks: Sequence[Shock]) -> int:
    """Days to look ahead: until the longest shock of a bad case is over and cargo is back.

    >>> from datetime import UTC
    >>> horizon([Shock("e", "item", "item:urea", 0.5, 1.0, 60.0, datetime(2026, 1, 5, tzinfo=UTC))])
    180
    """
    ends = max(shock.lag_days + 2.0 * shock.duration_days for shock in shocks)
    return int(min(LONGEST, max(HORIZON, ends + TAIL)))


@lru_cache(maxsize=64)
def computed(
    shocks: tuple[Shock, ...],
    on: date,
    firms: tuple[FirmLink, ...],
    days: int,
    runs: int,
    stock_days: float | None,
) -> tuple[Outlook, Advice]:
    """Kept for the next reader: the same shocks, facts and firms give the same numbers. The firms'
    links are part of the key, so that no reader gets what was computed with another's."""
    model = national_model(network(), shocks, on, firms)
    if stock_days is not None:
        model = model.with_stock(stock_days)
    found = outlook(model, days=days, runs=runs)
    return found, advice(network(), found)
