"""Under which codes may a series have an item? Ids of the reference network and HS6 codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from ews.model import series_parts
from graph import ITEMS


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
