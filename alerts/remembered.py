"""What was worked out before need not be worked out again: steps of alerts, by all that they hang on.

For whoever asks many rule sets about the same reports. Keys name objects by id(), so the objects
are kept alive here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from ews.model import AlertChange, Witness

MOST = 60_000  # steps; then it begins anew


@dataclass(slots=True)
class Reading:
    """What was read of one report, and stays."""

    witness: Witness
    values: dict[str, float] | None = None


@dataclass(slots=True)
class Remembered:
    """`read` holds for rules with the same settings of measures; `steps` for all, since their keys
    name the settings."""

    settings: str
    rules: dict[str, str]  # name of a rule -> all that it says
    read: dict[int, Reading] = field(default_factory=dict)
    steps: dict[Hashable, tuple[object, AlertChange | None]] = field(default_factory=dict)
    verdicts: dict[Hashable, object] = field(default_factory=dict)  # under these rules alone

    def step(
        self, key: tuple[Hashable, ...], alive: object, work: Callable[[], AlertChange | None]
    ) -> AlertChange | None:
        """The step of that key; `alive` are the objects that the key names."""
        found = self.steps.get((self.settings, key))
        if found is None:
            if len(self.steps) >= MOST:
                self.steps.clear()
            found = self.steps[self.settings, key] = (alive, work())
        return found[1]
