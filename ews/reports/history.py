"""What was known of an alert then? Reads the store as of one moment, or as it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ews.model import (
    Act,
    Alert,
    AlertChange,
    Delivery,
    DeliveryState,
    Event,
    Exposure,
    Notification,
    TaggedArticle,
)
from ews.reports.viewer import NotFound
from ews.storage import Store

FINAL = (DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.HELD)


@dataclass(frozen=True)
class Then:
    """One alert at one moment; `at` None is now.

    Past: the alert as its newest change of then left it, its event at the revision that change
    stood on, events that had joined as recorded by that change.
    """

    store: Store
    alert_id: str
    at: datetime | None = None

    @cached_property
    def changes(self) -> tuple[AlertChange, ...]:
        found = self.store.changes(alert_id=self.alert_id)
        return tuple(c for c in found if self.at is None or c.at <= self.at)

    @cached_property
    def alert(self) -> Alert:
        """NotFound when it was not raised yet."""
        if self.changes:
            return self.changes[-1].alert
        standing = self.store.alert(self.alert_id)
        if self.at is None and standing is not None:
            return standing
        raise NotFound(
            f"alert {self.alert_id} was not raised yet at {self.at:%Y-%m-%d %H:%M} UTC; ask for a "
            "later time"
        )

    @cached_property
    def event(self) -> Event | None:
        current = self.store.event(self.alert.event_id)
        if self.at is None or current is None:
            return current
        wanted = self.alert.event_revision
        kept = {one.revision: one for one in self.store.event_revisions(current.id)}
        return kept.get(wanted) or self.store.event_as_of(current.id, self.alert.updated_at)

    @cached_property
    def joined(self) -> tuple[Event, ...]:
        """Further events that the alert had taken in."""
        ids = [one for one in self.alert.members if one != self.alert.event_id]
        if self.at is None:
            found: Sequence[Event | None] = [self.store.event(one) for one in ids]
        else:
            found = [self.store.event_as_of(one, self.alert.updated_at) for one in ids]
        return tuple(one for one in found if one is not None)

    @cached_property
    def revisions(self) -> tuple[Event, ...]:
        """The event at each of its revisions, oldest first, up to the one shown."""
        if self.event is None:
            return ()
        found = self.store.event_revisions(self.event.id)
        return tuple(one for one in found if one.revision <= self.event.revision)

    def tagged(self, article_id: str) -> TaggedArticle | None:
        if self.at is None:
            return self.store.tagged(article_id)
        return self.store.tagged_as_of(article_id, self.at)

    @cached_property
    def exposures(self) -> tuple[Exposure, ...]:
        """Those the alert named, in its order; all of its event's when it named none."""
        if self.at is None:
            return self._standing()
        events = [one for one in (self.event, *self.joined) if one is not None]
        found = [x for one in events for x in self._kept(one) or ()]
        order = {id: place for place, id in enumerate(self.alert.exposure_ids)}
        named = sorted((x for x in found if x.id in order), key=lambda x: order[x.id])
        return tuple(named or (x for x in found if x.event_id == self.alert.event_id))

    def _standing(self) -> tuple[Exposure, ...]:
        if not self.alert.exposure_ids:
            return tuple(self.store.exposures(event_id=self.alert.event_id))
        return tuple(self.store.exposures(ids=list(self.alert.exposure_ids)))

    def _kept(self, event: Event) -> list[Exposure] | None:
        return self.store.exposures_of_revision(event.id, event.revision)

    @property
    def paths_lost(self) -> bool:
        """Whether the paths of that revision are not kept, so that none can be shown."""
        return self.at is not None and self.event is not None and self._kept(self.event) is None

    @cached_property
    def notifications(self) -> tuple[Notification, ...]:
        found = self.store.notifications(alert_id=self.alert_id)
        return tuple(one for one in found if self.at is None or one.at <= self.at)

    @cached_property
    def _ended(self) -> dict[str, Delivery]:
        assert self.at is not None
        return self.store.deliveries_as_of(self.alert_id, self.at)

    def delivery(self, notification: Notification) -> Delivery | None:
        """How far it had got; tries that decided nothing are not dated, so they are not counted."""
        standing = self.store.delivery(notification.id)
        if self.at is None or standing is None or standing.state is DeliveryState.HELD:
            return standing
        if (known := self._ended.get(notification.id)) is not None:
            return known
        tried = standing.first_try_at is not None and standing.first_try_at <= self.at
        return Delivery(notification.id, DeliveryState.TRYING if tried else DeliveryState.NEW)

    @property
    def on_their_way(self) -> bool:
        """Whether something was neither sent nor given up then."""
        found = [self.delivery(one) for one in self.notifications]
        return any(one is not None and one.state not in FINAL for one in found)

    @cached_property
    def acts(self) -> tuple[Act, ...]:
        return tuple(self.store.acts(alert_id=self.alert_id, until=self.at))
