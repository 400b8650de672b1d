"""How each episode was caught, and what a second alert on it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ews.model import Stage
from ews.tuning.matching import (
    IsItem,
    Match,
    Matching,
    Raised,
    Rule,
    child_update,
    holds_items,
    is_item,
)
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


@dataclass(frozen=True, slots=True)
class Lookout:
    """What counts as caught: by an alert open at `stage` or higher, by its items alone if `strong`."""

    stage: Stage = Stage.WATCH
    strong: bool = False
    item: IsItem = is_item


def detections(
    matching: Matching, episodes: Sequence[Episode], wanted: Lookout | None = None
) -> dict[str, Detection]:
    """First detection of each episode: its own alert, a child's, or an update of its parent's."""
    wanted = wanted or Lookout()
    own = {ep.id: list(sightings(ep, matching, episodes, wanted)) for ep in episodes}
    found: dict[str, Detection] = {}
    # Children first, so that what a grandchild's alert says reaches the top.
    for ep in sorted(episodes, key=lambda ep: -len(ancestors(ep, episodes))):
        all_of_it = own[ep.id] + [
            _detection(ep, d.at, d.alert, "child", wanted.item)
            for child in episodes if child.parent == ep.id and child.id in found
            for d in (found[child.id],) if d.rule != "update" and ep.starts <= d.at <= ep.ends
        ]  # fmt: skip
        if all_of_it:
            found[ep.id] = min(all_of_it, key=lambda d: d.at)
    return {ep.id: found[ep.id] for ep in episodes if ep.id in found}


def sightings(
    ep: Episode, matching: Matching, episodes: Sequence[Episode], wanted: Lookout
) -> Iterator[Detection]:
    """Each alert that catches the episode itself: its own, and its parent's that took it in."""
    for match in _real(matching, ep.id):
        if not wanted.strong or match.rule is Rule.ITEMS:
            at = match.alert.stands(wanted.stage, match.at)
            if at is not None and at <= ep.ends:
                yield _detection(ep, at, match.alert, match.rule.value, wanted.item)
    if ep.parent and any(other.id == ep.parent for other in episodes):
        for match in _real(matching, ep.parent):
            taken = child_update(match.alert, ep, wanted.item, wanted.strong)
            at = match.alert.stands(wanted.stage, taken) if taken is not None else None
            if at is not None and at <= ep.ends:
                yield _detection(ep, at, match.alert, "update", wanted.item)


def ancestors(ep: Episode, episodes: Sequence[Episode]) -> list[str]:
    """Its parent, the parent's parent and so on; the last may be absent from the episodes."""
    parents = {other.id: other.parent for other in episodes}
    line: list[str] = []
    above = ep.parent
    while above and above not in line and above != ep.id:
        line.append(above)
        above = parents.get(above)
    return line


def families(episodes: Sequence[Episode]) -> dict[str, str]:
    """Episode id -> the topmost parent above it, itself without one."""
    return {ep.id: (ancestors(ep, episodes) or [ep.id])[-1] for ep in episodes}


def is_end(match: Match) -> bool:
    """A new alert on the item that tells of the end is false."""
    first = match.alert.trigger()
    return bool(match.episode.end_link and first and first.url == match.episode.end_link)


def _real(matching: Matching, episode_id: str) -> Iterator[Match]:
    return (match for match in matching.of_episode.get(episode_id, ()) if not is_end(match))


def _detection(ep: Episode, at: datetime, alert: Raised, rule: str, item: IsItem) -> Detection:
    early = at < ep.reference_time
    return Detection(ep, at, alert, rule, lucky=early and not holds_items(alert, ep, at, item))


# --------------------------------------------------------------------------- second alerts


def duplicates(
    matching: Matching, episodes: Sequence[Episode] = (), item: IsItem = is_item
) -> dict[str, str]:
    """Alert id -> duplicate | update | reopening | end, for every alert after an episode's first.

    An update rises in stage, or brings a new country, product, name or measure: one a day. What
    first tells of a child of the episode is an update on any day. `end`: opened by the item that
    tells of the end, which is false and no duplicate.
    """
    kinds: dict[str, str] = {}
    for episode_id, matches in matching.of_episode.items():
        children = [ep for ep in episodes if ep.parent == episode_id]
        real = [match for match in matches if not is_end(match)]
        kinds |= {match.alert.id: "end" for match in matches if is_end(match)}
        kinds |= _repeats([match.alert for match in real], children, item)
    return kinds


def _repeats(alerts: Sequence[Raised], children: Sequence[Episode], item: IsItem) -> dict[str, str]:
    """What each alert after the first is worth, oldest first."""
    kinds: dict[str, str] = {}
    updated: set[date] = set()
    for index, alert in enumerate(alerts[1:], start=1):
        earlier, day = alerts[:index], alert.at.date()
        new = _is_new(alert, earlier)
        if new and not any(before.open_at(alert.at) for before in earlier):
            kinds[alert.id] = "reopening"
        elif _first_of_a_child(alert, earlier, children, item):
            kinds[alert.id] = "update"
        elif new and day not in updated:
            kinds[alert.id] = "update"
            updated.add(day)
        else:
            kinds[alert.id] = "duplicate"
    return kinds


def _is_new(alert: Raised, earlier: Sequence[Raised]) -> bool:
    known = earlier[0].content_by(alert.at)
    for before in earlier[1:]:
        known = known.joined(before.content_by(alert.at))
    stage_before = max(step.stage for a in earlier for step in a.steps if step.at <= alert.at)
    first = alert.steps[0]
    return first.stage > stage_before or first.content.adds_to(known)


def _first_of_a_child(
    alert: Raised, earlier: Sequence[Raised], children: Sequence[Episode], item: IsItem
) -> bool:
    def tells_at(one: Raised, child: Episode) -> datetime | None:
        return child_update(one, child, item)

    for child in children:
        taken: Mapping[str, datetime | None] = {a.id: tells_at(a, child) for a in earlier}
        known = any(at is not None and at <= alert.at for at in taken.values())
        if not known and tells_at(alert, child) == alert.at:
            return True
    return False
