"""What part of its item's false-alarm budget does a series get? By what it says of Korea's supply.

Each role has a part of the item's budget, however many series play it: a hundred destinations of
China's exports together weigh less than what comes to Korea. Partners share theirs by how much
Korea bought from them, since the loss of a partner with two percent is no shortage. How much is
read from a year that lies before every value that is tested, so that no value sets its own threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ews.model import series_parts

WHOLE = 3.0  # of Korea as a whole, prices, all ships of a passage: each series
HINT = 0.1  # a part of a whole that is watched itself (tankers among all ships): each series
PARTNERS = 3.0  # all partners that Korea buys from
SHARES = 0.5  # hhi and top-share: they say nearly the same, and their partners speak themselves
GAPS = 0.3
OTHERS = 0.5  # all that is between others
PASSAGES = frozenset({"transits", "port-calls"})  # all ships; other counts are parts of them
LEAST_SHARE = 0.02  # what counts for a partner that sold nothing or is new
SIZED = (timedelta(days=800), timedelta(days=400))  # before now: the year that tells the sizes


@dataclass(frozen=True, slots=True)
class Weighed:
    """A series whose weight is asked."""

    name: str
    kind: str  # class of measure
    payer: str  # whose budget pays


def sized(now: datetime) -> tuple[datetime, datetime]:
    """The periods whose values tell how much Korea bought from whom."""
    return now - SIZED[0], now - SIZED[1]


def weights(asked: Sequence[Weighed], sizes: Mapping[str, float]) -> list[float]:
    """The weight of each. `sizes`: what came of a series in a year, in any unit of its own; equal
    parts where none is known."""
    found = [0.0] * len(asked)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, one in enumerate(asked):
        role, alone = _role(one)
        if alone:
            found[at] = alone
        else:
            groups[one.payer, role].append(at)
    together = {"partners": PARTNERS, "shares": SHARES, "gaps": GAPS, "others": OTHERS}
    for (_, role), places in groups.items():
        names = [asked[at].name for at in places]
        parts = _by_size(names, sizes) if role == "partners" else [1.0] * len(names)
        whole = sum(parts)
        for at, part in zip(places, parts, strict=True):
            found[at] = together[role] * part / whole
    return found


def _role(one: Weighed) -> tuple[str, float]:
    """The role that a series shares with others, or the weight that it has alone."""
    _, measure, place, _ = series_parts(one.name)
    if one.kind in ("counts", "tonnage"):
        return "", WHOLE if measure in PASSAGES else HINT
    if one.kind == "gaps":
        return "gaps", 0.0
    if one.kind == "shares":
        return ("shares" if place == "KR" else "others"), 0.0
    if place in ("KR", "WLD-KR") or "-" not in place:
        return "", WHOLE
    return ("partners" if place.endswith("-KR") else "others"), 0.0


def _by_size(names: Sequence[str], sizes: Mapping[str, float]) -> list[float]:
    """Parts by the share that each has of its report (provider and measure)."""
    reports = [name.split("/", 2)[:2] for name in names]
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for (provider, measure), name in zip(reports, names, strict=True):
        totals[provider, measure] += sizes.get(name, 0.0)
    parts = []
    for (provider, measure), name in zip(reports, names, strict=True):
        total = totals[provider, measure]
        parts.append(max(sizes.get(name, 0.0) / total, LEAST_SHARE) if total > 0 else 1.0)
    return parts
