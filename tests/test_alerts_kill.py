"""kill -9 at any moment, with the real store and a Slack that fails: nothing lost, nothing doubled.

A worker process delivers from the store; the test kills it again and again. Time runs
`SPEED` times faster for both, so that leases and the settle time are seconds of the test.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.channels import ChannelSettings, open_channel
from alerts.delivery import attempt
from ews.model import DeliveryState
from ews.storage.store import Store
from tests.alert_samples import NOW, change, notification, urea_alert, urea_event
from tests.fake_slack import HIDDEN, FakeSlack
from tests.test_alerts_delivery import WORDS

SPEED = 10
LEASE_S = 30


def clock(began: float) -> datetime:
    return NOW + timedelta(seconds=(time.time() - began) * SPEED)


def deliver(home: Path, url: str, began: float) -> None:
    """The worker: claims, sends, records, until it is killed or nothing is left."""
    store = Store.open(home)
    settings = ChannelSettings(home, slack_token=HIDDEN, slack_url=url)
    channel = open_channel("slack", settings)
    owner = f"worker-{os.getpid()}"
    while True:
        now = clock(began)
        claimed = store.claim(now, owner, LEASE_S)
        if claimed is None:
            states = Counter(row.state for row in store.deliveries())
            if set(states) <= {DeliveryState.SENT, DeliveryState.DEAD}:
                return
            time.sleep(0.02)
            continue
        told, delivery = claimed
        thread = store.thread_id(told.alert_id, told.receiver)
        store.save_delivery(attempt(channel, WORDS, told, delivery, thread, now).delivery)


def kill_until_done(home: Path, slack: FakeSlack, chance: random.Random, kills: int) -> int:
    """Start the worker, kill it after a moment, again; at most `kills` times, then let it end."""
    began = time.time()
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.002):
            slack.now = clock(began).timestamp()

    ticking = threading.Thread(target=tick)
    ticking.start()
    command = [sys.executable, "-c", WORKER, str(home), slack.url, str(began)]
    done = 0
    try:
        while True:
            worker = subprocess.Popen(command, cwd=Path(__file__).parents[1])
            try:
                limit = chance.uniform(0.7, 1.8) if done < kills else 240.0
                assert worker.wait(limit) == 0
                return done
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
                done += 1
    finally:
        time.sleep(1)
        stop.set()
        ticking.join()


WORKER = """
import sys
from pathlib import Path
from tests.test_alerts_kill import deliver
deliver(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
"""


@pytest.mark.torture
def test_kill_minus_nine_loses_and_doubles_nothing(tmp_path: Path) -> None:
    messages = int(os.environ.get("EWS_TORTURE_MESSAGES", "120"))
    kills = int(os.environ.get("EWS_TORTURE_KILLS", "15"))
    told = [notification(alert, revision) for revision in (1, 2) for alert in range(messages // 2)]
    store = Store.open(tmp_path)
    store.save_events([urea_event()])
    alerts = {n.alert_id for n in told}
    store.save_changes([change(alert=urea_alert(id=a, fingerprint=a)) for a in sorted(alerts)])
    store.save_notifications([], told)
    chance = random.Random(7)
    faults = ["429", "500", "drop", "slow", *[None] * 6]
    with FakeSlack() as slack:
        slack.lag_s = 4.0
        slack.fault = lambda method, body: chance.choice(faults)
        done = kill_until_done(tmp_path, slack, chance, kills)
        posted = slack.posted()
    lost = [n.id for n in told if posted[n.id] == 0]
    doubled = [key for key, count in posted.items() if count > 1]
    print(f"messages {len(told)} lost {len(lost)} doubled {len(doubled)} kills {done}")
    rows = store.deliveries()
    assert (lost, doubled) == ([], [])
    assert {row.state for row in rows} == {DeliveryState.SENT}
    assert store.integrity_check() == []
    assert all(row.sent_at is not None and row.sent_at.tzinfo is UTC for row in rows)
    store.close()
