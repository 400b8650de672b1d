"""A simulated day of collection on a loopback port that fails in every way, with kills: figures.

`python -m tests.bench_collection_day [--pace 144] [--seed 1] [--restarts 40]`. The service is the real
one (ews.scheduler, Pipeline.scrape, Client, parse workers, Store on SQLite) in a process of its own, on a
clock that runs `pace` times as fast; half of the restarts are SIGKILL. Without cycles: what is read into stories is
measured elsewhere. Exit 1 when a check fails. Feeds, texts and faults are synthetic.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from ews.model import Circuit, Fetch, FetchOutcome, SourceState
from ews.pipeline import Pipeline
from ews.storage import Store
from scrapers.schedule import freshness
from tests.day_service import GAP_S, client_of, clock_of, rooms
from tests.day_world import FAULTS, FEEDS, HOSTS, START, Asked, Feed, World, feeds

ROOT = Path(__file__).parent.parent
# What the ledger cannot know: how long a request was on its way (threads, kernel), in real seconds.
ON_ITS_WAY_S = 0.1
LATE_S = 20.0  # real seconds after its due or the restart by which a turn must have begun


@dataclass
class Run:
    """One simulated day: what was set, and what the lives of the service were."""

    seed: int
    pace: float
    t0: float
    home: Path
    world: World
    made: list[Feed]
    end: datetime
    lives: list[tuple[float, float, str]] = field(default_factory=list)  # (from, to, how it ended)
    stops_s: list[float] = field(default_factory=list)

    def real(self, at: datetime) -> float:
        return self.t0 + (at - START).total_seconds() / self.pace


def lived(run: Run, restarts: int, hours: float) -> None:
    """Start the service, end it at random moments (every second time by SIGKILL), start it again."""
    chance = random.Random(f"{run.seed} kills")
    end = run.t0 + hours * 3600 / run.pace
    moments = sorted(chance.uniform(run.t0 + 2, end - 4) for _ in range(restarts))
    for n, moment in enumerate([*moments, end]):
        kill = n % 2 == 0 and moment != end
        begun = time.time()
        proc = subprocess.Popen(
            [sys.executable, "-m", "tests.day_service", str(run.home), repr(run.t0),
             repr(run.pace), str(run.world.port), str(run.seed), str(len(run.made)),
             str(len({one.host for one in run.made}))],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        time.sleep(max(moment - time.time(), 0))
        if proc.poll() is not None:
            raise RuntimeError(f"the service ended by itself, code {proc.returncode}")
        asked = time.time()
        proc.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        proc.wait(60)
        run.lives.append((begun, time.time(), "SIGKILL" if kill else "SIGTERM"))
        if not kill:
            run.stops_s.append(time.time() - asked)


def polled_once_more(run: Run) -> int:
    """A last clean poll of every source that is not gone, by the same code on a clock that jumps over
    waits; the failures among them."""
    run.world.calm, run.world.clock = True, lambda: run.end
    ahead = timedelta(days=2)

    def sleep(seconds: float) -> None:
        nonlocal ahead
        ahead += timedelta(seconds=seconds)

    def now() -> datetime:
        return run.end + ahead

    failed = 0
    with closing(Store.open(run.home)) as store:
        pipeline, client = Pipeline(store, rooms()), client_of(store, now, sleep)
        for feed in run.made:
            if store.polling(feed.name).circuit is Circuit.GONE:
                continue
            sleep(GAP_S)
            pipeline.scrape(feed.source(run.world.port), client, now())
            last = store.last_fetch(feed.name)
            gone = feed.fate == "gone" and run.end >= feed.turns_at
            failed += not gone and (last is None or last.outcome is FetchOutcome.FAILED)
    return failed


# --------------------------------------------------------------------------- checks


def stored(run: Run) -> dict[str, object]:
    """Every item that was sent whole is stored exactly once, and nothing else is."""
    with closing(sqlite3.connect(run.home / "ews.db")) as db:
        rows = db.execute("SELECT url, title, count(*) FROM articles GROUP BY url").fetchall()
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
    there, served = {url: (title, n) for url, title, n in rows}, run.world.ledger.served
    missing = [url for url in served if url not in there]
    killed = [to for _, to, how in run.lives if how == "SIGKILL"]
    # The last process that it was sent to was killed, and the feed had moved on before the next poll.
    cut = [url for url in missing if _near(max(served[url]), killed, before_s=3.0)]
    ended = {one.name for one in run.made if one.fate == "gone" and one.turns_at <= run.end}
    return {
        "items_sent_whole": len(served),
        "times_sent": sum(map(len, served.values())),
        "stored": len(there),
        "missing": len(missing) - len(cut),
        "lost_with_a_killed_process_and_scrolled_off": len(cut),
        "of_these_of_feeds_that_were_gone_for_good": sum(
            run.world.ledger.titles[url][0] in ended for url in cut
        ),
        "stored_twice": sum(n > 1 for _, n in there.values()),
        "never_sent": sum(url not in served for url in there),
        "wrong_title": sum(
            url in there and there[url][0] != title
            for url, (_, title) in run.world.ledger.titles.items()
        ),
        "integrity": sound,
    }


def _near(at: float, moments: Iterable[float], before_s: float) -> bool:
    return any(0 <= moment - at <= before_s for moment in moments)


def polite(run: Run) -> dict[str, object]:
    """No two requests to a host closer than the gap, and none while it asked us to wait."""
    slack = timedelta(seconds=ON_ITS_WAY_S * run.pace)
    by_host: dict[str, list[Asked]] = defaultdict(list)
    for one in sorted(run.world.ledger.asked, key=lambda one: one.at):
        by_host[one.host].append(one)
    killed = [to for _, to, how in run.lives if how == "SIGKILL"]
    gaps: list[float] = []
    held = broken = cut = 0
    for asked in by_host.values():
        gaps += [(b.at - a.at).total_seconds() for a, b in pairwise(asked)]
        for one in asked:
            if not one.wait_s:
                continue
            held += 1
            until = one.at + timedelta(seconds=one.wait_s)
            early = [b for b in asked if one.at + slack < b.at < until - slack]
            if early and _near(one.real, killed, before_s=1.0):
                cut += 1  # the answer reached a process that was killed before it could note it
            else:
                broken += bool(early)
    return {
        "hosts": len(by_host),
        "requests": len(run.world.ledger.asked),
        "gap_s": GAP_S,
        "measurable_to_s": round(slack.total_seconds(), 1),
        "smallest_gap_s": round(min(gaps), 1),
        "gaps_too_small": sum(one < GAP_S - slack.total_seconds() for one in gaps),
        "smallest_gap_over_a_restart_s": round(_over_restarts(run, by_host), 1),
        "waits_asked_for": held,
        "waits_broken": broken,
        "waits_lost_with_a_killed_process": cut,
    }


def _over_restarts(run: Run, by_host: dict[str, list[Asked]]) -> float:
    gaps = [
        (b.at - a.at).total_seconds()
        for asked in by_host.values()
        for a, b in pairwise(asked)
        for _, to, _ in run.lives
        if a.real <= to < b.real
    ]
    return min(gaps, default=0.0)


def due_turns(run: Run) -> dict[str, object]:
    """Every turn that was planned began; how late."""
    lines = [json.loads(line) for line in (run.home / "journal").read_text().splitlines()]
    begun: dict[str, list[dict[str, object]]] = defaultdict(list)
    for line in lines:
        if line["what"] == "begins":
            begun[line["source"]].append(line)
    ready = [line["real"] for line in lines if line["what"] == "starts"]
    late_running, late_restart, very_late = list[float](), list[float](), 0
    for turns in begun.values():
        for one in turns:
            due = run.real(datetime.fromisoformat(str(one["due"]))) if one["due"] else run.t0
            real = float(str(one["real"]))
            up = max((at for at in ready if at <= real), default=real)
            (late_running if due >= up else late_restart).append(real - max(due, up))
            very_late += real - max(due, up) > LATE_S
    forgotten = 0
    for line in lines:
        if line["what"] != "planned" or line["due"] is None:
            continue
        made = {str(one["due"]) for one in begun[line["source"]]}
        soon = run.end - timedelta(seconds=LATE_S * run.pace)
        if datetime.fromisoformat(line["due"]) < soon and line["due"] not in made:
            forgotten += 1
    return {
        "turns_begun": sum(map(len, begun.values())),
        "turns_planned": sum(line["what"] == "planned" for line in lines),
        "begun_again_after_a_kill": _again(begun),
        "planned_and_never_begun": forgotten,
        "sources_never_asked": len(run.made) - len(begun),
        f"later_than_{LATE_S:g}_s_real": very_late,
        "late_s_real": _spread(late_running),
        "late_after_a_restart_s_real": _spread(late_restart),
        "why": dict(Counter(line["why"] for line in lines if line["what"] == "planned")),
    }


def _again(begun: dict[str, list[dict[str, object]]]) -> int:
    dues = (Counter(str(one["due"]) for one in turns if one["due"]) for turns in begun.values())
    return sum(n - 1 for counted in dues for n in counted.values())


def _spread(values: list[float]) -> dict[str, float]:
    ranked = sorted(values) or [0.0]
    at: Callable[[float], float] = lambda q: round(ranked[int(q * (len(ranked) - 1))], 3)  # noqa: E731
    return {"n": len(values), "median": at(0.5), "p99": at(0.99), "worst": at(1)}


def noticed(run: Run) -> dict[str, object]:
    """A feed that answers and brings nothing newer is stale within its limit and one poll."""
    late, never, seen, delays = 0, 0, 0, list[float]()
    with closing(Store.open(run.home)) as store:
        for feed in run.made:
            limit = timedelta(seconds=feed.fresh_within_s)
            shown = feed.shown(run.end)
            newest = feed.times[shown[-1]]
            if not feed.fate.startswith("frozen") or newest + 2 * limit > run.end:
                continue
            seen += 1
            past = [one for one in store.fetches(feed.name, limit=None) if one.at <= run.end]
            at = _stale_from(feed, run.world.port, past, newest)
            if at is None:
                never += 1
                continue
            # a frozen feed is asked at its slowest by then; down times come on top
            poll = max((b.at - a.at for a, b in zip(past[1:], past, strict=False)
                        if b.at >= newest), default=limit)  # fmt: skip
            delays.append((at - newest - limit).total_seconds())
            late += at > newest + limit + poll
    return {"frozen": seen, "noticed_late": late, "never_noticed": never,
            "after_the_limit_s": _spread(delays)}  # fmt: skip


def _stale_from(feed: Feed, port: int, past: list[Fetch], newest: datetime) -> datetime | None:
    """The first minute from which `freshness` says stale, by what was fetched until then."""
    source = feed.source(port)
    at = newest
    while at < newest + timedelta(seconds=3 * feed.fresh_within_s):
        known = [one for one in past if one.at <= at]
        good = next((one for one in known if one.outcome is not FetchOutcome.FAILED), None)
        if freshness(source, good, at, known[0] if known else None) is SourceState.STALE:
            return at
        at += timedelta(minutes=1)
    return None


def obeyed(run: Run) -> dict[str, object]:
    """410 and 301: not asked again, asked elsewhere."""
    gone, moved = Counter[str](), Counter[str]()
    for one in run.world.ledger.asked:
        gone[one.feed] += one.what == "gone"
        moved[one.feed] += one.what == "moved"
    with closing(Store.open(run.home)) as store:
        kept = store.pollings()
    circuits = sum(kept[name].circuit is Circuit.GONE for name, n in gone.items() if n)
    return {
        "gone": sum(n > 0 for n in gone.values()), "gone_in_the_store": circuits,
        "asked_again_though_gone": sum(max(n - 1, 0) for n in gone.values()),
        "moved": sum(n > 0 for n in moved.values()),
        "moved_in_the_store": sum(bool(kept[name].moved_to) for name, n in moved.items() if n),
        "times_asked_at_the_old_address": sum(moved.values()),
    }  # fmt: skip


# --------------------------------------------------------------------------- the day


def measure(
    pace: float = 144.0, seed: int = 1, restarts: int = 40, hours: float = 24.0,
    count: int = FEEDS, hosts: int = HOSTS,
) -> dict[str, object]:  # fmt: skip
    """The figures of one day; `failed` names the checks that did not hold."""
    with tempfile.TemporaryDirectory() as folder:
        Store.open(Path(folder)).close()
        t0 = time.time() + 1.0
        made = feeds(seed, count, hosts)
        world = World(seed, made, clock_of(t0, pace))
        end = START + timedelta(hours=hours)
        run = Run(seed, pace, t0, Path(folder), world, made, end)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            lived(run, restarts, hours)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            polite_, due, broken = polite(run), due_turns(run), polled_once_more(run)
        finally:
            world.close()
        found: dict[str, object] = {
            "synthetic": True, "seed": seed, "pace": pace, "simulated_hours": hours,
            "feeds": count, "hosts": hosts, "faults": FAULTS, "answers": world.ledger.kinds(),
            "lives": dict(Counter(how for _, _, how in run.lives)),
            "stop_s": _spread(run.stops_s),
            "down_share": round(1 - sum(b - a for a, b, _ in run.lives) / (time.time() - t0), 3),
            "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
            "stored": stored(run), "polite": polite_, "due": due, "frozen": noticed(run),
            "obeyed": obeyed(run), "last_polls_failed": broken,
            "machine": {"cores": os.cpu_count(), "cpu": platform.machine(),
                        "python": platform.python_version(), "load_1m": os.getloadavg()[0]},
        }  # fmt: skip
    found["failed"] = failed(found)
    return found


MUST_BE_ZERO = {
    "stored": ("missing", "stored_twice", "never_sent", "wrong_title"),
    "polite": ("gaps_too_small", "waits_broken"),
    "due": ("planned_and_never_begun", "sources_never_asked", f"later_than_{LATE_S:g}_s_real"),
    "frozen": ("noticed_late", "never_noticed"),
    "obeyed": ("asked_again_though_gone",),
}


def failed(found: dict[str, object]) -> list[str]:
    """Which checks did not hold, with their figures."""
    wrong = []
    for part, names in MUST_BE_ZERO.items():
        figures = found[part]
        assert isinstance(figures, dict)
        wrong += [f"{part}.{name} = {figures[name]}" for name in names if figures[name] != 0]
    told = found["stored"]
    assert isinstance(told, dict)
    if told["integrity"] != "ok" or not told["items_sent_whole"]:
        wrong.append(f"stored: {told}")
    if found["last_polls_failed"]:
        wrong.append(f"last_polls_failed = {found['last_polls_failed']}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pace", type=float, default=144.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restarts", type=int, default=40)
    parser.add_argument("--hours", type=float, default=24.0)
    told = parser.parse_args()
    found = measure(told.pace, told.seed, told.restarts, told.hours)
    print(json.dumps(found, indent=1))
    sys.exit(1 if found["failed"] else 0)


if __name__ == "__main__":
    main()
