"""Does a text tell of a present happening that can change what Korea buys? One small linear head.

The event types say what a text reports; most of what they report (comment, history, relief, a
shortage in one town) changes nothing for Korean supply. The head reads what the encoder has already
said of a text, and the hashed n-grams that the first pass reads too, so it costs next to nothing.
Its weights were fitted on readings of texts by the rule in docs/training.md;
`ews.tuning.fit_relevance` fits them again.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ews.model import MentionKind, Phase, TaggedArticle
from nlp.screen import BITS, buckets
from nlp.taxonomy import NAMES

SHIPPED = Path(__file__).parent / "models" / "relevance.v1.json"
WIDE = 128  # numbers of a story vector
PHASES = (Phase.THREAT, Phase.ACTUAL, Phase.EASING)
KINDS = (MentionKind.ITEM, MentionKind.CHOKEPOINT, MentionKind.PORT, MentionKind.FIRM)
GRAM_BITS = 17
HANGUL = re.compile(r"[가-힣]")
COLUMNS = (
    *(f"type:{name}" for name in NAMES),
    "p_event",
    "severity",
    *(f"phase:{phase.value}" for phase in PHASES),
    "price:up",
    "price:down",
    *(f"names:{kind.value}" for kind in KINDS),
    "korean",
    *(f"vector:{number}" for number in range(WIDE)),
)

Floats = NDArray[np.float64]


def features(tagged: TaggedArticle, title: str) -> Floats:
    """One number for each of COLUMNS."""
    vector = np.zeros(WIDE)
    if tagged.vector:
        vector = np.frombuffer(tagged.vector, np.int8).astype(np.float64) / 127
    kinds = {mention.kind for mention in tagged.mentions}
    return np.array([
        *(tagged.probability(name) for name in NAMES),
        tagged.p_event,
        tagged.severity,
        *(float(tagged.phase is phase) for phase in PHASES),
        float(tagged.price_direction == "up"),
        float(tagged.price_direction == "down"),
        *(float(kind in kinds) for kind in KINDS),
        float(HANGUL.search(title) is not None),
        *vector,
    ])  # fmt: skip


def grams(texts: Sequence[str]) -> sparse.csr_array:
    """A row per text over 2**GRAM_BITS buckets: 1 + log of the count, scaled to length 1."""
    rows, cells = buckets(texts)
    shape = (len(texts), 1 << GRAM_BITS)
    counts = sparse.csr_array((np.ones(len(cells)), (rows, cells >> (BITS - GRAM_BITS))), shape)
    counts.sum_duplicates()
    counts.data = 1 + np.log(counts.data)
    length = np.sqrt(np.asarray(counts.power(2).sum(1)).ravel())
    return sparse.csr_array(sparse.diags_array(1 / np.maximum(length, 1e-9)) @ counts)


@dataclass(frozen=True, slots=True)
class Relevance:
    """Weights over COLUMNS and over the buckets of `grams`."""

    version: str
    weights: Floats
    bias: float
    gram_weights: Floats

    @classmethod
    def read(cls, path: Path = SHIPPED) -> Relevance:
        """From a JSON file and the .npz beside it (int8 weights with one scale). ValueError when
        they were fitted for other columns."""
        saved = json.loads(path.read_text(encoding="utf-8"))
        if tuple(saved["weights"]) != COLUMNS:
            raise ValueError(f"{path.name}: fitted for other columns; fit it again")
        weights = np.array(list(saved["weights"].values()), np.float64)
        with np.load(path.with_suffix(".npz"), allow_pickle=False) as kept:
            gram_weights = kept["weights"].astype(np.float64) * float(kept["scale"])
        return cls(str(saved["version"]), weights, float(saved["bias"]), gram_weights)

    def words(self, texts: Sequence[str]) -> Floats:
        """What the n-grams of each text add to its log-odds."""
        return np.asarray(grams(texts) @ self.gram_weights) if texts else np.zeros(0)

    def probability(self, tagged: TaggedArticle, title: str, words: float) -> float | None:
        """`words` is its row of `words`. None for a text that the encoder did not read."""
        if tagged.screened or tagged.degraded or not tagged.tags:
            return None
        logit = self.bias + float(self.weights @ features(tagged, title)) + words
        return round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 4)
