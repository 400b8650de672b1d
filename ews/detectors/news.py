"""Stories -> events: what happened, where, to what, how sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log
from statistics import mean
from typing import TYPE_CHECKING

from ews.detectors.fusion_carry import carry, numeric_facts
from ews.model import Event, EventStatus, Evidence, Phase, Story, StoryMember, content_id

if TYPE_CHECKING:
    from ews.detectors import DetectorInput

MAX_CODES = 8
STORY = "story:"  # of a link of an event
MEASURES = frozenset({"export_restriction", "import_restriction", "sanctions", "regulation_change"})


def detect(given: DetectorInput) -> list[Event]:
    """The events of the touched stories. `revision` rises only when a reader must think again.

    A quiet story is no event, and articles that only follow a story are no evidence of one.
    """
    taken = _taken(given.events)
    events = []
    for story in given.stories:
        if story.quiet:
            continue
        event_id = taken.get(story.id) or content_id("evt", "news", story.id)
        events.append(_event(event_id, story, given.events.get(event_id)))
    return events


def _taken(events: Mapping[str, Event]) -> dict[str, str]:
    """Story -> the event that it feeds already, where numbers came first and gave it its id."""
    return {
        link.removeprefix(STORY): event.id
        for event in events.values()
        for link in event.links
        if link.startswith(STORY)
    }


def _event(event_id: str, story: Story, before: Event | None) -> Event:
    members = [m for m in story.members if m.states] or story.members
    probability = _pooled([m.probability for m in members], len(story.groups))
    authority = _authority(story)
    event = Event(
        id=event_id,
        type=story.type,
        also=tuple(t for t in story.core("types") if t != story.type),
        status=_status(story, authority),
        phase=_phase(story, members),
        probability=probability,
        severity=_severity(members),
        countries=story.core("countries")[:MAX_CODES],
        items=_known_items(story),
        ports=story.core("ports")[:MAX_CODES],
        chokepoints=story.core("chokepoints")[:MAX_CODES],
        firms=story.core("firms")[:MAX_CODES],
        title=_title(members),
        first_seen=story.first_seen,
        # what only follows the story can change what it says, too
        updated_at=max(story.last_seen, *(m.available_at for m in story.members)),
        evidence=tuple(_evidence(m) for m in members),
        detector="news",
        onset=members[0].observed_at,
        model=story.model,
        authority=authority,
        facts={"articles": float(story.size), "groups": float(len(story.groups))},
        last_seen=story.last_seen,
        relevance=_relevance(members),
        links=(STORY + story.id,),
    )
    if before is None:
        return event
    if numeric_facts(before.facts):
        event = carry(before, event)
    if not material(before, event):
        return replace(event, revision=before.revision, updated_at=before.updated_at)
    return replace(event, revision=before.revision + 1)


def _known_items(story: Story) -> tuple[str, ...]:
    """Items of the reference network; a good known by its HS heading only reaches nobody."""
    return tuple(code for code in story.core("items") if not code.startswith("hs:"))[:MAX_CODES]


def _pooled(probabilities: Sequence[float], groups: int) -> float:
    """The surest article, lifted by independent groups: each halves what is left of the doubt.

    Articles of one group add nothing: a wire story copied forty times counts once.
    """
    top = sorted(probabilities, reverse=True)[:3]
    doubt = 1 - (top[0] if len(top) < 3 else max(top[0] * 0.9, mean(top)))
    return 1 - doubt * 0.5 ** min(groups - 1, 4)


def _severity(members: Sequence[StoryMember]) -> float:
    """Mean of the three gravest articles: one shrill headline does not carry a story."""
    return mean(sorted((m.severity for m in members), reverse=True)[:3])


def _relevance(members: Sequence[StoryMember]) -> float | None:
    """Mean log-odds of the members that were read: a story that mixes things is none of them."""
    read = [min(max(m.relevance, 1e-4), 1 - 1e-4) for m in members if m.relevance is not None]
    return 1 / (1 + exp(-mean(log(p / (1 - p)) for p in read))) if read else None


def _phase(story: Story, members: Sequence[StoryMember]) -> Phase:
    """The most actual phase that a good part of the recent articles state.

    A price that falls is a relief to those who buy, whatever the text calls it.
    """
    if story.type == "price_shock" and story.price_direction == "down":
        return Phase.EASING
    recent = members[-12:]
    share = {phase: sum(m.phase is phase for m in recent) / len(recent) for phase in Phase}
    if share[Phase.EASING] > 0.6:
        return Phase.EASING
    return Phase.ACTUAL if share[Phase.ACTUAL] >= 0.3 else Phase.THREAT


def _authority(story: Story) -> bool:
    """Does the state whose measure it is say so itself?

    Only measures have an authority; a ministry that comments on another state's measure is a source
    like any other.
    """
    if story.type not in MEASURES:
        return False
    sides = [code for code in story.core("countries") if code != "KR"] or ["KR"]
    return any(m.authority in sides for m in story.members)


def _status(story: Story, authority: bool) -> EventStatus:
    if authority:
        return EventStatus.CONFIRMED
    return EventStatus.CORROBORATED if len(story.groups) > 1 else EventStatus.SUSPECTED


def _title(members: Sequence[StoryMember]) -> str:
    """The title of the surest of the first articles: later ones tell the aftermath."""
    return max(members[:6], key=lambda m: (m.probability, -m.available_at.timestamp())).title


def _evidence(member: StoryMember) -> Evidence:
    return Evidence(
        signal_id=member.article_id,
        independence=member.independence,
        available_at=member.available_at,
        title=member.title,
        outlet=member.outlet,
        url=member.url,
        observed_at=member.observed_at,
        lang=member.lang,
    )


def material(before: Event, after: Event) -> bool:
    """Would a reader have to think again? More of the same is not material."""
    if before.phase is not after.phase or before.status is not after.status:
        return True
    for kind in ("also", "countries", "items", "ports", "chokepoints", "firms"):
        if set(getattr(after, kind)) != set(getattr(before, kind)):
            return True
    if int(after.severity * 4) != int(before.severity * 4):
        return True
    if int(after.probability * 10) != int(before.probability * 10):
        return True
    if int((after.relevance or 0) * 10) != int((before.relevance or 0) * 10):
        return True
    return _step(after) != _step(before)


def _step(event: Event) -> int:
    """1, 2, 3, 5, 9, 17, ... independent groups: corroboration counts less and less."""
    return (int(event.facts.get("groups", 1)) - 1).bit_length()
