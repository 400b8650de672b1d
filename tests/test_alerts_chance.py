"""alerts.chance: the probability that an alert on an event is right."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.chance import TERMS, Weights, chance, read_weights
from alerts.measures import MEASURES, Unread, measures
from alerts.rulebook import RuleError, load_document, read_rules
from tests.alert_samples import urea_event

VALUES = measures(urea_event(), [], Unread(0.1, 0.01))
TOLD = replace(urea_event(), relevance=0.7)


def test_every_term_is_a_measure() -> None:
    assert set(MEASURES) > TERMS


def test_a_figure_that_no_text_told_has_the_probability_of_its_event() -> None:
    silent = replace(urea_event(), relevance=None, probability=0.83)
    assert chance(silent, VALUES, Weights(5.0)) == 0.83
    assert chance(TOLD, VALUES, None) == TOLD.probability


def test_it_is_a_logistic_model_over_the_measures_and_the_type() -> None:
    weights = Weights(-0.5, {"relevance": 1.0, "severity": 2.0}, {TOLD.type: 0.25})
    values = {**VALUES, "relevance": 0.7, "severity": 1.5}
    logit = -0.5 + math.log(0.7 / 0.3) + 3.0 + 0.25
    assert chance(TOLD, values, weights) == pytest.approx(1 / (1 + math.exp(-logit)))


@given(st.sampled_from(sorted(TERMS)), st.floats(0, 3), st.floats(0, 3))
def test_more_of_what_speaks_for_it_never_makes_it_less_likely(
    name: str, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    weights = Weights(terms={name: 0.7})
    less, more = (chance(TOLD, {**VALUES, name: v}, weights) for v in (low, high))
    assert 0 <= less <= more <= 1


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (3, "must be a table|is missing"),
        ({"slope": 1}, "unknown key 'slope'"),
        ({"terms": {"sources": 1}}, "cannot be weighed"),
        ({"bias": True}, "must be a number"),
        ({"types": {"price_shock": float("nan")}}, "must be a number"),
        ({"types": 3}, "must be a table"),
    ],
)
def test_weights_that_cannot_be_read_are_named(table: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_weights({"chance": table})
    with pytest.raises(RuleError, match=says):
        read_rules({**load_document(), "chance": table})
