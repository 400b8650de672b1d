"""Which revisions can matter under these rules at all? Decided on columns, so that only they are played.

A revision for which no rule can hold, whoever supports it, changes nothing while its event is in no
alert (alerts.rules). The answer may hold some that do not matter; it lacks none that does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alerts.chance import LEAST, LOG_ODDS, LOGARITHM, STEEPEST
from alerts.measures import MEASURES
from alerts.rulebook import Book, Rule
from alerts.sensitivity import HOME, SCALED
from ews.tuning.tape import Tape
from ews.tuning.tape_making import PHASES

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Values = dict[str, Floats]
SUPPORTED = frozenset({"sources", "authority", "corroborated"})  # others may lend it
REACHED = frozenset({"share", "loss", "expected_loss"})  # computed here, under the rules asked
KNOWN = frozenset(MEASURES) - SUPPORTED
SLACK = 1e-9  # of a measure, for the last digit


def may_matter(tape: Tape, book: Book) -> Mask:
    """The revisions for which a rule might hold as a first word."""
    values, factor = measured(tape, book)
    held = np.zeros(len(factor), np.bool_)
    for rule in book.rules:
        held |= _may_hold(tape, rule, values)
    told = values["probability"] >= book.refuted_below - SLACK
    found: Mask = held & told & (tape.columns.of_open != 0) & (factor > 0)
    return found


def measured(tape: Tape, book: Book) -> tuple[Values, Floats]:
    """Every measure of the event alone as these rules count it, and the factor of sensitivity."""
    table = tape.columns.of_values
    values = {name: table[:, n] for n, name in enumerate(MEASURES) if name in KNOWN}
    share, loss = _reached(tape, book)
    values |= {"share": share, "loss": loss, "expected_loss": values["probability"] * loss}
    values["chance"] = _chances(tape, book, values)
    factor = _factors(tape, book)
    for name, most in SCALED.items():
        values[name] = np.where(
            factor == 1.0, values[name], np.minimum(most, values[name] * factor)
        )
    scaled = values["probability"] * values["loss"]
    values["expected_loss"] = np.where(factor == 1.0, values["expected_loss"], scaled)
    return values, factor


def _may_hold(tape: Tape, rule: Rule, values: Values) -> Mask:
    columns = tape.columns
    held = np.ones(len(columns.of_tick), np.bool_)
    if rule.types:
        held &= _of_types(tape, rule.types)
    if rule.phases:
        allowed = np.array([phase.value in rule.phases for phase in PHASES])
        held &= allowed[columns.of_phase]
    for measure, limit in rule.when.items():
        if measure in values:
            column = values[measure]
            held &= ~(column < limit.raise_at - SLACK)  # not a number: not known here
    return held


def _of_types(tape: Tape, types: frozenset[str]) -> Mask:
    wanted = [n for n, name in enumerate(tape.types) if name in types]
    bits = np.int64(sum(1 << n for n in wanted))
    main = np.isin(tape.columns.of_type, np.array(wanted, np.int64))
    also: Mask = (tape.columns.of_also & bits) != 0
    return main | also


def _reached(tape: Tape, book: Book) -> tuple[Floats, Floats]:
    """Largest share and loss over the exposures of each revision."""
    columns, numbers = tape.columns, tape.columns.reach_numbers
    count = len(columns.of_tick)
    share, loss = np.zeros(count), np.zeros(count)
    if not len(numbers):
        return share, loss
    unknown = np.isnan(numbers[:, 0])
    listed = np.where(tape.listed, book.unread.listed, book.unread.unlisted)
    shares = np.where(unknown, listed, numbers[:, 0])
    starts = np.concatenate(([0], columns.of_reach[:-1]))
    filled = columns.of_reach > starts
    share[filled] = np.maximum.reduceat(shares, starts[filled])
    loss[filled] = np.maximum.reduceat(shares * numbers[:, 1], starts[filled])
    return share, loss


def _factors(tape: Tape, book: Book) -> Floats:
    given = book.sensitivity
    if not (given.types or given.countries):
        return np.ones(len(tape.columns.of_tick))
    of_type = np.array([given.types.get(name, 1.0) for name in tape.types] or [1.0])
    of_place = np.array([_place(codes, given.countries) for codes in tape.places] or [1.0])
    found: Floats = of_type[tape.columns.of_type] * of_place[tape.columns.of_places]
    return found


def _chances(tape: Tape, book: Book, values: Values) -> Floats:
    """As alerts.chance has it."""
    weights, said = book.weights, values["probability"]
    if weights is None:
        return said
    logit = weights.bias + np.array([weights.types.get(name, 0.0) for name in tape.types] or [0.0])
    odds: Floats = logit[tape.columns.of_type]
    for name, weight in weights.terms.items():
        odds = odds + weight * _term(name, values[name])
    weighed = 1 / (1 + np.exp(-np.clip(odds, -STEEPEST, STEEPEST)))
    return np.where(np.isnan(values["chance"]), said, weighed)


def _term(name: str, values: Floats) -> Floats:
    if name in LOG_ODDS:
        kept = np.clip(values, LEAST, 1 - LEAST)
        return np.log(kept / (1 - kept))
    return np.log(np.maximum(values, LEAST)) if name in LOGARITHM else values


def _place(codes: Sequence[str], countries: Mapping[str, float]) -> float:
    """As alerts.sensitivity has it."""
    abroad = [code for code in codes if code != HOME] or list(codes)
    return max((countries.get(code, 1.0) for code in abroad), default=1.0)
