"""Who hears of what now? Changes that nobody has routed, what was held and may speak, unanswered
calls, digests that are due, planned events: all into the outbox, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.clocks import answered, duty_of, escalations
from alerts.digests import Dues, carry, digest, due_digests
from alerts.planned import announcement, cancelled, planned_bulletins
from alerts.routes import on_duty
from alerts.routing import (
    SPEAKS,
    UNTIL_DIGEST,
    Routes,
    Spent,
    first_of,
    heard_by,
    match,
    matters,
    may_speak,
    release,
    route,
    since_of,
    spent_of,
    told_of,
)
from alerts.silences import urgency
from alerts.told import JOINED
from alerts.view import Names
from ews.model import (
    ActKind,
    Alert,
    AlertChange,
    Bulletin,
    BulletinKind,
    ChangeKind,
    Notification,
    RouteReason,
    Silence,
    Stage,
)
from ews.storage import Store
from ews.telling.receivers import Past, keep, past
from ews.telling.resting import rest, rests
from ews.telling.unwatched import unwatched_part
from graph import USES

HELD = SPEAKS | UNTIL_DIGEST  # may be told later
ROUTED_AT_ONCE = 100  # changes in one transaction: with fifty receivers about a second
DIGESTS_AT_ONCE = 10  # in one transaction: everybody's are due at half past eight
PLAN_NEWS = timedelta(days=3)  # what was taken back longer ago is no news to anybody


def tell(store: Store, routes: Routes, names: Names, now: datetime, link: str = "") -> int:
    """Decide and write the outbox; how many notifications. `link` is the address of our pages.

    Cheap when nothing happened and nothing is due (`ews.telling.resting`).
    """
    if rests(store, routes, now):
        return 0
    gone = {one.name for one in store.people() if one.disabled_at is not None}
    duty = on_duty(routes, gone)
    told = _burst(store, duty, names, now, link)
    with store.begin() as tx:
        round_ = _Round(tx, duty, names, now, link, past(tx, duty.receivers))
        told += round_.run()
        keep(tx, round_.past)
        due = len(round_.due())
        if not due:
            rest(tx, routes, round_.waiting(), now)
            return told
    for _ in range(0, due, DIGESTS_AT_ONCE):
        with store.begin() as tx:
            told += _Round(tx, duty, names, now, link, round_.past).digests()
    return told


def _burst(store: Store, routes: Routes, names: Names, now: datetime, link: str) -> int:
    """Route what is too much for one transaction in several, so that nobody waits long to write."""
    told = 0
    while len(store.unrouted()) > ROUTED_AT_ONCE:
        with store.begin() as tx:
            round_ = _Round(tx, routes, names, now, link, past(tx, routes.receivers))
            changes, firing = tx.unrouted(), tx.open_alerts()
            told += round_.routed(first_of(changes, routes, firing, ROUTED_AT_ONCE))
    return told


@dataclass(frozen=True, slots=True)
class _Round:
    tx: Store
    routes: Routes
    names: Names
    now: datetime
    link: str
    past: Past

    def run(self) -> int:
        told = self.routed(self.tx.unrouted())
        told += self.routed(self._joined())
        firing = self.tx.open_alerts()
        further = self._escalated(firing)
        told += self.routed(further)
        told += self.routed(self._released(_after(firing, further)))
        return told + self._planned() + self._taken_back()

    # ----- alerts

    def routed(self, changes: Sequence[AlertChange]) -> int:
        if not changes:
            return 0
        firing = self.tx.open_alerts()
        ids = matters(changes, self.routes, firing)
        told = told_of(self._notes(ids), self.tx.dead_of(ids))
        notifications = route(
            changes, self.routes, self._silences(), self._spent(), self.now, told, firing, USES,
            self.names,
        )  # fmt: skip
        self.tx.save_notifications(changes, notifications)
        return len(notifications)

    def _joined(self) -> list[AlertChange]:
        """Alerts from 주의 on that receivers hear of for the first time because the routes changed;
        of 관심 they hear when it next changes."""
        changes = []
        more = [one for one in self.routes.receivers if one.name in self.past.more]
        firing = (
            [one for one in self.tx.open_alerts() if urgency(one) >= Stage.CAUTION] if more else []
        )
        told = self._notes([one.id for one in firing], self.past.more)
        below = RouteReason.HELD_BELOW_MINIMUM  # the minimum may be what has changed
        known = {(one.alert_id, one.receiver) for one in told if one.reason is not below}
        for alert in firing:
            names = tuple(
                one.name for one in more
                if (alert.id, one.name) not in known and urgency(alert) >= one.minimum
                and match(alert, one) is not None
            )  # fmt: skip
            if names:
                after = replace(alert, revision=alert.revision + 1, updated_at=self.now)
                changes.append(AlertChange(
                    after, ChangeKind.RELEASED, self.now, alert.stage, JOINED, receivers=names
                ))  # fmt: skip
        self.tx.save_changes(changes)
        return changes

    def _escalated(self, firing: Sequence[Alert]) -> list[AlertChange]:
        """Calls for the next person where a clock has run out, and the call would be sent."""
        called = self._called()
        ids = [alert.id for alert in firing if called and self._runs(alert)]
        if not ids:
            return []
        waiting = [alert for alert in firing if alert.id in set(ids)]
        asked = escalations(
            waiting, self.routes, self._notes(ids, called),
            self.tx.deliveries_of(ids, self.past.all_names(called)), self.now,
        )  # fmt: skip
        if not asked:
            return []
        matter = matters(asked, self.routes, firing)
        told = told_of(self._notes(matter, called), self.tx.dead_of(matter))
        changes = heard_by(
            asked, self.routes, self._silences(), self._spent(), self.now, told, firing
        )
        self.tx.save_changes(changes)
        return changes

    def _runs(self, alert: Alert) -> bool:
        """Whether people on duty somewhere have to take the alert, and have not."""
        if urgency(alert) < Stage.CAUTION:
            return False
        duty = duty_of(self.routes.receivers)
        return any(
            one.people and one.ack_within_min
            and not answered(alert, one, duty) and match(alert, one) is not None
            for one in self.routes.receivers
        )  # fmt: skip

    def _called(self) -> list[str]:
        """Receivers with somebody on duty and a clock."""
        return [one.name for one in self.routes.receivers if one.people and one.ack_within_min]

    def _released(self, firing: Sequence[Alert]) -> list[AlertChange]:
        """What was held back and may speak now."""
        digested = self._digested()
        pairs = self._speaking(digested)
        if not pairs:
            return []
        waiting = [alert for alert in firing if alert.id in pairs]
        receivers = {name for names in pairs.values() for name in names}
        ids = matters(_asked(waiting, self.now), self.routes, firing)
        changes = release(
            firing, self.routes, self._silences(), self._notes(ids, receivers),
            self._spent(), self.now, digested, self.tx.dead_of(ids),
        )  # fmt: skip
        self.tx.save_changes(changes)
        return changes

    def _speaking(self, digested: Mapping[str, datetime]) -> dict[str, set[str]]:
        """Alerts of which something was held that may still speak, with the receivers."""
        known = {one.name: one for one in self.routes.receivers}
        found: dict[str, set[str]] = defaultdict(set)
        for alert, told, reason, at in self.tx.held_back(HELD):
            name = self.past.now(told)
            receiver = known.get(name)
            if receiver and may_speak(reason, at, receiver, digested.get(name), self.now):
                found[alert].add(name)
        return dict(found)

    def waiting(self) -> bool:
        """Whether time alone may bring something: what is held speaks, a clock runs out."""
        if self._called() and any(self._runs(alert) for alert in self.tx.open_alerts()):
            return True
        return bool(self._speaking(self._digested()))

    def _notes(
        self, ids: Collection[str], receivers: Collection[str] | None = None
    ) -> list[Notification]:
        """Notifications of these alerts, under the names that receivers have now."""
        names = None if receivers is None else self.past.all_names(receivers)
        return self.past.renamed(self.tx.notifications_of(ids, names))

    def _digested(self) -> dict[str, datetime]:
        """When each receiver's newest digest was made."""
        newest: dict[str, datetime] = {}
        for name, at in self.tx.newest_bulletins(BulletinKind.DIGEST).items():
            now = self.past.now(name)
            newest[now] = max(at, newest.get(now, at))
        return newest

    def _silences(self) -> list[Silence]:
        return self.tx.silences(self.now)

    def _spent(self) -> Spent:
        since = since_of(self.routes.receivers, self.now)
        return spent_of(self.past.renamed(self.tx.posted(since)), self.routes.receivers, self.now)

    # ----- bulletins

    def due(self) -> Dues:
        return due_digests(self.routes, self._digested(), self.now)

    def digests(self) -> int:
        """Some of the digests that are due."""
        firing, made = self.tx.open_alerts(), []
        for receiver, since, until in self.due()[:DIGESTS_AT_ONCE]:
            alerts = [*firing, *self.tx.ended_alerts(since)]
            told = self._notes([alert.id for alert in alerts], [receiver.name])
            more = unwatched_part(self.tx, receiver, self.link)
            bulletin = digest(
                receiver, since, until, alerts, told, self.names, self.now, self.link, more
            )
            made.append((bulletin, carry(bulletin, receiver)))
        self._save(made)
        return len(made)

    def _planned(self) -> int:
        """Bulletins of planned events that were entered since; told once, by their id."""
        return self._once([
            bulletin for plan in self.tx.silences() if plan.planned
            for bulletin in planned_bulletins(plan, self.routes, self.now, USES, self.names)
        ])  # fmt: skip

    def _taken_back(self) -> int:
        """Who was told of a planned event is told that a person took it back or ended it."""
        found: list[Bulletin] = []
        for done in self.tx.acts(kinds=[ActKind.UNSILENCE], since=self.now - PLAN_NEWS):
            plan = self.tx.silence(done.detail.get("silence", ""))
            if plan is not None and plan.planned:
                told = self.tx.known_bulletins(
                    [announcement(plan, one) for one in self.routes.receivers]
                )
                found += cancelled(plan, self.routes, told, self.now, done.by, done.note)
        return self._once(found)

    def _once(self, bulletins: Sequence[Bulletin]) -> int:
        """Save those that are new."""
        known = self.tx.known_bulletins([one.id for one in bulletins])
        new = [one for one in bulletins if one.id not in known]
        self._save([(one, carry(one, self.routes.receiver(one.receiver))) for one in new])
        return len(new)

    def _save(self, made: Sequence[tuple[Bulletin, Notification]]) -> None:
        self.tx.save_bulletins([one for one, _ in made], [carried for _, carried in made])


def _after(firing: Sequence[Alert], changes: Sequence[AlertChange]) -> list[Alert]:
    newest = {alert.id: alert for alert in firing} | {c.alert.id: c.alert for c in changes}
    return list(newest.values())


def _asked(alerts: Sequence[Alert], now: datetime) -> list[AlertChange]:
    """Changes that only name these alerts, to ask what matters to them."""
    return [AlertChange(alert, ChangeKind.RELEASED, now, None, "") for alert in alerts]
