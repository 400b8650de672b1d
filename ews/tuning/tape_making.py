"""What does a store hold of a period, laid out for a backtest? Revisions, exposures, evidence."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.measures import MEASURES, Unread, measures
from ews.model import Event, EventStatus, Exposure, Hop, Phase
from ews.storage import Store
from ews.storage.codec import from_json, to_json
from ews.storage.schema_base import EPOCH
from ews.storage.tapes import Kept
from ews.tuning.replay import STEP
from ews.tuning.tape_file import Columns, Floats, Texts
from graph import Network, propagate, shock

PHASES = tuple(Phase)
OVER = frozenset({EventStatus.CLOSED, EventStatus.DISMISSED})
NOTHING_UNREAD = Unread(0.0, 0.0)
MOST_TYPES = 62  # bits of one number


@dataclass(frozen=True, slots=True)
class Turn:
    """One revision, at the moment at which the pipeline judged it."""

    tick: int
    event: Event
    text: str


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def moment(number: int) -> datetime:
    return EPOCH + timedelta(microseconds=int(number))


def turns(
    kept: Sequence[Kept], detected: Mapping[datetime, set[datetime]], until: datetime
) -> list[Turn]:
    """The revisions in the order in which they were judged. Of several of one event at one moment
    only the last was."""
    done = sorted({at for times in detected.values() for at in times})
    found: dict[tuple[int, str], Turn] = {}
    for one in kept:
        event = from_json(Event, one.event)
        tick = micros(_judged(event, detected, done))
        if tick < micros(until):
            found[tick, event.id] = Turn(tick, event, one.event)
    return sorted(found.values(), key=lambda t: (t.tick, t.event.updated_at, t.event.id))


def _judged(
    event: Event, detected: Mapping[datetime, set[datetime]], done: Sequence[datetime]
) -> datetime:
    """When the pipeline saw that revision: with the article that brought it; a figure, at the next
    moment at which anything was detected, or at the end of its hour."""
    known = max(
        (min(times) for one in event.evidence if (times := detected.get(one.available_at))),
        default=event.updated_at,
    )
    later = [at for at in detected.get(event.updated_at, ()) if at >= known]
    if later:
        return min(later)
    place = bisect_left(done, event.updated_at)
    if place < len(done) and done[place] < event.updated_at + STEP:
        return done[place]
    return end_of_hour(event.updated_at)


def end_of_hour(at: datetime) -> datetime:
    """The tick of a replay at which a signal of that moment is seen."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + STEP * -((day - at) // STEP)


# --------------------------------------------------------------------------- columns


def columns_of(
    found: Sequence[Turn], store: Store, network: Network, until: datetime,
    heard: Mapping[str, datetime], detected: Mapping[datetime, set[datetime]],
) -> tuple[dict[str, object], Columns]:  # fmt: skip
    """The head and the columns of a tape."""
    events = sorted({turn.event.id for turn in found})
    number = {id_: n for n, id_ in enumerate(events)}
    types = sorted({type_ for t in found for type_ in (t.event.type, *t.event.also)})
    if len(types) > MOST_TYPES:
        raise ValueError(f"{len(types)} event types: a tape holds {MOST_TYPES} at most")
    places = sorted({t.event.countries for t in found})
    named = sorted({t.event.firms for t in found})
    which = {firms: n for n, firms in enumerate(named)}
    where, what = {p: n for n, p in enumerate(places)}, {t: n for n, t in enumerate(types)}
    reach = Reach()
    values = np.empty((len(found), len(MEASURES)))
    ends = []
    for row, turn in enumerate(found):
        exposures = reached(turn.event, network)
        reach.add(exposures)
        ends.append(len(reach))
        measured = measures(turn.event, exposures, NOTHING_UNREAD)
        if turn.event.relevance is not None:
            measured["chance"] = 1.0  # to be weighed; without a relevance it is not
        values[row] = [measured.get(name, math.nan) for name in MEASURES]
    rows = [known_by(event, until) for event in store.rows_of_events(events)]
    articles = store.articles({e.signal_id for event in rows for e in event.evidence})
    head: dict[str, object] = {
        "measures": list(MEASURES), "events": events, "types": types, "places": places, "firms": named,
        "shapes": list(reach.shapes), "articles": sorted(articles),
        "models": sorted({turn.event.model for turn in found}),
    }  # fmt: skip
    end = micros(until)
    columns = Columns(
        of_tick=_ints(turn.tick for turn in found),
        of_event=_ints(number[turn.event.id] for turn in found),
        of_type=_ints(what[turn.event.type] for turn in found),
        of_places=_ints(where[turn.event.countries] for turn in found),
        of_phase=_ints(PHASES.index(turn.event.phase) for turn in found),
        of_open=_ints(turn.event.status not in OVER for turn in found),
        of_also=_ints(sum(1 << what[one] for one in set(turn.event.also)) for turn in found),
        of_firms=_ints(which[turn.event.firms] for turn in found),
        of_updated=_ints(micros(turn.event.updated_at) for turn in found),
        of_values=values,
        of_reach=_ints(ends),
        reach_shape=_ints(reach.shape),
        reach_numbers=reach.numbers(),
        event_heard=_ints(min(micros(heard[id_]), end) if id_ in heard else 0 for id_ in events),
        ticks=_ints(sorted({micros(end_of_hour(at)) for ats in detected.values() for at in ats})),
        texts=Texts.of(turn.text for turn in found),
        rows=Texts.of(to_json(event) for event in rows),
        articles=Texts.of(to_json(articles[id_]) for id_ in sorted(articles)),
    )
    return head, columns


