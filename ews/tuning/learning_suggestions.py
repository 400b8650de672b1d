"""Which change of the rules does feedback speak for? Searched in a fixed order, tried on the stored
period, and explained by counts. Pure: `Try` plays a change, and nothing is saved here.

A change is suggested only where people called enough alerts of a rule, type or country wrong, and
where it would have dropped most of those and none that people called right, nor a required episode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.rulebook import Book, Rule
from ews.model import ProposalState, Suggestion, content_id
from ews.tuning.desk_knobs import ENDS, SCALES
from ews.tuning.desk_scaling import REACHED
from ews.tuning.learning_judged import Judged
from ews.tuning.learning_missed import Missed
from ews.tuning.numbers import wilson

LEAST_WRONG = 3  # alerts that people spoke against
LINE = 0.2  # share that may be wrong: what the project promises of 주의 and above
MOST = 0.5  # a change must drop more than this share of the wrong ones
FACTORS = (0.9, 0.8, 0.7, 0.6, 0.5)  # of sensitivity, the gentlest first
WIDEST = 0.25  # a threshold is lowered for one missed alert by at most this share of its value
TWICE = 2  # times as many acts as spoke for it when it was rejected


@dataclass(frozen=True, slots=True)
class Trial:
    """What a change would have done to the alerts of the period."""

    wrong: int  # alerts that people spoke against, and that would not have come (or not so high)
    right: int  # people spoke for them, or they caught an episode
    unjudged: int
    lost: tuple[str, ...]  # required episodes
    gained: tuple[str, ...]
    before: float  # alerts a day at the stage
    after: float


Try = Callable[
    [Mapping[str, str], int], Trial
]  # changes as typed, stage -> what they would have done


@dataclass(frozen=True, slots=True)
class Subject:
    """What a suggestion is about, with the alerts that people judged."""

    name: str  # rule:NAME, type:TYPE, country:CC, missed:ACT
    against: tuple[Judged, ...]
    judged: int
    interval: tuple[float, float]  # of the share against, 95%
    stage: int = 1

    @property
    def acts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(act for one in self.against for act in one.acts))


def suggestions(
    judged: Sequence[Judged],
    missed: Sequence[Missed],
    book: Book,
    trial: Try,
    earlier: Sequence[Suggestion],
    now: datetime,
    peaks: Mapping[str, Mapping[str, float]],
) -> list[Suggestion]:
    """New suggestions, and open ones brought up to date. `peaks`: of each alert that people spoke
    against, the highest of each measure while its rule held."""
    found: list[Suggestion] = []
    for subject in subjects(judged, book):
        if (round_ := _round(subject.name, subject.acts, earlier)) is not None:
            found += _dropping(subject, book, trial, now, round_, peaks)
    for one in missed:
        name = f"missed:{one.act_id}"
        if (round_ := _round(name, (one.act_id,), earlier)) is not None:
            found += _lowering(one, book, trial, now, content_id("sug", name, round_))
    return found


def _round(name: str, acts: Sequence[str], earlier: Sequence[Suggestion]) -> int | None:
    """How often it was decided before; None when it may not be made again yet."""
    decided = [one for one in earlier
               if one.facts.get("subject") == name and one.state is not ProposalState.OPEN]  # fmt: skip
    rejected = [one for one in decided if one.state is ProposalState.REJECTED]
    if rejected and len(acts) < TWICE * max(len(one.acts) for one in rejected):
        return None
    known = {act for one in decided for act in one.acts}
    return len(decided) if set(acts) - known or not decided else None


# --------------------------------------------------------------------------- what was wrong


def subjects(judged: Sequence[Judged], book: Book) -> Iterator[Subject]:
    """Rules first, then types and countries, of which people spoke against too many alerts."""
    said = [one for one in judged if one.against or one.speaks_for]
    for rule in sorted(book.rules, key=lambda one: one.name):
        mine = [one for one in said if one.alert.rule == rule.name]
        yield from _subject(f"rule:{rule.name}", mine, int(rule.stage))
    for type_ in sorted({one.alert.type for one in said}):
        yield from _subject(f"type:{type_}", [one for one in said if one.alert.type == type_])
    for code in sorted({code for one in said for code in one.alert.countries if code != "KR"}):
        yield from _subject(f"country:{code}", [one for one in said if code in one.alert.countries])


def _subject(name: str, said: Sequence[Judged], stage: int = 1) -> Iterator[Subject]:
    against = tuple(one for one in said if one.against)
    interval = wilson(len(against), len(said))
    if len(against) >= LEAST_WRONG and interval and interval[0] > LINE:
        yield Subject(name, against, len(said), interval, stage)


def _dropping(
    subject: Subject,
    book: Book,
    trial: Try,
    now: datetime,
    round_: int,
    peaks: Mapping[str, Mapping[str, float]],
) -> Iterator[Suggestion]:
    best: tuple[tuple[float, ...], Mapping[str, str], Trial] | None = None
    for order, changes in enumerate(_changes(subject, book, peaks)):
        done = trial(changes, subject.stage)
        if done.right or done.lost or done.wrong <= MOST * len(subject.against):
            continue
        rank = (-done.wrong, done.unjudged, order)
        if best is None or rank < best[0]:
            best = rank, changes, done
    if best is not None:
        yield _made(subject, best[1], best[2], book, now, content_id("sug", subject.name, round_))


def _changes(
    subject: Subject, book: Book, peaks: Mapping[str, Mapping[str, float]]
) -> Iterable[Mapping[str, str]]:
    kind, _, name = subject.name.partition(":")
    if kind == "rule":
        rule = next(one for one in book.rules if one.name == name)
        return _thresholds(rule, [peaks.get(one.alert.id, {}) for one in subject.against])
    group, given = {
        "type": ("types", book.sensitivity.types), "country": ("countries", book.sensitivity.countries),
    }[kind]  # fmt: skip
    usual = given.get(name, 1.0)
    return [{f"sensitivity.{group}.{name}": f"{usual * one:.3g}"} for one in FACTORS]


def _thresholds(rule: Rule, against: Sequence[Mapping[str, float]]) -> Iterator[Mapping[str, str]]:
    """Each measure of the rule raised past more and more of the alerts that people spoke against."""
    for measure, limit in rule.when.items():
        if measure not in SCALES:
            continue
        most = REACHED * ENDS[measure]
        values = sorted({one[measure] for one in against if measure in one})
        steps = {_above(values[min(len(values) - 1, int(part * len(values)))])
                 for part in (0.5, 0.75, 0.999) if values}  # fmt: skip
        for value in sorted(steps):
            if limit.raise_at < value <= most:
                yield {f"rules.{rule.name}.when.{measure}.raise_at": f"{value:.4g}"}


def _above(value: float) -> float:
    """A little more, in three digits.

    >>> _above(0.7), _above(0.00165)
    (0.707, 0.00167)
    """
    return float(f"{value * 1.01:.3g}")


def _made(
    subject: Subject, changes: Mapping[str, str], done: Trial, book: Book, now: datetime, id: str
) -> Suggestion:  # fmt: skip
    low, high = subject.interval
    against = len(subject.against)
    facts = {
        "subject": subject.name, "base": str(book.version), "against": str(against),
        "judged": str(subject.judged), "share": f"{against / subject.judged:.3f}",
        "low": f"{low:.3f}", "high": f"{high:.3f}",
        "too_high": str(sum(one.too_high for one in subject.against)), **_done(done, subject.stage),
    }  # fmt: skip
    kind = subject.name.partition(":")[0]
    return Suggestion(id, now, dict(changes), f"too_often_wrong.{kind}", facts, subject.acts)


def _done(done: Trial, stage: int) -> dict[str, str]:
    return {
        "stage": str(stage), "drops_wrong": str(done.wrong), "drops_right": str(done.right),
        "drops_unjudged": str(done.unjudged), "gains": ", ".join(done.gained[:5]),
        "per_day_before": f"{done.before:.2f}", "per_day_after": f"{done.after:.2f}",
    }  # fmt: skip


# --------------------------------------------------------------------------- what was missed


def _lowering(
    one: Missed, book: Book, trial: Try, now: datetime, id: str
) -> Iterator[Suggestion]:  # fmt: skip
    """One line of one rule a little lower, where nothing else was lacking."""
    near = one.nearest
    if near is None or near.other or len(near.short) != 1:
        return
    short = near.short[0]
    if short.measure not in SCALES or short.needed - short.value > WIDEST * short.needed:
        return
    value = _below(short.value)
    key = f"rules.{near.rule}.when.{short.measure}"
    rule = next(rule for rule in book.rules if rule.name == near.rule)
    changes = {f"{key}.raise_at": f"{value:.4g}"}
    if rule.when[short.measure].clear_at > value:
        changes[f"{key}.clear_at"] = f"{value:.4g}"
    done = trial(changes, near.stage)
    facts = {
        "subject": f"missed:{one.act_id}", "base": str(book.version), "rule": near.rule,
        "measure": short.measure, "value": f"{short.value:g}", "needed": f"{short.needed:g}",
        "event": near.event_id, **_done(done, near.stage),
    }  # fmt: skip
    yield Suggestion(id, now, changes, "missed", facts, (one.act_id,))


def _below(value: float) -> float:
    """A little less, in three digits.

    >>> _below(0.62), _below(0.00165)
    (0.614, 0.00163)
    """
    return float(f"{value * 0.99:.3g}")
