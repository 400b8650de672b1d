"""Fits [chance] of the rules again: `python -m ews.tuning.fit_chance --home H1 --home H2 --held-out F`.

Each home is a replay of a period that readers judged (`ews replay`); F holds the relevance of each
judged happening by weights that did not see it (`ews.tuning.fit_relevance --held-out F`), because a
relevance that saw the answer would be trusted too much. The section is printed as TOML, with
five-fold figures: how often what was given such a chance was right.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from alerts.chance import LEAST, term
from alerts.rulebook import read_book, shipped_ruleset
from ews.model import utc
from ews.storage import Store
from ews.tuning.fit_relevance import FOLDS, read_readings
from nlp.taxonomy import NAMES

TERMS = (
    "relevance", "probability", "share", "severity", "named", "route", "korea", "critical", "actual",
)  # fmt: skip
PENALTY_TERM, PENALTY_TYPE = 0.3, 2.0  # of squared weights of standardised terms, and of types
BANDS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
Floats = NDArray[np.float64]


def judged(homes: Sequence[Path], held_out: Mapping[str, float]) -> tuple[Floats, Floats]:
    """A row per judged event that a home holds, terms then types; and what was said of it."""
    book = read_book(shipped_ruleset(utc("2000-01-01")))
    rows, truth = [], []
    said = {one.id: one.relevant for one in read_readings()}
    for home in homes:
        store = Store.open(home)
        for id_ in sorted(said.keys() & held_out.keys()):
            event = store.event(id_)
            if event is None:
                continue
            relevance = 1 / (1 + np.exp(-held_out[id_]))
            values = book.values(event, store.exposures(event_id=id_))
            values["relevance"] = min(max(float(relevance), LEAST), 1 - LEAST)
            kinds = [float(event.type == name) for name in NAMES]
            rows.append([*(term(name, values[name]) for name in TERMS), *kinds])
            truth.append(said[id_])
        store.close()
    if not rows:
        raise SystemExit("no judged event is in these homes; replay the judged periods first")
    return np.array(rows), np.array(truth)


def fit(rows: Floats, truth: Floats) -> tuple[Floats, float]:
    """Weights over the columns as they are, and the bias."""
    middle, spread = rows.mean(0), np.maximum(rows.std(0), 1e-6)
    middle[len(TERMS) :], spread[len(TERMS) :] = 0.0, 1.0
    scaled = (rows - middle) / spread
    penalty = np.r_[np.full(len(TERMS), PENALTY_TERM), np.full(len(NAMES), PENALTY_TYPE)]

    def loss(given: Floats) -> tuple[float, Floats]:
        logits = scaled @ given[1:] + given[0]
        off = 1 / (1 + np.exp(-logits)) - truth
        value = float((np.logaddexp(0, logits) - truth * logits).sum())
        value += float(penalty @ given[1:] ** 2) / 2
        return value, np.r_[off.sum(), scaled.T @ off + penalty * given[1:]]

    found = minimize(loss, np.zeros(rows.shape[1] + 1), jac=True, method="L-BFGS-B").x
    weights = found[1:] / spread
    return weights, float(found[0] - weights @ middle)


def cross_fitted(rows: Floats, truth: Floats) -> Floats:
    """The chance of each row by weights that did not see it."""
    fold = np.random.default_rng(1).permutation(len(truth)) % FOLDS
    found = np.zeros(len(truth))
    for part in range(FOLDS):
        weights, bias = fit(rows[fold != part], truth[fold != part])
        found[fold == part] = 1 / (1 + np.exp(-(rows[fold == part] @ weights + bias)))
    return found


def section(weights: Floats, bias: float) -> str:
    """[chance] as TOML."""
    lines = ["[chance]", f"bias = {bias:.4f}", "", "[chance.terms]"]
    lines += [f"{name} = {w:.4f}" for name, w in zip(TERMS, weights, strict=False)]
    lines += ["", "[chance.types]"]
    kinds = zip(NAMES, weights[len(TERMS) :], strict=True)
    return "\n".join([*lines, *(f"{name} = {w:.4f}" for name, w in kinds)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, action="append", required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    given = parser.parse_args()
    rows, truth = judged(given.home, json.loads(given.held_out.read_text(encoding="utf-8")))
    found = cross_fitted(rows, truth)
    print(f"# {len(truth)} judged events, {int((truth >= 0.5).sum())} of them right; held out:")
    for low, high in pairwise(BANDS):
        inside = (found >= low) & (found < high)
        if inside.any():
            print(f"# {low:.2f} to {high:.2f}: {truth[inside].mean():.2f} of {inside.sum()}")
    print(section(*fit(rows, truth)))


if __name__ == "__main__":
    main()
