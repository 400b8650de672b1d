"""The worker: a slow, paused or broken way out keeps nobody else waiting, and operators hear of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.channels import Channel, ChannelError, Sent
from alerts.messages import Message
from alerts.routes import Routes
from ews.delivering import PAGES_EVERY, Worker, pages
from ews.model import (
    Bulletin,
    BulletinKind,
    DeliveryState,
    Notification,
    Receiver,
    RouteReason,
)
from ews.storage import StaleLeader, Store
from ews.storage.channel_states import Rate
from tests.alert_samples import NOW, notification
from tests.empty_store import opened

WORDS = Message("hello\n", (), "hello", (), "hello")
SOON_S = 5.0  # what takes longer hangs


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    if store._engine.dialect.name == "sqlite":  # what a power cut leaves is tested elsewhere
        sa.event.listen(
            store._engine, "connect",
            lambda raw, _: raw.execute("PRAGMA synchronous=OFF").close(),
        )  # fmt: skip
        store._engine.dispose()
    yield store
    store.close()


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **more: float) -> datetime:
        self.now += timedelta(**more)
        return self.now


@dataclass
class Out:
    """A channel that keeps what it was given; `fault` and `gate` are asked at each sending."""

    fault: Callable[[Notification], Exception | None] = lambda told: None
    gates: dict[str, threading.Event] = field(default_factory=dict)
    lag: Callable[[Notification], None] = lambda told: None
    given: list[Notification] = field(default_factory=list)
    found: dict[str, Sent] = field(default_factory=dict)
    looked: int = 0
    at: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    def send(self, message: Message, told: Notification, thread_id: str | None) -> Sent:
        self.at[told.address] += 1
        self.most[told.address] = max(self.most[told.address], self.at[told.address])
        try:
            if told.address in self.gates:
                assert self.gates[told.address].wait(SOON_S * 4)
            if error := self.fault(told):
                raise error
            if not told.edit:
                self.given.append(told)
            sent = Sent(told.id, thread_id or told.id)
            self.found[told.id] = sent
            return sent
        finally:
            self.at[told.address] -= 1

    def find(
        self, notification_id: str, address: str, since: datetime, thread_id: str | None = None
    ) -> Sent | None:
        self.looked += 1
        return self.found.get(notification_id)

    @property
    def addresses(self) -> list[str]:
        return [told.address for told in self.given]


def told(
    alert: int, address: str = "C1", revision: int = 1, channel: str = "slack", **more: object
) -> Notification:
    made = notification(alert, revision, f"{channel}-{address}", address)
    return replace(made, channel=channel, **more)  # type: ignore[arg-type]


def worker(store: Store, channel: Channel, clock: Callable[[], datetime], **more: object) -> Worker:
    channels = more.pop("channels", {"slack": channel})
    return Worker(store, channels, lambda told, now: WORDS, clock, "w1", **{"rates": {}, **more})  # type: ignore[arg-type]


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < deadline, "it hangs"
        time.sleep(0.005)


@dataclass
class Serving:
    """A worker that serves in a thread until the block ends."""

    worker: Worker

    def __enter__(self) -> Serving:
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self.worker.serve, args=(self.stop, 0.01))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(SOON_S * 4)
        assert not self._thread.is_alive()


# --------------------------------------------------------------------------- nobody waits


def test_an_address_that_hangs_has_one_message_on_its_way_and_keeps_nobody_waiting(
    store: Store,
) -> None:
    store.save_notifications([], [told(n, "slow") for n in range(6)])
    store.save_notifications([], [told(n, "fine") for n in range(10, 20)])
    out = Out(gates={"slow": threading.Event()})
    with Serving(worker(store, out, Clock())):
        until(lambda: out.addresses == ["fine"] * 10)
        assert out.at["slow"] == 1
        out.gates["slow"].set()
        until(lambda: len(out.given) == 16)
    assert out.most == Counter(slow=1, fine=1)


def test_a_channel_that_hangs_altogether_keeps_no_other_channel_waiting(store: Store) -> None:
    store.save_notifications([], [told(n, f"C{n}") for n in range(12)])
    store.save_notifications([], [told(99, "a@b", channel="email")])
    gate = threading.Event()
    slack, email = Out(gates={f"C{n}": gate for n in range(12)}), Out()
    with Serving(worker(store, slack, Clock(), channels={"slack": slack, "email": email})):
        until(lambda: email.addresses == ["a@b"])
        assert sum(slack.at.values()) == 4, "every lane of Slack hangs"
        gate.set()
        until(lambda: len(slack.given) == 12)


def test_addresses_that_do_not_answer_fill_only_half_of_the_lanes(store: Store) -> None:
    bad = [f"bad{n}" for n in range(8)]
    for address in bad:
        store.change_channel_state(
            "slack", address, lambda state: replace(state, failing_since=NOW, failures=1)
        )
    store.save_notifications([], [told(n, address) for n, address in enumerate(bad)])
    store.save_notifications([], [told(50 + n, f"good{n}") for n in range(8)])
    gate = threading.Event()
    out = Out(gates=dict.fromkeys(bad, gate))
    with Serving(worker(store, out, Clock())):
        until(lambda: len(out.given) == 8)
        assert sum(out.at.values()) == 2
        gate.set()
        until(lambda: len(out.given) == 16)


def test_a_pause_that_an_address_asks_for_stops_that_address_only(store: Store) -> None:
    clock = Clock()
    store.save_notifications([], [told(n, "busy") for n in range(3)] + [told(9, "fine")])
    errors = iter([ChannelError("429", retry_after_s=30)])
    out = Out(fault=lambda one: next(errors, None) if one.address == "busy" else None)
    assert worker(store, out, clock).deliver_due() == 1
    assert out.addresses == ["fine"]
    clock.later(seconds=29.9)
    assert worker(store, out, clock).deliver_due() == 0, "the pause is kept after a restart"
    clock.later(seconds=0.1)
    assert worker(store, out, clock).deliver_due() == 3
    assert out.looked == 0, "what was surely refused need not be looked for"


def test_an_address_that_does_not_answer_rests_longer_each_time_until_it_does(store: Store) -> None:
    clock, tries = Clock(), []
    down = NOW + timedelta(minutes=5)
    store.save_notifications([], [told(n) for n in range(20)])

    def fault(one: Notification) -> Exception | None:
        tries.append(clock.now)
        return ChannelError("refused") if clock.now < down else None

    out = Out(fault=fault)
    while clock.now < NOW + timedelta(minutes=7):
        worker(store, out, clock, lanes=1).deliver_due()
        clock.later(seconds=2)
    assert len(out.given) == 20
    assert 5 < len([at for at in tries if at < down]) < 15
    assert store.channel_state("slack", "C1").failing_since is None


def test_the_rate_of_an_address_is_obeyed_across_restarts(store: Store) -> None:
    clock, times = Clock(), []
    store.save_notifications([], [told(n) for n in range(12)])
    out = Out(fault=lambda one: times.append(clock.now))  # type: ignore[func-returns-value]
    while len(times) < 12:
        worker(store, out, clock, rates={"slack": Rate(1.0, 3)}).deliver_due()
        clock.later(seconds=0.25)
    for first in times:
        window = [at for at in times if first <= at < first + timedelta(seconds=5)]
        assert len(window) <= 7, "three at once, then one a second"
    assert times[-1] - times[0] <= timedelta(seconds=10), "and no slower than that"


def test_threads_keep_their_order_with_many_lanes(store: Store) -> None:
    messages = [told(a, f"C{a % 3}", r) for r in range(1, 6) for a in range(9)]
    store.save_notifications([], messages)
    out = Out()
    assert worker(store, out, Clock()).deliver_due() == 45
    for alert in range(9):
        mine = [one.alert_revision for one in out.given if one.alert_id == f"alr-{alert:04d}"]
        assert mine == [1, 2, 3, 4, 5]


# --------------------------------------------------------------------------- one bad message


def test_a_message_that_cannot_be_put_into_words_is_a_dead_letter_and_stops_nobody(
    store: Store,
) -> None:
    store.save_notifications([], [told(1), told(2)])

    def render(one: Notification, now: datetime) -> Message:
        if one.alert_id == "alr-0001":
            raise LookupError("no such event")
        return WORDS

    out = Out()
    assert Worker(store, {"slack": out}, render, Clock(), "w1").deliver_due() == 1
    (letter,) = store.dead_letters()
    assert letter[0] == told(1)
    assert letter[1].error == "cannot be put into words (LookupError); see the log"
    assert store.channel_state("slack", "C1").failing_since is None, "not the address's fault"


def test_a_channel_that_breaks_its_word_is_looked_up_before_it_is_asked_again(
    store: Store,
) -> None:
    clock = Clock()
    store.save_notifications([], [told(1)])
    broken = iter([RuntimeError("a bug")])
    out = Out(fault=lambda one: next(broken, None))
    assert worker(store, out, clock).deliver_due() == 0
    assert store.deliveries(DeliveryState.AMBIGUOUS)
    clock.later(seconds=10)
    assert worker(store, out, clock).deliver_due() == 1
    assert out.looked == 1


def test_a_channel_that_is_not_open_leaves_a_dead_letter(store: Store) -> None:
    store.save_notifications([], [told(1, channel="pigeon")])
    worker(store, Out(), Clock()).deliver_due()
    assert "no channel 'pigeon' is open; open are: slack" in str(store.dead_letters()[0][1].error)


def test_an_edit_is_made_once_in_the_end_and_never_looked_for(store: Store) -> None:
    clock = Clock()
    store.save_notifications([], [told(1), told(1, revision=2, edit=True)])
    errors = iter([None, ChannelError("dropped", ambiguous=True)])
    out = Out(fault=lambda one: next(errors, None))
    worker(store, out, clock, lanes=1).deliver_due()
    assert [d.state for d in store.deliveries()] == [DeliveryState.SENT, DeliveryState.NEW]
    clock.later(seconds=60)
    worker(store, out, clock, lanes=1).deliver_due()
    assert [d.state for d in store.deliveries()] == [DeliveryState.SENT] * 2
    assert (len(out.given), out.looked) == (1, 0)


def test_an_edit_without_a_message_or_before_a_later_one_asks_nobody(store: Store) -> None:
    asked: list[Notification] = []
    out = Out(fault=lambda one: asked.append(one))  # type: ignore[func-returns-value]
    store.save_notifications([], [told(1, edit=True)])
    worker(store, out, Clock()).deliver_due()
    assert (asked, [d.state for d in store.deliveries()]) == ([], [DeliveryState.SENT])
    two = [told(2), told(2, revision=2, edit=True), told(2, revision=3)]
    store.save_notifications([], two)
    worker(store, out, Clock()).deliver_due()
    assert asked == [two[0], two[2]]


# --------------------------------------------------------------------------- serving


def test_serving_finishes_what_it_has_begun(store: Store) -> None:
    store.save_notifications([], [told(1)])
    out = Out(gates={"C1": threading.Event()})
    with Serving(worker(store, out, Clock())) as serving:
        until(lambda: out.at["C1"])
        serving.stop.set()
        out.gates["C1"].set()
    assert [d.state for d in store.deliveries()] == [DeliveryState.SENT]


def test_serving_outlives_a_store_that_cannot_be_asked_but_not_a_lost_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_notifications([], [told(1)])
    out, real = Out(), store.claim
    trouble: list[Exception] = [OSError("the database is away")]

    def claim(*args: object) -> object:
        if trouble:
            raise trouble.pop()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("ews.delivering.RETRY_S", 0.01)
    monkeypatch.setattr(store, "claim", claim)
    with Serving(worker(store, out, Clock())):
        until(lambda: len(out.given) == 1)
    store.save_notifications([], [told(2)])
    trouble.append(StaleLeader("another leads"))
    stop = threading.Event()
    alarm = threading.Timer(SOON_S, stop.set)
    alarm.start()
    with pytest.raises(StaleLeader):
        worker(store, out, Clock()).serve(stop, 0.01)
    alarm.cancel()


# --------------------------------------------------------------------------- dead addresses

ROOM = Receiver("room", "slack", "C1", backup="spare")
SPARE = Receiver("spare", "email", "spare@x")
OPS_SLACK = Receiver("ops-slack", "slack", "COPS", operator=True)
OPS_MAIL = Receiver("ops-mail", "email", "ops@x", lang="en", operator=True)
ROUTES = Routes((ROOM, SPARE, OPS_SLACK, OPS_MAIL))


def room(alert: int, **more: object) -> Notification:
    return replace(told(alert), receiver="room", **more)  # type: ignore[arg-type]


def bulletins(store: Store) -> list[Bulletin]:
    return [one for one in store.bulletins() if one.kind is BulletinKind.OPERATOR]


def fail(store: Store, clock: Clock, error: ChannelError) -> None:
    worker(store, Out(fault=lambda one: error), clock, lanes=1).deliver_due()


def test_a_dead_address_is_told_once_on_another_channel_and_again_when_it_works(
    store: Store,
) -> None:
    clock = Clock()
    store.save_notifications([], [room(1)])
    fail(store, clock, ChannelError("slack: no answer (TimeoutError)"))
    clock.later(minutes=9, seconds=59)
    assert pages(store, ROUTES, clock.now) == 0
    clock.later(seconds=1)
    assert pages(store, ROUTES, clock.now) == 2, "the page, and the copy for the backup"
    assert pages(store, ROUTES, clock.later(hours=1)) == 0
    (first,) = bulletins(store)
    assert (first.receiver, first.lang) == ("ops-mail", "en")
    text = "\n".join(line for part in first.parts for line in part.lines)
    assert "slack C1 (receivers: room)" in text
    assert "no answer (TimeoutError)" in text
    assert "Messages waiting: 1" in text
    assert "room → spare" in text
    assert worker(store, Out(), clock, channels={"slack": Out(), "email": Out()}).deliver_due() == 3
    assert pages(store, ROUTES, clock.now) == 1
    assert pages(store, ROUTES, clock.later(hours=1)) == 0
    assert "work again" in bulletins(store)[-1].title
    assert store.channel_state("slack", "C1").paged_at is None


def test_what_is_stranded_is_read_by_the_backup_once_and_not_by_one_who_reads_it_anyway(
    store: Store,
) -> None:
    clock = Clock()
    own = replace(told(2, "spare@x", channel="email"), receiver="spare")
    store.save_notifications([], [room(1), room(2), own])
    fail(store, clock, ChannelError("down"))
    for _ in range(2):
        pages(store, ROUTES, clock.later(minutes=11))
    copies = [n for n in store.notifications() if n.receiver == "spare (room)"]
    assert [(n.alert_id, n.channel, n.address) for n in copies] == [
        ("alr-0001", "email", "spare@x")
    ]
    assert "room" in copies[0].why
    store.save_notifications([], [room(3)])
    pages(store, ROUTES, clock.later(minutes=1))
    assert len([n for n in store.notifications() if n.receiver == "spare (room)"]) == 2


def test_a_refusal_for_good_is_told_at_once_as_a_dead_letter(store: Store) -> None:
    clock = Clock()
    store.save_notifications([], [room(1)])
    fail(store, clock, ChannelError("slack: channel_not_found; invite the app", permanent=True))
    assert pages(store, ROUTES, clock.now) == 2
    assert pages(store, ROUTES, clock.now) == 0
    (page,) = bulletins(store)
    text = "\n".join(line for part in page.parts for line in part.lines)
    assert "channel_not_found" in text
    assert f"room · {room(1).id}" in text
    assert "ews outbox resend ID" in text


def test_a_page_that_dies_itself_is_not_paged_for_ever(store: Store) -> None:
    clock = Clock()
    store.save_notifications([], [room(1)])
    for _ in range(10):
        fail(store, clock, ChannelError("gone for good", permanent=True))
        worker(
            store, Out(), clock,
            channels={"email": Out(fault=lambda one: ChannelError("gone", permanent=True))},
        ).deliver_due()  # fmt: skip
        pages(store, ROUTES, clock.later(minutes=1))
    assert len(bulletins(store)) <= 4


def test_without_an_operator_elsewhere_one_at_another_address_is_told_else_the_log_says_so(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    store.save_notifications([], [room(1)])
    fail(store, clock, ChannelError("down"))
    pages(store, Routes((ROOM, SPARE, OPS_SLACK)), clock.later(minutes=11))
    assert [one.receiver for one in bulletins(store)] == ["ops-slack"]
    store.change_channel_state("slack", "C1", lambda state: replace(state, paged_at=None))
    pages(store, Routes((ROOM, SPARE)), clock.now)
    assert "nobody can be told: dead: slack C1" in caplog.text


def test_serving_pages_by_itself(store: Store) -> None:
    clock = Clock()
    store.save_notifications([], [room(1)])
    fail(store, clock, ChannelError("down"))
    clock.later(minutes=11)
    mail = Out()
    served = worker(store, mail, clock, channels={"email": mail}, routes=ROUTES)
    with Serving(served):
        until(lambda: len(mail.given) == 2)
    assert {one.reason for one in mail.given} == {RouteReason.BULLETIN, RouteReason.FIRST}
    assert timedelta(seconds=1) < PAGES_EVERY <= timedelta(minutes=1)
