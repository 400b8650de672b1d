"""Writes `docs/model-card.md` from what `nlp.evaluate` measured. Plain values in, Markdown out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nlp import bars
from nlp.diagrams import NAMES as LANGUAGES
from nlp.reportcard import RIVALS, one_set, ranged, table

Tree = Mapping[str, Any]

SETS = {
    "test": "Test part of the pool (set aside by time and event group; nothing was fitted or chosen on it)",
    "gold_dev": "gold_dev (read twice; never trained on; `lexicon_v1` was tuned by someone who had read gold rows)",
    "natural_report": "Natural streams (random samples; nothing was fitted on these rows)",
    "validation": "Validation part (epochs, blend, calibration and thresholds were chosen on it)",
    "japanese_chinese": "Japanese and Chinese (every such row that did not train; no bar)",
}


def training(found: Tree, beside: Tree) -> list[str]:
    """Data, split and what each step brought in."""
    split, counts = found["split"], found["data"]
    rules = "; ".join(f"{name}: {count}" for name, count in sorted(split["rules"].items()))
    starts = ", ".join(f"{era}: {day}" for era, day in split["test_from"].items())
    langs = sorted({lang for part in counts["parts"].values() for lang in part})
    lines = [
        f"{found['train_rows']} labelled rows train, of the shared pool and of {counts['own_readings']} "
        "rows that this project read by the same guide (`nlp/data/labels-v2.jsonl`: ids and labels; "
        "the text stays with its publishers). Rows and, of them, events:",
        "",
        *table(
            ["part", *langs],
            (
                [
                    part,
                    *(
                        f"{c[lang]['rows']} / {c[lang]['events']}" if lang in c else "-"
                        for lang in langs
                    ),
                ]
                for part, c in sorted(counts["parts"].items())
            ),
        ),
        f"The split is by time and event group ({split['groups']} groups, `nlp/data/split-v2.json`, "
        f"ids only). Not in training, rows by rule: {rules}. Test rows are the last months of each era "
        f"(from {starts}), with every row of an event group that reaches into them.",
        "",
        "Training rows per type:",
        "",
        *table(
            ["type", *langs],
            (
                [name, *(by.get(lang, 0) for lang in langs)]
                for name, by in counts["train_types"].items()
            ),
        ),
    ]
    if agreement := beside.get("agreement"):
        lines += ["Two readers of the same rows:", "", *flat_table(agreement)]
    if trials := beside.get("training", {}).get("trials"):
        lines += ["What each step brought in:", "", *ablation(trials)]
    return lines


def ablation(trials: Sequence[Tree]) -> list[str]:
    """One line per trial: F1 on the validation part, gold_dev and the test part."""
    parts = [p for p in ("validation", "gold", "test") if any(isinstance(t.get(p), Mapping) for t in trials)]  # fmt: skip
    scores = ("micro", "macro", "event")
    return table(
        ["trial", "change", *(f"{part} {score}" for part in parts for score in scores)],
        (
            [
                trial.get("name", "-"),
                trial.get("change", "-"),
                *(bars.at(trial, part, score) for part in parts for score in scores),
            ]
            for trial in trials
        ),
    )


def flat_table(tree: Tree) -> list[str]:
    """Any nested figures as two columns."""

    def leaves(node: object, path: str) -> Iterator[tuple[str, object]]:
        if isinstance(node, Mapping):
            for name, child in node.items():
                yield from leaves(child, f"{path}, {name}" if path else str(name))
        elif isinstance(node, int | float | str):
            yield path, node

    return table(["what", "figure"], leaves(tree, ""))


def against(found: Tree) -> list[str]:
    """Micro-F1 less each rival's, per language, with intervals of the paired difference."""
    rivals = [name for name in RIVALS if any(name in one["less"] for one in found.values())]
    return table(
        ["language", "rows", *(RIVALS[name] for name in rivals), "better of TF-IDF and lexicon_v1"],
        (
            [
                LANGUAGES.get(lang, lang),
                one["rows"],
                *(ranged(one["less"].get(name, {}), "micro_f1") for name in rivals),
                RIVALS[one["better"]],
            ]
            for lang, one in found.items()
        ),
    )


