"""The exposure report: what depends on an item, country, chokepoint, industry, firm or event.

One function, three faces: `ews exposure`, `/api/v1/exposure` and the page print what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ews.model import Alert, AlertState, Event, EventStatus, Exposure
from ews.reports.names import find, labels
from ews.reports.outlook import outlook_report
from ews.reports.outlook_views import OutlookReport
from ews.reports.rows import alert_line, count_bases, event_line, exposure_line
from ews.reports.standing import (
    Pair,
    dependence_lines,
    firm_label,
    link_lines,
    loaded_at,
    route_lines,
    share_lines,
    use_lines,
)
from ews.reports.then import known_by, known_then, notes
from ews.reports.viewer import OPEN, NotFound, Viewer, rows_seen, visible, visible_shocks
from ews.reports.views import (
    AlertLine,
    BasisCount,
    DependenceLine,
    EventLine,
    ExposureLine,
    Label,
    LinkLine,
    RouteLine,
    ShareLine,
    UseLine,
)
from ews.storage import Store
from graph.reference import (
    ITEMS,
    SHARES,
    USES,
    items_from,
    partners,
    route_of,
)

KINDS = ("item", "country", "chokepoint", "port", "industry", "firm", "event")
PLACES = frozenset({"chokepoint", "port"})  # what passes there is asked by the events on it
NO_SUCH_FIRM = "no such firm among your rows; add it: ews firms import FILE --owner NAME"
LOOK_BACK = timedelta(days=180)  # events older than this are history, not a present threat


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What depends on the thing asked about, and what threatens it now."""

    kind: str
    asked: str
    about: tuple[Label, ...]
    as_of: datetime
    critical: bool  # an item of it is on a public list of critical or managed items
    lists: tuple[str, ...]
    shares: tuple[ShareLine, ...]  # the figure that propagation uses, largest first
    uses: tuple[UseLine, ...]
    industries: tuple[Label, ...]
    ministries: tuple[Label, ...]
    routes: tuple[RouteLine, ...]
    dependence: tuple[
        DependenceLine, ...
    ]  # of the items asked about or hit; not of a whole country
    alerts: tuple[AlertLine, ...]  # open ones that touch it
    events: tuple[EventLine, ...]  # open ones that touch it
    exposures: tuple[ExposureLine, ...]  # strongest first
    bases: tuple[BasisCount, ...]  # what is stated, inferred, assumed, unknown, synthetic
    links: tuple[LinkLine, ...] = ()  # what the firm itself imported
    notes: tuple[Label, ...] = ()  # what a reader must know before comparing the figures
    outlook: OutlookReport | None = None  # of the strongest open event, when it was asked for

    @property
    def empty(self) -> bool:
        told = (self.shares, self.uses, self.alerts, self.events, self.exposures, self.links)
        return not any(told)


def exposure_report(
    store: Store,
    kind: str,
    asked: str,
    *,
    now: datetime,
    as_of: datetime | None = None,
    viewer: Viewer = OPEN,
    with_outlook: bool = False,
) -> ExposureReport:
    """The report for one question; `as_of` asks what was known then, with the figures of then.

    `with_outlook` runs the model on the strongest event that touches it (about a second).
    UnknownName when `asked` names nothing; NotFound also for a firm that is not the viewer's own.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of question {kind!r}; use one of {', '.join(KINDS)}")
    report = _asked(store, kind, asked, Known.at(store, now, as_of), as_of, viewer)
    event = strongest_event(report) if with_outlook else None
    if event is None or not visible_shocks(store, event, viewer):
        return report
    found = outlook_report(store, event, now=now, as_of=as_of, viewer=viewer)
    return replace(report, outlook=found)


def strongest_event(report: ExposureReport) -> str | None:
    """The event of the strongest exposure, else of the newest event that touches it."""
    ids = [e.event_id for e in report.exposures] + [e.id for e in report.events]
    return ids[0] if ids else None


def _asked(
    store: Store, kind: str, asked: str, known: Known, as_of: datetime | None, viewer: Viewer
) -> ExposureReport:
    if kind == "event":
        return _event_report(store, asked, known, as_of, viewer)
    if kind == "firm":
        return _firm_report(store, asked, known, viewer)
    codes = find(kind, asked)
    pairs = _pairs(kind, codes)
    items = list(dict.fromkeys(item for item, _ in pairs)) or _items(kind, codes)
    events = [e for e in known.events if _touches(e, kind, codes)]
    found = [e for code in codes for e in store.exposures(**{kind: code})] if _stored(kind) else []
    if kind in PLACES:
        found = [e for event in events for e in store.exposures(event_id=event.id)]
    about = labels(kind, codes)
    return _assemble(
        store, Question(kind, asked, about, known, viewer), items, pairs, events, found
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What was open at one time: now, or as it stood then."""

    moment: datetime
    events: tuple[Event, ...]
    alerts: tuple[Alert, ...]

    @classmethod
    def at(cls, store: Store, now: datetime, as_of: datetime | None) -> Known:
        since = (as_of or now) - LOOK_BACK
        events = store.events_as_of(as_of) if as_of else store.open_events(since)
        alerts = store.alerts_as_of(as_of) if as_of else store.open_alerts()
        shut = {EventStatus.CLOSED, EventStatus.DISMISSED}
        return cls(
            as_of or now,
            tuple(
                e for e in events if e.status not in shut and (e.last_seen or e.updated_at) >= since
            ),
            tuple(a for a in alerts if a.state is not AlertState.RESOLVED),
        )


