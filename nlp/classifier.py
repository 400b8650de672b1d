"""Articles in, tagged articles out: types with calibrated probabilities, phase, severity, mentions.

`load_classifier()` gives the shipped model, or the keyword rules with every result marked
`degraded` when the weights are missing or not the ones their manifest names.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ews.model import Article, Mention, Phase, Tag, TaggedArticle
from nlp import lexicon
from nlp.calibration import Calibration, Readings
from nlp.screen import Screen
from nlp.taxonomy import NAMES

log = logging.getLogger(__name__)

MODELS = Path(__file__).parent / "models"
SHIPPED = "ews-e5.v2"
LEAST = 0.02  # tags below this are dropped
DIRECTION_FROM = 0.2  # probability of price_shock from which a direction is read
PHASES = (Phase.THREAT, Phase.ACTUAL, Phase.EASING)
MAX_TOKENS = 96
OUTPUTS = ["logits_labels", "logits_event", "logits_phase", "logits_severity"]

Link = Callable[[Article], tuple[Mention, ...]]
Floats = NDArray[np.float64]


class ModelFolderError(RuntimeError):
    """The model folder cannot be used; the message says which file and what to do."""


class Classifier(Protocol):
    version: str

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        """One tagged article per article, in the same order."""
        ...


def default_link() -> Link:
    """The linker of `nlp.mentions`, imported only when a classifier is made."""
    try:
        from nlp.mentions import find_mentions
    except ModuleNotFoundError:  # until the linker is in the tree
        return lambda article: ()
    return find_mentions


def prompt(title: str, text: str) -> str:
    """What the encoder reads: the prefix its pretraining used, title, lede, single spaces."""
    return " ".join(f"query: {title} {text}".split())


def plain(article: Article) -> str:
    return f"{article.title} {article.text}".strip()


def direction(text: str, tags: Sequence[Tag]) -> str | None:
    """ "up" or "down" when a price shock is tagged, else None."""
    shock = next((tag.probability for tag in tags if tag.type == "price_shock"), 0.0)
    return lexicon.direction_in(text) if shock >= DIRECTION_FROM else None


class LexiconClassifier:
    """Keyword rules. No weights needed; worse than the model (docs/model-card.md)."""

    version = "lexicon.v1"

    def __init__(self, link: Link | None = None, degraded: bool = False) -> None:
        self.link = link or default_link()
        self.degraded = degraded

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        return [self.tag(article) for article in articles]

    def tag(self, article: Article) -> TaggedArticle:
        text = plain(article)
        types = lexicon.types_in(text)
        precision = lexicon.shipped().precision
        tags = tuple(Tag(name, precision[name]) for name in types)
        phase = lexicon.phase_in(text) if types else None
        return TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=tags,
            p_event=max((tag.probability for tag in tags), default=0.02),
            phase=phase,
            severity=lexicon.severity_of(types, phase) if phase else 0.0,
            mentions=self.link(article),
            degraded=self.degraded,
            price_direction=direction(text, tags),
        )


@dataclass(frozen=True, slots=True)
class Folder:
    """A model folder whose files are the ones its manifest names."""

    path: Path
    version: str
    sha256: str  # of the weights

    @classmethod
    def open(cls, path: Path) -> Folder:
        """ModelFolderError when a file is missing or its SHA-256 differs."""
        try:
            manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{path}: no readable manifest.json; reinstall ews") from error
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                raise ModelFolderError(f"{file} is missing; reinstall ews")
            if sha256(file) != expected:
                raise ModelFolderError(f"{file} is not the file that was shipped; reinstall ews")
        if tuple(manifest["labels"]) != NAMES:
            raise ModelFolderError(
                f"{path}: its labels are not those of nlp/taxonomy.toml; retrain"
            )
        return cls(path, str(manifest["version"]), str(manifest["files"]["model.onnx"]))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Encoder:
    """Tokenizer and ONNX graph of a folder: texts in, raw logits out. No torch."""

    def __init__(self, folder: Path, threads: int) -> None:
        # transformers says on import that torch is missing; here it only tokenises
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        import onnxruntime
        from transformers import PreTrainedTokenizerFast

        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def logits(self, texts: Sequence[str]) -> tuple[Floats, Floats, Floats, Floats]:
        """(labels, event, phase, severity), a row per text in the given order.

        One text a run: int8 activations are scaled per run, so in a batch a text's answer would
        depend on its neighbours (seen: 0.06). On one thread batches are hardly faster.
        """
        if not texts:
            return np.zeros((0, len(NAMES))), np.zeros((0, 1)), np.zeros((0, 3)), np.zeros((0, 4))
        ids = self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]
        parts = [
            self.session.run(
                OUTPUTS,
                {
                    "input_ids": np.array([tokens], np.int64),
                    "attention_mask": np.ones((1, len(tokens)), np.int64),
                },
            )
            for tokens in ids
        ]
        joined = [np.concatenate(output).astype(np.float64) for output in zip(*parts, strict=True)]
        return joined[0], joined[1], joined[2], joined[3]


class TransformerClassifier:
    """First pass, then encoder and keyword rules blended and calibrated.

    An article below the first pass's line comes back `screened`, with no tags.
    """

    def __init__(
        self, folder: Path = MODELS / SHIPPED, threads: int = 1, link: Link | None = None
    ) -> None:
        opened = Folder.open(folder)
        self.version = opened.version
        self.link = link or default_link()
        self.encoder = Encoder(folder, threads)
        self.screen = Screen.read(folder / "screen.npz")
        self.calibration = Calibration.read(folder / "calibration.json")

    def read(self, texts: Sequence[tuple[str, str]]) -> Readings:
        """Calibrated probabilities of (title, text) pairs; nothing is skipped."""
        joined = [f"{title} {text}".strip() for title, text in texts]
        encoded = self.encoder.logits([prompt(title, text) for title, text in texts])
        return self.calibration.apply(*encoded, self.screen.logits(joined), *rule_hits(joined))

    def classify(self, articles: Sequence[Article]) -> list[TaggedArticle]:
        if not articles:
            return []
        first = self.screen.logits([plain(article) for article in articles])
        kept = [number for number, logit in enumerate(first) if logit >= self.screen.line]
        found: dict[int, TaggedArticle] = {}
        if kept:
            readings = self.read([(articles[n].title, articles[n].text) for n in kept])
            found = {n: self.tag(articles[n], readings, place) for place, n in enumerate(kept)}
        return [
            found[number] if number in found else self.screened(article, float(first[number]))
            for number, article in enumerate(articles)
        ]

    def screened(self, article: Article, logit: float) -> TaggedArticle:
        return TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=(),
            p_event=round(1.0 / (1.0 + float(np.exp(-logit))), 4),
            phase=None,
            severity=0.0,
            screened=True,
        )

    def tag(self, article: Article, readings: Readings, row: int) -> TaggedArticle:
        tags = tuple(
            Tag(name, round(float(p), 4))
            for name, p in zip(NAMES, readings.labels[row], strict=True)
            if round(float(p), 4) > LEAST
        )
        return TaggedArticle(
            article_id=article.id,
            model=self.version,
            tags=tags,
            p_event=round(float(readings.event[row]), 4),
            phase=PHASES[int(readings.phase[row].argmax())] if tags else None,
            severity=round(float(readings.severity[row]), 3),
            mentions=self.link(article),
            price_direction=direction(plain(article), tags),
        )


def rule_hits(texts: Sequence[str]) -> tuple[Floats, Floats]:
    """1 where a keyword rule matches: texts x types, and texts x phases."""
    types = np.zeros((len(texts), len(NAMES)))
    phases = np.zeros((len(texts), len(PHASES)))
    for row, text in enumerate(texts):
        for name in lexicon.types_in(text):
            types[row, NAMES.index(name)] = 1.0
        phases[row, PHASES.index(lexicon.phase_in(text))] = 1.0
    return types, phases


def load_classifier(threads: int = 1, folder: Path = MODELS / SHIPPED) -> Classifier:
    """The shipped model; the keyword rules, marked degraded, when its folder cannot be used."""
    try:
        return TransformerClassifier(folder, threads)
    except ModelFolderError as error:
        log.warning("classifier degraded to keyword rules: %s", error)
        return LexiconClassifier(degraded=True)
