"""The bars of the project for text, and whether the figures written last meet them.

Figures come from `docs/bench/nlp.json` (this room's report card) and from what the other benches
wrote beside it; a figure that nobody has measured is said to be missing, never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]

MEGABYTE = 1_000_000
LANGUAGES = ("ko", "en")  # with a bar; Japanese and Chinese are shown
SETS = {"gold_dev": "gold_dev", "test": "test part"}
# where the other benches write their figures: docs/bench/<first name>.json
STORIES = (
    ("stories B-cubed F1", 0.85, ("stories", "held", "b_cubed", "f1")),
    ("Korean-English pairs found", 0.8, ("stories", "held", "korean_english", "met")),
)
SPEED_MOST = (
    ("memory", 600, " MB", ("nlp-speed", "memory_mb")),
    ("cold start", 3, " s", ("nlp-speed", "cold_start_s")),
    ("largest difference of a probability", 1e-4, "", ("nlp-speed", "spread")),
)
SPEED_LEAST = (
    ("throughput, model over the fp32 pipeline", 4.0, ("nlp-speed", "model_ratio")),
    ("throughput, natural stream with the first pass", 15.0, ("nlp-speed", "stream_ratio")),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the table. `met` is None where there is no figure or no bar."""

    what: str
    bar: str
    figure: str
    met: bool | None


def number(value: object) -> float:
    """NaN for what is not a number.

    >>> number(None)
    nan
    """
    return float(value) if isinstance(value, int | float) else math.nan


def at(tree: object, *path: str) -> object:
    """The value at a path of keys, None where a key is missing."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree


def shown(value: object, interval: object = None) -> str:
    if not isinstance(value, int | float):
        return "not measured"
    told = f"{value:.3f}" if isinstance(value, float) else str(value)
    if isinstance(interval, Sequence) and len(interval) == 2:
        return f"{told} ({interval[0]:.3f} to {interval[1]:.3f})"
    return told


def least(what: str, wanted: float, tree: object, *path: str) -> Bar:
    """A figure that must be at least `wanted`."""
    value = at(tree, *path)
    interval = at(tree, *path[:-1], f"{path[-1]}_95")
    met = number(value) >= wanted if isinstance(value, int | float) else None
    return Bar(what, f">= {wanted:g}", shown(value, interval), met)


def most(what: str, wanted: float, value: object, unit: str = "", interval: object = None) -> Bar:
    """A figure that must be at most `wanted`."""
    known = isinstance(value, int | float)
    told = f"{value:g}" if unit and known else shown(value, interval)
    return Bar(
        what,
        f"<= {wanted:g}{unit}",
        f"{told}{unit}" if known else told,
        number(value) <= wanted if known else None,
    )


# -------------------------------------------------------------------------------- the table


def judge(found: Tree, beside: Tree) -> list[Bar]:
    """Every bar, in the order of the issue."""
    return [
        *tags(found),
        *rivals(found),
        *calibration(found),
        *rest(found),
        *links(beside),
        *shown_only(found),
        *running(found, beside),
    ]


def tags(found: Tree) -> Iterator[Bar]:
    for key, name in SETS.items():
        ours = ("sets", key, "rivals", "ews")
        yield least(f"micro-F1, {name}", 0.85, found, *ours, "micro_f1")
        yield least(f"macro-F1 (labels of 10 rows or more), {name}", 0.80, found, *ours, "macro_f1")
        ko, en = (
            number(at(found, "sets", key, "languages", lang, "ews", "micro_f1"))
            for lang in LANGUAGES
        )
        apart = None if math.isnan(ko + en) else round(abs(ko - en), 3)
        yield most(f"Korean and English micro-F1 apart, {name}", 0.05, apart)
    for key, name in SETS.items():
        ours = ("sets", key, "rivals", "ews")
        yield least(f"event or none: F1, {name}", 0.92, found, *ours, "event_f1")
        yield least(
            f"event or none: average precision at 3%, {name}", 0.8, found, *ours, "event_ap_3"
        )


def rivals(found: Tree) -> Iterator[Bar]:
    for lang in LANGUAGES:
        better = at(found, "against", "test", lang, "better")
        path = ("against", "test", lang, "less", str(better), "micro_f1")
        yield least(
            f"micro-F1 over the better of TF-IDF and lexicon_v1 ({better}), test part, {lang}",
            0.08,
            found,
            *path,
        )


def calibration(found: Tree) -> Iterator[Bar]:
    tables = at(found, "sets", "natural_report", "calibration")
    for lang in ("all", *LANGUAGES):
        table = at(tables, lang, "any event")
        ece, interval = at(table, "ece"), at(table, "ece_95")
        brier = shown(at(table, "brier"))
        yield most(
            f"ECE on the natural stream, {lang} (Brier {brier})", 0.05, ece, interval=interval
        )


def rest(found: Tree) -> Iterator[Bar]:
    for name, wanted, key in (
        ("phase accuracy, event rows", 0.85, "phase_accuracy"),
        ("severity quadratic kappa, all rows", 0.75, "severity_kappa"),
        ("countries F1, event rows", 0.86, "countries_f1"),
    ):
        for part, title in SETS.items():
            path = ("sets", part, "rivals", "ews", key)
            yield least(f"{name}, {title}", wanted, found, *path)


def links(beside: Tree) -> Iterator[Bar]:
    """From `docs/bench/links.json` and `docs/bench/stories.json`, the halves not read before."""
    for name, wanted, key, figure in (
        ("items to HS4, top-1", 0.85, "items_hs4", "recall"),
        ("ports and chokepoints F1", 0.9, "ports_and_chokepoints", "f1"),
        ("firms F1", 0.8, "firms", "f1"),
    ):
        yield least(f"{name}, held half", wanted, at(beside, "links", key, "held"), figure)
    for name, wanted, path in STORIES:
        yield least(name, wanted, beside, *path)


def shown_only(found: Tree) -> Iterator[Bar]:
    """Japanese and Chinese: every row that did not train."""
    for lang in ("ja", "zh"):
        card = at(found, "sets", "japanese_chinese", "languages", lang, "ews")
        if (rows := at(card, "rows")) is not None:
            f1, event = (
                shown(at(card, name), at(card, f"{name}_95")) for name in ("micro_f1", "event_f1")
            )
            told = f"{rows} rows, {at(card, 'events')} events: micro-F1 {f1}, event F1 {event}"
            yield Bar(f"{lang}, rows that did not train", "shown", told, None)


def running(found: Tree, beside: Tree) -> Iterator[Bar]:
    """Size from the folder, the rest from what `make bench-nlp` wrote."""
    total = sum(beside.get("sizes", {}).values()) / MEGABYTE
    yield most("model folder", 50, round(total, 1) if total else None, " MB")
    for what, wanted, unit, path in SPEED_MOST:
        yield most(what, wanted, at(beside, *path), unit)
    for what, wanted, path in SPEED_LEAST:
        yield least(what, wanted, beside, *path)
    miss = at(found, "first_pass", "miss_rate")
    yield most("model's positives that the first pass misses, world stream", 0.01, miss)


def lines(judged: Sequence[Bar]) -> list[str]:
    """A Markdown table, and how many are met."""
    told = {True: "met", False: "not met", None: "-"}
    met, missed, unknown = (sum(bar.met is state for bar in judged) for state in told)
    return [
        "| what | bar | figure (95% interval) | |",
        "| --- | --- | --- | --- |",
        *(f"| {bar.what} | {bar.bar} | {bar.figure} | {told[bar.met]} |" for bar in judged),
        "",
        f"{met} met, {missed} not met, {unknown} without a bar or not measured here.",
    ]
