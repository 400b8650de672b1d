"""What would a change of the rules have done, and how is it saved? The tuning desk, for every face.

`ews tune`, the API and the tuning page ask these functions and print the same answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alerts.routing import Routes
from alerts.view import Names
from ews.config import Settings
from ews.model import RuleSet
from ews.storage import Store
from ews.tuning.desk_shapes import Candidate, Knob, Period, Preview, Proposal, Target, Version
from ews.tuning.rules import Changer
from graph import Network

OWN_CASES = "rules_test.toml"  # in the home: the analyst's rule tests


@dataclass(frozen=True, slots=True)
class Against:
    """Files to score against, besides the cases of the store and the shipped ones."""

    episodes: Sequence[Path] = ()
    traps: Sequence[Path] = ()
    verdicts: Sequence[Path] = ()


@dataclass(slots=True)
class Desk:
    """The tuning questions over one store. It keeps tapes and memories between questions, so a page
    holds one and asks it again; it writes only in `save` and `undo`."""

    store: Store
    settings: Settings
    network: Network
    routes: Routes
    names: Names
    kept: dict[str, object] = field(default_factory=dict)

    # ------------------------------------------------------------------ asking

    def base(self, now: datetime) -> RuleSet:
        """The rules in force, which a change starts from."""
        raise NotImplementedError

    def period(self, now: datetime) -> Period:
        """The window of the store's last replay; of a live store the last 180 days."""
        raise NotImplementedError

    def knobs(self, ruleset: RuleSet) -> tuple[Knob, ...]:
        """What may be moved in that version, and how far."""
        raise NotImplementedError

    def preview(
        self,
        change: Candidate,
        period: Period,
        against: Against | None = None,
        *,
        curve: bool = True,
    ) -> Preview:
        """What the change would have done in the period. RuleChangeError for a change that cannot
        be; without `curve` it answers while a slider is dragged."""
        raise NotImplementedError

    def propose(
        self, target: Target, period: Period, now: datetime, against: Against | None = None
    ) -> Proposal:
        """Changes that reach the target at the best recall. The same question, the same answer."""
        raise NotImplementedError

    def versions(self, now: datetime) -> tuple[Version, ...]:
        """Every version, newest first: who, when, why, what changed, and how it stands."""
        raise NotImplementedError

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
    ) -> RuleSet:
        """Save as a new version, in force at once. RulesConflict when somebody saved meanwhile,
        FailingCases when rule tests fail, RuleChangeError for a change that cannot be."""
        raise NotImplementedError

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
        raise NotImplementedError

    def undo(
        self, *, reason: str, now: datetime, by: str = "", changer: Changer | None = None
    ) -> RuleSet:
        """Take back the newest change, planned ones too; asked again, the change before it."""
        raise NotImplementedError

    def rules_at(self, version: int, changes: Mapping[str, str]) -> RuleSet:
        """That version with the changes, as it would be saved."""
        raise NotImplementedError
