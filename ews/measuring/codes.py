"""Under which codes may a series have an item? Ids of the reference network and HS6 codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from alerts.rulebook import false_alarms
from ews.model import series_parts
from graph import ITEMS
from graph.goods import goods
from graph.goods import watched_codes as ours


@cache
def items_by_code() -> Mapping[str, tuple[str, ...]]:
    """HS6 code -> the items of the network that have it."""
    found: dict[str, list[str]] = defaultdict(list)
    for item in ITEMS.values():
        for code in dict.fromkeys(hs[:6] for hs in item.hs if len(hs) >= 6):
            found[code].append(item.id)
    return MappingProxyType({code: tuple(ids) for code, ids in found.items()})


def codes_of(item: str) -> tuple[str, ...]:
    """The names under which series may have an item: its id and its HS6 codes; a code is itself.

    >>> codes_of("natural-graphite"), codes_of("851762")
    (('natural-graphite', '250410'), ('851762',))
    """
    known = ITEMS.get(item)
    codes = () if known is None else tuple(hs[:6] for hs in known.hs if len(hs) >= 6)
    return tuple(dict.fromkeys((item, *codes)))


def items_of(name: str) -> tuple[str, ...]:
    """Items of the network that a series speaks of; the code itself when there is none.

    >>> items_of("customs/import-kg/CN-KR/310210"), items_of("pinksheet/price-usd/WLD/urea")
    (('urea', 'diesel-exhaust-fluid'), ('urea',))
    """
    item = series_parts(name)[3]
    return () if item == "-" else items_by_code().get(item, (item,))


@cache
def codes_under(item: str) -> frozenset[str]:
    """Every HS6 code that an item of ours has or whose heading it has; a code is itself.

    >>> sorted(codes_under("urea")), sorted(codes_under("851810")), len(codes_under("wheat")) > 1
    (['310210'], ['851810'], True)
    """
    known = ITEMS.get(item)
    if known is None:
        return frozenset({item}) if len(item) == 6 and item.isdigit() else frozenset()
    prefixes = tuple(hs[:6] for hs in known.hs)
    return (
        frozenset(code for code in goods() if code.startswith(prefixes))
        if prefixes
        else frozenset()
    )


def chosen(rules: Mapping[str, object]) -> tuple[str, ...]:
    """What analysts put on the watch list: what has a false-alarm budget of its own above 0."""
    return tuple(item for item, budget in false_alarms(rules).items() if budget > 0)


def watched_codes(rules: Mapping[str, object]) -> frozenset[str]:
    """HS6 codes that somebody watches: those of our watched items, and those that analysts chose.

    The blind-spot list, the false-alarm budget and the table of vulnerability all ask this.
    """
    return ours().union(*(codes_under(item) for item in chosen(rules)))
