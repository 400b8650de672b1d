"""The outbox: claimed by one worker at a time, in order, and never sent twice after a crash."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ews.model import (
    Alert,
    AlertChange,
    AlertState,
    ChangeKind,
    ChannelState,
    Delivery,
    DeliveryState,
    Event,
    EventStatus,
    Notification,
    Phase,
    RouteReason,
    Stage,
)
from ews.storage import Store
from ews.storage.channel_states import Rate
from ews.storage.outbox import _due
from tests.empty_store import opened
from tests.pg_server import pg_url

NOW = datetime(2023, 10, 20, 9, tzinfo=UTC)
LATER = NOW + timedelta(seconds=61)  # after a lease of 60 s


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        store = opened(tmp_path)
        yield store
        store.close()
        return
    with pg_url(migrated=True) as url:
        store = Store.open(tmp_path, url)
        yield store
        store.close()


def opened_again(store: Store, home: Path) -> Store:
    """The same database, as another process opens it."""
    url = store._engine.url
    lies_here = url.get_backend_name() == "sqlite"
    return Store.open(home, None if lies_here else url.render_as_string(hide_password=False))


def an_event(n: int = 1) -> Event:
    return Event(
        f"evt-{n}", "labour_action", (), EventStatus.SUSPECTED, Phase.ACTUAL, 0.7, 1.0, (), (), (),
        (), (), "strike", NOW, NOW, (), "news",
    )  # fmt: skip


def a_change(n: int = 1, revision: int = 1) -> AlertChange:
    alert = Alert(
        f"alr-{n}", "f", f"evt-{n}", Stage.WATCH, Stage.WATCH, AlertState.FIRING, NOW, NOW,
        revision, 1, "r", (), "labour_action", (), (), (), (), (), "strike",
    )  # fmt: skip
    return AlertChange(alert, ChangeKind.RAISED, NOW + timedelta(revision), None, "new")


def a_notification(
    n: int = 1,
    revision: int = 1,
    receiver: str = "room",
    reason: RouteReason = RouteReason.FIRST,
    at: datetime = NOW,
) -> Notification:
    return Notification(
        Notification.make_id(f"alr-{n}", revision, receiver), f"alr-{n}", revision,
        ChangeKind.RAISED, receiver, "console", "-", "ko", reason, at, "route: all",
    )  # fmt: skip


def tell(store: Store, *notifications: Notification) -> None:
    for n in sorted({int(note.alert_id.removeprefix("alr-")) for note in notifications}):
        store.save_events([an_event(n)])
        store.save_changes([a_change(n)])
    store.save_notifications([], notifications)


def claimed(store: Store, now: datetime, owner: str = "me") -> tuple[Notification, Delivery]:
    found = store.claim(now, owner, 60)
    assert found is not None
    return found


def finish(store: Store, delivery: Delivery, state: DeliveryState, **what: object) -> bool:
    return store.save_delivery(
        replace(delivery, state=state, lease_until=None, owner=None, **what)  # type: ignore[arg-type]
    )


# --------------------------------------------------------------------------- claiming


def test_a_claim_says_trying_before_anything_is_sent(store: Store) -> None:
    tell(store, a_notification())
    notification, delivery = claimed(store, NOW)
    assert notification == a_notification()
    assert delivery == store.delivery(notification.id)
    assert delivery.state is DeliveryState.TRYING
    assert (delivery.attempts, delivery.first_try_at) == (1, NOW)
    assert (delivery.owner, delivery.lease_until) == ("me", NOW + timedelta(seconds=60))
    assert store.claim(NOW + timedelta(seconds=59), "other", 60) is None


def test_a_claim_whose_worker_died_is_taken_over_with_its_first_try(store: Store) -> None:
    tell(store, a_notification())
    claimed(store, NOW)
    _, delivery = claimed(store, LATER, "other")
    assert (delivery.attempts, delivery.first_try_at, delivery.owner) == (2, NOW, "other")


def test_a_worker_that_lost_its_claim_cannot_undo_the_new_one_but_can_say_it_was_sent(
    store: Store,
) -> None:
    tell(store, a_notification())
    _, slow = claimed(store, NOW, "slow")
    notification, _ = claimed(store, LATER, "other")
    assert not finish(store, slow, DeliveryState.NEW)
    assert finish(store, slow, DeliveryState.SENT, external_id="1.0", sent_at=LATER)
    assert not finish(store, slow, DeliveryState.AMBIGUOUS)
    found = store.delivery(notification.id)
    assert found is not None
    assert (found.state, found.external_id) == (DeliveryState.SENT, "1.0")


@pytest.mark.parametrize("state", [DeliveryState.NEW, DeliveryState.AMBIGUOUS])
def test_what_is_to_be_tried_later_is_due_only_then(store: Store, state: DeliveryState) -> None:
    tell(store, a_notification())
    _, delivery = claimed(store, NOW)
    finish(store, delivery, state, next_try_at=LATER)
    assert store.claim(LATER - timedelta(microseconds=1), "me", 60) is None
    assert claimed(store, LATER)[1].attempts == 2


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.DEAD, DeliveryState.HELD])
def test_what_is_over_is_never_claimed(store: Store, state: DeliveryState) -> None:
    tell(store, a_notification())
    finish(store, claimed(store, NOW)[1], state)
    assert store.claim(NOW + timedelta(days=365), "me", 60) is None


def test_a_held_notification_is_kept_with_its_reason_and_not_sent(store: Store) -> None:
    held = a_notification(reason=RouteReason.HELD_BY_BUDGET)
    tell(store, held)
    assert store.claim(NOW, "me", 60) is None
    assert store.notifications(alert_id="alr-1") == [held]
    assert [d.state for d in store.deliveries(alert_id="alr-1")] == [DeliveryState.HELD]


def test_the_oldest_is_claimed_first(store: Store) -> None:
    tell(
        store,
        a_notification(2, at=NOW + timedelta(seconds=2)),
        a_notification(1, at=NOW + timedelta(seconds=1)),
    )
    first = claimed(store, LATER)[0]
    second = claimed(store, LATER)[0]
    assert [first.alert_id, second.alert_id] == ["alr-1", "alr-2"]


def test_what_may_have_arrived_is_settled_before_the_older_ones_that_wait(store: Store) -> None:
    tell(store, a_notification(1, at=NOW + timedelta(seconds=1)))
    doubtful, delivery = claimed(store, NOW)
    finish(store, delivery, DeliveryState.AMBIGUOUS, next_try_at=NOW)
    tell(store, *(a_notification(n) for n in range(2, 9)))
    assert claimed(store, NOW)[0] == doubtful


@pytest.mark.parametrize("outcome", [DeliveryState.SENT, DeliveryState.DEAD])
def test_a_later_revision_waits_for_the_earlier_one_to_that_receiver(
    store: Store, outcome: DeliveryState
) -> None:
    tell(store, a_notification(revision=2), a_notification(revision=1))
    _, first = claimed(store, NOW)
    finish(store, first, DeliveryState.AMBIGUOUS, next_try_at=LATER)
    assert store.claim(NOW, "me", 60) is None, "revision 2 must not overtake"
    notification, first = claimed(store, LATER)
    assert notification.alert_revision == 1
    finish(store, first, outcome)
    assert claimed(store, LATER)[0].alert_revision == 2


def test_a_held_revision_and_another_receiver_hold_nobody_up(store: Store) -> None:
    tell(
        store,
        a_notification(revision=1, reason=RouteReason.HELD_BY_SILENCE),
        a_notification(revision=2),
        a_notification(revision=3, receiver="other"),
    )
    told = {claimed(store, NOW)[0].alert_revision, claimed(store, NOW)[0].alert_revision}
    assert told == {2, 3}


def test_two_stores_and_eight_threads_claim_each_delivery_once(
    store: Store, tmp_path: Path
) -> None:
    tell(store, *(a_notification(n) for n in range(40)))
    other = opened_again(store, tmp_path)
    got: list[str] = []

    def work(which: Store, owner: str) -> None:
        while (found := which.claim(NOW, owner, 60)) is not None:
            got.append(found[0].id)

    threads = [
        threading.Thread(target=work, args=(store if n % 2 else other, f"w{n}")) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(got) == sorted(a_notification(n).id for n in range(40))


# --------------------------------------------------------------------------- addresses


def at_address(n: int, address: str, **more: object) -> Notification:
    return replace(a_notification(n), address=address, **more)  # type: ignore[arg-type]


def test_an_address_that_is_paused_passed_or_on_a_full_channel_is_passed_over(store: Store) -> None:
    tell(store, at_address(1, "a"), at_address(2, "b"), at_address(3, "c"))
    pause = NOW + timedelta(seconds=30)
    store.change_channel_state("console", "a", lambda state: replace(state, next_ok_at=pause))
    found = store.claim(NOW, "me", 60, passed=[("console", "b")])
    assert found is not None
    assert found[0].address == "c"
    assert store.due(NOW)
    assert not store.due(NOW, passed=[("console", "b")])
    assert not store.due(NOW, full=["console"])
    assert store.claim(NOW, "me", 60, full=["console"]) is None
    assert claimed(store, NOW)[0].address == "b"
    assert not store.due(pause - timedelta(microseconds=1))
    assert claimed(store, pause)[0].address == "a"


def test_a_rate_lets_a_burst_through_and_then_so_many_a_second() -> None:
    rate, at, times = Rate(1.0, 3), None, []
    now = NOW
    while len(times) < 6:
        if at is None or at <= now:
            at = rate.next_ok(at, now)
            times.append((now - NOW).total_seconds())
        else:
            now = at
    assert times == [0, 0, 0, 1, 2, 3]
    later = NOW + timedelta(hours=1)
    assert rate.next_ok(at, later) <= later, "idle time is saved up again, to one burst"


def test_a_slow_sending_does_not_let_the_next_ones_come_too_close() -> None:
    """What Slack counts is when a message arrives: never more than a burst and one a second."""
    rate, next_ok, now, arrived = Rate(1.0, 3), None, NOW, []
    for slow_s in (0.9, 0, 0, 0.4, 0, 0, 0, 0):
        now = now if next_ok is None else max(now, next_ok)
        next_ok = rate.next_ok(next_ok, now)
        now += timedelta(seconds=slow_s)
        arrived.append(now)
        next_ok = rate.ended(next_ok, now)
    bucket, last = 3.0, arrived[0]
    for at in arrived:
        bucket = min(3.0, bucket + (at - last).total_seconds()) - 1
        last = at
        assert bucket > -1e-6
    assert arrived[-1] - arrived[0] <= timedelta(seconds=6)


def test_a_claim_takes_a_slot_of_the_rate_and_a_new_process_knows(
    store: Store, tmp_path: Path
) -> None:
    tell(store, at_address(1, "a"), at_address(2, "a"))
    rates = {"console": Rate(0.5)}
    assert store.claim(NOW, "me", 60, rates) is not None
    other = opened_again(store, tmp_path)
    assert other.claim(NOW + timedelta(seconds=1.9), "new", 60, rates) is None
    assert other.claim(NOW + timedelta(seconds=2), "new", 60, rates) is not None
    other.close()


def test_the_state_of_an_address_is_kept(store: Store) -> None:
    well = ChannelState("slack", "C1")
    assert store.channel_state("slack", "C1") == well
    ill = replace(well, failing_since=NOW, failures=2, error="500", paged_at=LATER)
    assert store.change_channel_state("slack", "C1", lambda _: ill) == ill
    assert store.channel_states() == [ill]
    assert store.failing_addresses() == {("slack", "C1")}
    store.change_channel_state("slack", "C1", lambda _: well)
    assert store.failing_addresses() == set()


def test_the_claim_reads_what_is_open_and_a_threads_next_through_their_indexes(
    store: Store,
) -> None:
    tell(store, *(a_notification(n, revision) for n in range(30) for revision in (1, 2, 3)))
    with store._read() as connection:
        if connection.dialect.name == "sqlite":
            asks = "EXPLAIN QUERY PLAN "
        else:  # so small a table is read whole otherwise
            asks = "EXPLAIN "
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        query = _due([("slack", "C1")], ["email"]).params(now=NOW)
        text = str(query.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        plan = str(connection.exec_driver_sql(asks + text).all())
    assert "ix_deliveries_pending" in plan
    assert "ix_deliveries_alert_id_receiver" in plan
    assert "SCAN notifications" not in plan
    assert "Seq Scan" not in plan


# --------------------------------------------------------------------------- dead letters


def dead(store: Store, n: int = 1, first_try_at: datetime | None = None) -> Notification:
    tell(store, at_address(n, "old"))
    told, delivery = claimed(store, NOW)
    finish(store, delivery, DeliveryState.DEAD, error="no", first_try_at=first_try_at)
    return told


def test_a_dead_letter_is_listed_with_its_error_and_sent_again_where_the_routes_now_point(
    store: Store,
) -> None:
    told = dead(store)
    assert [(n.id, d.error) for n, d in store.dead_letters("room")] == [(told.id, "no")]
    assert store.dead_letters("nobody") == []
    before = len(list(store.audit_rows("alr-1")))
    after = store.resend(told.id, LATER, to=("console", "new"))
    assert after is not None
    assert (after.state, after.first_try_at) == (DeliveryState.NEW, None)
    row = list(store.audit_rows("alr-1"))[before:]
    assert [(one.kind, one.at) for one in row] == [("delivery", LATER)]
    assert '"state":"new"' in row[0].body
    again, delivery = claimed(store, LATER)
    assert (again.address, delivery.attempts) == ("new", 2)
    assert finish(store, delivery, DeliveryState.SENT, sent_at=LATER)
    assert store.dead_letters() == []


def test_a_dead_letter_that_may_have_arrived_is_looked_for_where_it_was_sent(store: Store) -> None:
    told = dead(store, first_try_at=NOW)
    after = store.resend(told.id, LATER, to=("console", "new"))
    assert after is not None
    assert (after.state, after.first_try_at) == (DeliveryState.AMBIGUOUS, NOW)
    again, delivery = claimed(store, LATER)
    assert again.address == "old"
    assert delivery.first_try_at == NOW, "a worker that finds this looks before it sends"


def test_only_a_dead_letter_is_sent_again(store: Store) -> None:
    tell(store, a_notification(1), a_notification(2, reason=RouteReason.HELD_BY_BUDGET))
    _, delivery = claimed(store, NOW)
    assert store.resend("ntf-unknown", NOW) is None
    assert store.resend(a_notification(1).id, NOW) is None, "on its way"
    finish(store, delivery, DeliveryState.SENT)
    assert store.resend(a_notification(1).id, NOW) is None, "told twice otherwise"
    assert store.resend(a_notification(2).id, NOW) is None, "held back for a reason"


def test_an_edit_is_superseded_by_a_later_revision_that_is_on_its_way(store: Store) -> None:
    first, second = a_notification(revision=1), a_notification(revision=2)
    tell(store, first, second)
    assert store.superseded(first)
    assert not store.superseded(second)
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT)
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT)
    assert not store.superseded(first)


def test_a_thread_is_known_only_where_it_lies(store: Store) -> None:
    tell(store, at_address(1, "a"))
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT, thread_id="root")
    assert store.thread_id("alr-1", "room", "console", "a") == "root"
    assert store.thread_id("alr-1", "room", "console", "b") is None, "the receiver has moved"


def test_what_is_stranded_at_an_address_is_what_is_open_there(store: Store) -> None:
    tell(store, at_address(1, "a"), at_address(2, "a"), at_address(3, "b"))
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT)
    assert [n.alert_id for n in store.stranded("console", "a")] == ["alr-2"]


# --------------------------------------------------------------------------- routing's record


def test_routing_the_same_change_again_sends_nothing_twice(store: Store) -> None:
    store.save_events([an_event()])
    change = a_change()
    store.save_changes([change])
    assert store.unrouted() == [change]
    for _ in range(2):
        store.save_notifications([change], [a_notification()])
        assert store.unrouted() == []
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT)
    store.save_notifications([change], [a_notification()])
    assert store.claim(LATER, "me", 60) is None


def test_a_reader_keeps_the_thread_of_the_first_message(store: Store) -> None:
    tell(store, a_notification(revision=1), a_notification(revision=2))
    assert store.thread_id("alr-1", "room") is None
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT, thread_id="root")
    finish(store, claimed(store, NOW)[1], DeliveryState.SENT, thread_id="root")
    assert store.thread_id("alr-1", "room") == "root"
    assert store.thread_id("alr-1", "other") is None


# --------------------------------------------------------------------------- alerts


def test_an_alert_is_found_by_the_beginning_of_its_id_when_that_is_unique(store: Store) -> None:
    store.save_events([an_event(12), an_event(13)])
    store.save_changes([a_change(12), a_change(13)])
    found = store.alert("alr-12")
    assert found == a_change(12).alert == store.alert("alr-12"[:6])
    assert store.alert("alr-%") is None
    assert store.alert("") is None
    with pytest.raises(ValueError, match="several alerts begin with 'alr-1'"):
        store.alert("alr-1")


def test_alerts_are_listed_newest_first_and_by_what_is_asked(store: Store) -> None:
    store.save_events([an_event(n) for n in range(3)])
    alerts = [
        replace(a_change(n).alert, raised_at=NOW + timedelta(hours=n), stage=Stage(1 + n))
        for n in range(3)
    ]
    alerts[0] = replace(alerts[0], state=AlertState.RESOLVED, resolved_at=NOW)
    store.save_changes([replace(a_change(), alert=alert) for alert in alerts])
    assert store.alerts() == alerts[::-1]
    assert store.alerts(limit=1) == [alerts[2]]
    assert store.alerts(since=NOW + timedelta(hours=1)) == [alerts[2], alerts[1]]
    assert store.alerts(until=NOW + timedelta(hours=1)) == [alerts[0]]
    assert store.alerts(stage=Stage.CAUTION) == store.alerts(event_id="evt-1") == [alerts[1]]
    assert store.alerts(state=AlertState.RESOLVED) == [alerts[0]]
    assert store.open_alerts() == alerts[1:]


# --------------------------------------------------------------------------- leases


def test_one_owner_at_a_time_holds_a_lease_and_its_token_rises_when_it_changes_hands(
    store: Store,
) -> None:
    assert store.take_lease("scheduler", "a", NOW, 60) == 1
    assert store.take_lease("scheduler", "b", NOW, 60) is None
    assert store.take_lease("scheduler", "a", NOW + timedelta(seconds=30), 60) == 1
    assert store.take_lease("scheduler", "b", LATER, 60) is None, "it was renewed"
    assert store.take_lease("scheduler", "b", LATER + timedelta(seconds=30), 60) == 2
    store.end_lease("scheduler", "a", LATER)
    assert store.take_lease("scheduler", "a", LATER, 60) is None, "not a's to give back"
    store.end_lease("scheduler", "b", LATER)
    assert store.take_lease("scheduler", "a", LATER, 60) == 3
