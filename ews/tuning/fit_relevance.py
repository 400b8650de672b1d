"""Fits the weights of `nlp.relevance` again: `python -m ews.tuning.fit_relevance` (recorded data).

Readings stand in `nlp/data/relevance-v1.jsonl`: ids of the texts of one happening and what a reader
said of it, never the text, which is looked up in the recorded data. None is of July-December 2023.
The penalty is chosen by five-fold cross-validation over happenings, and those figures are written
beside the weights.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

import nlp.relevance
from ews.model import Article
from ews.tuning.feeds import read_feed
from nlp.classifier import SHIPPED as MODEL
from nlp.classifier import TransformerClassifier
from nlp.clean import cleaned
from nlp.recorded import DATA, read_jsonl
from nlp.relevance import COLUMNS, SHIPPED, features, grams

READINGS = Path(nlp.relevance.__file__).parent / "data" / "relevance-v1.jsonl"
FEEDS: Mapping[str, str] = {
    "rss2023h1": "feeds/rss2023/rss_2023_h1.jsonl.gz",
    "rss2021": "feeds/rss2021/rss_2021.jsonl.gz",
    "kr_news": "feeds/kr_news/kr_news_2025-08_2026-03.jsonl.gz",
}
PENALTIES = (10.0, 30.0, 100.0, 300.0)  # of the squared weights of standardised columns
GRAM_PENALTY = 0.03
FLOOR = 0.05  # least spread of a column that is trusted
FOLDS = 5
NEW = 600  # characters of a text outside the feeds that are read
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reading:
    """One happening, as its texts tell it, and what the reader said."""

    id: str
    feed: str
    articles: tuple[str, ...]
    relevant: float  # 0 or 1; between when two readers differ


@dataclass(frozen=True, slots=True)
class Rows:
    """One row per text."""

    columns: Floats
    grams: sparse.csr_array
    truth: Floats
    weight: Floats  # the texts of one happening weigh one together
    happening: NDArray[np.int64]

    def kept(self, mask: NDArray[np.bool_]) -> Rows:
        return Rows(
            self.columns[mask], self.grams[mask], self.truth[mask], self.weight[mask],
            self.happening[mask],
        )  # fmt: skip

    def by_happening(self, logits: Floats) -> Floats:
        """The mean of each happening's texts; nan where none was read."""
        count = int(self.happening.max()) + 1
        number = np.bincount(self.happening, minlength=count)
        sums = np.bincount(self.happening, logits, minlength=count)
        return np.asarray(sums / np.where(number > 0, number, np.nan))


def read_readings(path: Path = READINGS) -> list[Reading]:
    """ValueError names a line that cannot be read."""
    readings = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            readings.append(
                Reading(row["id"], row["feed"], tuple(row["articles"]), float(row["relevant"]))
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"{path.name} line {number}: {error}") from error
    return readings


def texts(readings: Sequence[Reading], data: Path) -> dict[str, Article]:
    """The articles that the readings name, from the recorded data."""
    wanted: dict[str, set[str]] = {}
    for one in readings:
        wanted.setdefault(one.feed, set()).update(one.articles)
    found: dict[str, Article] = {}
    for feed, ids in wanted.items():
        source = read_feed([data / FEEDS[feed]]) if feed in FEEDS else _news(data, feed)
        found |= {article.id: article for article in source if article.id in ids}
    return found


def _news(data: Path, feed: str) -> Iterator[Article]:
    undated = datetime(2000, 1, 1, tzinfo=UTC)
    for row in read_jsonl(data / "news" / f"{feed}.jsonl.gz"):
        kept = cast("Mapping[str, object]", row)
        yield Article(
            id=str(kept["id"]), source=feed, outlet=feed, url=str(kept.get("url") or ""),
            title=str(kept["title"] or ""), text=str(kept.get("text") or "")[:NEW],
            lang=str(kept.get("lang") or "en"), observed_at=undated, available_at=undated,
            independence=feed,
        )  # fmt: skip


def rows_of(readings: Sequence[Reading], data: Path, threads: int | None = None) -> Rows:
    """Every text that the encoder reads, with what was said of its happening."""
    articles = texts(readings, data)
    tagged = {
        one.article_id: one
        for one in TransformerClassifier(threads=threads).classify(list(articles.values()))
    }
    columns, words, truth, weight, happening = [], [], [], [], []
    for number, reading in enumerate(readings):
        read = [tagged[id_] for id_ in reading.articles if id_ in tagged and tagged[id_].tags]
        for one in read:
            article = articles[one.article_id]
            columns.append(features(one, article.title))
            words.append(cleaned(article.title, article.text).joined)
            truth.append(reading.relevant)
            weight.append(1 / len(read))
            happening.append(number)
    return Rows(
        np.array(columns), grams(words), np.array(truth), np.array(weight), np.array(happening)
    )


