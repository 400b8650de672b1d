"""Prometheus Alertmanager and ours under six faults, into the same loopback receiver: lost, doubled?

Each gets 200 alerts within a second. Alertmanager (its own retries, a notification log on disk, no
peers) posts to an incoming webhook of the fake Slack, ours with the Web API; both see the same
faults with the same odds. Rates are off for both: Alertmanager knows none.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ews.storage import Store
from tests.alert_samples import NOW, notification
from tests.chaos import forker
from tests.chaos_worker import FastClock, Job
from tests.fake_slack import FakeSlack

ALERTS = 200
SHARE = 0.2  # of calls that go wrong
POSTED_IN_S = 0.9
KILL_AT_S = 1.0
SPEED = 10.0  # of our clock: leases and the settle time
Fault = Callable[[str, dict[str, Any]], str | None]
CONFIG = """
route:
  receiver: slack
  group_by: [alertname]
  group_wait: {wait}
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: slack
    slack_configs:
      - api_url: "{url}"
        channel: "#alerts"
        title: ""
        text: "{{{{ .CommonLabels.alertname }}}}"
        send_resolved: false
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    fault: str | None = None
    kill: str = ""  # "" | "sending" | "sent"
    again: bool = False  # the source sends all alerts again after the kill
    wait: str = "0s"  # Alertmanager's group_wait; 30 s is its default
    quiet_s: float = 12.0  # nothing new came for so long: it is over


SCENARIOS = (
    Scenario("no fault"),
    Scenario("20% HTTP 500 before it was done", "500"),
    Scenario("20% connection dropped after it was done", "drop"),
    Scenario("kill -9 at 1 s, source does not send again", kill="sending"),
    Scenario("kill -9 at 1 s, source sends again", kill="sending", again=True),
    Scenario("all sent, kill -9, source sends again", kill="sent", again=True),
    Scenario(
        "kill -9 at 1 s, source does not send again; Alertmanager's default group_wait (30 s)",
        kill="sending",
        wait="30s",
        quiet_s=40.0,
    ),
)


def program() -> str | None:
    """Alertmanager's program: EWS_ALERTMANAGER, or on the path."""
    return os.environ.get("EWS_ALERTMANAGER") or shutil.which("prometheus-alertmanager")


def version(path: str) -> str:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return (said.stdout or said.stderr).splitlines()[0]


def counted(names: list[str], seen: Counter[str]) -> dict[str, int]:
    return {
        "lost": sum(seen[name] == 0 for name in names),
        "doubled": sum(max(0, seen[name] - 1) for name in names),
    }


def faulty(scenario: Scenario, method: str) -> Fault:
    chance = random.Random(11)
    return lambda called, body: (
        scenario.fault if called == method and chance.random() < SHARE else None
    )


def until_quiet(count: Callable[[], int], quiet_s: float, wanted: int | None = None) -> None:
    """Wait until `wanted` came, or nothing new comes for so long."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < quiet_s:
        if (now := count()) != last:
            last, since = now, time.monotonic()
        if wanted is not None and last >= wanted:
            return
        time.sleep(0.05)


# --------------------------------------------------------------------------- Alertmanager


class Alertmanager:
    def __init__(self, path: str, home: Path, hook: str, wait: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (home / "config.yml").write_text(CONFIG.format(url=hook, wait=wait))
        self._command = [
            path, f"--config.file={home / 'config.yml'}", f"--storage.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=",
            "--log.level=error",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=1).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise RuntimeError("Alertmanager does not answer")

    def post(self, name: str) -> None:
        body = json.dumps([{"labels": {"alertname": name, "severity": "page"}}]).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts", body,
            {"Content-Type": "application/json"},
        )  # fmt: skip
        urllib.request.urlopen(request, timeout=5).close()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def theirs(scenario: Scenario, path: str) -> dict[str, int]:
    names = [f"alert-{n:04d}" for n in range(ALERTS)]
    with tempfile.TemporaryDirectory() as home, FakeSlack() as slack:
        slack.fault = faulty(scenario, "webhook")
        rival = Alertmanager(
            path, Path(home), slack.url.replace("/api/", "/services/T/B/hook"), scenario.wait
        )
        try:
            began = time.monotonic()
            for n, name in enumerate(names):
                time.sleep(max(0.0, began + n * POSTED_IN_S / ALERTS - time.monotonic()))
                rival.post(name)
            if scenario.kill == "sent":
                until_quiet(lambda: len(slack.webhooks), 60, ALERTS)
            elif scenario.kill:
                time.sleep(max(0.0, began + KILL_AT_S - time.monotonic()))
            if scenario.kill:
                rival.kill()
                rival.start()
            if scenario.again:
                for name in names:
                    rival.post(name)
            until_quiet(lambda: len(slack.webhooks), scenario.quiet_s)
        finally:
            rival.kill()
        seen = Counter(_words(body) for body in slack.webhooks)
        return counted(names, seen)


def _words(body: dict[str, Any]) -> str:
    return str(body["attachments"][0]["text"])


# --------------------------------------------------------------------------- ours


def ours(scenario: Scenario) -> dict[str, int]:
    told = [replace(notification(n), channel="slack") for n in range(ALERTS)]
    clock = FastClock(NOW, time.time(), SPEED)
    with tempfile.TemporaryDirectory() as home, FakeSlack(clock=clock.seconds) as slack:
        slack.fault = faulty(scenario, "chat.postMessage")
        store = Store.open(Path(home))
        job = Job(
            home, None, slack.url, NOW.isoformat(), clock.began, SPEED, rates=False, once=False
        )
        with forker(job) as ask:
            ask("start")
            began = time.monotonic()
            for n, one in enumerate(told):
                time.sleep(max(0.0, began + n * POSTED_IN_S / ALERTS - time.monotonic()))
                store.save_notifications([], [one])
            if scenario.kill == "sent":
                until_quiet(lambda: len(slack.messages["C1"]), 60, ALERTS)
            elif scenario.kill:
                time.sleep(max(0.0, began + KILL_AT_S - time.monotonic()))
            if scenario.kill:
                ask("kill")
                ask("start")
            if scenario.again:
                for one in told:
                    store.save_notifications([], [one])
            until_quiet(lambda: len(slack.messages["C1"]), 12)
            ask("kill")
        seen = slack.posted()
        store.close()
        return counted([one.id for one in told], seen)


def head_to_head(path: str | None) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for scenario in SCENARIOS:
        row: dict[str, object] = {"scenario": scenario.name, "ours": ours(scenario)}
        row["alertmanager"] = theirs(scenario, path) if path else None
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows
