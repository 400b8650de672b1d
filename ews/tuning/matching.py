"""Which alert goes to which episode: the rules A (time), B (type), C1 (items), C2 (content).

Pure: simple dataclasses in, decisions out. The rules are those of the episode guide; where it is
silent the stricter reading is taken, and docs/score-format.md says which. A `Matcher` that is kept
between two scores answers what it has answered before without looking again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from ews.tuning.raised import Content, Link, Raised, Step
from ews.tuning.references import Episode, Trap, same_group

__all__ = [
    "Content",
    "Link",
    "Match",
    "Matcher",
    "Matching",
    "Raised",
    "Rule",
    "Step",
    "match_alerts",
    "match_one",
]

FEW_LINKS = 5  # up to here one matching link is enough for C1
SHARE_OF_LINKS = 0.2  # beyond it, at least this share must match
MOST_KEPT = 50_000  # answers that a matcher keeps
K = TypeVar("K")
V = TypeVar("V")


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
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Matching:
    """Every alert in one place: matched, stale or unmatched."""

    chosen: Mapping[str, Match]  # alert id -> its episode
    stale: tuple[Match, ...]
    unmatched: tuple[Raised, ...]
    of_episode: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)  # oldest first


def is_item(link: Link, episode: Episode) -> bool:
    """Evidence that is an item of the episode, or is found by its query inside its dates."""
    if link.url and link.url in episode.links:
        return True
    inside = episode.query_from <= link.published.date() <= episode.query_to
    return inside and episode.query.finds(link.title, link.summary)


IsItem = Callable[[Link, Episode], bool]


class Matcher:
    """Matches alerts with a set of episodes, and remembers the answers."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self.episodes = tuple(episodes)
        self._items: dict[Link, frozenset[str]] = {}
        self._matches: dict[Raised, tuple[Match, ...]] = {}

    def is_item(self, link: Link, episode: Episode) -> bool:
        return episode.id in self._items_of(link)

    def matches(self, alert: Raised) -> tuple[Match, ...]:
        """Its match with each episode that it matches, stale ones too."""
        found = self._matches.get(alert)
        if found is None:
            common = Counter(id_ for link in alert.links for id_ in self._items_of(link))
            said = alert.content_by(max(step.at for step in alert.steps))
            each = (
                _match(alert, ep, common[ep.id], said, self.is_item)
                for ep in self.episodes if alert.at >= ep.starts
            )  # fmt: skip
            found = tuple(match for match in each if match is not None)
            _keep(self._matches, alert, found)
        return found

    def _items_of(self, link: Link) -> frozenset[str]:
        """Ids of the episodes that it is an item of."""
        found = self._items.get(link)
        if found is None:
            day = link.published.date()
            found = frozenset(
                ep.id for ep in self.episodes
                if link.url in ep.links or ep.query_from <= day <= ep.query_to
                if is_item(link, ep)
            )  # fmt: skip
            _keep(self._items, link, found)
        return found


def match_alerts(
    alerts: Sequence[Raised], episodes: Sequence[Episode], matcher: Matcher | None = None
) -> Matching:
    """One episode per alert: C1 before C2, then most links in common, then nearest in time.

    A `matcher` must have been made for these episodes, or for more.
    """
    matcher = matcher or Matcher(episodes)
    ids = {ep.id for ep in episodes}
    chosen: dict[str, Match] = {}
    stale: list[Match] = []
    unmatched: list[Raised] = []
    for alert in alerts:
        found = [match for match in matcher.matches(alert) if match.episode.id in ids]
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
    common = sum(is_item(link, episode) for link in alert.links)
    said = alert.content_by(max(step.at for step in alert.steps))
    return _match(alert, episode, common, said, is_item)


def _match(
    alert: Raised, episode: Episode, common: int, said: Content, item: IsItem
) -> Match | None:
    """The match, from the number of common links and all that the alert ever said."""
    fits, needs_product = same_group(alert.type, episode)
    if not fits:
        return None
    found = []
    if _enough(common, len(alert.links)):
        found.append((Rule.ITEMS, items_held(alert, episode, item)))
    if content_overlaps(said, episode, needs_product):
        found.append((Rule.CONTENT, content_held(alert, episode, needs_product)))
    matches = [
        Match(alert, episode, rule, at, common, stale=at > episode.ends)
        for rule, at in found if at is not None
    ]  # fmt: skip
    # By items first; but what matches in time by content is not stale.
    return min(matches, key=lambda match: match.stale, default=None)


def content_held(alert: Raised, episode: Episode, needs_product: bool = False) -> datetime | None:
    """When what the alert said by then first satisfied C2."""
    for step in alert.steps:
        if content_overlaps(alert.content_by(step.at), episode, needs_product):
            return step.at
    return None


def items_held(alert: Raised, episode: Episode, item: IsItem = is_item) -> datetime | None:
    """When the evidence known by then first satisfied C1, never before the alert was raised."""
    for at in sorted({alert.at, *(link.at for link in alert.links if link.at > alert.at)}):
        if holds_items(alert, episode, at, item):
            return at
    return None


def holds_items(alert: Raised, episode: Episode, at: datetime, item: IsItem = is_item) -> bool:
    """Whether the evidence known at `at` satisfies C1."""
    known = [link for link in alert.links if link.at <= at]
    return _enough(sum(item(link, episode) for link in known), len(known))


def content_overlaps(content: Content, episode: Episode, needs_product: bool = False) -> bool:
    """At least two of country, product and name; never the country alone."""
    product = bool(content.hs4 & episode.hs4)
    kinds = (
        bool(content.countries & episode.countries),
        product,
        bool(content.names & episode.names),
    )
    return sum(kinds) >= 2 and (product or not needs_product)


def child_update(
    alert: Raised, child: Episode, item: IsItem = is_item, strong: bool = False
) -> datetime | None:
    """When an alert on the parent took in the child's content; None if it never did in time.

    The alert's steps must name it (C2), or its evidence must hold the child's items (C1; only
    this when it must be `strong`).
    """
    fits, needs_product = same_group(alert.type, child)
    if not fits:
        return None
    times: list[datetime | None] = []
    if not strong:
        times.append(content_held(alert, child, needs_product))
    if _enough(sum(item(link, child) for link in alert.links), len(alert.links)):
        times.append(items_held(alert, child, item))
    inside = (at for at in times if at is not None and child.starts <= at <= child.ends)
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


def _keep(answers: dict[K, V], key: K, answer: V) -> None:
    if len(answers) >= MOST_KEPT:
        answers.clear()
    answers[key] = answer


def _preference(match: Match) -> tuple[bool, int, float, str]:
    away = abs((match.alert.at - match.episode.reference_time).total_seconds())
    return match.rule is not Rule.ITEMS, -match.common, away, match.episode.id
