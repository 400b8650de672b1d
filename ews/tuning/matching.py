"""Which alert goes to which episode: the rules A (time), B (type), C1 (items), C2 (content).

Pure: simple dataclasses in, decisions out. The rules are those of the episode guide; where it is
silent the stricter reading is taken, and docs/score-format.md says which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ews.tuning.raised import Content, Link, Raised, Step
from ews.tuning.references import Episode, Trap, same_group

__all__ = ["Content", "Link", "Match", "Matching", "Raised", "Rule", "Step", "match_alerts"]

FEW_LINKS = 5  # up to here one matching link is enough for C1
SHARE_OF_LINKS = 0.2  # beyond it, at least this share must match


class Rule(StrEnum):
    ITEMS = "C1"
    CONTENT = "C2"


@dataclass(frozen=True, slots=True)
class Match:
    """An alert that satisfies B and C for an episode, inside its window or after it."""

    alert: Raised
    episode: Episode
    rule: Rule
    at: datetime  # when the overlap first held, never before the alert was raised
    common: int  # evidence links in common
    items_at_once: bool  # C1 held by the evidence known when it was raised
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """Every alert in one place: matched, stale or unmatched."""

    chosen: Mapping[str, Match]  # alert id -> its episode
    stale: tuple[Match, ...]
    unmatched: tuple[Raised, ...]
    of_episode: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)  # oldest first


def match_alerts(alerts: Sequence[Raised], episodes: Sequence[Episode]) -> Matching:
    """One episode per alert: C1 before C2, then most links in common, then nearest in time."""
    chosen: dict[str, Match] = {}
    stale: list[Match] = []
    unmatched: list[Raised] = []
    for alert in alerts:
        found = [match for ep in episodes if (match := match_one(alert, ep)) is not None]
        inside = [match for match in found if not match.stale]
        if inside:
            chosen[alert.id] = min(inside, key=_preference)
        elif found:
            stale.append(min(found, key=_preference))
        else:
            unmatched.append(alert)
    grouped: dict[str, list[Match]] = {}
    for match in sorted(chosen.values(), key=lambda m: (m.alert.at, m.alert.id)):
        grouped.setdefault(match.episode.id, []).append(match)
    return Matching(
        chosen, tuple(stale), tuple(unmatched), {k: tuple(v) for k, v in grouped.items()}
    )


def match_one(alert: Raised, episode: Episode) -> Match | None:
    """The match of an alert with an episode, stale when it comes too late; None without one."""
    if alert.at < episode.starts:
        return None
    fits, needs_product = same_group(alert.type, episode)
    if not fits:
        return None
    common = common_links(alert, episode)
    if _enough(len(common), len(alert.links)):
        first = min(link.at for link in common)
        known = [link for link in alert.links if link.at <= alert.at]
        now = [link for link in common if link.at <= alert.at]
        return Match(
            alert, episode, Rule.ITEMS, max(alert.at, first), len(common),
            items_at_once=_enough(len(now), len(known)), stale=max(alert.at, first) > episode.ends,
        )  # fmt: skip
    for step in alert.steps:
        if content_overlaps(alert.content_by(step.at), episode, needs_product):
            return Match(
                alert, episode, Rule.CONTENT, step.at, len(common),
                items_at_once=False, stale=step.at > episode.ends,
            )  # fmt: skip
    return None


def common_links(alert: Raised, episode: Episode) -> list[Link]:
    """Evidence that is an item of the episode, or is found by its query inside its dates."""
    return [link for link in alert.links if is_item(link, episode)]


def is_item(link: Link, episode: Episode) -> bool:
    if link.url and link.url in episode.links:
        return True
    inside = episode.query_from <= link.published.date() <= episode.query_to
    return inside and episode.query.finds(link.title, link.summary)


def content_overlaps(content: Content, episode: Episode, needs_product: bool = False) -> bool:
    """At least two of country, product and name; never the country alone."""
    product = bool(content.hs4 & episode.hs4)
    kinds = (
        bool(content.countries & episode.countries),
        product,
        bool(content.names & episode.names),
    )
    return sum(kinds) >= 2 and (product or not needs_product)


def child_update(alert: Raised, child: Episode) -> datetime | None:
    """When an alert on the parent took in the child's content; None if it never did in time.

    The alert's later steps must name it (C2), or its evidence must hold the child's items (C1).
    """
    fits, needs_product = same_group(alert.type, child)
    if not fits:
        return None
    times = [
        step.at for step in alert.steps
        if content_overlaps(alert.content_by(step.at), child, needs_product)
    ][:1]  # fmt: skip
    common = common_links(alert, child)
    if _enough(len(common), len(alert.links)):
        times.append(max(alert.at, min(link.at for link in common)))
    inside = [at for at in times if child.starts <= at <= child.ends]
    return min(inside, default=None)


@dataclass(frozen=True, slots=True)
class TrapHit:
    trap: Trap
    alert_id: str
    how: str  # trigger | only_traps


def trap_hits(alerts: Iterable[Raised], traps: Sequence[Trap]) -> list[TrapHit]:
    """Traps that opened an alert: its first evidence, or all of its evidence is traps.

    A trap in the tail of a good cluster is no hit.
    """
    by_link = {trap.link: trap for trap in traps}
    hits: dict[str, TrapHit] = {}
    for alert in alerts:
        first = alert.trigger()
        if first is not None and first.url in by_link:
            hits.setdefault(first.url, TrapHit(by_link[first.url], alert.id, "trigger"))
        if alert.links and all(link.url in by_link for link in alert.links):
            for link in alert.links:
                hits.setdefault(link.url, TrapHit(by_link[link.url], alert.id, "only_traps"))
    return list(hits.values())


def _enough(matching: int, links: int) -> bool:
    return matching >= 1 and (links <= FEW_LINKS or matching >= SHARE_OF_LINKS * links)


def _preference(match: Match) -> tuple[bool, int, float, str]:
    away = abs((match.alert.at - match.episode.reference_time).total_seconds())
    return match.rule is not Rule.ITEMS, -match.common, away, match.episode.id
