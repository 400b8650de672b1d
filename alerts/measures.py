"""What a rule may ask of an event and its exposures: the measures, each one axis, none a "risk 87"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ews.model import Event, EventStatus, Exposure, Phase, Stage, Witness

STORY, SERIES = "story:", "series:"  # of the links of an event

MEASURES: Mapping[str, str] = {
    "probability": "that the event is real and of its type, pooled over its evidence, 0..1",
    "chance": "that an alert on it would be right: a present happening that can change what Korea buys; [chance]",
    "relevance": "the same, from the words of its evidence alone, 0..1",
    "severity": "expected effect on supply from the evidence alone, 0..3",
    "sources": "independent sources, over all reports of the happening",
    "authority": "1 when the issuing state itself says so",
    "corroborated": "1 with two or more independent sources, or authority",
    "share": "largest share of Korea's import of a named item that comes from the place hit, 0..1",
    "loss": "largest share of an item's import that would be lost, 0..1",
    "expected_loss": "probability x loss",
    "critical": "1 when an item on a public list of critical items is reached",
    "named": "1 when the text names the item, route or port",
    "route": "1 when a chokepoint or port is hit",
    "korea": "1 when it happens in Korea or names Korea as a side",
    "actual": "1 actual or ongoing, 0.5 threat or proposal, 0 easing",
    "gap_days": "time to recover minus time to survive of the worst dependent use, days",
    "soon": "1 when users are short now or within 14 days",
}


@dataclass(frozen=True, slots=True)
class Unread:
    """What an import share that nobody has read counts as; the alert itself says `unknown`."""

    listed: float  # of a watched item, or one with a domestic use that was read
    unlisted: float  # of any other

    def share(self, exposure: Exposure) -> float:
        if exposure.share_at_risk is not None:
            return exposure.share_at_risk
        return self.listed if exposure.watched or exposure.industry else self.unlisted


@dataclass(frozen=True, slots=True)
class Support:
    """Who states a happening, over all the events that report it."""

    groups: frozenset[str] = frozenset()  # independence groups: copies of one wire are one
    authority: bool = False

    @property
    def corroborated(self) -> bool:
        return self.authority or len(self.groups) > 1

    def joined(self, other: Support) -> Support:
        return Support(self.groups | other.groups, self.authority or other.authority)


def support(witnesses: Iterable[Witness]) -> Support:
    told = tuple(witnesses)
    if len(told) == 1:  # most happenings have one report
        return Support(frozenset(told[0].groups), told[0].authority)
    groups = frozenset[str]().union(*(witness.groups for witness in told))
    return Support(groups, any(witness.authority for witness in told))


def witness(event: Event) -> Witness:
    """Who states this event. Figures beside a text are a second source only where they show enough
    that the event counts as corroborated (docs/fusion.md): a faint hint lifts no stage."""
    series = {link.removeprefix(SERIES) for link in event.links if link.startswith(SERIES)}
    if event.status is not EventStatus.SUSPECTED or figures_alone(event):
        series = set()
    groups = {one.independence for one in event.evidence if one.signal_id not in series}
    return Witness(event.id, tuple(sorted(groups)), event.authority)


def ceiling(event: Event, corroborated: bool) -> Stage:
    """The highest stage that any rule may give. One source alone never lifts above 주의; figures that
    no text explains not above 관심 with one provider, nor above 주의 with more."""
    if figures_alone(event):
        return Stage.CAUTION if corroborated else Stage.WATCH
    return Stage.SEVERE if corroborated else Stage.CAUTION


def figures_alone(event: Event) -> bool:
    """Do figures tell of it, and no text? What made them move, nobody has said."""
    told = any(link.startswith(STORY) for link in event.links)
    return not told and any(link.startswith(SERIES) for link in event.links)


def measures(
    event: Event, exposures: Sequence[Exposure], unread: Unread, others: Support | None = None
) -> dict[str, float]:
    """Every measure of MEASURES but `chance` for one event and its exposures (a firm's own ones left out).

    `others` is what further reports of the same happening add to its support.
    """
    return stated(
        own(event, exposures, unread), support([witness(event)]).joined(others or Support())
    )


def stated(values: Mapping[str, float], by: Support) -> dict[str, float]:
    """The measures of one report with what says who states it."""
    return {
        **values,
        "sources": float(len(by.groups)),
        "authority": float(by.authority),
        "corroborated": float(by.corroborated),
    }


def own(event: Event, exposures: Sequence[Exposure], unread: Unread) -> dict[str, float]:
    """The measures that do not hang on who states it."""
    exposures = [e for e in exposures if e.firm is None]
    shares = [unread.share(e) for e in exposures]
    losses = [s * e.magnitude for s, e in zip(shares, exposures, strict=True)]
    gaps = [
        e.time_to_recover_days - e.time_to_survive_days
        for e in exposures
        if e.time_to_survive_days is not None
    ]
    loss = max(losses, default=0.0)
    soon = any(
        e.impact_day is not None
        and e.time_to_survive_days is not None
        and e.impact_day + e.time_to_survive_days <= 14
        for e in exposures
    )
    return {
        "probability": event.probability,
        "relevance": 1.0 if event.relevance is None else event.relevance,
        "severity": event.severity,
        "share": max(shares, default=0.0),
        "loss": loss,
        "expected_loss": event.probability * loss,
        "critical": float(any(e.critical for e in exposures)),
        "named": float(bool(event.items or event.chokepoints or event.ports)),
        "route": float(bool(event.chokepoints or event.ports)),
        "korea": float("KR" in event.countries),
        "actual": {Phase.ACTUAL: 1.0, Phase.THREAT: 0.5, Phase.EASING: 0.0}[event.phase],
        "gap_days": max(gaps, default=-999.0),
        "soon": float(soon),
    }
