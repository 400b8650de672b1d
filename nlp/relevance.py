"""Does a text tell of a present happening that can change what Korea buys? One small linear head.

The event types say what a text reports; most of what they report (comment, history, relief, a
shortage in one town) changes nothing for Korean supply. The head reads what the encoder has already
said of a text, so it costs nothing to run. Its weights were fitted on readings of texts by the rule
in docs/training.md; `ews.tuning.fit_relevance` fits them again.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.model import MentionKind, Phase, TaggedArticle
from nlp.taxonomy import NAMES

SHIPPED = Path(__file__).parent / "models" / "relevance.v1.json"
WIDE = 128  # numbers of a story vector
PHASES = (Phase.THREAT, Phase.ACTUAL, Phase.EASING)
KINDS = (MentionKind.ITEM, MentionKind.CHOKEPOINT, MentionKind.PORT, MentionKind.FIRM)
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


@dataclass(frozen=True, slots=True)
class Relevance:
    """Weights over COLUMNS. `version` is kept with the figures that it made."""

    version: str
    weights: Floats
    bias: float

    @classmethod
    def read(cls, path: Path = SHIPPED) -> Relevance:
        """ValueError when the file was fitted for other columns."""
        saved = json.loads(path.read_text(encoding="utf-8"))
        if tuple(saved["weights"]) != COLUMNS:
            raise ValueError(f"{path.name}: fitted for other columns; fit it again")
        weights = np.array(list(saved["weights"].values()), np.float64)
        return cls(str(saved["version"]), weights, float(saved["bias"]))

    def probability(self, tagged: TaggedArticle, title: str) -> float | None:
        """None for a text that the encoder did not read."""
        if tagged.screened or tagged.degraded or not tagged.tags:
            return None
        logit = self.bias + float(self.weights @ features(tagged, title))
        return round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 4)
