"""What would a change of the rules have done, and how is it saved? The tuning desk, for every face.

`ews tune`, the API and the tuning page ask these functions and print the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter

from alerts.routing import Routes
from alerts.rule_cases import Facts
from alerts.rulebook import RuleError, budgets
from alerts.view import Names
from ews.config import Settings
from ews.model import RuleSet
from ews.storage import Store
from ews.tuning import desk_history, proposals
from ews.tuning.desk_knobs import knobs
from ews.tuning.desk_play import Bench, Played, Player, played_period
from ews.tuning.desk_preview import case_run, previewed
from ews.tuning.desk_scaling import typed
from ews.tuning.desk_shapes import (
    Against,
    Candidate,
    Knob,
    Period,
    Point,
    Preview,
    Proposal,
    Target,
    Version,
)
from ews.tuning.rule_tests import own_file, read_own
from ews.tuning.rules import (
    Changer,
    RuleChangeError,
    Saving,
    changed,
    in_force,
    of_version,
    set_rules,
    undo_rules,
)
from graph import Network

LIVE = timedelta(days=180)  # of a store that was never replayed
NOTHING = Against()


@dataclass(slots=True)
class Desk:
    """The tuning questions over one store. It keeps tapes and plays between questions, so a page
    holds one and asks it again; it writes only in `save`, `plan` and `undo`."""

    store: Store
    settings: Settings
    network: Network
    routes: Routes
    names: Names
    _player: Player | None = field(default=None, repr=False)

    # ------------------------------------------------------------------ asking

    def base(self, now: datetime) -> RuleSet:
        """The rules in force, which a change starts from."""
        return in_force(self.store, now)

    def period(self, now: datetime) -> Period:
        """The window of the store's last replay; of a live store the last 180 days."""
        found = played_period(self.store)
        if found is not None:
            return Period(*found)
        until = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Period(until - LIVE, until)

    def knobs(self, ruleset: RuleSet) -> tuple[Knob, ...]:
        """What may be moved in that version, and how far."""
        return knobs(ruleset, self.routes)

    def rules_at(self, version: int, changes: Mapping[str, str]) -> RuleSet:
        """That version with the changes, as it would be saved. RuleChangeError otherwise."""
        base = of_version(self.store, version)
        if not changes:
            return base
        rules = changed(base.rules, changes)
        known = {one.name for one in self.routes.receivers}
        for key in changes:
            name = key.partition(".")[2]
            if key.startswith(("budget.", "budgets.")) and name not in known:
                raise RuleChangeError(f"{key}: no receiver {name!r}; there are "
                                      f"{', '.join(sorted(known)) or '-'}")  # fmt: skip
        return replace(base, rules=rules)

    def preview(
        self,
        change: Candidate,
        period: Period,
        against: Against = NOTHING,
        *,
        curve: bool = True,
        loads: bool = True,
    ) -> Preview:
        """What the change would have done in the period. RuleChangeError for a change that cannot
        be; without `curve` and `loads` (of receivers) it answers while a slider is dragged."""
        started = perf_counter()
        base = of_version(self.store, change.base_version)
        candidate = self.rules_at(change.base_version, change.changes)
        bench = self._bench(period, against)
        newest = in_force(self.store).version
        tests = case_run(candidate.rules, self._own())
        found = previewed(bench, base, candidate, newest, tests, curve, loads)
        return replace(found, seconds=round(perf_counter() - started, 3))

    def propose(
        self,
        target: Target,
        period: Period,
        now: datetime,
        against: Against = NOTHING,
        tries: int = proposals.MOST_TRIES,
    ) -> Proposal:
        """Changes that reach the target at the best recall, from the rules in force; after so many
        tries the best so far. The same question, the same answer."""
        if target.receiver is not None and target.receiver not in self._receivers():
            raise RuleChangeError(f"no receiver {target.receiver!r}; there are "
                                  f"{', '.join(sorted(self._receivers())) or '-'}")  # fmt: skip
        base, (first, second) = self.base(now), _halves(period)
        search = proposals.Search(self._bench(first, against), base, target, tries)
        change = Candidate(base.version, typed(base, search.run()))
        after = self.rules_at(base.version, change.changes)
        fitted = self._beside(first, against, base, after, target)
        held = self._beside(second, against, base, after, target)
        return Proposal(
            target=target,
            candidate=change,
            met=fitted[1],
            fitted=(first, *fitted[0]),
            held_out=(second, *held[0]),
            held_out_met=held[1],
            tried=search.tried,
            most_tries=search.most,
            preview=self.preview(change, period, against),
        )

    def _beside(
        self, period: Period, against: Against, base: RuleSet, after: RuleSet, target: Target
    ) -> tuple[tuple[Point, Point], bool]:
        bench = self._bench(period, against)
        old, new = bench.play(base), bench.play(after)
        points = proposals.figures(old, target), proposals.figures(new, target)
        return points, proposals.met(new, target)

    def played(self, ruleset: RuleSet, period: Period, against: Against = NOTHING) -> Played:
        """The alerts of those rules in the period, held against what is known."""
        return self._bench(period, against).play(ruleset)

    def versions(self, now: datetime) -> tuple[Version, ...]:
        """Every version, newest first: who, when, why, what changed, and how it stands."""
        return desk_history.versions(self.store, now)

    def budgets(self, ruleset: RuleSet) -> dict[str, int | None]:
        """Messages a day by receiver, as that version has them."""
        own = budgets(ruleset.rules)
        return {one.name: own.get(one.name, one.budget_per_day) for one in self.routes.receivers}

    # ------------------------------------------------------------------ saving

    def save(
        self,
        change: Candidate,
        *,
        name: str,
        reason: str,
        now: datetime,
        by: str = "",
        changer: Changer | None = None,
        rebase: bool = False,
        force_tests: bool = False,
        at: datetime | None = None,
    ) -> RuleSet:
        """Save as a new version, in force at once, or from `at` on. RulesConflict when somebody
        saved meanwhile, FailingCases when rule tests fail, RuleChangeError for a change that cannot
        be."""
        self.rules_at(change.base_version, change.changes)
        how = Saving(
            name, at, change.base_version, rebase, own_file(self.settings.home), force_tests
        )
        return set_rules(
            self.store, change.changes, by=by, reason=reason, now=now, changer=changer, how=how
        )

    def plan(
        self,
        change: Candidate,
        at: datetime,
        *,
        name: str,
        reason: str,
        now: datetime,
        by: str = "",
        changer: Changer | None = None,
        rebase: bool = False,
        force_tests: bool = False,
    ) -> RuleSet:
        """As `save`, in force from `at` on, which must be in the future."""
        return self.save(
            change, name=name, reason=reason, now=now, by=by, changer=changer, rebase=rebase,
            force_tests=force_tests, at=at,
        )  # fmt: skip

    def undo(
        self, *, reason: str, now: datetime, by: str = "", changer: Changer | None = None
    ) -> RuleSet:
        """Take back the newest change, planned ones too; asked again, the change before it."""
        return undo_rules(self.store, by=by, reason=reason, now=now, changer=changer)

    # ------------------------------------------------------------------ within

    def _bench(self, period: Period, against: Against) -> Bench:
        if self._player is None:
            cache = self.settings.home / "tapes"
            self._player = Player(self.store, self.network, self.routes, cache)
        return self._player.bench(period, against)

    def _own(self) -> Sequence[Facts] | RuleError:
        try:
            return read_own(own_file(self.settings.home))
        except RuleError as error:
            return error

    def _receivers(self) -> set[str]:
        return {one.name for one in self.routes.receivers}


def _halves(period: Period) -> tuple[Period, Period]:
    """The period cut at the midnight nearest its middle."""
    middle = period.since + (period.until - period.since) / 2
    cut = (middle + timedelta(hours=12)).replace(hour=0, minute=0, second=0, microsecond=0)
    if not period.since < cut < period.until:
        raise RuleChangeError("a proposal needs a period of two days or more: one half to fit on, "
                              "one to hold it against")  # fmt: skip
    return Period(period.since, cut), Period(cut, period.until)
