"""What rests on each source, and what cannot be seen because some are silent?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.rulebook import read_blind
from ews.blindness import EVERYTHING, Dark, look
from ews.model import Source
from ews.reports.names import label
from ews.reports.source_views import DarkLine
from ews.reports.views import Label
from ews.storage import Store


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of all that is watched live: the subjects of each source, and those that are dark."""

    subjects: Mapping[str, frozenset[str]]  # source -> item:<id>, country:<ISO2>
    dark: Mapping[str, Dark]
    everything: Dark | None  # most of all sources are silent

    def of(self, source: str) -> frozenset[str]:
        return self.subjects.get(source, frozenset())

    def dark_lines(self, only: Iterable[str] | None = None) -> tuple[DarkLine, ...]:
        """What cannot be seen, the oldest darkness first: "all" alone where most are silent."""
        if self.everything is not None:
            return (_dark_line(EVERYTHING, self.everything),)
        wanted = self.dark if only is None else set(only) & set(self.dark)
        lines = [_dark_line(subject, self.dark[subject]) for subject in wanted]
        return tuple(sorted(lines, key=lambda line: (line.since, line.subject.code)))


def coverage(store: Store, sources: Sequence[Source], now: datetime) -> Coverage | None:
    """What rests on these sources; None where nothing was ever fetched live. One that nobody
    vouches for informs nobody."""
    ruleset = store.ruleset()
    limits = read_blind(ruleset.rules if ruleset else {})
    watch = look(store, [one for one in sources if one.trusted], limits, now)
    if watch is None:
        return None
    subjects: dict[str, set[str]] = defaultdict(set)
    for subject, names in watch.informants.items():
        for name in names:
            subjects[name].add(subject)
    found = ((subject, watch.dark(subject)) for subject in watch.informants)
    return Coverage(
        subjects={name: frozenset(own) for name, own in subjects.items()},
        dark={subject: dark for subject, dark in found if dark is not None},
        everything=watch.dark(EVERYTHING),
    )


def subject_label(subject: str) -> Label:
    """The names of a subject; its code stays whole.

    >>> subject_label("country:CN").en
    'China'
    """
    kind, _, code = subject.partition(":")
    if not code:
        return Label(subject, "everything", "전체")
    named = label(kind, code)
    return Label(subject, named.en, named.ko)


def _dark_line(subject: str, dark: Dark) -> DarkLine:
    return DarkLine(subject_label(subject), dark.since, dark.silent)
