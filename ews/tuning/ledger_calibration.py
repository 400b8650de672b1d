"""Were the probabilities that were sent right? Each held against how its alert turned out.

Counted once for each alert and revision that somebody was told of. True, late and prevented mean
that it was so. What is still open and what only repeated another alert is left out and counted;
were every open one false, or true, the shares would lie between the bounds given with each bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ews.model import Basis, Outcome
from ews.tuning.ledger_sent import CHANCE, Sent
from ews.tuning.reliability import Reliability, reliability

BINS = 10
GROUP_DRAWS = 200
WAS_SO: Mapping[str, bool] = {
    Outcome.TRUE: True, Outcome.LATE: True, Outcome.PREVENTED: True, Outcome.FALSE: False,
}  # fmt: skip
READ = (Basis.REVIEW, Basis.FEEDBACK)  # a person read it: no figure of ours decided


@dataclass(frozen=True, slots=True)
class Told:
    """One probability that was sent, with how its alert turned out."""

    alert_id: str
    sent: Sent
    outcome: str
    basis: str
    repeats: bool  # it told again what another alert had told
    groups: Mapping[str, str]  # dimension -> group, e.g. stage -> caution


@dataclass(frozen=True, slots=True)
class Group:
    """The same figures for a part of the alerts."""

    by: str  # stage | type | language | rule
    key: str
    alerts: int
    count: int
    left_open: int
    said: float | None
    came: float | None
    ece: float | None
    ece_interval: tuple[float, float] | None
    brier: float | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the share that came true would be in a bin, were its open ones all false, or all true."""

    low: float
    high: float
    left_open: int
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability of what was sent."""

    every: Reliability  # all outcomes
    read: Reliability  # only outcomes that a person gave
    alerts: int  # with an outcome
    left_open: int  # probabilities of alerts that are open
    repeated: int  # of duplicates, left out
    from_alert: int  # probabilities of the alert itself
    from_event: int  # of its event, sent before alerts had their own
    bounds: tuple[Bounds, ...]
    groups: tuple[Group, ...]


def calibration(told: Sequence[Told]) -> Calibration:
    once = [one for one in told if not one.repeats]
    known = [one for one in once if one.outcome in WAS_SO]
    return Calibration(
        every=_reliability(known),
        read=_reliability([one for one in known if one.basis in READ]),
        alerts=len({one.alert_id for one in known}),
        left_open=len(once) - len(known),
        repeated=len(told) - len(once),
        from_alert=sum(one.sent.of == CHANCE for one in known),
        from_event=sum(one.sent.of != CHANCE for one in known),
        bounds=tuple(_bounds(once)),
        groups=tuple(_groups(once)),
    )


def _reliability(known: Sequence[Told], draws: int | None = None) -> Reliability:
    chances = [one.sent.chance for one in known]
    truths = [WAS_SO[one.outcome] for one in known]
    of = [one.alert_id for one in known]
    if draws is None:
        return reliability(chances, truths, BINS, of=of)
    return reliability(chances, truths, BINS, of=of, draws=draws)


def _bounds(once: Sequence[Told]) -> Iterable[Bounds]:
    for number in range(BINS):
        inside = [one for one in once if min(int(one.sent.chance * BINS), BINS - 1) == number]
        hits = sum(WAS_SO.get(one.outcome, False) for one in inside)
        left = sum(one.outcome not in WAS_SO for one in inside)
        size = len(inside)
        yield Bounds(
            number / BINS, (number + 1) / BINS, left,
            hits / size if size else None, (hits + left) / size if size else None,
        )  # fmt: skip


def _groups(once: Sequence[Told]) -> Iterable[Group]:
    for by in ("stage", "type", "language", "rule"):
        for key, some in sorted(_grouped(once, by).items()):
            known = [one for one in some if one.outcome in WAS_SO]
            found = _reliability(known, GROUP_DRAWS)
            yield Group(
                by, key, len({one.alert_id for one in some}), len(known), len(some) - len(known),
                found.said, found.came, found.ece, found.ece_interval, found.brier,
            )  # fmt: skip


def _grouped(some: Iterable[Told], by: str) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for one in some:
        found.setdefault(one.groups[by], []).append(one)
    return found
