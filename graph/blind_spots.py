"""Which items grow risky while nobody watches them, and who should be told?

Urea was on no list in October 2021. An item is a blind spot when its vulnerability rises, like for like,
to a level that matters, its imports are worth something, and neither our list of watched
items nor the viewer's own has it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log10

import numpy as np

from ews.model import Vulnerability
from graph.goods import INFERRED, Domestic, goods, uses_of, watched_codes
from graph.reference import MINISTRIES
from graph.vulnerability import Weights, read_limits
from graph.vulnerability_change import Change, changes_of, tell

ENOUGH = 20  # items whose changes tell what is usual


@dataclass(frozen=True, slots=True)
class Limits:
    """From which rise, level and worth an item is listed (graph/data/vulnerability.toml)."""

    least_rise: float = 0.03
    spreads: float = 3.0  # and so many robust spreads above what all items did at that time
    least_score: float = 0.45
    least_import_usd: float = 1e5
    money_floor_usd: float = 1e5
    money_full_usd: float = 1e10


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """One item that nobody watches. `worth` orders the list: rise x level x money."""

    item: str
    month: datetime
    rise: float  # of the score since `change.before.month`, like for like
    score: float
    import_usd: float  # of 12 months
    worth: float
    change: Change
    domestic: Domestic
    synthetic: bool = False


def blind_spots(
    before: Sequence[Vulnerability],
    after: Sequence[Vulnerability],
    weights: Weights,
    watched: Collection[str] = (),
    limits: Limits | None = None,
    most: int = 50,
) -> list[BlindSpot]:
    """The items that rise unseen between two months, the worthiest first.

    `watched`: HS codes (2 to 6 digits) that the viewer watches beside our own list. A month apart
    shows what just moved; twelve months apart, what crept.
    """
    limits = limits or Limits(**read_limits())
    own, prefixes = watched_codes(), tuple(watched)
    changes = changes_of(before, after, weights)
    least = unusual_rise(changes, limits)
    found = []
    for change in changes:
        if change.item in own or (prefixes and change.item.startswith(prefixes)):
            continue
        spot = _spot(change, least, limits)
        if spot is not None:
            found.append(spot)
    return sorted(found, key=lambda spot: (-spot.worth, spot.item))[:most]


def unusual_rise(changes: Sequence[Change], limits: Limits) -> float:
    """The rise from which an item stands out: what most items do between two months is no news.

    Median and 1.4826 MAD of the changes of all items, when there are enough to tell.
    """
    if len(changes) < ENOUGH:
        return limits.least_rise
    rises = np.array([change.like_for_like for change in changes])
    middle = float(np.median(rises))
    spread = 1.4826 * float(np.median(np.abs(rises - middle)))
    return max(limits.least_rise, middle + limits.spreads * spread)


def _spot(change: Change, least: float, limits: Limits) -> BlindSpot | None:
    row = change.after
    rise, score = change.like_for_like, row.score or 0.0
    money = float(row.facts.get("import_usd", "0"))
    if rise < least or score < limits.least_score or money < limits.least_import_usd:
        return None
    worth = rise * score * money_factor(money, limits)
    domestic = uses_of(row.item)
    return BlindSpot(
        row.item, row.month, rise, score, money, worth, change, domestic, row.synthetic
    )


def money_factor(import_usd: float, limits: Limits) -> float:
    """0.5..1.5 by the logarithm of the imports: what is cheap can still stop an industry.

    >>> round(money_factor(1e5, Limits()), 3), round(money_factor(1e10, Limits()), 3)
    (0.5, 1.5)
    """
    span = log10(limits.money_full_usd / limits.money_floor_usd)
    place = log10(max(import_usd, 1.0) / limits.money_floor_usd) / span
    return 0.5 + min(max(place, 0.0), 1.0)


def reason(spot: BlindSpot, lang: str) -> str:
    """Why the item is listed, for whom: one line of facts, in Korean ("ko") or English."""
    korean = lang == "ko"
    good = goods().get(spot.item)
    name = good.name(lang) if good else spot.item
    lines = tell(spot.change, lang)
    uses = [
        f"{use.ko if korean else use.en}{_mark(use.basis, korean)}" for use in spot.domestic.uses
    ]
    makers = [
        f"{row.ko if korean else row.en}{_mark(row.basis, korean)}"
        for row in spot.domestic.industries
        if row.role == "makes"
    ]
    told = [
        f"{MINISTRIES[m.ministry].ko if korean else MINISTRIES[m.ministry].en}{_mark(m.basis, korean)}"
        for m in spot.domestic.ministries
    ]
    unknown = "알려지지 않음" if korean else "not known"
    words = ("용도", "만드는 산업", "부처") if korean else ("uses", "made by", "ministries")
    parts = [
        f"{word}: {', '.join(texts) or unknown}"
        for word, texts in zip(words, (uses, makers, told), strict=True)
    ]
    made_up = ("[합성 자료] " if korean else "[synthetic] ") if spot.synthetic else ""
    return f"{made_up}{spot.item} {name}: " + "; ".join([*lines, *parts])


def _mark(basis: str, korean: bool) -> str:
    """What is not stated is never shown as if it were."""
    if basis == "stated":
        return ""
    return "(추정)" if korean else f" ({INFERRED})"