def first_pass(found: Tree) -> list[str]:
    return [
        f"It skips {found['skipped']:.1%} of {found['items']} items of {found['stream']}. Of "
        f"{found['read']} of them read by the model, {found['positives']} are called events; the first "
        f"pass loses {found['positives_lost']} ({found['miss_rate']:.2%}).",
        "",
        *table(
            [
                "rows of",
                "skipped",
                "events",
                "lost",
                "severity 1+",
                "lost",
                "called events",
                "lost",
            ],
            ([name, *part.values()] for name, part in found["parts"].items()),
        ),
    ]


def files(beside: Tree) -> list[str]:
    """Hashes and sizes of the model folder."""
    manifest = beside.get("manifest", {})
    sizes = beside.get("sizes", {})
    return table(
        ["file", "bytes", "SHA-256"],
        ([name, sizes.get(name), f"`{told}`"] for name, told in manifest.get("files", {}).items()),
    )


def licence(notice: str) -> list[str]:
    """What NOTICE says before the licence text."""
    head = notice.split("MIT License")[0].strip()
    head = f"{head[:-1]}." if head.endswith(":") else head
    return [*head.splitlines(), "", "The licence texts are in the model folder's `NOTICE`.", ""]


LIMITS = (
    "Labels come from one reader per row; two readers agree to micro-F1 0.939 on the shared gold rows, "
    "so that is about the ceiling.",
    "AP at 3% on the pool and on gold_dev weights negatives drawn by keywords, which are harder than a "
    "stream's.",
    "Types with few rows have wide intervals: read the counts beside each figure. regulation_change is "
    "the softest label.",
    "Japanese and Chinese rows are few; they are shown and carry no bar.",
    "The text model reads a title and a lede of at most 96 word pieces; what a long text says later is "
    "not seen.",
    "TF-IDF's thresholds are chosen on the validation part, as ours are; our rules lexicon.v1 is also "
    "part of the model's blend.",
    "Countries are linked by `nlp.mentions`, whatever the classifier says; the Union is left out, as the "
    "readers left it out.",
)


def render(found: Tree, beside: Tree, pictures: Sequence[str]) -> str:
    """The whole page."""
    lines = [
        f"# Model card: {found['version']}",
        "",
        "Generated by `python -m nlp.evaluate`; do not edit. The classifier tags news with 17 disruption "
        "types, any event, phase, severity and price direction (`nlp/taxonomy.toml`). Score it on your own "
        "rows with `python -m nlp.evaluate --rows FILE` (the format of `gold_dev.jsonl.gz`).",
        "",
        "## Bars",
        "",
        *bars.lines(bars.judge(found, beside)),
        "",
        "## Calibration on natural streams",
        "",
        *(
            f"![Reliability of any event: {LANGUAGES.get(lang, lang)}](model-card/{name})"
            for name in pictures
            for lang in [name.removeprefix("reliability-").removesuffix(".svg")]
        ),
        "",
        "Dots: ten equal bins of the predicted probability; lines: 95% interval of the share seen "
        "(Wilson). The rows are random samples of real streams, and nothing was fitted on them.",
        "",
        "## Against rivals",
        "",
        "Micro-F1 of ours less the rival's (95% interval, same bootstrap draws for both).",
        "",
        "Test part:",
        "",
        *against(found["against"]["test"]),
        "gold_dev:",
        "",
        *against(found["against"]["gold_dev"]),
        *(f"Not run here: {RIVALS[name]} ({why})." for name, why in found["absent"].items()),
        *([""] if found["absent"] else []),
        "## Scores",
        "",
        "Thresholds were chosen on rows that did not train. ECE: 10 equal bins. AP at 3%: negatives "
        "weighted so that 3% of the rows are events.",
        "",
    ]
    for name, title in SETS.items():
        short = name in {"validation", "japanese_chinese"}
        lines += [f"### {title}", "", *one_set(found["sets"][name], brief=short)]
    lines += ["## First pass", "", *first_pass(found["first_pass"])]
    lines += ["## Training and data", "", *training(found, beside)]
    lines += ["## Files", "", *files(beside), "## Licence of the base", ""]
    lines += licence(beside.get("notice", ""))
    lines += ["## Limits", "", *(f"- {limit}" for limit in LIMITS), ""]
    return "\n".join(lines)
