"""The shipped facts: items, who sells them to Korea, who uses them, and by which sea route.

Read once from graph/data/*.csv. Every share, use and stock carries where it was read; a figure
that was not read is absent, never guessed (docs/reference-network.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import cache
from types import MappingProxyType

from graph.facts import (
    Chokepoint,
    Country,
    Industry,
    Item,
    Ministry,
    Port,
    Route,
    Share,
    Stock,
    Use,
    read_chokepoints,
    read_countries,
    read_industries,
    read_items,
    read_ministries,
    read_ports,
    read_routes,
    read_shares,
    read_stocks,
    read_uses,
)

__all__ = [
    "CHOKEPOINTS",
    "COUNTRIES",
    "EU_MEMBERS",
    "INDUSTRIES",
    "ITEMS",
    "MINISTRIES",
    "PORTS",
    "ROUTES",
    "SHARES",
    "STOCKS",
    "USES",
    "Chokepoint",
    "Country",
    "Industry",
    "Item",
    "Ministry",
    "Port",
    "Route",
    "Share",
    "Stock",
    "Use",
    "best_share",
    "best_stock",
    "choose_share",
    "comparable",
    "ended_by",
    "items_by_hs",
    "items_from",
    "partners",
    "route_of",
    "share_order",
    "stocks_by",
    "valid_stock",
]

ITEMS: Mapping[str, Item] = MappingProxyType(read_items())
COUNTRIES: Mapping[str, Country] = MappingProxyType(read_countries())
CHOKEPOINTS: Mapping[str, Chokepoint] = MappingProxyType(read_chokepoints())
PORTS: Mapping[str, Port] = MappingProxyType(read_ports())
INDUSTRIES: Mapping[str, Industry] = MappingProxyType(read_industries())
MINISTRIES: Mapping[str, Ministry] = MappingProxyType(read_ministries())
USES: Mapping[str, list[Use]] = MappingProxyType(read_uses())
SHARES: Mapping[str, list[Share]] = MappingProxyType(read_shares())
STOCKS: Mapping[str, list[Stock]] = MappingProxyType(read_stocks())
ROUTES: tuple[Route, ...] = tuple(read_routes())

# Members of the Union: a measure of the EU is laid on those that sell the item to Korea.
EU_MEMBERS = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
)


def items_by_hs(code: str) -> list[Item]:
    """Items whose HS code begins with `code`, or that `code` narrows; table order.

    >>> [item.id for item in items_by_hs("310210")]
    ['urea', 'diesel-exhaust-fluid', 'fertilisers']
    >>> [item.id for item in items_by_hs("2709")]
    ['crude-oil']
    """
    digits = "".join(ch for ch in code if ch.isdigit())
    if len(digits) < 2:
        return []
    return [
        item
        for item in ITEMS.values()
        if any(hs.startswith(digits) or digits.startswith(hs) for hs in item.hs)
    ]


@cache
def route_of(country: str, item: str) -> Route | None:
    """The sea route from a country for an item; the most special row wins; None when unknown.

    >>> route_of("QA", "lng").chokepoints
    ('hormuz', 'malacca', 'taiwan-strait')
    """
    region = COUNTRIES[country].sea_region if country in COUNTRIES else ""
    best: Route | None = None
    rank = 0
    for route in ROUTES:
        if route.items and item not in route.items:
            continue
        own = {country: 3, "*": 2, region: 1}.get(route.origin, 0)
        if own and own * 2 + bool(route.items) > rank:
            best, rank = route, own * 2 + bool(route.items)
    return best


_RELIABILITY = {"high": 0, "medium": 1, "low": 2}
_UNITS = ("value", "quantity", "unstated")
SAME_TIME_DAYS = 1100  # figures further apart are not added up
MISFIT_DAYS = 730  # a figure of a part or a wider group counts as this much older
OTHER_SCOPE_DAYS = 1825  # ... of another grade than the use takes
WHOLE_ITEM_DAYS = 365  # ... of the whole item, where the use takes one grade
STOCK_DAYS_VALID = 365  # a stock stated longer ago is not used, only shown


def _misfit(share: Share, scope: str) -> int:
    """Days to add to a figure's age for not being of the asked grade."""
    if not scope:
        return 0 if share.fit == "item" else MISFIT_DAYS
    if share.scope == scope:
        return 0
    return WHOLE_ITEM_DAYS if share.fit == "item" else OTHER_SCOPE_DAYS


