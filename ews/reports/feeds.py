"""What may the world take from us? CAP messages, the Atom feed of them, and a calendar of dates.

Public content of alerts only: no exposure of a firm, no person's name, no stage before its
signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from alerts import cap_info
from alerts.atom import PAGE, CapEntry, build_atom, pages
from alerts.cap import Issuer, Parent, build_cap, identifier, message_type, named, public, published
from alerts.facts import Codes
from alerts.ical import CANCELLED_STAYS, DateEntry, alert_dates, build_ical, planned_date
from alerts.sections import title_of
from alerts.view import AlertView
from ews.config import Settings, SettingsError
from ews.model import Alert, AlertChange, AlertState, Event, Stage
from ews.reports.names import Names
from ews.reports.viewer import NotFound
from ews.storage import Store
from graph.reference import CHOKEPOINTS, ITEMS, PORTS

WINDOW = timedelta(days=90)  # messages that the feed lists; older ones keep their address
LOOK_BACK = timedelta(days=180)
Revisions = dict[str, dict[int, Event]]  # by event and revision
IDENTIFIER = re.compile(r"([a-z0-9-]{1,80})\.(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Published:
    """A change that was told, with the messages before it, oldest first."""

    change: AlertChange
    parents: tuple[Parent, ...]

    @property
    def identifier(self) -> str:
        return identifier(self.change.alert.id, self.change.alert.revision)


@cache
def codes() -> Codes:
    """HS codes, UN/LOCODEs and coordinates of the reference data."""
    return Codes(
        hs={item.id: tuple(item.hs) for item in ITEMS.values()},
        locodes={p.id: p.unlocode.replace(" ", "") for p in PORTS.values() if p.unlocode},
        points={port.id: (port.lat, port.lon) for port in PORTS.values()}
        | {strait.id: (strait.lat, strait.lon) for strait in CHOKEPOINTS.values()},
    )


def issuer_of(settings: Settings) -> Issuer:
    """Who speaks. Without cap_sender only tests can be published, under a name nobody has."""
    if settings.cap_sender is None and settings.cap_status != "Test":
        raise SettingsError(
            f'cap_status is "{settings.cap_status}" but cap_sender is not set; name who speaks '
            "(docs/howto-channels.md)"
        )
    try:
        return Issuer(
            settings.cap_sender or "ews.invalid",
            settings.cap_status,
            settings.public_url or "",
            settings.contact or "",
            codes(),
        )
    except ValueError as error:
        raise SettingsError(f"cap_sender: {error}") from error


# --------------------------------------------------------------------------- CAP


def told(changes: Iterable[AlertChange], issuer: Issuer) -> Iterator[Published]:
    """The published ones among the changes of one alert, oldest first, all of them given."""
    parents: list[Parent] = []
    for change in changes:
        if published(change, first=not parents):
            yield Published(change, tuple(parents))
            parents.append(named(change, issuer))


def published_since(store: Store, issuer: Issuer, since: datetime) -> list[Published]:
    """Everything told since then, newest first."""
    by_alert: dict[str, list[AlertChange]] = {}
    for change in store.changes(since=since - LOOK_BACK):
        by_alert.setdefault(change.alert.id, []).append(change)
    found: list[Published] = []
    for alert_id, changes in by_alert.items():
        if changes[-1].at < since:
            continue
        if changes[0].alert.revision > 1:  # it began before we looked
            changes = store.changes(alert_id=alert_id)
        found += [one for one in told(changes, issuer) if one.change.at >= since]
    found.sort(key=lambda one: (one.change.at, one.identifier), reverse=True)
    return found


def cap_document(store: Store, issuer: Issuer, wanted: str) -> bytes:
    """The CAP message of that identifier. NotFound when there is none, or none was published."""
    parts = IDENTIFIER.fullmatch(wanted)
    changes = store.changes(alert_id=parts[1]) if parts else []
    for one in told(changes, issuer):
        if one.identifier == wanted:
            return build_cap(view_of(store, one.change), issuer, one.parents)
    raise NotFound(f"no CAP message {wanted!r}; /feeds/alerts.atom lists them")


def view_of(store: Store, change: AlertChange, seen: Revisions | None = None) -> AlertView:
    """The change with its event as it stood then. Exposures stay out: firms' rows are among them,
    and only the newest are kept. `seen` keeps the events of one reading."""
    alert = change.alert
    return AlertView(
        alert=alert,
        event=_event_then(store, alert, {} if seen is None else seen),
        exposures=(),
        change=change,
        told=(),
        names=Names(),
        now=change.at,
    )


def _event_then(store: Store, alert: Alert, seen: Revisions) -> Event:
    id = alert.event_id
    if id not in seen:
        seen[id] = {event.revision: event for event in store.event_revisions(id)}
    event = seen[id].get(alert.event_revision) or store.event(id)
    if event is None:
        raise LookupError(f"alert {alert.id} names an event that the store lacks")
    return event


# --------------------------------------------------------------------------- Atom


def atom_document(
    store: Store, issuer: Issuer, now: datetime, base: str, number: int = 1, lang: str = "ko",
    stage: Stage = Stage.WATCH,
) -> bytes:  # fmt: skip
    """One page of the feed. `base`: what the addresses of the feed and its messages begin with,
    "" for relative ones. `stage`: of alerts that reached it, from then on to their end. NotFound for
    a page that is not there."""
    found = [
        one
        for one in published_since(store, issuer, now - WINDOW)
        if one.change.alert.max_stage >= stage
    ]
    last = pages(len(found))
    if not 1 <= number <= last:
        raise NotFound(f"the feed has {last} pages")
    urls = _page_urls(base, number, last, lang, stage)
    shown = found[(number - 1) * PAGE : number * PAGE]
    seen: Revisions = {}
    entries = [_entry(view_of(store, one.change, seen), one, base, lang) for one in shown]
    return build_atom(entries, urls, issuer.sender, cap_info.sender_name(lang), lang)


def _page_urls(base: str, number: int, last: int, lang: str, stage: Stage) -> dict[str, str]:
    def url(page: int) -> str:
        query = [f"lang={lang}"] if lang != "ko" else []
        query += [f"stage={stage.en}"] if stage > Stage.WATCH else []
        query += [f"page={page}"] if page > 1 else []
        return f"{base}alerts.atom" + ("?" + "&".join(query) if query else "")

    urls = {"self": url(number), "first": url(1), "last": url(last)}
    if number > 1:
        urls["previous"] = url(number - 1)
    if number < last:
        urls["next"] = url(number + 1)
    return urls


def _entry(view: AlertView, one: Published, base: str, lang: str) -> CapEntry:
    return CapEntry(
        one.identifier,
        one.change.at,
        cap_info.headline(public(view), lang),
        title_of(view, lang),
        f"{base}cap/{one.identifier}.xml",
        one.change.alert.stage.en,
        message_type(one.change.kind, one.parents),
    )


# --------------------------------------------------------------------------- calendar


def ical_document(store: Store, settings: Settings, now: datetime, lang: str = "ko") -> bytes:
    """The calendar of dates to watch, with what was cancelled lately."""
    return build_ical(dates(store, settings.public_url or "", now, lang), lang)


def dates(store: Store, public_url: str, now: datetime, lang: str) -> list[DateEntry]:
    since = now - CANCELLED_STAYS
    ended = [
        alert
        for alert in store.alerts(state=AlertState.RESOLVED, since=since - WINDOW)
        if (alert.resolved_at or alert.updated_at) >= since
    ]
    found: dict[str, DateEntry] = {}
    for alert in [*ended, *store.open_alerts()]:  # of one event told twice, the open alert's entry
        for entry in _alert_dates(store, alert, public_url, lang):
            found[entry.uid] = entry
    return [*found.values(), *_planned(store, since, lang)]


def _alert_dates(store: Store, alert: Alert, public_url: str, lang: str) -> list[DateEntry]:
    ids: Sequence[str] = list(dict.fromkeys([alert.event_id, *alert.members]))
    events = [event for id in ids if (event := store.event(id)) is not None]
    exposures = [one for id in ids for one in store.exposures(event_id=id) if one.firm is None]
    return alert_dates(alert, events, exposures, Names(), codes(), lang, public_url)


def _planned(store: Store, since: datetime, lang: str) -> Iterator[DateEntry]:
    for silence in store.silences():
        if silence.planned and silence.ends_at >= since:
            kept = list(store.audit_rows(subject=silence.id))
            changed = kept[-1].at if kept else silence.starts_at
            yield planned_date(silence, max(0, len(kept) - 1), changed, lang)
