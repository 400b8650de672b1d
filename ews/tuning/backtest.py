"""What would these rules have told in that period? The tape of it, played without a store.

The rules are the live ones (alerts.rules), turn by turn as ews.judging takes them: what changed, the
fellows that it moves, waits that end, and once a day what went quiet. Acts of people are not played.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np

from alerts import rules
from alerts.contents import Reported
from alerts.happenings import waits
from alerts.known import Standing
from alerts.remembered import Reading, Remembered
from alerts.routing import Routes
from alerts.rulebook import Book, read_book
from alerts.words import Bilingual
from ews.judging import REOPEN, members_of, with_uses
from ews.model import Alert, AlertChange, AlertState, RuleSet
from ews.tuning.loads import ReceiverLoad, Telling, loads_of, rules_only, tell_all
from ews.tuning.prefilter import may_matter
from ews.tuning.raised import Raised
from ews.tuning.scored_alerts import Reader
from ews.tuning.tape import Tape
from ews.tuning.tape_making import micros, moment
from graph.reference import CHOKEPOINTS, ITEMS, PORTS, Chokepoint, Port

DAY = timedelta(days=1)
MOST_ROUNDS = 8  # of what the routes bring and what that changes
CHAIN = timedelta(days=23)  # a story without a new article for so long is closed (nlp.stories)

Steps = dict[Hashable, tuple[object, AlertChange | None]]


@dataclass(slots=True)
class Memory:
    """What a further backtest of the same tape can use again; of another tape it begins anew."""

    tape: Tape | None = None
    reader: Reader = field(default_factory=lambda: Reader(hs_of, names_of))
    read: dict[str, dict[int, Reading]] = field(default_factory=dict)  # of revisions, by settings
    steps: Steps = field(default_factory=dict)
    used: dict[int, tuple[AlertChange, AlertChange]] = field(default_factory=dict)  # by id()

    def of(self, tape: Tape) -> Memory:
        """What is kept names objects of one tape."""
        if self.tape is not tape:
            self.tape = tape
            for kept in (self.read, self.steps, self.used):
                kept.clear()
        return self

    def book(self, ruleset: RuleSet) -> Book:
        """The rules, with what is known of each revision under settings like theirs."""
        book = read_book(ruleset)
        measured = repr((book.unread, book.sensitivity, book.weights))
        decided = (book.version, book.signoff, book.quiet, book.refuted_below)
        before = Remembered(
            repr((measured, decided)),
            {rule.name: repr(rule) for rule in book.rules},
            self.read.setdefault(measured, {}),
            self.steps,
        )
        return replace(book, before=before)

    def with_uses(self, change: AlertChange) -> AlertChange:
        """As ews.judging keeps the change; the same object for the same one."""
        if not self.steps:
            self.used.clear()
        found = self.used.get(id(change))
        if found is None or found[0] is not change:
            found = (change, replace(change, alert=with_uses(change.alert)))
            self.used[id(change)] = found
        return found[1]


@dataclass(frozen=True)
class Backtest:
    """What the rules tell of a tape."""

    tape: Tape
    ruleset: RuleSet
    routes: Routes
    changes: tuple[AlertChange, ...]  # in the window, oldest first
    alerts: tuple[Alert, ...]  # raised in the window, in their newest state, oldest first
    played: tuple[AlertChange, ...]  # also those before the window
    memory: Memory

    @cached_property
    def raised(self) -> tuple[Raised, ...]:
        """The alerts as a score reads them."""
        of_alert: dict[str, list[AlertChange]] = {alert.id: [] for alert in self.alerts}
        for change in self.changes:
            if change.alert.id in of_alert:
                of_alert[change.alert.id].append(change)
        return tuple(self._raised(alert, of_alert[alert.id]) for alert in self.alerts)

    def _raised(self, alert: Alert, changes: Sequence[AlertChange]) -> Raised:
        tape, events = self.tape, members_of(alert)
        named = {id_ for change in changes for id_ in members_of(change.alert)} | set(events)
        evidence = [one for id_ in events for one in tape.evidence(id_)]
        return self.memory.reader.raised(
            alert,
            changes,
            {id_: tape.firms(id_) for id_ in named},
            evidence,
            tape.articles(one.signal_id for one in evidence),
        )

    @cached_property
    def telling(self) -> Telling:
        """Every decision on the way to the receivers, from where the tape begins."""
        return tell_all(rules_only(self.played), self.tape.ticks, self.routes)

    @cached_property
    def loads(self) -> Mapping[str, ReceiverLoad]:
        """What each receiver would have been told and not told, day by day."""
        return loads_of(self.telling, self.routes, self.tape.since, self.tape.until)


class OtherDetectors(Bilingual, ValueError):
    """The rules change what is detected, which a tape does not hold."""

    def __init__(self, section: str) -> None:
        super().__init__(
            f"[{section}] decides what is detected: events that are stored cannot be tried under "
            "other values of it; play the signals again with `ews replay --rules FILE`",
            f"[{section}] 값은 무엇을 사건으로 볼지를 정합니다. 저장된 사건은 다른 값으로 시험할 수 "
            "없으니 `ews replay --rules 파일`로 신호부터 다시 돌려 보십시오.",
        )


def exactly(tape: Tape, ruleset: RuleSet, routes: Routes, memory: Memory | None = None) -> Backtest:
    """As `backtest`, with the changes that the routes bring: what was held back and spoke later is a
    revision of its alert, and dates it anew. What a replay keeps, number for number."""
    memory = memory or Memory()
    found = backtest(tape, ruleset, routes, memory)
    freed: tuple[AlertChange, ...] = ()
    for _ in range(MOST_ROUNDS):
        if found.telling.released == freed:
            break
        freed = found.telling.released
        found = _found(tape, ruleset, routes, memory, freed)
    return found


def backtest(
    tape: Tape, ruleset: RuleSet, routes: Routes, memory: Memory | None = None
) -> Backtest:
    """The alerts that these rules raise on that tape, and every change of them.

    RuleError for a document that cannot be read.
    """
    _same_detectors(tape, ruleset)
    return _found(tape, ruleset, routes, memory or Memory(), ())


def _found(
    tape: Tape, ruleset: RuleSet, routes: Routes, memory: Memory, freed: Sequence[AlertChange]
) -> Backtest:
    changes = _Play(tape, ruleset, memory.of(tape), freed).run()
    changes.sort(key=lambda change: (change.at, change.alert.id, change.alert.revision))
    newest = {change.alert.id: change.alert for change in changes}
    raised = [a for a in newest.values() if tape.since <= a.raised_at < tape.until]
    return Backtest(
        tape,
        ruleset,
        routes,
        tuple(change for change in changes if change.at >= tape.since),
        tuple(sorted(raised, key=lambda alert: (alert.raised_at, alert.id))),
        tuple(changes),
        memory,
    )


def _same_detectors(tape: Tape, ruleset: RuleSet) -> None:
    for section, then in tape.detectors.items():
        if then != ruleset.rules.get(section):
            raise OtherDetectors(section)


class _Play:
    """One run over a tape. `freed` are changes that the routes bring in between."""

    def __init__(
        self, tape: Tape, ruleset: RuleSet, memory: Memory, freed: Sequence[AlertChange]
    ) -> None:
        self.tape, self.memory, self.book = tape, memory, memory.book(ruleset)
        self.standing = Standing(self.book.grouping, REOPEN)
        self.newest: dict[int, int] = {}  # event -> its newest revision so far
        self.changes: list[AlertChange] = []
        self.freed = freed
        self.waits: dict[str, datetime] = {}  # alert -> when its stage is taken unsigned
        self.due: dict[str, datetime] = {}  # firing alert -> when it has been quiet for too long

    def run(self) -> list[AlertChange]:
        ticks = self.tape.columns.of_tick
        starts = np.flatnonzero(np.diff(ticks, prepend=-1)).tolist()
        rows = {int(ticks[a]): range(a, b) for a, b in pairwise([*starts, len(ticks)])}
        days = {micros(day) for day in self._days()}
        freed: dict[int, list[AlertChange]] = defaultdict(list)
        for change in self.freed:
            freed[micros(change.at)].append(change)
        matters = may_matter(self.tape, self.book).tolist()
        for at in sorted({*rows, *days, *freed}):
            now = moment(at)
            self._until(now)
            if at in rows:
                self._judge(rows[at], matters, now)
            self._time_out(now)
            if at in days:
                self._end_quiet(now)
            for change in freed.get(at, ()):
                self._free(change)
        self._until(self.tape.until)
        return self.changes

    def _days(self) -> Iterator[datetime]:
        """The first moments of the days, at which what went quiet ends."""
        day = midnight(self.tape.begins)
        while day < self.tape.until:
            yield day
            day += DAY

    def _until(self, now: datetime) -> None:
        """Waits for a signature that end before that moment."""
        while self.waits and (first := min(self.waits.values())) < now:
            self._time_out(first)

    def _time_out(self, now: datetime) -> None:
        if any(at <= now for at in self.waits.values()):
            self.standing.turn((), now)
            waiting = [self.standing.firing[id_] for id_ in self.waits]
            self._keep(rules.time_outs(waiting, self.book, now))

    def _end_quiet(self, now: datetime) -> None:
        quiet = [self.standing.firing[id_] for id_, at in self.due.items() if at <= now]
        if quiet:
            ids = {id_ for alert in quiet for id_ in members_of(alert)}
            seen = {id_: self._seen(self.tape.numbers[id_], now) for id_ in ids}
            self.standing.turn((), now)
            self._keep(rules.expire(quiet, seen, self.book, now))

    def _free(self, change: AlertChange) -> None:
        alert = self.standing.firing.get(change.alert.id)
        if alert is not None:
            after = replace(alert, revision=alert.revision + 1, updated_at=change.at)
            self.standing.turn((), change.at)
            self._keep([replace(change, alert=after)])

    # ----- events

    def _judge(self, rows: Sequence[int], matters: Sequence[bool], now: datetime) -> None:
        of_event, standing = self.tape.columns.of_event, self.standing
        events = [int(of_event[row]) for row in rows]
        self.newest |= zip(events, rows, strict=True)
        ids = [self.tape.events[event] for event in events]
        standing.turn(ids, now)
        looked = [
            row for row, id_ in zip(rows, ids, strict=True)
            if matters[row] or standing.home(id_) is not None
        ]  # fmt: skip
        if not looked:
            standing.take(())
            return
        pairs: list[Reported] = [self.tape.report(row) for row in looked]
        further = rules.fellows_of(pairs, standing, self.book)
        pairs += [self.tape.report(self.newest[self.tape.numbers[id_]]) for id_ in further]
        found = rules.evaluated(pairs, standing, self.book, now)
        self._keep([self.memory.with_uses(change) for change in found])
        homes = {a.id: a for event, _ in pairs if (a := standing.home(event.id)) is not None}
        for alert in homes.values():
            self._plan_end(alert, now)

    def _keep(self, changes: Sequence[AlertChange]) -> None:
        self.changes += changes
        self.standing.take([change.alert for change in changes])
        for change in changes:
            self._plan_end(change.alert, change.at)
            self.waits.pop(change.alert.id, None)
            if change.alert.id in self.standing.firing and change.alert.sign_by is not None:
                self.waits[change.alert.id] = change.alert.sign_by

    def _plan_end(self, alert: Alert, now: datetime) -> None:
        """When the alert ends unless something is heard of it."""
        if alert.state is AlertState.RESOLVED:
            self.due.pop(alert.id, None)
            return
        events = [self.tape.numbers[id_] for id_ in members_of(alert)]
        seen = max(self._heard(event, now) for event in events)
        self.due[alert.id] = seen + self.book.quiet

    def _heard(self, event: int, now: datetime) -> datetime:
        """Not after which moment the event can be quiet: its last word on the tape, or for what no
        story holds together the word of now."""
        number = self.newest[event]
        known, _ = self.tape.report(number)
        if known.detector == "news" and self.book.quiet >= CHAIN:
            return self.tape.heard(event)
        return self._seen(event, now)

    def _seen(self, event: int, now: datetime) -> datetime:
        """When the event was heard of last, as known at that moment."""
        known, _ = self.tape.report(self.newest[event])
        last = known.last_seen or known.updated_at
        heard = self.tape.heard(event)
        if heard <= now:
            return max(heard, last) + waits(known)
        times = [e.available_at for e in self.tape.evidence(known.id) if e.available_at <= now]
        return max(last, *times) + waits(known) if times else last + waits(known)


def midnight(at: datetime) -> datetime:
    """The first midnight (UTC) that is not before it."""
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if start == at else start + DAY


def hs_of(item: str) -> Sequence[str]:
    return ITEMS[item].hs if item in ITEMS else ()


def names_of(kind: str, code: str) -> Sequence[str]:
    """What a chokepoint or port is called, in English and Korean."""
    tables: Mapping[str, Mapping[str, Chokepoint | Port]] = {
        "chokepoint": CHOKEPOINTS,
        "port": PORTS,
    }
    known = tables.get(kind, {}).get(code)
    return (code,) if known is None else tuple(dict.fromkeys((known.en, known.ko)))