@dataclass(frozen=True, slots=True)
class Question:
    kind: str
    asked: str
    about: tuple[Label, ...]
    known: Known
    viewer: Viewer

    @property
    def industries(self) -> frozenset[str] | None:
        """Uses are shown of these industries only; None: all."""
        asked = self.kind == "industry"
        return frozenset(label.code for label in self.about) if asked else None


def _stored(kind: str) -> bool:
    return kind in {"item", "country", "industry"}


def _items(kind: str, codes: Sequence[str]) -> list[str]:
    """Items asked about that have no share figure: their uses still count."""
    if kind == "item":
        return list(codes)
    if kind == "industry":
        return [i for i, uses in USES.items() if any(u.ksic in codes for u in uses)]
    return []


def _pairs(kind: str, codes: Sequence[str]) -> list[Pair]:
    """The (item, partner) pairs a question is about."""
    if kind == "country":
        return [(item, code) for code in codes for item in items_from(code)]
    if kind == "chokepoint":
        return [pair for item in SHARES for pair in pairs_of(item) if _passes(pair, codes)]
    if kind == "port":
        return [pair for code in codes for pair in loaded_at(code)]
    return [pair for item in _items(kind, codes) for pair in pairs_of(item)]


def pairs_of(item: str) -> list[Pair]:
    return [(item, partner) for partner in partners(item)]


def _passes(pair: Pair, chokepoints: Sequence[str]) -> bool:
    route = route_of(pair[1], pair[0])
    return route is not None and bool(set(route.chokepoints) & set(chokepoints))


def _touches(event: Event, kind: str, codes: Sequence[str]) -> bool:
    named: Mapping[str, Iterable[str]] = {
        "item": event.items,
        "country": event.countries,
        "chokepoint": event.chokepoints,
        "port": event.ports,
    }
    return bool(set(named.get(kind, ())) & set(codes))


def _event_report(
    store: Store, asked: str, known: Known, as_of: datetime | None, viewer: Viewer
) -> ExposureReport:
    event = store.event(asked)
    if event is None:
        raise NotFound(f"no event {asked!r}; `ews alert ID` names the event behind an alert")
    if as_of is not None:
        then = [one for one in store.events_as_of(as_of) if one.id == event.id]
        if not then:
            raise NotFound(f"event {asked!r} was not known yet at {as_of:%Y-%m-%d %H:%M} UTC")
        event = then[0]
    elif known.moment - (event.last_seen or event.updated_at) > LOOK_BACK:
        # A happening of the past is told by the figures and alerts of its own time.
        known = Known.at(store, known.moment, event.last_seen or event.updated_at)
    found = store.exposures(event_id=event.id)
    items = list(dict.fromkeys([*event.items, *(e.item for e in visible(found, viewer))]))
    about = (Label(event.id, event.title, event.title),)
    pairs = [pair for item in items for pair in pairs_of(item)]
    return _assemble(
        store, Question("event", asked, about, known, viewer), items, pairs, [event], found
    )


