"""A message is told once: not lost, not doubled, whatever breaks between any two steps."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.channels import (
    CHANNELS,
    Channel,
    ChannelError,
    ChannelSettings,
    Sent,
    open_channel,
)
from alerts.delivery import Tried, after, attempt, pause_s, unsent
from alerts.messages import Message
from ews.model import ChannelState, Delivery, DeliveryState, Notification
from tests.alert_samples import NOW, notification
from tests.fake_slack import HIDDEN, FakeSlack

WORDS = Message("hello\n", (), "hello", (), "hello")


def claimed(attempts: int = 1, first_try_at: datetime = NOW) -> Delivery:
    return Delivery(
        notification().id,
        DeliveryState.TRYING,
        attempts,
        first_try_at,
        lease_until=NOW + timedelta(seconds=60),
        owner="w1",
    )


@dataclass
class Scripted:
    """A channel that does what the script says, and counts."""

    sends: list[Sent | ChannelError] = field(default_factory=list)
    finds: list[Sent | ChannelError | None] = field(default_factory=list)
    sent: int = 0
    looked: int = 0

    def send(self, message: Message, notification: Notification, thread_id: str | None) -> Sent:
        self.sent += 1
        return _told(self.sends.pop(0))

    def find(
        self, notification_id: str, address: str, since: datetime, thread_id: str | None = None
    ) -> Sent | None:
        self.looked += 1
        found = self.finds.pop(0)
        return None if found is None else _told(found)


def _told(outcome: Sent | ChannelError) -> Sent:
    if isinstance(outcome, ChannelError):
        raise outcome
    return outcome


def step(channel: Channel, delivery: Delivery, now: datetime = NOW) -> Delivery:
    delivery = replace(delivery, lease_until=now + timedelta(seconds=60))
    return attempt(channel, WORDS, notification(), delivery, None, now).delivery


def test_a_first_try_sends_without_looking() -> None:
    channel = Scripted(sends=[Sent("1.0", "1.0")])
    after = step(channel, claimed())
    assert (after.state, after.external_id, after.thread_id) == (DeliveryState.SENT, "1.0", "1.0")
    assert after.sent_at == NOW
    assert (channel.sent, channel.looked) == (1, 0)


def test_a_refusal_for_good_is_dead_with_its_words() -> None:
    channel = Scripted(sends=[ChannelError("channel_not_found", permanent=True)])
    after = step(channel, claimed())
    assert (after.state, after.error) == (DeliveryState.DEAD, "channel_not_found")
    assert after.next_try_at is None


def test_a_busy_channel_is_given_the_pause_it_asks_for() -> None:
    channel = Scripted(sends=[ChannelError("429", retry_after_s=37)])
    after = step(channel, claimed())
    assert after.state is DeliveryState.NEW
    assert after.next_try_at == NOW + timedelta(seconds=37)


def test_an_ambiguous_send_waits_to_settle_and_is_then_looked_for() -> None:
    channel = Scripted(sends=[ChannelError("dropped", ambiguous=True)], finds=[Sent("1.0", "1.0")])
    doubt = step(channel, claimed())
    assert doubt.state is DeliveryState.AMBIGUOUS
    assert doubt.next_try_at == NOW + timedelta(seconds=10)
    after = step(channel, replace(doubt, attempts=2), NOW + timedelta(seconds=10))
    assert after.state is DeliveryState.SENT
    assert (channel.sent, channel.looked) == (1, 1)


def test_an_ambiguous_send_that_is_not_there_is_sent_again() -> None:
    channel = Scripted(sends=[Sent("2.0", "2.0")], finds=[None])
    after = step(channel, claimed(attempts=2), NOW + timedelta(seconds=60))
    assert (after.state, after.external_id) == (DeliveryState.SENT, "2.0")


def test_before_the_settle_time_nobody_looks_or_sends() -> None:
    channel = Scripted()
    after = step(channel, claimed(attempts=2), NOW + timedelta(seconds=9))
    assert after.state is DeliveryState.AMBIGUOUS
    assert after.next_try_at == NOW + timedelta(seconds=10)
    assert (channel.sent, channel.looked) == (0, 0)


def test_the_settle_time_counts_from_the_end_of_the_call_not_from_its_beginning() -> None:
    channel = Scripted(sends=[ChannelError("no answer in 8 s", ambiguous=True)])
    ended = NOW + timedelta(seconds=8)
    after = attempt(
        channel, WORDS, notification(), claimed(), None, NOW, clock=lambda: ended
    ).delivery  # fmt: skip
    assert after.next_try_at == ended + timedelta(seconds=10)


def test_what_was_surely_not_sent_is_tried_again_without_a_look() -> None:
    channel = Scripted(sends=[ChannelError("429", retry_after_s=1), Sent("1.0", "1.0")])
    refused = step(channel, claimed())
    assert refused.first_try_at is None
    again = replace(refused, attempts=2, first_try_at=NOW + timedelta(seconds=1))  # as claim does
    assert step(channel, again, NOW + timedelta(seconds=1)).state is DeliveryState.SENT
    assert channel.looked == 0


@pytest.mark.parametrize("first", [NOW, NOW - timedelta(minutes=1)])
def test_nothing_is_sent_when_the_lease_would_end_before_it_could_be_looked_for(
    first: datetime,
) -> None:
    channel = Scripted(finds=[None])
    slow = NOW + timedelta(seconds=26)  # 60 s of lease; a call takes 25, settling 10
    after = attempt(
        channel, WORDS, notification(), claimed(2, first), None, NOW, clock=lambda: slow
    ).delivery  # fmt: skip
    assert (after.state, channel.sent) == (DeliveryState.NEW, 0)
    assert after.first_try_at is None, "it is not there, and was not sent now"


def test_a_look_that_finds_nothing_ends_the_doubt_about_all_earlier_tries() -> None:
    channel = Scripted(finds=[None], sends=[ChannelError("dropped", ambiguous=True)])
    later = NOW + timedelta(minutes=2)
    after = step(channel, claimed(attempts=2), later)
    assert (after.state, after.first_try_at) == (DeliveryState.AMBIGUOUS, later)


def test_the_state_of_an_address_follows_what_it_answers() -> None:
    state = ChannelState("slack", "C1")

    def said(state: ChannelState, error: ChannelError | None, called: bool = True) -> ChannelState:
        return after(state, Tried(claimed(), error, called), NOW)

    once = said(state, ChannelError("500", ambiguous=True))
    assert (once.failing_since, once.failures, once.next_ok_at) == (NOW, 1, NOW)
    twice = said(once, ChannelError("500", ambiguous=True))
    assert twice.next_ok_at == NOW + timedelta(seconds=1)
    paused = said(once, ChannelError("429", retry_after_s=30))
    assert (paused.next_ok_at, paused.failures) == (NOW + timedelta(seconds=30), 1)
    assert said(paused, ChannelError("500")).next_ok_at == paused.next_ok_at, "a pause is kept"
    assert said(twice, None) == replace(state, next_ok_at=twice.next_ok_at)
    assert said(once, ChannelError("ours", permanent=True), called=False) == once


@pytest.mark.parametrize(
    "trouble", [ChannelError("500", ambiguous=True), ChannelError("429", retry_after_s=1)]
)
def test_a_look_that_fails_proves_nothing_so_nothing_is_sent(trouble: ChannelError) -> None:
    channel = Scripted(finds=[trouble])
    after = step(channel, claimed(attempts=2), NOW + timedelta(seconds=60))
    assert after.state is DeliveryState.AMBIGUOUS
    assert channel.sent == 0


def test_a_look_that_can_never_work_is_dead_and_says_that_it_is_not_known() -> None:
    channel = Scripted(finds=[ChannelError("missing_scope", permanent=True)])
    after = step(channel, claimed(attempts=2), NOW + timedelta(seconds=60))
    assert after.state is DeliveryState.DEAD
    assert "unknown" in (after.error or "")
    assert channel.sent == 0


def test_the_owner_stays_so_that_a_late_worker_cannot_save() -> None:
    for error in (ChannelError("x"), ChannelError("x", ambiguous=True)):
        assert step(Scripted(sends=[error]), claimed()).owner == "w1"


def test_pauses_grow_and_end_at_half_a_minute() -> None:
    assert [pause_s(n) for n in (1, 2, 3, 50)] == [1, 2, 4, 30]


def test_a_channel_that_cannot_open_leaves_a_dead_delivery(tmp_path: Path) -> None:
    with pytest.raises(ChannelError, match="EWS_SLACK_BOT_TOKEN") as caught:
        open_channel("slack", ChannelSettings(tmp_path))
    assert unsent(claimed(), caught.value, NOW, NOW).delivery.state is DeliveryState.DEAD
    with pytest.raises(ChannelError, match=r"console.*slack"):
        open_channel("pigeon", ChannelSettings(tmp_path))
    assert {"console", "slack"} <= set(CHANNELS)


# --------------------------------------------------------------------------- console


def test_the_console_prints_once_and_keeps_what_it_said(tmp_path: Path) -> None:
    stream = io.StringIO()
    channel = open_channel("console", ChannelSettings(tmp_path, stream))
    told = notification(channel="console", address="-")
    first = channel.send(WORDS, told, None)
    again = channel.send(WORDS, told, None)
    assert first == again == Sent(f"console-{told.id}", f"console-{told.id}")
    assert stream.getvalue() == "hello\n\n"
    rows = [json.loads(line) for line in (tmp_path / "console.jsonl").read_text().splitlines()]
    assert [row["k"] for row in rows] == [told.id]


def test_a_restarted_console_finds_what_it_said_before_the_crash(tmp_path: Path) -> None:
    told, never = notification(1, channel="console"), notification(2, channel="console")
    settings = ChannelSettings(tmp_path)
    sent = open_channel("console", settings).send(WORDS, told, None)
    restarted = open_channel("console", settings)
    assert restarted.find(told.id, "-", NOW) == sent
    assert restarted.find(never.id, "-", NOW) is None


def test_a_line_torn_by_a_crash_is_not_taken_for_a_message(tmp_path: Path) -> None:
    settings = ChannelSettings(tmp_path)
    told, second = notification(1, channel="console"), notification(2, channel="console")
    open_channel("console", settings).send(WORDS, told, None)
    file = tmp_path / "console.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    restarted = open_channel("console", settings)
    assert restarted.find(told.id, "-", NOW) is None
    restarted.send(WORDS, second, None)
    restarted.send(WORDS, told, None)
    reopened = open_channel("console", settings)
    assert reopened.find(second.id, "-", NOW) is not None
    assert reopened.find(told.id, "-", NOW) is not None


def test_a_console_that_cannot_write_is_not_taken_as_sent(tmp_path: Path) -> None:
    (tmp_path / "console.jsonl").mkdir()
    channel = open_channel("console", ChannelSettings(tmp_path))
    after = step(channel, claimed())
    assert after.state is DeliveryState.AMBIGUOUS
    assert "console" in (after.error or "")


# --------------------------------------------------------------------------- faults everywhere


class Outbox:
    """The store's side of the protocol: claims with a lease, in the alert's order."""

    def __init__(self, notifications: list[Notification]) -> None:
        self.told = {n.id: n for n in notifications}
        self.rows = {n.id: Delivery(n.id, DeliveryState.NEW) for n in notifications}

    def open(self) -> bool:
        done = {DeliveryState.SENT, DeliveryState.DEAD}
        return any(row.state not in done for row in self.rows.values())

    def thread_id(self, alert_id: str) -> str | None:
        roots = (self.rows[n.id].thread_id for n in self.told.values() if n.alert_id == alert_id)
        return next((root for root in roots if root), None)

    def claim(self, now: datetime) -> tuple[Notification, Delivery] | None:
        blocked: set[str] = set()
        for key, told in self.told.items():
            row = self.rows[key]
            if row.state in {DeliveryState.SENT, DeliveryState.DEAD}:
                continue
            waits = told.alert_id in blocked
            blocked.add(told.alert_id)
            due = row.next_try_at is None or row.next_try_at <= now
            if row.state is DeliveryState.TRYING:
                due = row.lease_until is not None and row.lease_until <= now
            if waits or not due:
                continue
            self.rows[key] = replace(
                row,
                state=DeliveryState.TRYING,
                attempts=row.attempts + 1,
                first_try_at=row.first_try_at or now,
                next_try_at=None,
                lease_until=now + timedelta(seconds=60),
                owner="w1",
            )
            return told, self.rows[key]
        return None


def run_with_faults(slack: FakeSlack, chance: random.Random, alerts: int, tmp: Path) -> Outbox:
    """Deliver everything while calls fail and the worker dies between any two steps."""
    told = [notification(a, r) for r in (1, 2, 3) for a in range(alerts)]
    outbox = Outbox(told)
    settings = ChannelSettings(tmp, slack_token=HIDDEN, slack_url=slack.url)
    faults = ["429", "500", "drop", "slow", *[None] * 6]
    slack.fault = lambda method, body: chance.choice(faults)
    slack.lag_s = chance.uniform(0, 5)
    channel = open_channel("slack", settings)
    for _ in range(40_000):
        if not outbox.open():
            break
        now = datetime.fromtimestamp(slack.now, UTC)
        claim = outbox.claim(now)
        if claim is None:
            slack.now += 1.0
            continue
        slack.now += 0.1
        if chance.random() < 0.1:  # dies after the claim
            channel = open_channel("slack", settings)
            continue
        notified, delivery = claim
        thread = outbox.thread_id(notified.alert_id)
        after = attempt(channel, WORDS, notified, delivery, thread, now).delivery
        if chance.random() < 0.1:  # dies before it could write down how it went
            channel = open_channel("slack", settings)
            continue
        outbox.rows[notified.id] = after
    slack.now += 60
    return outbox


def check_told_once(slack: FakeSlack, outbox: Outbox) -> None:
    """0 lost, 0 doubled, one thread per alert, its messages in order."""
    assert slack.posted() == Counter(list(outbox.told))
    assert {row.state for row in outbox.rows.values()} == {DeliveryState.SENT}
    threads: dict[str, list[int]] = {}
    for message in slack.messages["C1"]:
        told = outbox.told[message["metadata"]["event_payload"]["k"]]
        root = message.get("thread_ts", message["ts"])
        assert outbox.rows[told.id].thread_id == root
        assert outbox.rows[told.id].external_id == message["ts"]
        threads.setdefault(root, []).append(told.alert_revision)
    assert all(revisions == [1, 2, 3] for revisions in threads.values())


@pytest.mark.parametrize("seed", range(6))
def test_faults_and_restarts_between_any_two_steps_lose_and_double_nothing(
    seed: int, tmp_path: Path
) -> None:
    with FakeSlack() as slack:
        check_told_once(slack, run_with_faults(slack, random.Random(seed), 6, tmp_path))


@pytest.mark.torture
def test_a_thousand_messages_under_faults_and_restarts(tmp_path: Path) -> None:
    for seed in range(100, 112):
        with FakeSlack() as slack:
            check_told_once(slack, run_with_faults(slack, random.Random(seed), 28, tmp_path))


def test_sending_again_blindly_would_have_doubled(tmp_path: Path) -> None:
    """The check above can fail: without looking, the same faults tell things twice."""

    class Blind:
        def __init__(self, channel: Channel) -> None:
            self._channel = channel

        def send(self, message: Message, told: Notification, thread_id: str | None) -> Sent:
            return self._channel.send(message, told, thread_id)

        def find(
            self, notification_id: str, address: str, since: datetime, thread_id: str | None = None
        ) -> Sent | None:
            return None

    with FakeSlack() as slack:
        settings = ChannelSettings(tmp_path, slack_token=HIDDEN, slack_url=slack.url)
        channel = Blind(open_channel("slack", settings))
        slack.fault = lambda method, body: "drop" if len(slack.calls) == 1 else None
        doubt = step(channel, claimed())
        step(channel, replace(doubt, attempts=2), NOW + timedelta(seconds=60))
        assert slack.posted()[notification().id] == 2