def share_order(share: Share, on: date | None, scope: str) -> tuple[object, ...]:
    """Sort key, best first: known by `on`; fresh and reliable; newest, allowing for misfit."""
    late = on is not None and share.period_end > on
    age = share.period_end.toordinal() * (1 if late else -1)  # of later figures, the nearest
    return (
        late,
        share.stale or share.reliability == "low",
        share.stale,
        age + _misfit(share, scope),
        _RELIABILITY[share.reliability],
        _UNITS.index(share.unit),
        share.share or 0,  # of figures of equal standing the lower
    )


def choose_share(rows: Iterable[Share], on: date | None = None, scope: str = "") -> Share | None:
    """The best of several figures for one partner by `share_order`; None when there is none."""
    known = [row for row in rows if row.share is not None]
    return min(known, key=lambda row: share_order(row, on, scope), default=None)


def ended_by(rows: Iterable[Share], on: date | None) -> list[Share]:
    """The figures whose period had ended by the day; all of them when no day is given."""
    return [row for row in rows if on is None or row.period_end <= on]


@cache
def best_share(item: str, partner: str, on: date | None = None, scope: str = "") -> Share | None:
    """THE share of a partner by `share_order`, as of a day; None when none was read by then.

    A figure whose period ends after `on` is never given. One whose period had ended may still
    have been published later: the lag of most figures is not known. The others are kept and can
    be shown (`SHARES`).

    >>> best_share("urea", "VN").share
    0.531
    >>> best_share("urea", "CN", on=date(2021, 10, 11)).period
    '2021-01..09'
    >>> best_share("urea", "NZ") is None
    True
    """
    rows = (s for s in SHARES.get(item, ()) if s.partner == partner)
    return choose_share(ended_by(rows, on), on, scope)


def comparable(figures: Iterable[Share | None]) -> list[Share]:
    """The figures of about the newest time among them: only these may be added or squared.

    A share of 2013 added to one of 2024 would be a figure of no year at all.
    """
    known = [s for s in figures if s is not None and s.share is not None]
    if not known:
        return []
    oldest = max(s.period_end for s in known) - timedelta(days=SAME_TIME_DAYS)
    return [s for s in known if s.period_end >= oldest]


@cache
def partners(item: str) -> tuple[str, ...]:
    """Countries with a figure for the item, the largest best share first.

    >>> partners("helium")
    ('QA', 'US', 'RU')
    """
    codes = dict.fromkeys(s.partner for s in SHARES.get(item, ()))

    def size(code: str) -> float:
        best = best_share(item, code)
        return -(best.share or 0.0) if best else 0.0

    return tuple(sorted(codes, key=lambda code: (size(code), code)))


@cache
def items_from(country: str) -> tuple[str, ...]:
    """Items with a figure for the country: watched first, then the largest share."""
    found = {item for item, rows in SHARES.items() if any(s.partner == country for s in rows)}

    def size(item: str) -> tuple[bool, float, str]:
        best = best_share(item, country)
        return (not ITEMS[item].watched, -(best.share or 0.0) if best else 0.0, item)

    return tuple(sorted(found, key=size))


@cache
def best_stock(item: str, on: date | None = None, scope: str = "") -> Stock | None:
    """The newest stated days of cover for a use of that scope; None when none may be used.

    Stated by `on` and at most a year old then (`STOCK_DAYS_VALID`): a stock of two years ago
    says nothing about today's. A stock of one grade serves the uses of that grade only.

    >>> best_stock("urea", date(2023, 12, 5), "industrial and vehicle").as_of
    datetime.date(2023, 12, 4)
    >>> best_stock("urea", date(2023, 12, 1), "industrial and vehicle") is None  # that of 2021
    True
    >>> best_stock("urea", date(2023, 12, 5), "fertiliser") is None
    True
    """
    rows = [s for s in stocks_by(item, on) if not s.scope or s.scope == scope]
    return next((s for s in rows if valid_stock(s, on)), None)


def stocks_by(item: str, on: date | None = None) -> tuple[Stock, ...]:
    """Every stock of the item stated by the day, of any scope and age, the newest first."""
    rows = [s for s in STOCKS.get(item, ()) if on is None or s.as_of <= on]
    return tuple(sorted(rows, key=lambda s: s.as_of, reverse=True))


def valid_stock(stock: Stock, on: date | None) -> bool:
    """Whether a stated stock may still be used on the day; always, when no day is given."""
    return on is None or 0 <= (on - stock.as_of).days <= STOCK_DAYS_VALID