def ridge(
    columns: Floats | sparse.csr_array, truth: Floats, weight: Floats, penalty: float
) -> tuple[Floats, float]:
    """Weights and bias of a ridge logistic regression."""

    def loss(given: Floats) -> tuple[float, Floats]:
        logits = columns @ given[1:] + given[0]
        off = weight * (1 / (1 + np.exp(-logits)) - truth)
        value = float(weight @ (np.logaddexp(0, logits) - truth * logits))
        value += penalty / 2 * float(given[1:] @ given[1:])
        return value, np.concatenate([[off.sum()], columns.T @ off + penalty * given[1:]])

    found = minimize(loss, np.zeros(columns.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return found[1:], float(found[0])


def fit_columns(rows: Rows, penalty: float) -> tuple[Floats, float]:
    """Over the columns as they are; they are standardised for the penalty."""
    middle = rows.columns.mean(0)
    spread = np.maximum(rows.columns.std(0), FLOOR)
    weights, bias = ridge((rows.columns - middle) / spread, rows.truth, rows.weight, penalty)
    return weights / spread, bias - float(weights / spread @ middle)


def held_out(rows: Rows, penalty: float) -> tuple[Floats, Floats]:
    """Log-odds of each text by columns and by words, by weights that did not see its happening."""
    count = int(rows.happening.max()) + 1
    fold = np.random.default_rng(0).permutation(count) % FOLDS
    by_columns, by_words = np.zeros(len(rows.truth)), np.zeros(len(rows.truth))
    for part in range(FOLDS):
        out = fold[rows.happening] == part
        seen, rest = rows.kept(~out), rows.kept(out)
        weights, bias = fit_columns(seen, penalty)
        by_columns[out] = rest.columns @ weights + bias
        gram_weights, bias = ridge(seen.grams, seen.truth, seen.weight, GRAM_PENALTY)
        by_words[out] = rest.grams @ gram_weights + bias
    return by_columns, by_words


def stacked(rows: Rows, by_columns: Floats, by_words: Floats) -> tuple[Floats, float]:
    """How much each of the two counts, from what they say of texts that they did not see."""
    both = np.column_stack([by_columns, by_words])
    return ridge(both, rows.truth, rows.weight, 1.0)


def ranking(logits: Floats, truth: Floats) -> dict[str, float]:
    """Area under the ROC curve and average precision."""
    order = np.argsort(-logits, kind="stable")
    hits = truth[order] >= 0.5
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    below = np.cumsum(~hits)
    area = float((hits.sum() * (~hits).sum() - below[hits].sum()) / (hits.sum() * (~hits).sum()))
    return {"auc": round(area, 4), "average_precision": round(float(precision[hits].mean()), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--held-out", type=Path, help="also write log-odds by happening, held out")
    given = parser.parse_args()
    readings = read_readings()
    rows = rows_of(readings, given.data)
    truth = np.array([one.relevant for one in readings])
    tried, guessed = {}, {}
    for penalty in PENALTIES:
        parts = held_out(rows, penalty)
        shares, bias = stacked(rows, *parts)
        logits = rows.by_happening(np.column_stack(parts) @ shares + bias)
        read = ~np.isnan(logits)
        tried[penalty], guessed[penalty] = (
            ranking(logits[read], truth[read]),
            (logits, shares, bias),
        )
        alone = [ranking(rows.by_happening(part)[read], truth[read]) for part in parts]
        print(penalty, tried[penalty], "columns and words alone:", *alone)
    best = max(tried, key=lambda penalty: tried[penalty]["average_precision"])
    logits, shares, bias = guessed[best]
    if given.held_out:
        pairs = zip(readings, logits.tolist(), strict=False)
        kept = {one.id: round(x, 4) for one, x in pairs if not math.isnan(x)}
        given.held_out.write_text(json.dumps(kept), encoding="utf-8")
    weights, own = fit_columns(rows, best)
    gram_weights, gram_bias = ridge(rows.grams, rows.truth, rows.weight, GRAM_PENALTY)
    bias += float(shares @ [own, gram_bias])
    document = {
        "version": "relevance.v1",
        "encoder": MODEL,
        "readings": len(readings),
        "relevant": int((truth >= 0.5).sum()),
        "penalty": best,
        "held_out": tried[best],
        "bias": round(bias, 5),
        "weights": {
            name: round(float(w), 5) for name, w in zip(COLUMNS, shares[0] * weights, strict=True)
        },
    }
    given.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    scale = float(np.abs(shares[1] * gram_weights).max()) / 127
    whole = np.round(shares[1] * gram_weights / scale).astype(np.int8)
    np.savez_compressed(given.out.with_suffix(".npz"), weights=whole, scale=scale)


if __name__ == "__main__":
    main()