def reached(event: Event, network: Network) -> list[Exposure]:
    """The exposures of the event on that network; a firm's own say nothing to a rule."""
    return [one for one in propagate(network, shock(event, network)) if one.firm is None]


def known_by(event: Event, until: datetime) -> Event:
    """The event with the evidence that had come by then."""
    kept = tuple(one for one in event.evidence if one.available_at < until)
    return event if len(kept) == len(event.evidence) else replace(event, evidence=kept)


def _ints(numbers: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.fromiter((int(one) for one in numbers), np.int64)


# --------------------------------------------------------------------------- exposures

Shape = tuple[object, ...]


class Reach:
    """Exposures as numbers beside shapes: item, use, ministries and path come again and again."""

    def __init__(self) -> None:
        self.shapes: dict[Shape, int] = {}
        self.shape: list[int] = []
        self._numbers: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self.shape)

    def add(self, exposures: Iterable[Exposure]) -> None:
        for one in exposures:
            shape = (
                one.item, one.origin, one.use_id, one.industry, one.ministries,
                tuple(hop.target for hop in one.path), one.synthetic, one.critical, one.watched,
            )  # fmt: skip
            self.shape.append(self.shapes.setdefault(shape, len(self.shapes)))
            self._numbers.append((
                _number(one.share_at_risk), one.magnitude, one.probability,
                _number(one.impact_day), _number(one.time_to_survive_days),
                one.time_to_recover_days,
            ))  # fmt: skip

    def numbers(self) -> Floats:
        return np.array(self._numbers, np.float64).reshape(-1, 6)


@dataclass(frozen=True, slots=True)
class Reached(Exposure):
    """An exposure whose id is worked out once."""

    kept: list[str] = field(default_factory=list, repr=False, compare=False)

    @property
    def id(self) -> str:
        if not self.kept:
            self.kept.append(Exposure.id.fget(self))  # type: ignore[attr-defined]
        return self.kept[0]


def exposure(event_id: str, shape: Sequence[object], numbers: Sequence[float]) -> Exposure:
    """The exposure again; of its path the nodes only, which is what a rule and an id can see."""
    item, origin, use, industry, ministries, path, synthetic, critical, watched = shape
    share, magnitude, probability, impact, survive, recover = numbers
    return Reached(
        event_id=event_id,
        item=str(item),
        origin=None if origin is None else str(origin),
        use_id=str(use),
        industry=str(industry),
        ministries=tuple(ministries),  # type: ignore[arg-type]
        share_at_risk=_known(share),
        magnitude=magnitude,
        probability=probability,
        impact_day=_known(impact),
        time_to_survive_days=_known(survive),
        time_to_recover_days=recover,
        path=tuple(_hop(str(node)) for node in path),  # type: ignore[attr-defined]
        synthetic=bool(synthetic),
        critical=bool(critical),
        watched=bool(watched),
    )


def _hop(node: str) -> Hop:
    return Hop("", node, "", "", None, "")


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
