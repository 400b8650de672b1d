"""What does an analyst see of what was learnt? One answer for the command line, the API and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ews.model import Example, ProposalState, Suggestion, flatten
from ews.storage import Store
from ews.tuning.learning_judged import judged_of
from ews.tuning.learning_missed import Missed
from ews.tuning.learning_ratios import Ratio, ratios
from ews.tuning.learning_teaching import misses
from ews.tuning.rules import of_version

REPORTS = 50  # of missed alerts that are followed for one answer; `misses` follows all


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """An example with the text that it is of, and what the model says of that now."""

    example: Example
    title: str
    url: str
    outlet: str
    lang: str
    alert_title: str
    says: Mapping[str, float]  # type -> probability, the strongest three
    relevance: float | None


@dataclass(frozen=True, slots=True)
class SuggestionLine:
    """A suggestion with what each key says now."""

    suggestion: Suggestion
    before: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Learning:
    """Everything that waits, and what was decided."""

    as_of: datetime
    waiting: int  # examples to decide on
    accepted: int
    rejected: int
    examples: tuple[ExampleLine, ...]
    suggestions: tuple[SuggestionLine, ...]  # open ones first
    missed: tuple[Missed, ...]  # the newest reports


@dataclass(frozen=True, slots=True)
class Ratios:
    """False alarms by rule, type, source, language and item."""

    as_of: datetime
    alerts: int
    judged: int
    wrong: int
    rows: tuple[Ratio, ...]


def learning(
    store: Store, now: datetime, state: ProposalState | None = ProposalState.OPEN
) -> Learning:
    """Examples in that state (None: all), every suggestion and the newest reports of missed alerts."""
    every = store.examples()
    shown = [one for one in every if state is None or one.state is state]
    suggested = sorted(
        store.suggestions(), key=lambda one: (one.state is not ProposalState.OPEN, one.at, one.id)
    )
    count = [one.state for one in every].count
    return Learning(
        now, count(ProposalState.OPEN), count(ProposalState.ACCEPTED),
        count(ProposalState.REJECTED), tuple(example_lines(store, shown)),
        tuple(suggestion_line(store, one) for one in suggested), tuple(misses(store, now, most=REPORTS)),
    )  # fmt: skip


def example_lines(store: Store, examples: Sequence[Example]) -> list[ExampleLine]:
    articles = store.articles({one.article_id for one in examples})
    lines = []
    for one in examples:
        article, tagged = articles[one.article_id], store.tagged(one.article_id)
        alert = store.alert(one.alert_id) if one.alert_id else None
        tags = sorted(tagged.tags, key=lambda tag: -tag.probability)[:3] if tagged else []
        lines.append(
            ExampleLine(
                one, article.title, article.url, article.outlet, article.lang,
                alert.title if alert else "", {tag.type: tag.probability for tag in tags},
                tagged.relevance if tagged else None,
            )
        )  # fmt: skip
    return lines


def suggestion_line(store: Store, one: Suggestion) -> SuggestionLine:
    rules = flatten(of_version(store, int(one.facts["base"])).rules)
    return SuggestionLine(one, {key: rules.get(key) for key in one.changes})


def ratio_table(
    store: Store, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> Ratios:
    """Of alerts raised in the period, or of all."""
    judged = judged_of(store, now, since, until)
    said = [one for one in judged if one.wrong is not None and not one.repeats]
    return Ratios(now, len(judged), len(said), sum(bool(one.wrong) for one in said),
                  ratios(judged))  # fmt: skip
