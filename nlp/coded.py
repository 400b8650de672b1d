"""Texts as padded token rows and targets as tensors, on one device (needs the `train` extra)."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from nlp.dataset import Row
from nlp.encoder import DIRECTIONS, SEVERITIES, VECTOR
from nlp.session import PHASES
from nlp.taxonomy import NAMES


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ids` is texts x tokens, padded with 1; `lengths` counts the tokens of each text."""

    ids: torch.Tensor
    lengths: torch.Tensor

    @classmethod
    def of(
        cls, texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, longest: int, device: str
    ) -> Tokens:
        coded: list[list[int]] = []
        for start in range(0, len(texts), 10_000):
            part = list(texts[start : start + 10_000])
            coded += tokenizer(part, truncation=True, max_length=longest)["input_ids"]
        lengths = np.array([len(row) for row in coded], np.int64)
        ids = np.full((len(coded), int(lengths.max(initial=1))), 1, np.int32)
        for number, row in enumerate(coded):
            ids[number, : len(row)] = row
        return cls(torch.from_numpy(ids).to(device), torch.from_numpy(lengths).to(device))

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(input_ids, attention_mask) of some texts, cut to the longest of them."""
        lengths = self.lengths[numbers]
        longest = int(lengths.max())
        places = torch.arange(longest, device=self.ids.device)
        return self.ids[numbers, :longest].long(), (places[None, :] < lengths[:, None]).long()


@dataclass(slots=True)
class Targets:
    """What the heads should say; hard labels are 0 and 1, a teacher's are probabilities."""

    labels: torch.Tensor  # texts x 17
    event: torch.Tensor  # texts
    phase: torch.Tensor  # texts x 3, sums to the probability of an event
    severity: torch.Tensor  # texts x 4
    direction: torch.Tensor  # texts x 2, zeros where nobody read one
    weight: torch.Tensor  # texts
    vector: torch.Tensor  # texts x 128, unit rows; a row of zeros is not taught

    def take(self, numbers: torch.Tensor) -> Targets:
        return Targets(*(getattr(self, field.name)[numbers] for field in fields(self)))

    @classmethod
    def of(cls, rows: Sequence[Row], unsure: float, device: str) -> Targets:
        """Of labelled rows; rows marked unsure weigh `unsure`."""
        labels = torch.zeros(len(rows), len(NAMES))
        phase = torch.zeros(len(rows), len(PHASES))
        severity = torch.zeros(len(rows), SEVERITIES)
        direction = torch.zeros(len(rows), len(DIRECTIONS))
        for number, row in enumerate(rows):
            if row.direction:
                direction[number, DIRECTIONS.index(row.direction)] = 1.0
            for label in row.labels:
                labels[number, NAMES.index(label)] = 1.0
            if row.phase:
                phase[number, PHASES.index(row.phase)] = 1.0
            severity[number, row.severity] = 1.0
        weight = torch.tensor([1.0 if row.sure else unsure for row in rows])
        vector = torch.zeros(len(rows), VECTOR)
        parts = (labels, labels.amax(1), phase, severity, direction, weight, vector)
        return cls(*(part.to(device) for part in parts))

    @classmethod
    def join(cls, parts: Sequence[Targets]) -> Targets:
        return cls(*(torch.cat([getattr(p, field.name) for p in parts]) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class Named:
    """Texts with a tag per token: 0 outside, 1 begin, 2 inside of a firm's name, -100 unread."""

    tokens: Tokens
    tags: torch.Tensor

    @classmethod
    def of(
        cls,
        texts: Sequence[tuple[str, Sequence[str]]],
        tokenizer: PreTrainedTokenizerFast,
        longest: int,
        device: str,
    ) -> Named:
        """From (text, names that occur in it). Every occurrence of a name is tagged."""
        tokens = Tokens.of([text for text, _ in texts], tokenizer, longest, device)
        tags = torch.full(tokens.ids.shape, -100, dtype=torch.long)
        for number, (text, names) in enumerate(texts):
            coded = tokenizer(
                text, truncation=True, max_length=longest, return_offsets_mapping=True
            )
            spans = sorted(span for name in names for span in occurrences(text, name))
            for place, (start, end) in enumerate(coded["offset_mapping"]):
                if start < end:
                    tags[number, place] = tag_at(text, start, end, spans)
        return cls(tokens, tags.to(device))


def occurrences(text: str, name: str) -> list[tuple[int, int]]:
    found, at = [], text.find(name)
    while at >= 0:
        found.append((at, at + len(name)))
        at = text.find(name, at + len(name))
    return found


def tag_at(text: str, start: int, end: int, spans: Sequence[tuple[int, int]]) -> int:
    """Tag of the piece at start:end, whose first character may be a space."""
    first = start + (len(text[start:end]) - len(text[start:end].lstrip()))
    for low, high in spans:
        if first < high and end > low:
            return 1 if first <= low else 2
    return 0


class Pace:
    """How far a run is. The learning rate rises over the first share `warm_up` of the steps and
    falls to nearly 0 at the end."""

    def __init__(self, steps: int, warm_up: float) -> None:
        self.steps = steps
        self.warm = max(1, int(warm_up * steps))
        self.done = 0
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    @property
    def share(self) -> float:
        return self.done / self.steps

    @property
    def over(self) -> bool:
        return self.done >= self.steps

    def step(self) -> None:
        self.done += 1

    def rate(self) -> float:
        falling = (self.steps - self.done) / max(1, self.steps - self.warm)
        return min((self.done + 1) / self.warm, max(0.02, falling))


def batches(
    lengths: Sequence[int], size: int, draw: random.Random, order: Sequence[int] | None = None
) -> Iterator[list[int]]:
    """Shuffled numbers, sorted by length inside chunks of 16 batches, so that little is padding."""
    numbers = list(order) if order is not None else list(range(len(lengths)))
    draw.shuffle(numbers)
    groups: list[list[int]] = []
    for start in range(0, len(numbers), size * 16):
        part = sorted(numbers[start : start + size * 16], key=lambda number: lengths[number])
        groups += [part[at : at + size] for at in range(0, len(part), size)]
    draw.shuffle(groups)
    yield from groups
