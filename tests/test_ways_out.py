"""One alert by e-mail, webhook and CAP at once, through the outbox: each way once, each in its thread,
and a dead one keeps nobody waiting."""

from __future__ import annotations

import email
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from alerts.channels import ChannelSettings, Smtp, open_channel
from ews.delivering import Worker
from ews.model import AlertChange, ChangeKind, DeliveryState, Notification, RouteReason, Stage
from ews.reports import Names
from ews.storage import Store
from ews.telling import Teller
from tests.cap_samples import read_cap
from tests.faces_home import NOW, make_home
from tests.fake_smtp import FakeSmtp
from tests.test_alerts_webhook import NEW, Receiver, receiving

ALERT = "alr-urea0000000001"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_home(tmp_path)
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def told(change: AlertChange, places: dict[str, str]) -> list[Notification]:
    """One notification of the change to a receiver of each channel, named as its channel."""
    revision = change.alert.revision
    return [
        Notification(
            Notification.make_id(ALERT, revision, channel), ALERT, revision, change.kind, channel,
            channel, address, "ko", RouteReason.FIRST, change.at, stage=change.alert.stage,
        )
        for channel, address in places.items()
    ]  # fmt: skip


def send(store: Store, home: Path, smtp_port: int) -> int:
    """Everything that is due, as `ews run` would."""
    chosen = ChannelSettings(
        home,
        smtp=Smtp("127.0.0.1", "ews@agency.example", smtp_port, "none"),
        webhook_secrets={"webhook": (NEW,)},
        cap_sender="ews@agency.example",
        clock=lambda: datetime.now(UTC),
        timeout_s=2,
    )
    channels = {name: open_channel(name, chosen) for name in ("email", "webhook", "cap")}
    worker = Worker(store, channels, Teller(store, Names()).message, lambda: LATER, "w1", rates={})
    return worker.deliver_due()


def test_two_changes_of_an_alert_reach_each_way_once_and_in_one_thread(
    store: Store, tmp_path: Path
) -> None:
    receiver = Receiver()
    first = store.changes(alert_id=ALERT)[0]
    risen = replace(first.alert, revision=2, stage=Stage.ALERT, timed_out=True, updated_at=LATER)
    second = AlertChange(risen, ChangeKind.STAGE_UP, LATER, Stage.CAUTION, "nobody signed")
    with FakeSmtp() as smtp, receiving(receiver) as hook:
        places = {"email": "duty@ministry.example", "webhook": hook, "cap": "out"}
        for change in (first, second):
            store.save_changes([change])
            store.save_notifications([change], told(change, places))
        assert send(store, tmp_path, smtp.port) == 6
        assert send(store, tmp_path, smtp.port) == 0, "nothing is due a second time"
    mails = [email.message_from_bytes(raw, policy=default) for raw in smtp.taken]
    assert [mail["X-EWS-Stage"] for mail in mails] == ["caution", "alert"]
    assert mails[1]["In-Reply-To"] == mails[0]["Message-ID"]
    bodies = [Verifier(NEW).verify(body, headers) for headers, body in receiver.got]
    assert [one["type"] for one in bodies] == ["alert.raised", "alert.stage_up"]
    assert bodies[1]["data"]["alert"]["timed_out"] is True
    names = [f"{ALERT}.{revision}" for revision in (1, 2)]
    tops = [read_cap((tmp_path / "out" / f"{name}.xml").read_bytes()).top for name in names]
    assert [top["msgType"] for top in tops] == ["Alert", "Update"]
    assert names[0] in tops[1]["references"]
    everything = json.dumps(bodies, ensure_ascii=False) + smtp.taken[0].decode()
    assert "표본상사" not in everything, "the home holds a firm's exposure to the same event"


def test_a_dead_way_leaves_a_dead_letter_and_the_others_are_told(
    store: Store, tmp_path: Path
) -> None:
    receiver = Receiver(410)
    change = store.changes(alert_id=ALERT)[0]
    with FakeSmtp({"RCPT": "451 later"}) as smtp, receiving(receiver) as hook:
        places = {"email": "duty@ministry.example", "webhook": hook, "cap": "out"}
        store.save_notifications([change], told(change, places))
        assert send(store, tmp_path, smtp.port) == 1
    states = {}
    for one in told(change, places):
        delivery = store.delivery(one.id)
        assert delivery is not None
        states[one.channel] = (delivery.state, delivery.next_try_at is not None)
    assert states == {
        "cap": (DeliveryState.SENT, False),
        "webhook": (DeliveryState.DEAD, False),
        "email": (DeliveryState.NEW, True),
    }