def _firm_report(store: Store, asked: str, known: Known, viewer: Viewer) -> ExposureReport:
    """A firm's own exposure, from the rows its owner imported."""
    # What is another's and what does not exist are one answer, or the answer would tell.
    every = rows_seen(store, viewer)
    firms = sorted({str(row["firm"]) for row in every if names_firm(row, asked)})
    if not firms:
        raise NotFound(NO_SUCH_FIRM)
    seen = [row for row in every if str(row["firm"]) in firms]
    found = [e for firm in firms for e in store.exposures(firm=firm)]
    items = [i for i in dict.fromkeys(str(row.get("item", "")) for row in seen) if i in ITEMS]
    wanted = {e.event_id for e in found}
    events = [e for e in known.events if e.id in wanted]
    several = len({row["owner"] for row in seen}) > 1
    about = tuple(dict.fromkeys(firm_label(row, several) for row in seen))
    pairs = [pair for item in items for pair in pairs_of(item)]
    report = _assemble(
        store, Question("firm", asked, about, known, viewer), items, pairs, events, found
    )
    links = link_lines(seen)
    own = ["synthetic" if link.synthetic else "stated" for link in links]
    told = [count.basis for count in report.bases for _ in range(count.rows)]
    return replace(report, links=links, bases=count_bases([*own, *told]))


def names_firm(row: Mapping[str, object], asked: str) -> bool:
    """Whether the row of a store is of the firm, or the owner, that goes by this name."""
    names = {str(row.get(key, "")).casefold() for key in ("firm", "owner", "firm_name", "name")}
    return asked.casefold() in names - {""}


def _assemble(
    store: Store,
    question: Question,
    items: Sequence[str],
    pairs: Sequence[Pair],
    events: Sequence[Event],
    found: Sequence[Exposure],
) -> ExposureReport:
    known = question.known
    on = known.moment.date()
    late = [pair for pair in pairs if not known_by(*pair, on)]
    pairs = [pair for pair in pairs if pair not in late]
    open_ids = {e.id for e in (*known.events, *events)}
    mine = [e for e in visible(found, question.viewer) if e.event_id in open_ids]
    kept = [known_then(e, on) for e in mine]
    live = sorted(kept, key=_strength, reverse=True)
    touched = _with_events_of(events, known.events, live)
    shares, uses = share_lines(pairs, on), use_lines(items, question.industries)
    exposures = tuple(exposure_line(e) for e in live)
    listed = [ITEMS[item] for item in items if item in ITEMS]
    return ExposureReport(
        kind=question.kind,
        asked=question.asked,
        about=question.about,
        as_of=known.moment,
        critical=any(item.critical for item in listed),
        lists=tuple(dict.fromkeys(name for item in listed for name in item.lists)),
        shares=shares,
        uses=uses,
        industries=_unique(use.industry for use in uses),
        ministries=_unique(ministry for use in uses for ministry in use.ministries),
        routes=route_lines(pairs),
        dependence=()
        if question.kind in {"country", "chokepoint", "port"}
        else dependence_lines(items, on),
        alerts=tuple(
            alert_line(alert, touched[alert.event_id])
            for alert in known.alerts
            if alert.event_id in touched
        ),
        events=tuple(event_line(event) for event in touched.values()),
        exposures=exposures,
        bases=count_bases(_bases(shares, uses, exposures)),
        notes=tuple(
            notes(on, len(late), any(a is not b for a, b in zip(kept, mine, strict=True)), shares)
        ),
    )


def _strength(exposure: Exposure) -> float:
    """Order of the list: expected loss; an unknown share counts by its magnitude alone, halved."""
    known = exposure.loss
    return exposure.probability * (0.5 * exposure.magnitude if known is None else known)


def _with_events_of(
    events: Sequence[Event], open_events: Sequence[Event], exposures: Sequence[Exposure]
) -> dict[str, Event]:
    """The events that touch it by name or by path, the newest change first."""
    by_path = {exposure.event_id for exposure in exposures}
    found = {e.id: e for e in (*events, *(e for e in open_events if e.id in by_path))}
    return dict(sorted(found.items(), key=lambda pair: pair[1].updated_at, reverse=True))


def _unique(found: Iterable[Label | None]) -> tuple[Label, ...]:
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _bases(
    shares: Iterable[ShareLine], uses: Iterable[UseLine], exposures: Iterable[ExposureLine]
) -> list[str]:
    """One basis per row: a synthetic exposure counts as synthetic, whatever its hops say."""
    bases = [line.basis for line in shares]
    bases += [line.basis for line in uses]
    for line in exposures:
        bases += ["synthetic"] if line.synthetic else [hop.basis for hop in line.path]
    return bases
