"""What do these rules make of this period, held against what is known? Played once, then remembered."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alerts.routes import with_budgets
from alerts.routing import Routes
from alerts.rulebook import budgets
from ews.model import Alert, RuleSet, flatten
from ews.storage import Store
from ews.tuning.backtest import Backtest, Memory, backtest
from ews.tuning.casebook import References, references
from ews.tuning.desk_judged import said_of, verdicts_for
from ews.tuning.desk_shapes import Against, Period
from ews.tuning.matching import Matcher
from ews.tuning.scored import Scored, Window, examine
from ews.tuning.scored_alerts import last_window
from ews.tuning.tape import Tape, tape_of
from graph import Network

KEPT_TAPES = 4  # a proposal needs three: the halves and the whole
KEPT_PLAYS = 64


@dataclass(frozen=True, slots=True)
class Played:
    """One rule set over one tape, judged."""

    ruleset: RuleSet
    backtest: Backtest
    scored: Scored

    @property
    def alerts(self) -> Mapping[str, Alert]:
        return {alert.id: alert for alert in self.backtest.alerts}


@dataclass(slots=True)
class Bench:
    """A period with all that rule sets are held against in it."""

    tape: Tape
    routes: Routes
    window: Window
    known: References
    said: Mapping[str, bool]
    matcher: Matcher
    memory: Memory
    plays: dict[tuple[object, ...], Played] = field(default_factory=dict)

    def play(self, ruleset: RuleSet) -> Played:
        """The rule set over the tape. What does not differ in rules is not played again."""
        key = tuple(sorted((k, str(v)) for k, v in flatten(ruleset.rules).items()))
        found = self.plays.pop(key, None)
        if found is None:
            routes = with_budgets(self.routes, budgets(ruleset.rules))
            done = backtest(self.tape, ruleset, routes, self.memory)
            scored = examine(
                done.raised, self.known.episodes, self.known.traps, self.window,
                verdicts_for(done.alerts, self.said), None, self.matcher,
            )  # fmt: skip
            found = Played(ruleset, done, scored)
        while len(self.plays) >= KEPT_PLAYS:
            del self.plays[next(iter(self.plays))]
        self.plays[key] = found
        return found


@dataclass(slots=True)
class Player:
    """Makes benches, and keeps the last few with their tapes."""

    store: Store
    network: Network
    routes: Routes
    cache: Path
    benches: dict[tuple[object, ...], Bench] = field(default_factory=dict)
    looked: dict[tuple[object, ...], Bench] = field(default_factory=dict)

    def bench(self, period: Period, against: Against) -> Bench:
        """The period, read from the store anew when something was written since the last question."""
        key = (period, against, _changed_at(against), tuple(sorted(self.store.counts().items())))
        if key not in self.looked:
            while len(self.looked) >= KEPT_TAPES:
                del self.looked[next(iter(self.looked))]
            self.looked[key] = self._read(period, against)
        return self.looked[key]

    def _read(self, period: Period, against: Against) -> Bench:
        tape = tape_of(self.store, self.network, period.since, period.until, self.cache)
        said = said_of(self.store, against.verdicts)
        known = references(self.store, [*against.episodes, *against.traps])
        key = (tape.digest, tuple(known.episodes), tuple(known.traps), tuple(sorted(said.items())))
        found = self.benches.pop(key, None)
        if found is None:
            window = Window(period.since, period.until, feeds_of(self.store, period))
            gc.collect()
            gc.freeze()  # a tape stays: the collector need not walk it at every move of a slider
            matcher, memory = Matcher(known.episodes), Memory()
            found = Bench(tape, self.routes, window, known, said, matcher, memory)
        while len(self.benches) >= KEPT_TAPES:
            del self.benches[next(iter(self.benches))]
        self.benches[key] = found
        return found


def _changed_at(against: Against) -> tuple[float, ...]:
    files = (*against.episodes, *against.traps, *against.verdicts)
    return tuple(file.stat().st_mtime for file in files)


def feeds_of(store: Store, period: Period) -> tuple[str, ...]:
    """The recorded feeds that were replayed: episodes that only others tell are not asked for."""
    if not store.get("replay.last"):
        return ()
    return last_window(store, period.since, period.until).feeds


def played_period(store: Store) -> tuple[datetime, datetime] | None:
    """The window of the last replay; None for a live store."""
    if not store.get("replay.last"):
        return None
    window = last_window(store)
    return window.since, window.until
