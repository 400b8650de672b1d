"""What became of every alert and every episode of a window: the judgement behind each figure.

Pure. `examine` decides once; the score, the curves, the comparison and the list that an analyst
reads are all taken from its answer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Protocol

from ews.model import Stage
from ews.tuning.detections import (
    Detection,
    Lookout,
    detections,
    duplicates,
    families,
    is_end,
)
from ews.tuning.matching import Matcher, Matching, Raised, TrapHit, match_alerts, trap_hits
from ews.tuning.references import Episode, Trap
from ews.tuning.verdicts import Verdicts

MATCHED, OPTIONAL, END = "matched", "optional", "end"
STALE, UNMATCHED = "stale", "unmatched"


@dataclass(frozen=True, slots=True)
class Window:
    """What is scored: alerts raised, reference times and traps inside [since, until)."""

    since: datetime
    until: datetime
    feeds: tuple[str, ...] = ()  # empty: every feed of the files

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)

    def holds(self, at: datetime, feed: str = "") -> bool:
        return self.since <= at < self.until and (not self.feeds or feed in self.feeds or not feed)


class Load(Protocol):
    """What a receiver was told and what was held from it, by UTC day (ews.tuning.loads)."""

    @property
    def receiver(self) -> str: ...
    @property
    def budget_per_day(self) -> int | None: ...
    @property
    def told_by_day(self) -> Mapping[date, int]: ...
    @property
    def held_by_day(self) -> Mapping[date, int]: ...
    @property
    def held_by_reason(self) -> Mapping[str, int]: ...


@dataclass(frozen=True)
class Scored:
    """Alerts of a window, each with its fate, and how each episode was caught."""

    window: Window
    alerts: tuple[Raised, ...]  # oldest first
    episodes: tuple[Episode, ...]  # of the window
    family: Mapping[str, str]  # episode id -> topmost parent
    matching: Matching
    outside: frozenset[str]  # unmatched alerts that match an episode of another window
    traps: tuple[Trap, ...]
    hits: tuple[TrapHit, ...]
    repeats: Mapping[str, str]  # alert id -> duplicate | update | reopening | end
    matcher: Matcher
    verdicts: Verdicts | None = None
    loads: Mapping[str, Load] | None = None

    @cached_property
    def by_id(self) -> Mapping[str, Raised]:
        return {alert.id: alert for alert in self.alerts}

    @cached_property
    def required(self) -> tuple[Episode, ...]:
        return tuple(ep for ep in self.episodes if ep.required)

    @cached_property
    def fates(self) -> Mapping[str, str]:
        """Alert id -> matched | optional | end | stale | unmatched."""
        fates = dict.fromkeys(self.by_id, UNMATCHED)
        fates |= {match.alert.id: STALE for match in self.matching.stale}
        for id_, match in self.matching.chosen.items():
            fates[id_] = END if is_end(match) else MATCHED if match.episode.required else OPTIONAL
        return fates

    def found(self, stage: Stage = Stage.WATCH, strong: bool = False) -> Mapping[str, Detection]:
        """How each episode was caught by an alert open at that stage or higher."""
        key = stage, strong
        if key not in self._found:
            wanted = Lookout(stage, strong, self.matcher.is_item)
            self._found[key] = detections(self.matching, self.episodes, wanted)
        return self._found[key]

    @cached_property
    def _found(self) -> dict[tuple[Stage, bool], Mapping[str, Detection]]:
        return {}

    def caught_by(self, ids: Collection[str]) -> Mapping[str, Detection]:
        """How each episode would have been caught by these alerts alone."""
        kept = {
            id_: tuple(match for match in matches if match.alert.id in ids)
            for id_, matches in self.matching.of_episode.items()
        }
        wanted = Lookout(item=self.matcher.is_item)
        return detections(replace(self.matching, of_episode=kept), self.episodes, wanted)

    def block(self, alert: Raised) -> str:
        """What it is drawn with: the family of its episode, or itself."""
        match = self.matching.chosen.get(alert.id)
        return self.family[match.episode.id] if match else alert.id

    def said(self, alert_id: str) -> bool | None:
        """What people said of it: a real supply event or not; None when nobody decided."""
        return self.verdicts.decided.get(alert_id) if self.verdicts else None

    def true(self, alert: Raised) -> bool | None:
        """Whether it is right: by verdict, else by its fate; None for neither right nor wrong."""
        said, fate = self.said(alert.id), self.fates[alert.id]
        if said is not None:
            return said
        return None if fate == OPTIONAL or self._unsure(alert.id) else fate == MATCHED

    def _unsure(self, alert_id: str) -> bool:
        return bool(self.verdicts and alert_id in self.verdicts.unsure)

    @cached_property
    def by_chance(self) -> bool:
        """Whether every alert carries the probability that was sent."""
        return bool(self.alerts) and all(a.steps[0].chance is not None for a in self.alerts)

    def ranks(self, alert: Raised) -> tuple[tuple[float, datetime], ...]:
        """The number that orders it, at each of its steps: the probability that was sent; without
        it the stage, and within a stage the probability of the event."""
        return tuple(
            (
                (step.chance or 0.0) if self.by_chance
                else (step.stage - 1 + (step.probability or 0.0)) / len(Stage),
                step.at,
            )
            for step in alert.steps if step.open
        )  # fmt: skip


def examine(
    alerts: Sequence[Raised],
    episodes: Sequence[Episode],
    traps: Sequence[Trap],
    window: Window,
    verdicts: Verdicts | None = None,
    loads: Mapping[str, Load] | None = None,
    matcher: Matcher | None = None,
) -> Scored:
    """Decide once. A `matcher` of the same episodes, kept between calls, saves the looking."""
    if matcher is None or matcher.episodes != tuple(episodes):
        matcher = Matcher(episodes)
    feeds = window.feeds
    here = tuple(ep for ep in episodes if window.holds(ep.reference_time, ep.feed))
    ids = {ep.id for ep in here}
    elsewhere = [
        ep for ep in episodes
        if ep.id not in ids and (not feeds or not ep.feed or ep.feed in feeds)
    ]  # fmt: skip
    raised = tuple(sorted(
        (alert for alert in alerts if window.since <= alert.at < window.until),
        key=lambda alert: (alert.at, alert.id),
    ))  # fmt: skip
    matching = match_alerts(raised, here, matcher)
    inside = tuple(trap for trap in traps if window.holds(trap.published, trap.feed))
    return Scored(
        window=window,
        alerts=raised,
        episodes=here,
        family=families(episodes),
        matching=matching,
        outside=frozenset(match_alerts(matching.unmatched, elsewhere, matcher).chosen),
        traps=inside,
        hits=tuple(trap_hits(raised, inside)),
        repeats=duplicates(matching, here, matcher.is_item),
        matcher=matcher,
        verdicts=verdicts,
        loads=loads,
    )
