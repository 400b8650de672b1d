"""Writes what `nlp.train` reads: `python -m nlp.corpus --out DIR` (needs the recorded data).

`rows.jsonl.xz`: labelled rows with their part, training rows with a fold (event groups stay
together). `texts.jsonl.xz`: unlabelled titles and ledes, and Korean-English pairs of the parallel
corpus. The folder holds publishers' text: it is scratch and is never committed.

Unlabelled texts obey the rules of the split: nothing dated July-December 2023 or of 2023 without a
month, nothing near to a gold, test or natural row. Three in four are texts that the shipped first
pass would hand to the model.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nlp.classifier import MODELS, SHIPPED
from nlp.dataset import (
    BARRED_FROM,
    BARRED_UNTIL,
    Row,
    bucket,
    gold,
    load_split,
    near_pairs,
    parse_day,
    shingles,
)
from nlp.examples import own_rows
from nlp.recorded import DATA, Text, feed, find, news, news_names
from nlp.screen import Screen

KEPT = (
    "id",
    "source",
    "lang",
    "title",
    "text",
    "labels",
    "severity",
    "phase",
    "sure",
    "drawn",
    "direction",
)
LANGUAGES = {"ko", "en", "ja", "zh"}
MEASURED = ("test", "gold", "natural", "natural_fit", "natural_report")
SKIPPED_NEWS = {"naver_titles_2023", "koen_parallel_news_2010_2012"}
FEEDS = ("rss2021", "rss2023h1", "krnews")
LEDE = 220  # characters
RELEVANT = 0.75  # share of texts that the first pass keeps
FIRM_SPANS = Path(__file__).parent / "data" / "firm-spans-v1.jsonl"


def allowed(text: Text) -> bool:
    try:
        day, known = parse_day(text.published)
    except ValueError:
        return False
    if day is None:
        return True
    return known and not BARRED_FROM <= day < BARRED_UNTIL


def unlabelled(data: Path, measured: Sequence[Row], limit: int, seed: int) -> list[Text]:
    """At most `limit` texts, each title once, drawn at random."""
    found: dict[str, Text] = {}
    streams: Iterator[Text] = (
        text
        for source in (
            *(feed(name, data) for name in FEEDS),
            *(news(name, data) for name in news_names(data) if name not in SKIPPED_NEWS),
        )
        for text in source
    )
    for text in streams:
        if text.lang in LANGUAGES and allowed(text):
            found.setdefault(text.title or text.text[:80], text)
    texts = list(found.values())
    random.Random(seed).shuffle(texts)
    screen = Screen.read(MODELS / SHIPPED / "screen.npz")
    kept = screen.relevant([f"{text.title} {text.text}".strip() for text in texts])
    wanted = int(limit * 1.1 * RELEVANT)
    likely = [text for text, yes in zip(texts, kept, strict=True) if yes][:wanted]
    calm = [text for text, yes in zip(texts, kept, strict=True) if not yes]
    texts = [*likely, *calm[: int(limit * 1.1) - len(likely)]]
    random.Random(seed).shuffle(texts)
    grams = [shingles(row.input) for row in measured]
    grams += [shingles(row.title) for row in measured if len(row.title) > 20]
    near = {
        number for _, number in near_pairs(grams, (shingles(f"{t.title} {t.text}") for t in texts))
    }
    return [text for number, text in enumerate(texts) if number not in near][:limit]


def parallel(data: Path) -> list[tuple[str, str]]:
    """(Korean, English) sentences that translate each other."""
    sides: dict[str, dict[str, str]] = {}
    for text in news("koen_parallel_news_2010_2012", data):
        _, part, lang, number = text.id.split("-")
        sides.setdefault(f"{part}-{number}", {})[lang] = text.text[:LEDE]
    return [(pair["ko"], pair["en"]) for pair in sides.values() if len(pair) == 2]


def firm_spans(data: Path) -> list[dict[str, object]]:
    """Texts with the names of firms that a reader marked in them."""
    with FIRM_SPANS.open(encoding="utf-8") as lines:
        marked = {raw["id"]: raw["firms"] for raw in map(json.loads, lines)}
    texts = find(marked, data)
    return [
        {"title": texts[row_id].title, "text": texts[row_id].text[:300], "firms": names}
        for row_id, names in marked.items()
    ]


def write(out: Path, data: Path, limit: int, folds: int, seed: int = 5) -> dict[str, int]:
    """Counts of rows by part and of texts."""
    out.mkdir(parents=True, exist_ok=True)
    split = load_split(data)
    split["train"] = [*split["train"], *own_rows()]
    judged = [replace(row, part="gold") for row in gold(data)]
    measured = [row for part in MEASURED for row in split.get(part, [])] + judged
    split["gold"] = judged
    kept = ("train", "validation", "gold", "test", "natural_fit", "natural_report")
    with lzma.open(out / "rows.jsonl.xz", "wt", encoding="utf-8") as lines:
        for part in kept:
            for row in split[part]:
                raw: dict[str, object] = {name: getattr(row, name) for name in KEPT}
                raw |= {"part": part, "group": row.group}
                if part == "train" and row.group:
                    raw["fold"] = bucket(f"fold {row.group}", folds)
                lines.write(json.dumps(raw, ensure_ascii=False) + "\n")
    texts, pairs = unlabelled(data, measured, limit, seed), parallel(data)
    with lzma.open(out / "texts.jsonl.xz", "wt", encoding="utf-8") as lines:
        for text in texts:
            line = [text.title, text.text[:LEDE], text.lang]
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
        for pair in pairs:
            lines.write(json.dumps(list(pair), ensure_ascii=False) + "\n")
    named = firm_spans(data)
    with lzma.open(out / "firms.jsonl.xz", "wt", encoding="utf-8") as lines:
        for marked in named:
            lines.write(json.dumps(marked, ensure_ascii=False) + "\n")
    return {**{part: len(split[part]) for part in kept}, "texts": len(texts), "pairs": len(pairs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--texts", type=int, default=140_000)
    parser.add_argument("--folds", type=int, default=5)
    args = parser.parse_args()
    print(json.dumps(write(args.out, args.data, args.texts, args.folds)))


if __name__ == "__main__":
    main()
