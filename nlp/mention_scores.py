"""How well the linking does on the labelled rows of the recorded data. Not used in service.

Countries are compared with the labels as sets (the Union apart, which the labels leave out). The
labels name products freely ("refined oil products"): a labelled word counts only when it links to
an item by itself, and is found when the row's mentions share an item with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from ews.model import Article, Mention, MentionKind
from nlp.mentions import find_mentions
from nlp.recorded import read_jsonl

SURE = 0.5  # a mention counts from this confidence on
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Score:
    """Counts of right, invented and missed codes."""

    right: int = 0
    invented: int = 0
    missed: int = 0

    def add(self, found: set[str], labelled: set[str]) -> None:
        self.right += len(found & labelled)
        self.invented += len(found - labelled)
        self.missed += len(labelled - found)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.invented or 1)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed or 1)

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(slots=True)
class LinkScores:
    """Scores by language; `all` holds the sum."""

    countries: dict[str, Score] = field(default_factory=dict)
    items: Counter[tuple[str, str]] = field(default_factory=Counter)  # (lang, wanted|hit|named)
    rows: int = 0

    def lines(self) -> Iterator[str]:
        """A readable table."""
        yield f"{self.rows} event rows"
        for lang, score in sorted(self.countries.items()):
            yield (
                f"countries {lang:>3}: precision {score.precision:.3f} recall {score.recall:.3f}"
                f" F1 {score.f1:.3f} ({score.right + score.missed} labelled)"
            )
        for lang in sorted({lang for lang, _ in self.items}):
            wanted = self.items[lang, "wanted"] or 1
            hit, named = self.items[lang, "hit"] / wanted, self.items[lang, "named"] / wanted
            yield f"items {lang:>3}: recall {hit:.3f} as hit, {named:.3f} at all ({wanted} labelled)"


def score(rows: Iterable[Mapping[str, object]]) -> LinkScores:
    """Scores over labelled rows that report an event (`labels` is not just none)."""
    scores = LinkScores()
    for row in rows:
        if row["labels"] == ["none"]:
            continue
        lang = str(row["lang"])
        mentions = find_mentions(_article(row))
        scores.rows += 1
        found = {m.code for m in _hits(mentions, MentionKind.COUNTRY)} - {"EU"}
        labelled = set(_strings(row["countries"])) - {"EU"}
        for key in (lang, "all"):
            scores.countries.setdefault(key, Score()).add(found, labelled)
        _score_items(scores.items, lang, _strings(row["items"]), mentions)
    return scores


def _score_items(
    counts: Counter[tuple[str, str]], lang: str, words: list[str], mentions: tuple[Mention, ...]
) -> None:
    hit = {m.code for m in _hits(mentions, MentionKind.ITEM)}
    named = {m.code for m in mentions if m.kind is MentionKind.ITEM}
    for word in words:
        codes = _codes_of(word)
        for key in (lang, "all"):
            counts[key, "wanted"] += bool(codes)
            counts[key, "hit"] += bool(codes & hit)
            counts[key, "named"] += bool(codes & named)


@cache
def _codes_of(word: str) -> frozenset[str]:
    title = f"{word} prices exports supply futures maker tariffs"
    row = {"title": title, "text": "", "lang": "en"}
    return frozenset(m.code for m in find_mentions(_article(row)) if m.kind is MentionKind.ITEM)


def _hits(mentions: Iterable[Mention], kind: MentionKind) -> Iterator[Mention]:
    for mention in mentions:
        if mention.kind is kind and mention.role == "hit" and mention.confidence >= SURE:
            yield mention


def _strings(value: object) -> list[str]:
    return [str(part) for part in value] if isinstance(value, list) else []


def _article(row: Mapping[str, object]) -> Article:
    return Article(
        id=str(row.get("id", "")), source="labels", outlet="", url="", title=str(row["title"]),
        text=str(row["text"]), lang=str(row["lang"]), observed_at=_NO_DATE, available_at=_NO_DATE,
    )  # fmt: skip


def read_rows(folder: Path) -> Iterator[Mapping[str, object]]:
    """Rows of `labels/pool.jsonl.gz` under the recorded data. FileNotFoundError when absent."""
    return read_jsonl(folder / "labels" / "pool.jsonl.gz")
