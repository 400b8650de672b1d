"""What decides the weights: the recipe (TOML) and the corpus that `nlp.corpus` wrote (`train` extra)."""

from __future__ import annotations

import json
import lzma
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nlp.adapt import Adaptation, Lines
from nlp.dataset import Row
from nlp.session import prompt


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of one fine-tune."""

    epochs: float = 6
    batch: int = 32
    longest: int = 96  # tokens
    rate: float = 1e-4
    rate_heads: float = 1e-3
    layer_decay: float = 0.9  # lower layers move less
    frozen: int = 0  # lowest layers that stay as they are
    decay: float = 0.01
    warm_up: float = 0.1
    dropout: float = 0.1
    title_only: float = 0.15  # share of draws that hide the text, so that bare headlines are known
    unsure: float = 0.7  # weight of rows that a second reader might change
    loss: str = "bce"  # bce | focal | asymmetric
    phase: float = 0.5
    severity: float = 0.5
    event: float = 1.0
    direction: float = 0.3
    firms: float = 0.5  # weight of the names of firms, of their own texts
    firms_every: int = 2  # steps between batches of those
    vector: float = 0.0  # weight of keeping the story vector of the adapted encoder
    average_last: float = 0.3  # last share of the run in which weights are averaged
    seed: int = 11


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, read from TOML."""

    adapt: Adaptation = field(default_factory=Adaptation)
    teacher: Tuning = field(default_factory=Tuning)
    student: Tuning = field(default_factory=Tuning)
    finish: Tuning = field(default_factory=Tuning)
    polish: Tuning = field(default_factory=Tuning)
    folds: int = 5
    pseudo_events: int = 90_000  # unlabelled texts with a chance of an event
    pseudo_calm: int = 60_000
    own_opinion: float = 0.3  # share of the teachers' opinion in a labelled row's target
    seed: int = 11

    @classmethod
    def read(cls, path: Path) -> Recipe:
        tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        tree["adapt"] = Adaptation(**tree.get("adapt", {}))
        for name in ("teacher", "student", "finish", "polish"):
            tree[name] = Tuning(**tree.get(name, {}))
        return cls(**tree)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What `nlp.corpus` wrote: labelled rows by part, folds of the training rows, bare texts."""

    parts: Mapping[str, list[Row]]
    folds: Mapping[str, int]  # by id of a training row
    texts: list[Lines]
    parallel: list[tuple[str, str]]
    firms: list[tuple[str, list[str]]]  # (text as the encoder reads it, names in it)

    @classmethod
    def read(cls, folder: Path) -> Corpus:
        parts: dict[str, list[Row]] = {}
        folds: dict[str, int] = {}
        with lzma.open(folder / "rows.jsonl.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                raw = json.loads(line)
                fold = raw.pop("fold", None)
                raw["labels"] = tuple(raw["labels"])
                row = Row(day=None, **raw)
                parts.setdefault(row.part, []).append(row)
                if fold is not None:
                    folds[row.id] = fold
        texts: list[Lines] = []
        parallel: list[tuple[str, str]] = []
        with lzma.open(folder / "texts.jsonl.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                values = json.loads(line)
                if len(values) == 2:
                    parallel.append((values[0], values[1]))
                else:
                    texts.append(Lines(*values))
        with lzma.open(folder / "firms.jsonl.xz", "rt", encoding="utf-8") as lines:
            firms = [
                (prompt(raw["title"], raw["text"]), raw["firms"])
                for raw in (json.loads(line) for line in lines)
            ]
        return cls(parts, folds, texts, parallel, firms)
