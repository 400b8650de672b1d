"""kill -9 at any moment, with the real store and a Slack that fails: what was lost, doubled, mixed?

Time runs `speed` times faster for the worker and the fake, so that leases, pauses, timeouts and the
settle time, all as in production, are seconds of the test.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ews.model import Delivery, DeliveryState, Notification
from ews.storage import Store
from ews.storage.audit import broken
from tests.alert_samples import NOW, notification
from tests.chaos_worker import FastClock, Job
from tests.fake_slack import FakeSlack

ROOT = Path(__file__).parents[1]
OPEN = (DeliveryState.NEW, DeliveryState.TRYING, DeliveryState.AMBIGUOUS)
ROOMS = 12
REVISIONS = 5
DOUBT_S = 300.0
GIVE_UP_S = 3600.0  # fast seconds after the last kill; what is open then is counted


@dataclass(frozen=True, slots=True)
class Chaos:
    """What to do to the worker."""

    messages: int
    kills: int
    seed: int = 7
    speed: float = 10.0
    pause_s: tuple[float, float] = (0.15, 0.9)  # real seconds between kills
    blind: bool = False
    lag_s: float = 5.0
    faulty: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    messages: int
    edits: int
    kills: int
    lost: int
    doubled: int
    mixed: int  # threads out of order, or split over two roots
    open: int  # not yet sent at the end
    longest_doubt_s: float  # fast seconds until it was known whether a message arrived
    after_kills_s: float  # the same, counted from the last kill at the earliest
    dead: int
    refused: int  # posts faster than Slack's rate (the fake refused them)
    calls: int
    looks: int
    faults: dict[str, int]
    seconds: float
    problems: list[str]

    @property
    def clean(self) -> bool:
        bad = (self.lost, self.doubled, self.mixed, self.open, self.dead)
        return bad == (0, 0, 0, 0, 0) and not self.problems and self.after_kills_s < DOUBT_S


def told(messages: int) -> list[Notification]:
    """So many messages in threads of five revisions over twelve rooms, and edits between them."""
    out = []
    for n in range(messages):
        thread, revision = divmod(n, REVISIONS)
        room = f"room-{thread % ROOMS}"
        one = notification(thread, 2 * revision + 1, room, f"C{thread % ROOMS}")
        out.append(replace(one, channel="slack"))
        if n % 10 == 3:
            edit = notification(thread, 2 * revision + 2, room, f"C{thread % ROOMS}")
            out.append(replace(edit, channel="slack", edit=True))
    return out


def faults(
    chance: random.Random, seen: Counter[str]
) -> Callable[[str, dict[str, Any]], str | None]:
    """A tenth each of 429, 500, dropped after it was done, and hanging (half of these done)."""
    odds = ["429"] * 2 + ["500"] * 2 + ["drop"] * 2 + ["hang", "stall"] + [None] * 12

    def fault(method: str, body: dict[str, Any]) -> str | None:
        found = chance.choice(odds)
        if found:
            seen[found] += 1
        return found

    return fault


def run(home: Path, database: str | None, plan: Chaos) -> Outcome:
    """Deliver under faults and kills, and look at what the channels hold afterwards."""
    notifications = told(plan.messages)
    store = Store.open(home, database)
    store.save_notifications([], notifications)
    clock = FastClock(NOW, time.time(), plan.speed)
    chance, seen = random.Random(plan.seed), Counter[str]()
    with FakeSlack(tuple(f"C{n}" for n in range(ROOMS)), clock=clock.seconds) as slack:
        slack.lag_s, slack.per_s, slack.burst = plan.lag_s, 1.0, 3
        slack.hang_s = 12.0 / plan.speed
        if plan.faulty:
            slack.fault = faults(chance, seen)
        job = Job(str(home), database, slack.url, NOW.isoformat(), clock.began, clock.speed,
                  plan.blind)  # fmt: skip
        began = time.monotonic()
        kills, last_kill = _kill_until_done(job, plan, chance)
        seconds = time.monotonic() - began
        outcome = _outcome(store, slack, notifications, kills, last_kill, seen, seconds)
    store.close()
    return outcome


def _kill_until_done(job: Job, plan: Chaos, chance: random.Random) -> tuple[int, datetime]:
    """Start, kill after a moment, start again; after the last kill wait until all is delivered.
    How many kills, and when the last was."""
    kills, last = 0, NOW
    with forker(job) as ask:
        while True:
            ask("start")
            if kills >= plan.kills:
                deadline = time.monotonic() + GIVE_UP_S / plan.speed
                while (state := ask("poll")) == "running" and time.monotonic() < deadline:
                    time.sleep(0.05)
                if state == "running":
                    ask("kill")  # what is open now stays open, and is counted
                return kills, last
            time.sleep(chance.uniform(*plan.pause_s))
            if ask("kill") == "ended":
                return kills, last
            kills, last = kills + 1, job.clock()


@contextmanager
def forker(job: Job) -> Iterator[Callable[[str], str]]:
    command = [sys.executable, "-m", "tests.chaos_worker", json.dumps(asdict(job))]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True,
        ) as process,
    ):  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        reads, writes = process.stdout, process.stdin

        def answer() -> str:
            line = reads.readline().strip()
            if not line:
                errors.seek(0)
                raise RuntimeError(f"the worker's parent ended: {errors.read()[-2000:]}")
            return line

        def ask(what: str) -> str:
            writes.write(what + "\n")
            writes.flush()
            return answer()

        answer()
        yield ask
        writes.close()


def _outcome(
    store: Store, slack: FakeSlack, notifications: list[Notification], kills: int,
    last_kill: datetime, seen: Counter[str], seconds: float,
) -> Outcome:  # fmt: skip
    time.sleep(1.5 * slack.slow_s / 10)  # what is still in flight lands
    posted: Counter[str] = Counter()
    for channel in slack.messages:
        posted += slack.posted(channel)
    posts = [one for one in notifications if not one.edit]
    rows = store.deliveries()
    states = Counter(row.state for row in rows)
    calls = Counter(method for method, _ in slack.calls)
    known = {one.id for one in posts}
    return Outcome(
        messages=len(posts), edits=len(notifications) - len(posts), kills=kills,
        lost=sum(posted[one.id] == 0 for one in posts),
        doubled=sum(n - 1 for key, n in posted.items() if key in known)
        + sum(n for key, n in posted.items() if key not in known),
        mixed=_mixed(store, slack, posts),
        open=sum(states[one] for one in OPEN), longest_doubt_s=_longest_doubt(rows), after_kills_s=_longest_doubt(rows, last_kill),
        dead=states[DeliveryState.DEAD], refused=slack.refused, calls=sum(calls.values()),
        looks=calls["conversations.history"] + calls["conversations.replies"],
        faults=dict(sorted(seen.items())), seconds=round(seconds, 1),
        problems=store.integrity_check() + _audit_problems(store),
    )  # fmt: skip


def _longest_doubt(rows: list[Delivery], since: datetime = NOW) -> float:
    """`first_try_at` is when a message may first have arrived; it is settled by `sent_at`."""
    doubts = [
        (one.sent_at - max(one.first_try_at, since)).total_seconds()
        for one in rows
        if one.sent_at is not None and one.first_try_at is not None
    ]
    return round(max(doubts, default=0.0), 1)


def _audit_problems(store: Store) -> list[str]:
    found = broken(store.audit_rows())
    return [] if found is None else [found]


def _mixed(store: Store, slack: FakeSlack, posts: list[Notification]) -> int:
    """Threads whose messages are out of order or hang on more than one first message."""
    by_id = {one.id: one for one in posts}
    threads: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for messages in slack.messages.values():
        for message in messages:
            one = by_id.get(message["metadata"]["event_payload"]["k"])
            if one is not None:
                root = message.get("thread_ts", message["ts"])
                place = (float(message["ts"]), one.alert_revision, root)
                threads.setdefault((one.alert_id, one.receiver), []).append(place)
    wrong = 0
    for rows in threads.values():
        revisions = [revision for _, revision, _ in sorted(rows)]
        roots = {root for _, _, root in rows}
        wrong += revisions != sorted(revisions) or len(roots) != 1
    return wrong
