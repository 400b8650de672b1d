"""How each episode was caught, and what a second alert on it is worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import Stage
from ews.tuning.matching import Match, Matching, Raised, child_update, is_item
from ews.tuning.references import Episode


@dataclass(frozen=True, slots=True)
class Detection:
    """How one episode was caught."""

    episode: Episode
    at: datetime
    alert: Raised
    rule: str  # C1 | C2 | child | update
    lucky: bool = False  # earlier than the reference, without an item of the episode as evidence

    @property
    def hours(self) -> float:
        return (self.at - self.episode.reference_time) / timedelta(hours=1)


def detections(matching: Matching, episodes: Sequence[Episode]) -> dict[str, Detection]:
    """First detection of each episode: its own alert, a child's, or an update of its parent's."""
    ids = {ep.id: ep for ep in episodes}
    found: dict[str, Detection] = {}
    for ep in episodes:
        own = [_own(match) for match in matching.of_episode.get(ep.id, ()) if not is_end(match)]
        parent = ids.get(ep.parent or "")
        own += [] if parent is None else _from_parent(ep, matching.of_episode.get(parent.id, ()))
        if own:
            found[ep.id] = min(own, key=lambda d: d.at)
    for ep in episodes:
        # A match to a child detects the parent too, when the parent has no alert yet.
        children = [
            _borrowed(ep, d.at, d.alert, "child") for child, d in list(found.items())
            if ids[child].parent == ep.id and d.rule != "update"
        ]  # fmt: skip
        if children:
            first = min(children, key=lambda d: d.at)
            if ep.id not in found or first.at < found[ep.id].at:
                found[ep.id] = first
    return found


def _own(match: Match) -> Detection:
    early = match.at < match.episode.reference_time
    return Detection(
        match.episode, match.at, match.alert, match.rule.value, early and not match.items_at_once
    )


def _from_parent(child: Episode, matches: Iterable[Match]) -> list[Detection]:
    found = []
    for match in matches:
        at = child_update(match.alert, child)
        if at is not None:
            found.append(_borrowed(child, at, match.alert, "update"))
    return found


def _borrowed(ep: Episode, at: datetime, alert: Raised, rule: str) -> Detection:
    """A detection by an alert that was matched to the parent or to a child."""
    early = at < ep.reference_time
    item = any(is_item(link, ep) for link in alert.links if link.at <= at)
    return Detection(ep, at, alert, rule, lucky=early and not item)


def at_stage(
    ep: Episode, matching: Matching, episodes: Sequence[Episode], stage: Stage
) -> Detection | None:
    """The detection of an episode by an alert that reached `stage` inside the episode's window."""
    limited: dict[str, tuple[Match, ...]] = {}
    for other in episodes:
        kept = []
        for match in matching.of_episode.get(other.id, ()):
            at = match.alert.reached(stage)
            if at is not None and max(at, match.at) <= other.ends:
                kept.append(_later(match, at))
        limited[other.id] = tuple(kept)
    near = [e for e in episodes if ep.id in (e.id, e.parent) or e.id == ep.parent]
    found = detections(Matching({}, (), (), limited), near).get(ep.id)
    if found is None:
        return None
    reached = found.alert.reached(stage)
    if reached is None or (found.rule == "update" and reached > ep.ends):
        return None
    return replace(found, at=reached, lucky=False) if reached > found.at else found


def _later(match: Match, at: datetime) -> Match:
    return replace(match, at=max(at, match.at))


def is_end(match: Match) -> bool:
    """A new alert on the item that tells of the end is false."""
    first = match.alert.trigger()
    return bool(match.episode.end_link and first and first.url == match.episode.end_link)


def duplicates(matching: Matching) -> dict[str, str]:
    """Alert id -> duplicate | update | reopening, for every second alert on an episode.

    An update rises in stage, or brings a new country, product, name or measure: one a day.
    """
    kinds: dict[str, str] = {}
    for matches in matching.of_episode.values():
        updated: set[object] = set()
        for index, match in enumerate(matches[1:], start=1):
            alert, earlier = match.alert, [m.alert for m in matches[:index]]
            known = earlier[0].content_by(alert.at)
            for before in earlier[1:]:
                known = known.joined(before.content_by(alert.at))
            stage_before = max(
                step.stage for before in earlier for step in before.steps if step.at <= alert.at
            )
            first = alert.steps[0]
            new = first.stage > stage_before or first.content.adds_to(known)
            day = alert.at.date()
            if new and not any(before.open_at(alert.at) for before in earlier):
                kinds[alert.id] = "reopening"
            elif new and day not in updated:
                kinds[alert.id] = "update"
                updated.add(day)
            else:
                kinds[alert.id] = "duplicate"
    return kinds
