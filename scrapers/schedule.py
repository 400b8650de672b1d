"""When is a source asked next, where, and why then? And what does its silence mean?

Pure: the clock comes with the fetch, chance is a hash of the name, so a restart changes no plan.
The wait is the longest of what the schedule (`every`), the source's own history, and the source
itself (TTL, Cache-Control, Retry-After) ask for; after failures it doubles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from ews.model import Circuit, Fetch, FetchOutcome, Polling, Source, SourceState
from scrapers.sweeps import is_sweep, next_turn

LONGEST_WAIT_S = 86_400
FAILURES_TOLERATED = 3  # turns that may fail before a source counts as failing
OPENS_AFTER = 5  # failed turns in a row open the circuit
RETRY_S = 900  # the first wait after no answer, where the schedule itself waits longer
# No answer is as likely our own line as the source: what was down all night must not leave us blind
# all morning. A host that is dead alone is left alone by its own circuit (scrapers.hosts).
SILENT_WAIT_S = 3_600
HISTORY = timedelta(days=14)
LOOKED_BACK = 60  # fetches of a source that its history is read from
TOO_FEW = 6  # fetches from which no history can be read
# Polls between two changes of a body. The expected delay is then an eighth of the usual gap.
POLLS_PER_CHANGE = 4
GROWTH = 1.5  # a wait grows at most so much at one poll, and is halved by the first change
# However quiet a source is, news of it waits no longer than this because of its history.
SLOWEST_S = 7_200
NEWS = "news"  # the group of newsrooms and of queries to them
ORIGINAL_AGAIN = timedelta(days=7)  # a source that moved is asked at its old address again


def plan(
    source: Source,
    polling: Polling,
    fetched: Fetch,
    recent: Sequence[Fetch] = (),
    moved_to: str = "",
) -> Polling:
    """How the source is polled after `fetched`; `why` says what set the time.

    `polling` is how it was polled before, `recent` its earlier fetches (newest first), `moved_to`
    where permanent redirects alone led this time.
    """
    known = renewed(source, polling)
    if not fetched.asked:  # its host is not asked now: neither a failure of it nor a poll
        wait = min(max(fetched.retry_after_s or 60, 1), LONGEST_WAIT_S)
        return replace(known, next_due=_later(source, fetched, wait), why="host")
    if fetched.outcome is FetchOutcome.FAILED:
        return _after_failure(source, known, fetched)
    return _after_answer(source, _moved(source, known, fetched, moved_to), fetched, recent)


def next_due(source: Source, fetched: Fetch, failures: int = 0) -> datetime:
    """The earliest next turn: the schedule, what the source asked for, or a back-off.

    `failures` counts failed turns in a row before this one; each doubles the wait, to a day at
    most. No answer at all is tried again after a quarter of an hour even where `every` is a day, and
    after an hour at most. A permanent failure waits a day: somebody may have mended it. A sweep
    comes back when its next turn begins.
    """
    asked = min(fetched.retry_after_s or 0, LONGEST_WAIT_S)
    if fetched.outcome is FetchOutcome.FAILED:
        wait = LONGEST_WAIT_S if fetched.permanent else _first_wait(source, fetched)
        wait = min(wait * 2 ** min(failures, 10), _longest_wait(source, fetched))
        return fetched.at + timedelta(seconds=max(wait, asked))
    asked = min(asked, source.fresh_within_s // 2)  # a silly TTL must not make us blind
    if is_sweep(source):
        return max(next_turn(source, fetched.at), fetched.at + timedelta(seconds=asked))
    return fetched.at + timedelta(seconds=max(source.every_s, asked))


def _first_wait(source: Source, fetched: Fetch) -> int:
    no_answer = fetched.status is None or fetched.status >= 500
    return min(source.every_s, RETRY_S) if no_answer and not is_sweep(source) else source.every_s


def _longest_wait(source: Source, fetched: Fetch) -> int:
    silent = fetched.status is None and not fetched.permanent and not is_sweep(source)
    return SILENT_WAIT_S if silent else max(LONGEST_WAIT_S, source.every_s)


def _after_failure(source: Source, known: Polling, fetched: Fetch) -> Polling:
    failed = replace(known, failures=known.failures + 1)
    if asks_elsewhere(source, known, fetched.at) and fetched.permanent:
        # The new address is no good (any more): what the old one says now counts.
        failed = replace(failed, moved_to=None, moved_at=None)
    elif fetched.status == 410 and fetched.permanent:
        return replace(
            failed, next_due=None, why="gone", circuit=Circuit.GONE, opened_at=fetched.at
        )
    if known.moved_to and failed.moved_to and not asks_elsewhere(source, known, fetched.at):
        failed = replace(failed, moved_at=fetched.at)  # the weekly look at the old address
    if failed.failures >= OPENS_AFTER:
        opened = known.opened_at if known.circuit is Circuit.OPEN else fetched.at
        failed = replace(failed, circuit=Circuit.OPEN, opened_at=opened)
    due = next_due(source, fetched, known.failures)
    wait_s = int((due - fetched.at).total_seconds())
    why = "circuit" if failed.circuit is Circuit.OPEN else "back-off"
    if fetched.retry_after_s and wait_s <= min(fetched.retry_after_s, LONGEST_WAIT_S):
        why = "retry-after"
    return replace(failed, next_due=_later(source, fetched, wait_s), why=why)


def _after_answer(
    source: Source, known: Polling, fetched: Fetch, recent: Sequence[Fetch]
) -> Polling:
    changed = fetched.at if fetched.outcome is FetchOutcome.NEW else known.changed_at
    every_s = None if is_sweep(source) else history_s(source, known, fetched, recent)
    said = fetched.retry_after_s or _said_before(recent)
    if fetched.outcome is FetchOutcome.NEW:
        said = fetched.retry_after_s
    due = next_due(source, replace(fetched, retry_after_s=said))
    wait_s, why = int((due - fetched.at).total_seconds()), "schedule"
    if due > next_due(source, replace(fetched, retry_after_s=None)):
        why = "cache"
    if every_s is not None and every_s > wait_s:
        wait_s, why = every_s, "history"
    return replace(
        known, next_due=_later(source, fetched, wait_s), why=why, failures=0,
        circuit=Circuit.CLOSED, opened_at=None, changed_at=changed, every_s=every_s,
    )  # fmt: skip


def _said_before(recent: Sequence[Fetch]) -> int | None:
    """What the newest body said of how long it stays good: an unchanged one need not say it again
    (RFC 9111, 4.3.4)."""
    newest = next((one for one in recent if one.outcome is FetchOutcome.NEW), None)
    return newest.retry_after_s if newest is not None else None


def history_s(source: Source, known: Polling, fetched: Fetch, recent: Sequence[Fetch]) -> int:
    """The wait that the source's own last two weeks ask for, in seconds; never below `every`.

    A quarter of the usual gap between two different bodies. A source that states its own acts
    (tier 1) is never asked at less than half its schedule: what it publishes is rare and counts.
    """
    slowest = slowest_s(source)
    good = [
        one
        for one in (fetched, *recent)
        if one.outcome is not FetchOutcome.FAILED and fetched.at - one.at <= HISTORY
    ]
    if len(good) < TOO_FEW:
        return min(known.every_s or source.every_s, slowest)
    span_s = (fetched.at - good[-1].at).total_seconds()
    changes = sum(one.outcome is FetchOutcome.NEW for one in good[:-1])
    if not changes and known.changed_at is not None:
        span_s = max(span_s, (fetched.at - known.changed_at).total_seconds())
    wanted = span_s / max(changes, 1) / POLLS_PER_CHANGE
    before = known.every_s or source.every_s
    step = before / 2 if fetched.outcome is FetchOutcome.NEW else before * GROWTH
    return int(max(source.every_s, min(wanted, step, slowest)))


def slowest_s(source: Source) -> int:
    """The longest wait that history may ask for, in seconds."""
    times = 2 if source.tier == 1 else 8
    return max(source.every_s, min(times * source.every_s, source.fresh_within_s // 4, SLOWEST_S))


def jitter_s(wait_s: float) -> float:
    """How far a turn may be put off, so that turns do not bunch.

    >>> jitter_s(300), jitter_s(86_400)
    (30.0, 60.0)
    """
    return min(0.1 * wait_s, 60.0)


def spread(name: str, turn: str) -> float:
    """0..1, ever the same for the same turn of the same source.

    >>> spread("gdacs", "1") == spread("gdacs", "1") != spread("gdacs", "2")
    True
    """
    return int.from_bytes(hashlib.sha256(f"{name}\x1f{turn}".encode()).digest()[:4]) / 2**32


def _later(source: Source, fetched: Fetch, wait_s: int) -> datetime:
    """That long after the fetch, and a little: never earlier than was asked for."""
    part = spread(source.name, fetched.at.isoformat())
    return fetched.at + timedelta(seconds=round(wait_s + part * jitter_s(wait_s), 3))


# --------------------------------------------------------------------------- due now?


def due_at(source: Source, polling: Polling, now: datetime) -> datetime | None:
    """When the source's turn comes; None: it is gone and not asked until an operator resumes it.

    One never asked, or whose url was corrected, is due within its jitter from `now`. A time so far
    ahead that only a wrong clock can have planned it is not believed.
    """
    known = renewed(source, polling)
    if known.circuit is Circuit.GONE:
        return None
    furthest = timedelta(seconds=2 * max(LONGEST_WAIT_S, source.every_s))
    if known.next_due is None or known.next_due - now > furthest:
        first = spread(source.name, "first") * jitter_s(source.every_s)
        return now + timedelta(seconds=first)
    return known.next_due


def is_due(source: Source, polling: Polling, now: datetime) -> bool:
    """Whether the source may be asked now; one never asked may."""
    known = renewed(source, polling)
    if known.circuit is Circuit.GONE:
        return False
    due = due_at(source, known, now)
    return known.next_due is None or due is None or due <= now


# --------------------------------------------------------------------------- where


def renewed(source: Source, polling: Polling) -> Polling:
    """How it is polled, begun anew when its url in source.toml is another than at its last turn:
    what was learnt of the old one (gone, moved, failing) says nothing of the new one."""
    if polling.url in ("", source.url):
        return replace(polling, url=source.url)
    return Polling(source.name, url=source.url, every_s=polling.every_s)


def resumed(polling: Polling, at: datetime) -> Polling:
    """The same source, asked again from then on, and at its own address: an operator says that it
    is there."""
    return replace(
        polling, next_due=at, why="schedule", failures=0, circuit=Circuit.CLOSED, opened_at=None,
        moved_to=None, moved_at=None,
    )  # fmt: skip


def may_move(source: Source) -> bool:
    """Whether a permanent redirect of its url can be remembered: not where the url is filled in
    anew at each turn, and never with a key, which belongs to the host that it was given for."""
    return "{" not in source.url and source.key_env is None and not is_sweep(source)


def asks_elsewhere(source: Source, polling: Polling, at: datetime) -> bool:
    """Whether the source is asked where a redirect led, and not at its own url. That is tried
    again once a week."""
    if polling.moved_to is None or not may_move(source):
        return False
    return polling.moved_at is None or at - polling.moved_at < ORIGINAL_AGAIN


def asked_as(source: Source, polling: Polling, at: datetime) -> Source:
    """The source with the url that it is asked at."""
    known = renewed(source, polling)
    if known.moved_to is None or not asks_elsewhere(source, known, at):
        return source
    return replace(source, url=known.moved_to)


def _moved(source: Source, known: Polling, fetched: Fetch, moved_to: str) -> Polling:
    """With what this answer says of where the source lives now. Only a new body tells where it
    came from."""
    elsewhere = asks_elsewhere(source, known, fetched.at)
    if moved_to and moved_to != source.url and may_move(source):
        same = elsewhere and moved_to == known.moved_to
        at = known.moved_at if same else fetched.at
        return replace(known, moved_to=moved_to, moved_at=at)
    if known.moved_to is None or elsewhere:
        return known
    if fetched.outcome is FetchOutcome.NEW:  # the old address answers by itself again
        return replace(known, moved_to=None, moved_at=None)
    return replace(known, moved_at=fetched.at)


def host_of_turn(source: Source, polling: Polling, at: datetime) -> str:
    """The host[:port] that a turn asks first."""
    return urlsplit(asked_as(source, polling, at).url).netloc.lower()


# --------------------------------------------------------------------------- silence


def with_news(polling: Polling, fetched: Fetch, ids: Sequence[str], new: int) -> Polling:
    """The polling after an answer with the texts of these ids, `new` of them not known before.

    Another set of ids counts as news too: two feeds may bring the same texts, and one of them is
    then never first.
    """
    if fetched.outcome is FetchOutcome.FAILED or not ids:
        return polling
    digest = hashlib.sha256("\x1f".join(sorted(set(ids))).encode()).hexdigest()[:16]
    if not new and digest == polling.entries:
        return polling
    return replace(polling, entries=digest, news_at=fetched.at)


def freshness(
    source: Source,
    last_good: Fetch | None,
    now: datetime,
    last: Fetch | None = None,
    news_at: datetime | None = None,
) -> SourceState:
    """What the source's silence means at `now`, judged by the newest date inside its data.

    `last_good` is the latest NEW or UNCHANGED fetch, `last` the latest of any outcome. A source
    without dates that may be empty (`expect.min = 0`) is judged by its last good answer; one of news
    by when it last brought any, since there is no season without news. A few
    failed turns in a row are tolerated, a permanent refusal is not. Texts that stay the same since
    `news_at` (`Polling.news_at`) are old whatever date they bear: some publishers stamp "now".
    """
    if not source.enabled:
        return SourceState.OFF
    if last is not None and last.outcome is FetchOutcome.FAILED:
        patience = timedelta(seconds=FAILURES_TOLERATED * source.every_s)
        if last.permanent or last_good is None or now - last_good.at > patience:
            return SourceState.FAILING
    if last_good is None:
        return SourceState.NEVER
    if now - last_good.at > timedelta(seconds=source.fresh_within_s):
        return SourceState.STALE
    newest = last_good.newest
    if news_at is not None and last_good.signals and newest is not None:
        newest = min(newest, news_at)
    if newest is None and source.expect_min == 0:
        if source.group != NEWS:
            return SourceState.FRESH
        newest = news_at  # an empty answer is one; answers that stay empty are no quiet world
    if newest is None or now - newest > timedelta(seconds=source.fresh_within_s):
        return SourceState.STALE
    return SourceState.FRESH
