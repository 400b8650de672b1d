"""What of the numbers must an event keep when a text tells it anew?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ews.detectors.fusion_odds import fused
from ews.model import Event, EventStatus, Evidence, Phase

SUPPORTED = (
    10.0  # a ratio from which numbers count as a second witness ("strong": Kass & Raftery 1995)
)
MAX_CODES = 8
MAX_SERIES = 6  # evidence of series kept, newest first
RANK = {EventStatus.SUSPECTED: 0, EventStatus.CORROBORATED: 1, EventStatus.CONFIRMED: 2}
# Facts that numbers write. `text` is the probability that texts alone give.
NUMERIC_FACTS = frozenset(
    {"move", "drop", "p", "alpha", "value", "expected", "fulfilled", "refuted", "recovered",
     "surge", "fall", "rise", "dependence", "gap", "shared", "shared_drop", "power", "harm",
     "synthetic", "pace", "taken_back"}
)  # fmt: skip
PREFIXES = ("lr.", "z.", "n.", "newest.", "seen.", "calm.", "back.", "at.", "level.", "off.")
TURNS = ("fulfilled", "refuted", "recovered", "surge", "drop", "taken_back")  # news in themselves


def numeric_facts(facts: Mapping[str, float]) -> dict[str, float]:
    """Those of the facts that come from series."""
    return {k: v for k, v in facts.items() if k in NUMERIC_FACTS or k.startswith(PREFIXES)}


def ratio(facts: Mapping[str, float]) -> float:
    """What all series of the event say together: the product over the families of measures."""
    whole = 1.0
    for key, value in facts.items():
        if key.startswith("lr."):
            whole *= value
    return whole


def turned(before: Event, after: Event) -> bool:
    """Did the numbers say something that a reader must hear, whatever the probability does?"""
    return any((key in before.facts) != (key in after.facts) for key in TURNS)


def series_evidence(event: Event) -> tuple[Evidence, ...]:
    names = {link.removeprefix("series:") for link in event.links if link.startswith("series:")}
    return tuple(one for one in event.evidence if one.signal_id in names)


def carry(before: Event, event: Event) -> Event:
    """`event`, told by a story, as the next state of `before`, which series feed too.

    It keeps the id, the links, the evidence and the facts that came from numbers; the probability is
    that of the texts, moved by what the numbers say.
    """
    facts = {**event.facts, **numeric_facts(before.facts), "text": event.probability}
    told = {event.type, *event.also}
    first = before if before.detector == "series" else event  # numbers named a place and an item
    return replace(
        event,
        id=before.id,
        detector=before.detector,
        links=tuple(dict.fromkeys((*event.links, *before.links))),
        evidence=(*event.evidence, *series_evidence(before)),
        facts=facts,
        also=(*event.also, *(t for t in (first.type, *first.also) if t not in told)),
        countries=_union(event.countries, first.countries),
        items=_union(event.items, first.items),
        ports=_union(event.ports, first.ports),
        chokepoints=_union(event.chokepoints, first.chokepoints),
        first_seen=min(event.first_seen, before.first_seen),
        onset=_earliest(event.onset, before.onset),
        updated_at=max(event.updated_at, before.updated_at),
        last_seen=max(event.last_seen or event.updated_at, before.last_seen or before.updated_at),
        status=status_with(event.status, facts),
        phase=phase_with(event.phase, facts),
        severity=max(event.severity, facts.get("harm", 0.0)),
        probability=fused(event.probability, ratio(facts)),
    )


def status_with(status: EventStatus, facts: Mapping[str, float]) -> EventStatus:
    """A text and numbers that say the same corroborate each other."""
    strong = "fulfilled" in facts or ratio(facts) >= SUPPORTED
    if strong and RANK.get(status, 9) < RANK[EventStatus.CORROBORATED]:
        return EventStatus.CORROBORATED
    return status


def phase_with(phase: Phase, facts: Mapping[str, float]) -> Phase:
    """What the numbers show is no threat any more."""
    shown = "fulfilled" in facts and "recovered" not in facts
    return Phase.ACTUAL if shown and phase is Phase.THREAT else phase


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))[:MAX_CODES]


def _earliest(first: datetime | None, second: datetime | None) -> datetime | None:
    known = [one for one in (first, second) if one is not None]
    return min(known, default=None)
