"""Who hears of what now? Changes that nobody has routed, what was held and may speak, unanswered
calls, digests that are due, planned events: all into the outbox, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.clocks import escalations
from alerts.digests import carry, digest, due_digests
from alerts.planned import planned_bulletins
from alerts.routing import (
    SPEAKS,
    UNTIL_DIGEST,
    Routes,
    Spent,
    matters,
    release,
    route,
    since_of,
    spent_of,
    told_of,
)
from alerts.view import Names
from ews.model import (
    Alert,
    AlertChange,
    Bulletin,
    BulletinKind,
    ChangeKind,
    Notification,
    Silence,
    Stage,
)
from ews.storage import Store
from graph import USES

HELD = SPEAKS | UNTIL_DIGEST  # may be told later


def tell(store: Store, routes: Routes, names: Names, now: datetime, link: str = "") -> int:
    """Decide and write the outbox; how many notifications. `link` is the address of our pages."""
    with store.begin() as tx:
        return _Round(tx, routes, names, now, link).run()


@dataclass(frozen=True, slots=True)
class _Round:
    tx: Store
    routes: Routes
    names: Names
    now: datetime
    link: str

    def run(self) -> int:
        told = self._routed(self.tx.unrouted())
        firing = self.tx.open_alerts()
        further = self._escalated(firing)
        told += self._routed(further)
        told += self._routed(self._released(_after(firing, further)))
        return told + self._digests() + self._planned()

    # ----- alerts

    def _routed(self, changes: Sequence[AlertChange]) -> int:
        if not changes:
            return 0
        firing = self.tx.open_alerts()
        dead = self._dead()
        known = self.tx.notifications_of(matters(changes, self.routes, firing))
        notifications = route(
            changes, self.routes, self._silences(), self._spent(dead), self.now,
            told_of(known, dead), firing, USES, self.names,
        )  # fmt: skip
        self.tx.save_notifications(changes, notifications)
        return len(notifications)

    def _escalated(self, firing: Sequence[Alert]) -> list[AlertChange]:
        """Calls for the next person where a clock has run out."""
        if not any(one.people and one.ack_within_min for one in self.routes.receivers):
            return []
        waiting = [
            alert for alert in firing
            if max(alert.stage, alert.proposed or Stage.WATCH) >= Stage.CAUTION
            and alert.holder is None and alert.acknowledged_at is None
        ]  # fmt: skip
        ids = [alert.id for alert in waiting]
        changes = escalations(
            waiting, self.routes, self.tx.notifications_of(ids), self.tx.deliveries_of(ids),
            self.now,
        )  # fmt: skip
        self.tx.save_changes(changes)
        return changes

    def _released(self, firing: Sequence[Alert]) -> list[AlertChange]:
        """What was held back and may speak now."""
        held = self.tx.held_alerts(HELD)
        if not held:
            return []
        waiting = [alert for alert in firing if alert.id in held]
        dead = self._dead()
        known = self.tx.notifications_of(matters(_asked(waiting, self.now), self.routes, firing))
        known += self._digest_notes()
        changes = release(firing, self.routes, self._silences(), known, self._spent(dead), self.now)
        self.tx.save_changes(changes)
        return changes

    def _digest_notes(self) -> list[Notification]:
        """The newest digest of each receiver, as what carried it."""
        newest = self.tx.newest_bulletins(BulletinKind.DIGEST)
        return [
            carried for one in self.routes.receivers if (at := newest.get(one.name)) is not None
            for bulletin in self.tx.bulletins(one.name, since=at)
            if bulletin.kind is BulletinKind.DIGEST for carried in [carry(bulletin, one)]
        ]  # fmt: skip

    def _silences(self) -> list[Silence]:
        return self.tx.silences(self.now)

    def _spent(self, dead: set[str]) -> Spent:
        since = since_of(self.routes.receivers, self.now)
        today = self.tx.notifications(since=since)
        return spent_of(today, self.routes.receivers, self.now, dead)

    def _dead(self) -> set[str]:
        return {notification.id for notification, _ in self.tx.dead_letters()}

    # ----- bulletins

    def _digests(self) -> int:
        if not any(one.digests for one in self.routes.receivers):
            return 0
        due = due_digests(self.routes, self.tx.newest_bulletins(BulletinKind.DIGEST), self.now)
        made: list[tuple[Bulletin, Notification]] = []
        for receiver, since, until in due:
            alerts = [*self.tx.open_alerts(), *self.tx.ended_alerts(since)]
            told = self.tx.notifications_of([alert.id for alert in alerts])
            bulletin = digest(receiver, since, until, alerts, told, self.names, self.now, self.link)
            made.append((bulletin, carry(bulletin, receiver)))
        self.tx.save_bulletins([one for one, _ in made], [carried for _, carried in made])
        return len(made)

    def _planned(self) -> int:
        """Bulletins of planned events that were entered since; told once, by their id."""
        plans = [s for s in self.tx.silences() if s.planned and s.ends_at > self.now]
        made = []
        for plan in plans:
            for bulletin in planned_bulletins(plan, self.routes, self.now, USES, self.names):
                if self.tx.bulletin(bulletin.id) is None:
                    made.append(
                        (bulletin, carry(bulletin, self.routes.receiver(bulletin.receiver)))
                    )
        self.tx.save_bulletins([one for one, _ in made], [carried for _, carried in made])
        return len(made)


def _after(firing: Sequence[Alert], changes: Sequence[AlertChange]) -> list[Alert]:
    newest = {alert.id: alert for alert in firing} | {c.alert.id: c.alert for c in changes}
    return list(newest.values())


def _asked(alerts: Sequence[Alert], now: datetime) -> list[AlertChange]:
    """Changes that only name these alerts, to ask what matters to them."""
    return [AlertChange(alert, ChangeKind.RELEASED, now, None, "") for alert in alerts]
