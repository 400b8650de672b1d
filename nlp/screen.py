"""The cheap first pass: hashed n-grams and a linear model, no transformer.

A text becomes its hashed character 2-5-grams, words and word pairs; a logistic regression gives the
log-odds of "any event". All in numpy, thousands of texts a second. Whatever falls below the line
that the model folder states is skipped.
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

BITS = 20
CHARACTERS = 300  # of title and text that are read
NGRAMS = (2, 3, 4, 5)
HANGUL = re.compile(r"[가-힣]")
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
    """(row, bucket) of every hashed n-gram, repeats included.

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
    owners: list[NDArray[np.int64]] = []
    cells: list[NDArray[np.int64]] = []

    def add(starts: NDArray[np.int64], ends: NDArray[np.int64], salt: np.uint64) -> None:
        spans = ((total[ends] - total[starts]) * shift[starts] ^ salt) * MIX
        spans ^= spans >> np.uint64(29)
        cells.append(((spans * MIX) >> np.uint64(64 - BITS)).astype(np.int64))
        owners.append(rows[starts])

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
    return np.concatenate(owners), np.concatenate(cells)


def features(texts: Sequence[str], idf: NDArray[np.float32]) -> sparse.csr_array:
    """A row per text over 2**BITS buckets, for training: idf per n-gram, scaled as `logits` does."""
    rows, cells = buckets(texts)
    values = idf[cells] / lengths(rows, idf[cells], len(texts))[rows]
    return sparse.csr_array((values, (rows, cells)), shape=(len(texts), 1 << BITS))


def lengths(rows: NDArray[np.int64], weights: NDArray[np.float32], count: int) -> Floats:
    """Root of the sum of squared weights of each row, never 0."""
    squares = np.bincount(rows, weights.astype(np.float64) ** 2, minlength=count)
    return np.maximum(np.sqrt(squares.astype(np.float64)), 1e-9)


@dataclass(frozen=True, slots=True)
class Screen:
    """Weights of the first pass and the line below which a text is called irrelevant."""

    idf: NDArray[np.float32]
    weights: NDArray[np.float32]  # one per bucket
    bias: float
    line: float  # log-odds
    korean: float = 0.0  # added to a text with Hangul, so that one line serves both languages

    @classmethod
    def read(cls, path: Path) -> Screen:
        """From `screen.npz`: int8 weights with one scale."""
        with np.load(path, allow_pickle=False) as saved:
            return cls(
                idf=saved["idf"].astype(np.float32),
                weights=saved["weights"].astype(np.float32) * saved["scale"],
                bias=float(saved["bias"]),
                line=float(saved["line"]),
                korean=float(saved["korean"]),
            )

    def write(self, path: Path) -> None:
        scale = float(np.abs(self.weights).max()) / 127 or 1.0
        np.savez_compressed(
            path,
            idf=self.idf.astype(np.float16),
            weights=np.round(self.weights / scale).astype(np.int8),
            scale=np.float32(scale),
            bias=np.float32(self.bias),
            line=np.float32(self.line),
            korean=np.float32(self.korean),
        )

    def logits(self, texts: Sequence[str], step: int = 500) -> Floats:
        """Log-odds that a text reports any event, one per text."""
        weighted = self.idf * self.weights
        found = np.zeros(len(texts))
        for start in range(0, len(texts), step):
            part = texts[start : start + step]
            rows, cells = buckets(part)
            total = np.bincount(rows, weighted[cells], minlength=len(part))
            found[start : start + step] = total / lengths(rows, self.idf[cells], len(part))
        hangul = np.array([bool(HANGUL.search(text[:CHARACTERS])) for text in texts], np.float64)
        shifted: Floats = found + self.bias + self.korean * hangul
        return shifted

    def relevant(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """True where the transformer should read the text."""
        return self.logits(texts) >= self.line
