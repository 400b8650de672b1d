"""Who is scored: the shipped model, keyword rules, TF-IDF, and the plain pipeline of the model."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlp import lexicon
from nlp.calibration import sigmoid
from nlp.cards import Guess
from nlp.classifier import TransformerClassifier, direction_of
from nlp.clean import cleaned
from nlp.dataset import Row
from nlp.labelled import PHASE_NAMES
from nlp.metrics import Flags, Floats
from nlp.recorded import Text
from nlp.screen import Screen
from nlp.taxonomy import NAMES

RENAMED = {"tariff_or_trade_remedy": "import_restriction"}  # the shared rules' older name
UP_DOWN = {"up": 1, "down": -1}

Rival = Callable[[Sequence[Row]], Guess]


class RivalMissingError(RuntimeError):
    """The rival cannot run here; the message says what is not installed or not there."""


def flat(line: float) -> Floats:
    return np.full(len(NAMES), line)


def direction_words(rows: Sequence[Row]) -> Any:
    return np.array([UP_DOWN.get(lexicon.direction_in(row.input) or "", 0) for row in rows], int)


# ------------------------------------------------------------------------------- keyword rules


def from_sets(found: Sequence[set[str]]) -> Guess:
    """Rules say yes or no: probabilities 1 and 0."""
    labels = np.array([[float(name in types) for name in NAMES] for types in found])
    labels = labels.reshape(len(found), len(NAMES))
    return Guess(labels, labels.max(1), flat(0.5), 0.5)


def own_rules(rows: Sequence[Row]) -> Guess:
    """Our keyword rules `lexicon.v1`, with the phase, severity and direction they read."""
    types = [lexicon.types_in(row.input) for row in rows]
    phases = [lexicon.phase_in(row.input) for row in rows]
    plain = from_sets([set(names) for names in types])
    severity = [lexicon.severity_of(t, phase) for t, phase in zip(types, phases, strict=True)]
    return Guess(
        plain.labels, plain.event, plain.lines, plain.event_line,
        np.array(severity, float),
        np.array([PHASE_NAMES.index(str(phase)) for phase in phases], int),
        direction_words(rows),
    )  # fmt: skip


def shared_rules(data: Path) -> Rival:
    """The shared keyword file `lexicon_v1.py`, its old label name mapped to today's."""
    path = data / "lexicon_v1.py"
    if not path.is_file():
        raise RivalMissingError(f"{path} is not there; set EWS_RECORDED_DATA")
    spec = importlib.util.spec_from_file_location("lexicon_v1", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def guess(rows: Sequence[Row]) -> Guess:
        return from_sets(
            [{RENAMED.get(x, x) for x in module.weak(row.lang, row.input)} for row in rows]
        )

    return guess


# ------------------------------------------------------------------------------------ TF-IDF


def wanted(rows: Sequence[Row]) -> Floats:
    return np.array([[float(name in row.labels) for name in NAMES] for row in rows])


def best_line(probability: Floats, true: Floats) -> float:
    """The threshold with the best micro-F1, among 0.10 ... 0.60."""

    def micro(line: float) -> float:
        said = probability >= line
        return float(2 * (said & (true > 0)).sum() / max(1.0, said.sum() + true.sum()))

    return float(max((round(0.1 + 0.02 * step, 2) for step in range(26)), key=micro))


def tfidf(train: Sequence[Row], held: Sequence[Row]) -> Rival:
    """TF-IDF of character 2-4-grams and logistic regression (needs scikit-learn), with the label
    and event thresholds that are best on the held rows, as ours are."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ModuleNotFoundError as error:
        raise RivalMissingError('scikit-learn is not installed: pip install -e ".[dev]"') from error

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    inputs, target = vectors.fit_transform([row.input for row in train]), wanted(train)
    fits = [
        LogisticRegression(C=10.0, solver="liblinear").fit(inputs, column)
        for column in [*target.T, target.max(1)]
    ]

    def both(rows: Sequence[Row]) -> tuple[Floats, Floats]:
        coded = vectors.transform([row.input for row in rows])
        found = np.stack([fit.predict_proba(coded)[:, 1] for fit in fits], 1)
        return found[:, :-1], found[:, -1]

    labels, event = both(held)
    line = best_line(labels, wanted(held))
    event_line = best_line(event[:, None], wanted(held).max(1, keepdims=True))
    return lambda rows: Guess(*both(rows), flat(line), event_line)


# ----------------------------------------------------------------------------------- the model


def shipped(classifier: TransformerClassifier) -> Rival:
    """Ours with the thresholds of its calibration; every text is read by the encoder."""
    fitted = classifier.calibration

    def guess(rows: Sequence[Row]) -> Guess:
        plain = [cleaned(row.title, row.text) for row in rows]
        read = classifier.read_plain(plain)
        found = read.readings
        direction = [
            1 if direction_of(one.joined, logits) == "up" else -1
            for one, logits in zip(plain, read.direction, strict=True)
        ]
        return Guess(
            found.labels, found.event, np.array(fitted.thresholds), fitted.event_threshold,
            found.severity, found.phase.argmax(1), np.array(direction),
        )  # fmt: skip

    return guess


def served(guess: Guess, kept: Flags) -> Guess:
    """The same as the service gives it: what the first pass drops says nothing."""
    labels = guess.labels * kept[:, None]
    return Guess(labels, guess.event * kept, guess.lines, guess.event_line)


def kept_by_first_pass(screen: Screen, rows: Sequence[Row | Text]) -> Flags:
    """True where the first pass hands the row to the model, which reads it in plain form."""
    return screen.relevant([cleaned(row.title, row.text).joined for row in rows])


def plain_pipeline(folder: Path) -> Rival:
    """fp32 torch through `transformers`, logits of the heads at 0.5: no rules, no calibration."""
    if importlib.util.find_spec("torch") is None:
        raise RivalMissingError("torch not installed")
    bench: Any = importlib.import_module("nlp.bench")  # needs torch, so not at the top
    read: Callable[[Sequence[tuple[str, str]]], tuple[Floats, ...]] = bench.plain_pipeline(folder)

    def guess(rows: Sequence[Row]) -> Guess:
        labels, event, *_ = read([(row.title, row.text) for row in rows])
        return Guess(sigmoid(labels), sigmoid(event).reshape(len(rows)), flat(0.5), 0.5)

    return guess
