"""What does a notification say? From what the store held at the revision that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.bulletins import bulletin_message
from alerts.illustrations import illustrated, illustrations
from alerts.messages import AlertView, Message, Names, Picture, build_message
from alerts.silences import fits
from ews.freshness import heard, silent_first_named
from ews.model import (
    Act,
    ActKind,
    Alert,
    Event,
    Exposure,
    Notification,
    Silence,
    Source,
)
from ews.storage import Store
from ews.telling.watched import watched
from graph import USES

PLANS_AHEAD = timedelta(days=14)  # a planned event is named beside alerts so long before it begins


@dataclass(frozen=True, slots=True)
class Teller:
    """Words for notifications, from what the store held at the revision that each tells of."""

    store: Store
    names: Names
    sources: tuple[Source, ...] = ()  # watched live; a silent one makes the reader blind
    public_url: str = ""

    def message(self, notification: Notification, now: datetime) -> Message:
        """The message of a notification, as the alert stood at that revision."""
        if notification.bulletin is not None:
            bulletin = self.store.bulletin(notification.bulletin)
            if bulletin is None:
                raise LookupError(f"notification {notification.id} carries no bulletin we have")
            return bulletin_message(bulletin)
        view = self.view(notification, now)
        return build_message(view, notification.lang, self._pictures(view, notification))

    def _pictures(self, view: AlertView, notification: Notification) -> tuple[Picture, ...]:
        """The path, and the series that spoke for the event."""
        if not illustrated(notification):
            return ()
        values, marks = watched(self.store, view.event, view.now)
        return illustrations(view, notification.lang, values, marks)

    def view(self, notification: Notification, now: datetime) -> AlertView:
        """Everything around the alert that its message needs."""
        changes = self.store.changes(alert_id=notification.alert_id)
        change = next(c for c in changes if c.alert.revision == notification.alert_revision)
        alert = change.alert
        event, *joined = self.events_then(alert)
        told = self.store.notifications(alert_id=alert.id)
        return AlertView(
            alert=alert,
            event=event,
            exposures=self._exposures(alert),
            change=change,
            told=_others(told, notification),
            names=self.names,
            now=now,
            because=notification.why,
            blind=self.blind(now, notification.lang),
            joined=tuple(joined),
            link=f"{self.public_url.rstrip('/')}/alerts/{alert.id}" if self.public_url else "",
            signers=self._signers() if alert.proposed is not None else (),
            mentions=notification.mentions,
            planned=self._planned(alert, now),
            uses=USES,
            closed=_decision(self.store.acts(alert.id, [ActKind.CLOSE])),
        )

    def events_then(self, alert: Alert) -> list[Event]:
        """The alert's event as the alert saw it, then those that joined it."""
        lead = self._event_then(alert)
        if lead is None:
            raise LookupError(f"alert {alert.id} names an event that the store lacks")
        others = (self.store.event(id) for id in alert.members if id != alert.event_id)
        return [lead, *(event for event in others if event is not None)]

    def _event_then(self, alert: Alert) -> Event | None:
        """The event at that revision; its newest state when that revision is not kept."""
        revisions = {event.revision: event for event in self.store.event_revisions(alert.event_id)}
        return revisions.get(alert.event_revision) or self.store.event(alert.event_id)

    def _exposures(self, alert: Alert) -> tuple[Exposure, ...]:
        """Those of all its events, the lead's first."""
        ids = dict.fromkeys((alert.event_id, *alert.members))
        return tuple(one for id in ids for one in self.store.exposures(event_id=id))

    def _signers(self) -> tuple[str, ...]:
        people = self.store.people()
        return tuple(one.name for one in people if one.signs and one.disabled_at is None)

    def _planned(self, alert: Alert, now: datetime) -> tuple[Silence, ...]:
        """Planned events, in force or near, that may explain the alert."""
        near = (s for s in self.store.silences() if s.starts_at - PLANS_AHEAD <= now < s.ends_at)
        kept = (s for s in near if s.planned and s.starts_at < s.ends_at)  # not taken back
        return tuple(s for s in kept if fits(s, alert))

    def blind(self, now: datetime, lang: str = "en") -> tuple[str, ...]:
        """Watched sources that are failing or stale: their silence is not calm. With publisher, in
        the reader's language."""
        known = heard(self.store, self.sources, now)
        return tuple(one.spoken_of(lang) for one in silent_first_named(known))


def _others(told: Sequence[Notification], notification: Notification) -> tuple[str, ...]:
    """Who else was told of the alert, by name of the receiver."""
    names = {n.receiver for n in told if n.reason.sent and not n.edit}
    return tuple(sorted(names - {notification.receiver}))


def _decision(closings: Sequence[Act]) -> str:
    """The newest decision with its outcome, "" when nobody wrote one down."""
    if not closings:
        return ""
    detail = closings[-1].detail
    return " · ".join(text for key in ("decision", "outcome") if (text := detail.get(key)))
