"""What does a source ask that needs many requests? A few a turn, each in its time, from the clock.

`[options.each]` names the variables of the url and their values, `per_turn` how many requests one
turn makes at most. Which ones follows from `now` and `every` alone: a restart changes nothing, and
after `round_turns` turns every request was made. Turns that are missed at the same hour each day, or
on the same day each week, are other ones each round. `[options.batch]` joins several values in one
request; a reply that was cut off at the publisher's row limit is asked for again in halves.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import product
from math import gcd

from ews.model import Fetch, FetchOutcome, Raw, Source
from scrapers.collected import Parser, raw_of
from scrapers.conditional import api_key, ask, charset_of, failed, fill_url, judge
from scrapers.errors import SourceError, Truncated
from scrapers.http import Client
from scrapers.mapping import Parsed

GIVE_UP = 3  # failures in a row after which a turn stops: the other side is down
WEEK_S = 7 * 86_400
Check = Callable[[Source, str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: for each variable of the url its values, joined when there are several."""

    values: Mapping[str, tuple[str, ...]]

    def halves(self) -> list[Request]:
        """Two requests that ask the same together, cut at the longest batch; [] for a single one."""
        name = max(self.values, key=lambda one: len(self.values[one]))
        batch = self.values[name]
        if len(batch) < 2:
            return []
        parts = (batch[: len(batch) // 2], batch[len(batch) // 2 :])
        return [Request({**self.values, name: part}) for part in parts]

    def fill(self, url: str, joint: str) -> str:
        """The url with the variables in it; dates and key are left for `fill_url`."""
        for name, batch in self.values.items():
            url = url.replace("{" + name + "}", joint.join(batch))
        return url

    def __str__(self) -> str:
        words = (f"{k} {b[0]}{' ...' if len(b) > 1 else ''}" for k, b in self.values.items())
        return ", ".join(words)


def is_sweep(source: Source) -> bool:
    return isinstance(source.options.get("each"), Mapping)


def requests(source: Source) -> list[Request]:
    """Every request of a sweep; the last variable of `each` varies fastest."""
    each, sizes = source.options["each"], source.options.get("batch", {})
    assert isinstance(each, Mapping)
    assert isinstance(sizes, Mapping)
    columns = []
    for name, values in each.items():
        size = int(sizes.get(name, 1))
        texts = [str(value) for value in values]
        columns.append([tuple(texts[at : at + size]) for at in range(0, len(texts), size)])
    return [Request(dict(zip(each, chosen, strict=True))) for chosen in product(*columns)]


def round_turns(source: Source) -> int:
    """Turns until every request was made.

    The number has no divisor in common with the turns of a week: were a round a day long, a machine
    that is off at night would never ask what falls there.
    """
    turns, week = -(-len(requests(source)) // per_turn(source)), max(WEEK_S // source.every_s, 1)
    while gcd(turns, week) > 1:
        turns += 1
    return turns


def per_turn(source: Source) -> int:
    size = source.options["per_turn"]
    assert isinstance(size, int)
    return size


def due(source: Source, now: datetime) -> list[Request]:
    """The requests of the turn in which `now` lies."""
    every, turns = requests(source), round_turns(source)
    rounds, turn = divmod(turn_number(source, now), turns)
    part = every[turn * len(every) // turns : (turn + 1) * len(every) // turns]
    # Each round begins elsewhere: what a publisher's limit cuts off is not the same every time.
    first = rounds * max(3 * len(part) // 8, 1) % max(len(part), 1)
    return part[first:] + part[:first]


def next_turn(source: Source, now: datetime) -> datetime:
    """When the turn after the one in which `now` lies begins: turns do not drift past one another."""
    return datetime.fromtimestamp((turn_number(source, now) + 1) * source.every_s, UTC)


def turn_number(source: Source, now: datetime) -> int:
    """The turns of the source that have begun since 1970."""
    return int(now.timestamp()) // source.every_s


# --------------------------------------------------------------------------- one turn


@dataclass
class _Turn:
    parts: list[Parsed] = field(default_factory=list)
    errors: list[tuple[Request, SourceError]] = field(default_factory=list)
    retried: set[str] = field(default_factory=set)
    digest: list[str] = field(default_factory=list)
    described: set[str] = field(default_factory=set)
    raws: list[Raw] = field(default_factory=list)
    asked: int = 0
    in_a_row: int = 0
    stop: bool = False

    def take(self, part: Parsed) -> None:
        """Keeps an answer; a series that an earlier one described is described once (a turn may
        hold half a million values)."""
        fresh = [one for one in part.series if one.name not in self.described]
        self.described.update(one.name for one in fresh)
        self.parts.append(replace(part, series=fresh))
        self.in_a_row = 0

    def note(self, request: Request, error: SourceError) -> None:
        """Keeps what went wrong; after some errors the rest of the turn would fail as well."""
        self.errors.append((request, error))
        self.in_a_row += 1
        hopeless = error.permanent and not self.parts
        self.stop = hopeless or error.retry_after_s is not None or self.in_a_row >= GIVE_UP


def sweep(
    source: Source,
    last: Fetch | None,
    now: datetime,
    client: Client,
    parse: Parser,
    check: Check | None = None,
) -> tuple[Fetch, list[Parsed], list[Raw]]:
    """One turn: how it went, what the requests that worked brought, and every body that came.

    NEW when at least one request worked; `error` then tells which did not. FAILED when none did.
    UNCHANGED when all said byte for byte what the turn before said. Never raises SourceError.
    """
    base = Fetch(source.name, now, FetchOutcome.FAILED)
    if last is not None:
        base = replace(base, newest=last.newest, sha256=last.sha256)
    try:
        key = api_key(source, client)
    except SourceError as error:
        return failed(base, error), [], []
    turn, waiting = _Turn(), deque(due(source, now))
    planned = len(waiting)
    while waiting and not turn.stop and turn.asked < 2 * planned:
        _step(source, waiting, turn, _Asking(now, client, key, parse, check))
    left = len(waiting)
    return _outcome(base, last, turn, planned, left), turn.parts, turn.raws


@dataclass(frozen=True, slots=True)
class _Asking:
    now: datetime
    client: Client
    key: str
    parse: Parser
    check: Check | None


def _step(source: Source, waiting: deque[Request], turn: _Turn, how: _Asking) -> None:
    request = waiting.popleft()
    turn.asked += 1
    try:
        turn.take(_one(source, request, turn, how))
    except Truncated as error:
        halves = request.halves()
        # What a turn has no room for is the other half in the next round.
        rounds = turn_number(source, how.now) // round_turns(source)
        waiting.extendleft(halves if rounds % 2 else reversed(halves))
        if not halves:
            turn.note(request, error)
    except SourceError as error:
        if (
            not error.permanent
            and error.retry_after_s is None
            and repr(request) not in turn.retried
        ):
            turn.retried.add(repr(request))
            waiting.append(request)  # once more at the end of the turn
            turn.in_a_row += 1
            turn.stop = turn.in_a_row >= GIVE_UP
            turn.errors += [(request, error)] if turn.stop else []
        else:
            turn.note(request, error)


def _one(source: Source, request: Request, turn: _Turn, how: _Asking) -> Parsed:
    """The answer to one request. Raises SourceError."""
    filled = request.fill(source.url, str(source.options.get("join", ",")))
    url = fill_url(filled, how.now, how.key)
    if how.check is not None:
        how.check(source, url)
    reply = ask(source, url, how.client, {})
    turn.digest.append(f"{filled} {hashlib.sha256(reply.body).hexdigest()}")
    empty = source.options.get("empty_status", [])
    if isinstance(empty, list) and reply.status in empty:
        return Parsed([], 0, None)
    judge(source, reply, how.now)
    turn.raws.append(raw_of(source, how.now, len(turn.raws), reply))
    return how.parse(source, reply.body, how.now, charset_of(reply.headers), "")


def _outcome(base: Fetch, last: Fetch | None, turn: _Turn, planned: int, left: int) -> Fetch:
    first = turn.errors[0][1] if turn.errors else None
    words = ""
    if first is not None:
        request = turn.errors[0][0]
        words = f"{len(turn.errors)} of {turn.asked} requests failed, first ({request}): {first}"
    if left:
        words += f"; {left} were not made this turn and wait for the next round"
    if not turn.parts:
        error = first or SourceError("the sweep asked nothing; check options.each")
        return failed(base, error.reworded(words or error.message))
    digest = hashlib.sha256("\n".join(sorted(turn.digest)).encode()).hexdigest()
    waits = [error.retry_after_s for _, error in turn.errors if error.retry_after_s]
    good = replace(
        base,
        outcome=FetchOutcome.NEW,
        status=200,
        sha256=digest,
        error=words.removeprefix("; ") or None,
        retry_after_s=max(waits, default=None),
    )
    if last is not None and last.sha256 == digest and not turn.errors:
        return replace(good, outcome=FetchOutcome.UNCHANGED, signals=last.signals)
    return good


# --------------------------------------------------------------------------- what source.toml may say


def check_sweep(url: str, options: Mapping[str, object]) -> str:
    """What is wrong with the sweep of a source.toml, in words; "" when nothing is."""
    each, batch = options.get("each"), options.get("batch", {})
    if each is None:
        lonely = {"per_turn", "batch", "join"} & set(options)
        return f"options.{min(lonely)} needs options.each" if lonely else ""
    if not isinstance(each, dict) or not each:
        return "options.each must be a table of lists"
    for name, values in each.items():
        if not isinstance(values, list) or not values or len(set(map(str, values))) < len(values):
            return f"options.each.{name} must be a list of different values"
        if not re.fullmatch(r"[a-z_]+", name) or "{" + name + "}" not in url:
            return f"options.each.{name} must stand in url as {{{name}}}"
    size = options.get("per_turn")
    if not isinstance(size, int) or size < 1:
        return "options.per_turn must be the number of requests in a turn"
    if not isinstance(batch, dict) or not all(
        name in each and isinstance(n, int) and n > 0 for name, n in batch.items()
    ):
        return "options.batch must give a whole number for names of options.each"
    return ""
