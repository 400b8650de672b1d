"""How do the kept bodies of a source read now? The counts and examples that an operator is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ews.model import Article, Observation

SHOWN = 10  # examples of each kind


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the parser says otherwise now."""

    what: str  # new | changed | gone | kept | value-new | value-changed
    name: str  # id of the article, or series and period
    at: datetime  # when it became known
    before: str
    after: str


@dataclass
class Reparsed:
    """How the kept bodies of one source read now. `gone` counts articles that are (or would be)
    deleted, `kept` those that are gone but named by a story, event or lesson, and stay."""

    source: str
    turns: int = 0
    same: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    kept: int = 0
    values_same: int = 0
    values_new: int = 0
    values_changed: int = 0
    unreadable: list[tuple[datetime, str]] = field(default_factory=list)
    examples: list[Difference] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        """Whether applying it would write anything."""
        return any((self.new, self.changed, self.gone, self.values_new, self.values_changed))

    def show(self, one: Difference) -> None:
        if sum(other.what == one.what for other in self.examples) < SHOWN:
            self.examples.append(one)


@dataclass(frozen=True, slots=True)
class Corrections:
    """What one turn must write."""

    new: list[Article]
    changed: list[Article]
    again: list[str]  # ids of changed ones whose text is another
    values: list[Observation]
    corrected: list[Observation]

    @property
    def counts(self) -> dict[str, int]:
        told = {
            "new": len(self.new), "changed": len(self.changed),
            "values_new": len(self.values), "values_changed": len(self.corrected),
        }  # fmt: skip
        return {name: count for name, count in told.items() if count}
