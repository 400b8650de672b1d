"""What a report of a past day may show: no figure of a period that ended later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from ews.model import Exposure, Hop
from ews.reports.views import Label, ShareLine
from graph.paths import share_hop
from graph.reference import SHARES, best_share

MOST = 1.02  # shares of one time may exceed the whole by what rounding adds, not by more
CLASHING = Label(
    "clashing",
    "the figures are of different things or times and add up to more than the whole",
    "수치들의 대상이나 기간이 달라 더하면 전체를 넘음",
)
NO_FIGURE = Label("no-figure", "no share was read for that day", "그날까지 읽은 비중 없음")


def known_by(item: str, partner: str, on: date) -> bool:
    """Whether some figure of the pair is of a period that had ended by the day."""
    return any(s.partner == partner and s.period_end <= on for s in SHARES.get(item, ()))


def known_then(exposure: Exposure, on: date) -> Exposure:
    """The exposure with the share known by the day where its own is of a period that ended later.

    Unknown when none was; the same object when nothing of it came later.
    """
    path = tuple(_hop_then(hop, on) for hop in exposure.path)
    if path == exposure.path:
        return exposure
    # A firm's share is its own word; it has no period.
    share = exposure.share_at_risk if exposure.firm is not None else _share_then(exposure, path)
    return replace(exposure, path=path, share_at_risk=share, time_to_survive_days=None)


def _share_then(exposure: Exposure, path: tuple[Hop, ...]) -> float | None:
    """The one origin's share; of several, on a route, none may be put in the place of one."""
    shares = [hop.weight for hop in path if hop.source.startswith("origin:")]
    return shares[0] if exposure.origin is not None and len(shares) == 1 else None


def _hop_then(hop: Hop, on: date) -> Hop:
    kind, _, rest = hop.source.partition(":")
    if kind != "origin" or not hop.period:
        return hop
    partner, _, item = rest.partition(":")
    ends = [
        share.period_end
        for share in SHARES.get(item, ())
        if share.partner == partner and share.period == hop.period
    ]
    if not ends or min(ends) <= on:
        return hop
    return share_hop(partner, item, best_share(item, partner, on), hop.target)


def notes(on: date, left_out: int, masked: bool, shares: Iterable[ShareLine]) -> Iterator[Label]:
    """What to know before the figures are compared, in both languages."""
    if left_out:
        yield Label(
            "later-figures",
            f"left out: {left_out} supplier figures of periods that ended after {on}",
            f"{on} 뒤에 끝난 기간의 공급국 수치 {left_out}건은 뺐음",
        )
    if masked:
        yield Label(
            "later-shares",
            f"a share of a period that ended after {on} reads unknown",
            f"{on} 뒤에 끝난 기간의 비중은 모름으로 적음",
        )
    sums: dict[Label, float] = {}
    for line in shares:
        sums[line.item] = sums.get(line.item, 0.0) + (line.share or 0.0)
    over = [item for item, total in sums.items() if total > MOST]
    if over:
        names = [", ".join(item.text(lang) for item in over[:5]) for lang in ("en", "ko")]
        yield Label(
            "not-additive",
            f"shares of different periods; do not add them up: {names[0]}",
            f"기간이 다른 비중이므로 더하지 말 것: {names[1]}",
        )
