"""Report cards: `python -m nlp.evaluate` prints them and writes `docs/bench/nlp.json`,
`docs/model-card.md` and the model folder's `metrics.json` (needs scikit-learn and the recorded
data).

Rivals in the same run: the shared keyword rules `lexicon_v1` (tuned by someone who had read the
gold rows), our own `lexicon.v1`, and TF-IDF character n-grams with logistic regression trained on
the same rows as the encoder.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from nlp import lexicon, metrics
from nlp.calibrate import STREAMS, best_threshold, natural_rows, truth
from nlp.calibration import Readings
from nlp.classifier import MODELS, PHASES, SHIPPED, TransformerClassifier
from nlp.dataset import DATA, SPLIT, Row, gold, load_split, natural, read_jsonl
from nlp.modelcard import render
from nlp.taxonomy import NAMES

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
RENAMED = {"tariff_or_trade_remedy": "import_restriction"}
ROOT = Path(__file__).parents[1]
LEAST_ROWS = 20  # smaller sources are not scored alone


@dataclass(frozen=True, slots=True)
class Guess:
    """What one rival says of some rows: a probability per label and for any event."""

    labels: Floats
    event: Floats
    line: float  # label threshold
    event_line: float
    severity: Floats | None = None
    phase: NDArray[np.int64] | None = None

    @property
    def said(self) -> Flags:
        return self.labels >= self.line

    @property
    def said_event(self) -> Flags:
        return self.event >= self.event_line

    def take(self, chosen: Flags) -> Guess:
        return Guess(
            self.labels[chosen],
            self.event[chosen],
            self.line,
            self.event_line,
            None if self.severity is None else self.severity[chosen],
            None if self.phase is None else self.phase[chosen],
        )


Rival = Callable[[Sequence[Row]], Guess]


# ------------------------------------------------------------------------------------ rivals


def shared_rules(data: Path) -> Rival:
    """The shared keyword file, with its old label name mapped to today's."""
    spec = importlib.util.spec_from_file_location("lexicon_v1", data / "lexicon_v1.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{data / 'lexicon_v1.py'}: set EWS_RECORDED_DATA")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def guess(rows: Sequence[Row]) -> Guess:
        found = [{RENAMED.get(x, x) for x in module.weak(r.lang, r.input)} for r in rows]
        return from_sets(found)

    return guess


def own_rules(rows: Sequence[Row]) -> Guess:
    return from_sets([set(lexicon.types_in(row.input)) for row in rows])


def from_sets(found: Sequence[set[str]]) -> Guess:
    labels = np.array([[float(name in types) for name in NAMES] for types in found])
    return Guess(labels, labels.max(1), 0.5, 0.5)


def tfidf(train: Sequence[Row], held: Sequence[Row]) -> tuple[Rival, Rival]:
    """TF-IDF of character 2-4-grams and logistic regression: at 0.5, and with the threshold that
    is best on the validation part, as ours is."""
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    inputs, target = vectors.fit_transform([row.input for row in train]), truth(train)
    fits = [
        LogisticRegression(C=10.0, solver="liblinear").fit(inputs, column)
        for column in [*target.T, target.max(1)]
    ]

    def guess(rows: Sequence[Row], line: float = 0.5) -> Guess:
        coded = vectors.transform([row.input for row in rows])
        found = np.stack([fit.predict_proba(coded)[:, 1] for fit in fits], 1)
        return Guess(found[:, :-1], found[:, -1], line, 0.5)

    line = best_threshold(guess(held).labels, truth(held))
    return guess, lambda rows: guess(rows, line)


def model(classifier: TransformerClassifier) -> tuple[Rival, Rival]:
    """Ours at 0.5, and with the thresholds in its calibration."""
    fitted = classifier.calibration

    def guess(rows: Sequence[Row], line: float = 0.5, event_line: float = 0.5) -> Guess:
        readings: Readings = classifier.read([(row.title, row.text) for row in rows])
        phase = readings.phase.argmax(1)
        return Guess(readings.labels, readings.event, line, event_line, readings.severity, phase)

    return guess, lambda rows: guess(rows, fitted.thresholds[0], fitted.event_threshold)


# -------------------------------------------------------------------------------------- cards


def card(guess: Guess, rows: Sequence[Row]) -> dict[str, object]:
    """The scores of one rival on some rows."""
    true = truth(rows) > 0
    happened: Flags = np.asarray(true.any(1))
    low, high = metrics.interval(guess.said, true)
    found: dict[str, object] = {
        "rows": len(rows),
        "events": int(happened.sum()),
        "micro_f1": metrics.f1(guess.said, true),
        "micro_f1_95": [low, high],
        "macro_f1": metrics.macro(guess.said, true),
        "event_f1": metrics.f1(guess.said_event, happened),
        "event_precision": metrics.precision(guess.said_event, happened),
        "event_recall": metrics.recall(guess.said_event, happened),
        "event_ece": metrics.calibration_error(guess.event, happened),
        "event_brier": metrics.brier(guess.event, happened),
        "label_ece": metrics.calibration_error(guess.labels.ravel(), true.ravel()),
    }
    if guess.severity is not None:
        severity = [row.severity for row in rows]
        found["severity_kappa"] = metrics.spread(guess.severity.tolist(), severity)
    if guess.phase is not None and happened.any():
        wanted = [PHASES.index(row.phase) if row.phase else -1 for row in rows]
        known = np.array(wanted) >= 0
        right = guess.phase[known] == np.array(wanted)[known]
        found["phase_accuracy"] = round(float(right.mean()), 3)
    return found


def split_by(
    guess: Guess, rows: Sequence[Row], key: Callable[[Row], str]
) -> dict[str, dict[str, object]]:
    """A card per language or source with LEAST_ROWS rows or more."""
    groups: dict[str, dict[str, object]] = {}
    for name in sorted({key(row) for row in rows}):
        chosen = np.array([key(row) == name for row in rows])
        if chosen.sum() >= LEAST_ROWS:
            groups[name] = card(
                guess.take(chosen), [r for r, c in zip(rows, chosen, strict=True) if c]
            )
    return groups


def speed(
    classifier: TransformerClassifier, rows: Sequence[Row], rivals: Mapping[str, Rival]
) -> dict[str, float]:
    """Texts a second, one process, one thread for the encoder; best of three."""

    def rate(work: Callable[[], object], count: int) -> float:
        best = 0.0
        for _ in range(3):
            start = time.perf_counter()
            work()
            best = max(best, count / (time.perf_counter() - start))
        return round(best, 1)

    pairs = [(row.title, row.text) for row in rows]
    joined = [row.input for row in rows]
    found = {"model": rate(lambda: classifier.read(pairs), len(rows))}
    found["first_pass"] = rate(lambda: classifier.screen.relevant(joined * 5), 5 * len(rows))
    for name, rival in rivals.items():
        found[name] = rate(partial(rival, rows), len(rows))
    return found


def first_pass(
    classifier: TransformerClassifier, sets: Mapping[str, Sequence[Row]], data: Path
) -> dict[str, object]:
    """Share of a world news stream that is skipped, and of labelled events that are lost."""
    june = [
        f"{raw['title'] or ''} {raw['summary'] or ''}".strip()
        for raw in read_jsonl(data / STREAMS[0][0])
        if str(raw["published"]).startswith("2023-06")
    ]
    found: dict[str, object] = {
        "stream": "rss2023, June 2023 (not seen by the first pass)",
        "stream_items": len(june),
        "skipped": round(float(1 - classifier.screen.relevant(june).mean()), 3),
        "line_logit": round(classifier.screen.line, 3),
    }
    for name, rows in sets.items():
        kept = classifier.screen.relevant([row.input for row in rows])
        heavy = np.array([row.severity >= 1 for row in rows])
        events = np.array([bool(row.labels) for row in rows])
        found[name] = {
            "events": int(events.sum()),
            "missed_events": int((events & ~kept).sum()),
            "severity_1_or_more": int(heavy.sum()),
            "missed_severity_1_or_more": int((heavy & ~kept).sum()),
            "skipped": round(float(1 - kept.mean()), 3),
        }
    return found


