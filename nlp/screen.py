"""The cheap first pass: hashed n-grams and a linear model, no transformer.

A text becomes the set of its hashed character 2-5-grams, words and word pairs; a logistic
regression gives "any event" and, for the classifier's blend, each type. All in numpy, thousands of
texts a second. Whatever falls below the line that the model folder states is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]

BITS = 18
CHARACTERS = 400  # of title and text that are read
NGRAMS = (2, 3, 4, 5)
PRIME = np.uint64(0x9E3779B97F4A7C15)  # odd, so it has an inverse modulo 2**64
INVERSE = np.uint64(pow(int(PRIME), -1, 2**64))
MIX = np.uint64(0xD6E8FEB86659FD93)
SPACE, BREAK = np.uint64(32), np.uint64(1)
WORD_SALT, PAIR_SALT = np.uint64(0x5851F42D4C957F2D), np.uint64(0x14057B7EF767814F)


def normal(text: str) -> str:
    """Lower case, digits as 0, single spaces, a space at both ends.

    >>> normal("Port  CLOSED for 12 days")
    ' port closed for 00 days '
    """
    flat = re.sub(r"\d", "0", text[:CHARACTERS].lower())
    return f" {' '.join(flat.split())} "


def powers(base: np.uint64, count: int) -> NDArray[np.uint64]:
    table = np.full(count, base, np.uint64)
    table[0] = 1
    return np.multiply.accumulate(table)


def buckets(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, bucket) of every distinct hashed n-gram, sorted by row.

    Hashes of spans come from one running sum of `code * PRIME**position` (modulo 2**64), so that
    every n-gram and word costs one subtraction and one multiplication.
    """
    parts = [normal(text) for text in texts]
    joined = "\x01".join(parts) + "\x01"
    codes = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.uint64)
    size = len(codes)
    rows = np.repeat(np.arange(len(parts)), [len(part) + 1 for part in parts])
    total = np.zeros(size + 1, np.uint64)
    np.cumsum(codes * powers(PRIME, size), out=total[1:])
    shift = powers(INVERSE, size)
    keys: list[NDArray[np.int64]] = []

    def add(starts: NDArray[np.int64], ends: NDArray[np.int64], salt: np.uint64) -> None:
        spans = ((total[ends] - total[starts]) * shift[starts] ^ salt) * MIX
        spans ^= spans >> np.uint64(29)
        cells = ((spans * MIX) >> np.uint64(64 - BITS)).astype(np.int64)
        keys.append((rows[starts].astype(np.int64) << BITS) | cells)

    for width in NGRAMS:
        starts = np.arange(max(0, size - width + 1))
        whole = rows[starts] == rows[starts + width - 1]
        whole &= codes[starts + width - 1] != BREAK
        add(starts[whole], starts[whole] + width, np.uint64(width))
    gaps = np.flatnonzero(codes == SPACE)
    for step, salt in ((1, WORD_SALT), (2, PAIR_SALT)):
        left, right = gaps[:-step], gaps[step:]
        same = rows[left] == rows[right]
        add(left[same] + 1, right[same], salt)
    unique = np.unique(np.concatenate(keys))
    return unique >> BITS, unique & ((1 << BITS) - 1)


def features(texts: Sequence[str], idf: NDArray[np.float32] | None) -> sparse.csr_array:
    """A row per text over 2**BITS buckets: idf (or 1), scaled to length 1."""
    if not texts:
        return sparse.csr_array((0, 1 << BITS), dtype=np.float64)
    rows, cells = buckets(texts)
    values = np.ones(len(cells)) if idf is None else idf[cells].astype(np.float64)
    length = np.sqrt(np.bincount(rows, values**2, minlength=len(texts)))
    values = values / np.maximum(length, 1e-9)[rows]
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
    return sparse.csr_array((values, cells, starts), shape=(len(texts), 1 << BITS))


@dataclass(frozen=True, slots=True)
class Screen:
    """Linear weights. Column 0 is "any event", the others the types in taxonomy order."""

    idf: NDArray[np.float32]
    event: NDArray[np.float32]  # weights of the first pass, one per bucket
    event_bias: float
    types: NDArray[np.float32]  # buckets x types
    type_bias: NDArray[np.float32]
    line: float  # logit below which a text is called irrelevant

    @classmethod
    def read(cls, path: Path) -> Screen:
        """From `screen.npz`: int8 weights with a scale per column."""
        with np.load(path, allow_pickle=False) as saved:
            return cls(
                idf=saved["idf"].astype(np.float32),
                event=saved["event"].astype(np.float32) * saved["event_scale"],
                event_bias=float(saved["event_bias"]),
                types=saved["types"].astype(np.float32) * saved["type_scale"],
                type_bias=saved["type_bias"].astype(np.float32),
                line=float(saved["line"]),
            )

    def write(self, path: Path) -> None:
        event_scale = float(np.abs(self.event).max()) / 127 or 1.0
        type_scale = np.maximum(np.abs(self.types).max(0) / 127, 1e-12)
        np.savez_compressed(
            path,
            idf=self.idf.astype(np.float16),
            event=np.round(self.event / event_scale).astype(np.int8),
            event_scale=np.float32(event_scale),
            event_bias=np.float32(self.event_bias),
            types=np.round(self.types / type_scale).astype(np.int8),
            type_scale=type_scale.astype(np.float32),
            type_bias=self.type_bias,
            line=np.float32(self.line),
        )

    def event_logits(self, texts: Sequence[str], step: int = 1000) -> Floats:
        """Log-odds that a text reports any event, one per text."""
        parts = [
            features(texts[start : start + step], self.idf) @ self.event
            for start in range(0, len(texts), step)
        ]
        return np.concatenate([*parts, np.zeros(0)]) + self.event_bias

    def type_logits(self, texts: Sequence[str]) -> Floats:
        """Log-odds of each type, texts x types."""
        found: Floats = features(texts, self.idf) @ self.types + self.type_bias
        return found

    def relevant(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """True where the transformer should read the text."""
        return self.event_logits(texts) >= self.line