def sets_of(data: Path) -> dict[str, list[Row]]:
    """The parts that are scored. No row of the first two trained or calibrated anything."""
    split = load_split(data)
    outside = natural_rows(data)
    known = {row.id for row in outside}
    august = [row for row in natural(data) if row.drawn == "natural" and row.id not in known]
    return {
        "test": split["test"],
        "natural_2023_08_16": august,
        "gold_dev": gold(data),
        "natural_calibration": outside,
        "validation": split["validation"],
    }


def machine() -> dict[str, object]:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_1m": load,
        "machine": platform.machine(),
    }


def evaluate(folder: Path, data: Path) -> dict[str, object]:
    """Everything that is reported, as one tree of plain values."""
    classifier = TransformerClassifier(folder, threads=1, link=lambda article: ())
    split, sets = load_split(data), sets_of(data)
    plain, tuned = tfidf(split["train"], split["validation"])
    ours, ours_tuned = model(classifier)
    rivals: dict[str, Rival] = {
        "ews": ours,
        "ews_tuned": ours_tuned,
        "tfidf": plain,
        "tfidf_tuned": tuned,
        "lexicon_shared": shared_rules(data),
        "lexicon_own": own_rules,
    }
    guesses = {s: {name: rival(rows) for name, rival in rivals.items()} for s, rows in sets.items()}
    test, best = sets["test"], guesses["test"]["ews_tuned"]
    tempo = speed(
        classifier,
        test[:400],
        {"tfidf": plain, "lexicon_shared": rivals["lexicon_shared"], "lexicon_own": own_rules},
    )
    true = truth(test) > 0
    return {
        "version": classifier.version,
        "split": json.loads(SPLIT.read_text(encoding="utf-8"))["report"],
        "train_rows": len(split["train"]),
        "thresholds": {
            "label": classifier.calibration.thresholds[0],
            "event": classifier.calibration.event_threshold,
        },
        "sets": {
            name: {rival: card(guess, sets[name]) for rival, guess in found.items()}
            for name, found in guesses.items()
        },
        "labels": {
            rival: metrics.label_scores(guesses["test"][rival].said, true, NAMES)
            for rival in ("ews_tuned", "tfidf_tuned", "lexicon_shared")
        },
        "languages": split_by(best, test, lambda row: row.lang),
        "languages_gold": split_by(
            guesses["gold_dev"]["ews_tuned"], sets["gold_dev"], lambda row: row.lang
        ),
        "languages_natural": split_by(
            guesses["natural_calibration"]["ews"], sets["natural_calibration"], lambda row: row.lang
        ),
        "sources": split_by(best, test, lambda row: row.source),
        "first_pass": first_pass(
            classifier, {n: sets[n] for n in ("test", "gold_dev", "natural_2023_08_16")}, data
        ),
        "texts_per_second": tempo,
        "speed_ratio_to_tfidf": round(tempo["model"] / tempo["tfidf"], 3),
        "speed_ratio_to_shared_rules": round(tempo["model"] / tempo["lexicon_shared"], 3),
        "machine": machine(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, default=MODELS / SHIPPED)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dry", action="store_true", help="print only")
    args = parser.parse_args()
    found = evaluate(args.model, args.data)
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    page = render(found, json.loads((args.model / "training.json").read_text(encoding="utf-8")))
    print(page)
    if not args.dry:
        (ROOT / "docs" / "bench").mkdir(parents=True, exist_ok=True)
        (ROOT / "docs" / "bench" / "nlp.json").write_text(text, encoding="utf-8")
        (ROOT / "docs" / "model-card.md").write_text(page, encoding="utf-8")
        (args.model / "metrics.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
