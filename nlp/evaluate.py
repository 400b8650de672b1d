"""Report cards of the shipped classifier.

`python -m nlp.evaluate --rows FILE [--json]` scores it on any labelled file in the format of
`gold_dev.jsonl.gz`; the default install is enough.

`python -m nlp.evaluate` is the full run (needs scikit-learn and the recorded data). It writes
`docs/bench/nlp.json`, `docs/model-card.md` with its diagrams, and the model folder's `metrics.json`.

`python -m nlp.evaluate --check` holds what was written against the bars of the project.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlp import bars, cards, diagrams, modelcard, reportcard, rivals
from nlp.cards import Guess, Truth
from nlp.classifier import MODELS, SHIPPED, TransformerClassifier
from nlp.dataset import READINGS, SPLIT, Row, load_split
from nlp.labelled import Judged, LabelledFileError, read_labelled
from nlp.recorded import DATA, feed
from nlp.rivals import Rival, RivalMissingError
from nlp.session import ModelFolderError

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "docs" / "bench"
PAGE = ROOT / "docs" / "model-card.md"
PICTURES = ROOT / "docs" / "model-card"
AGREEMENT = Path(__file__).parent / "data" / "agreement-v2.json"
STREAM_ITEMS = 6000  # of June 2023, read by the model to see what the first pass loses
RIVALS_OF_THE_BAR = ("tfidf", "lexicon_shared")
FAILED = 2  # exit code: the message says what to do


class Scorer:
    """The shipped model and the rivals that can run here; `absent` says why the others cannot."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder = folder
        self.classifier = TransformerClassifier(folder)
        fitted = self.classifier.calibration
        self.band = (fitted.triage_low, fitted.triage_high)
        self.ews = rivals.shipped(self.classifier)
        self.rivals: dict[str, Rival] = {}
        self.absent: dict[str, str] = {}
        self.add("pipeline", lambda: rivals.plain_pipeline(folder))
        self.add("lexicon_shared", lambda: rivals.shared_rules(data))
        self.add("lexicon_own", lambda: rivals.own_rules)

    def add(self, name: str, make: Callable[[], Rival]) -> None:
        try:
            self.rivals[name] = make()
        except RivalMissingError as error:
            self.absent[name] = str(error)

    def guesses(self, rows: Sequence[Judged]) -> dict[str, Guess]:
        """What each says of the rows; ours as "ews", and behind its first pass as "served"."""
        plain = [one.row for one in rows]
        ours = self.ews(plain)
        kept = rivals.kept_by_first_pass(self.classifier.screen, plain)
        others = {name: rival(plain) for name, rival in self.rivals.items()}
        return {"ews": ours, "served": rivals.served(ours, kept), **others}


def score_file(path: Path, folder: Path, data: Path) -> dict[str, object]:
    """The report card of the model on one labelled file. LabelledFileError names a bad line."""
    rows = read_labelled(path)
    scorer = Scorer(folder, data)
    return {
        "version": scorer.classifier.version,
        "file": path.name,
        "absent": scorer.absent,
        "set": cards.report(scorer.guesses(rows), rows, scorer.band),
    }


# ------------------------------------------------------------------------------- the full run


def sets_of(split: Mapping[str, Sequence[Row]], data: Path) -> dict[str, list[Judged]]:
    """The parts that are scored. Nothing trained or was calibrated on the first three; training
    chose epochs and thresholds on the fourth. Japanese and Chinese rows are few: all that did not
    train stand together in the last."""
    others = ("test", "natural_report", "natural_fit", "natural", "validation")
    east = [row for part in others for row in split.get(part, []) if row.lang in {"ja", "zh"}]
    return {
        "test": [Judged(row) for row in split["test"]],
        "gold_dev": read_labelled(data / "gold_dev.jsonl.gz"),
        "natural_report": [Judged(row) for row in split["natural_report"]],
        "validation": [Judged(row) for row in split["validation"]],
        "japanese_chinese": [Judged(row) for row in east],
    }


def against(guesses: Mapping[str, Guess], rows: Sequence[Judged]) -> dict[str, object]:
    """Per language: micro-F1 of ours less each rival's, and which of the bar's two is better."""
    found: dict[str, object] = {}
    langs = Counter(one.row.lang for one in rows)
    others = {n: g for n, g in guesses.items() if n not in {"ews", "served"}}
    truth = Truth.of(rows, link=False)
    for lang, count in sorted(langs.items()):
        if count < cards.LEAST_ROWS:
            continue
        chosen = np.array([one.row.lang == lang for one in rows])
        part = truth.take(chosen)
        less = cards.less_each(
            guesses["ews"].take(chosen), {n: g.take(chosen) for n, g in others.items()}, part
        )
        named = [name for name in RIVALS_OF_THE_BAR if name in less]
        hardest = min(named, key=lambda name: bars.number(less[name]["micro_f1"]))
        found[lang] = {"rows": count, "better": hardest, "less": less}
    return found


def first_pass(
    scorer: Scorer, sets: Mapping[str, tuple[Sequence[Judged], Guess]], data: Path
) -> dict[str, object]:
    """Share of a world news stream that is skipped, and of the model's positives that are lost."""
    june = [row for row in feed("rss2023h1", data) if row.published.startswith("2023-06")]
    draw = np.random.default_rng(5)
    read = [june[place] for place in draw.permutation(len(june))[:STREAM_ITEMS]]
    kept = rivals.kept_by_first_pass(scorer.classifier.screen, june)
    chosen = rivals.kept_by_first_pass(scorer.classifier.screen, read)
    found = scorer.classifier.read([(row.title, row.text) for row in read])
    positive = found.event >= scorer.classifier.calibration.event_threshold
    parts: dict[str, object] = {}
    for name, (rows, guess) in sets.items():
        passed = rivals.kept_by_first_pass(scorer.classifier.screen, [one.row for one in rows])
        events = np.array([bool(one.row.labels) for one in rows])
        heavy = np.array([one.row.severity >= 1 for one in rows])
        parts[name] = {
            "skipped": round(float(1 - passed.mean()), 3),
            "events": int(events.sum()),
            "events_lost": int((events & ~passed).sum()),
            "severity_1": int(heavy.sum()),
            "severity_1_lost": int((heavy & ~passed).sum()),
            "positives": int(guess.said_event.sum()),
            "positives_lost": int((guess.said_event & ~passed).sum()),
        }
    return {
        "stream": "rss2023, June 2023 (not seen by the first pass)",
        "items": len(june),
        "skipped": round(float(1 - kept.mean()), 3),
        "read": len(read),
        "positives": int(positive.sum()),
        "positives_lost": int((positive & ~chosen).sum()),
        "miss_rate": round(float((positive & ~chosen).sum() / max(1, positive.sum())), 4),
        "parts": parts,
    }


def data_counts(split: Mapping[str, Sequence[Row]]) -> dict[str, object]:
    """Rows and events per part and language, and training rows per type and language."""
    parts = {
        part: {
            lang: {"rows": len(spoken), "events": sum(bool(row.labels) for row in spoken)}
            for lang in sorted({row.lang for row in rows})
            if (spoken := [row for row in rows if row.lang == lang])
        }
        for part, rows in split.items()
    }
    types: dict[str, Counter[str]] = {}
    for row in split["train"]:
        for label in row.labels:
            types.setdefault(label, Counter())[row.lang] += 1
    with READINGS.open(encoding="utf-8") as lines:
        read = sum(1 for line in lines if line.strip())
    return {
        "parts": parts,
        "train_types": {name: dict(counts) for name, counts in sorted(types.items())},
        "own_readings": read,
    }


def machine() -> dict[str, object]:
    torch = importlib.util.find_spec("torch") is not None
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "torch": torch,
    }


def evaluate(folder: Path, data: Path) -> dict[str, object]:
    """Everything that is reported, as one tree of plain values."""
    scorer, split = Scorer(folder, data), load_split(data)
    scorer.add("tfidf", lambda: rivals.tfidf(split["train"], split["validation"]))
    sets = sets_of(split, data)
    guesses = {name: scorer.guesses(rows) for name, rows in sets.items()}
    fitted = scorer.classifier.calibration
    return {
        "version": scorer.classifier.version,
        "split": json.loads(SPLIT.read_text(encoding="utf-8"))["report"],
        "data": data_counts(split),
        "train_rows": len(split["train"]),
        "thresholds": {"labels": list(fitted.thresholds), "event": fitted.event_threshold},
        "absent": scorer.absent,
        "sets": {
            name: cards.report(guesses[name], rows, scorer.band) for name, rows in sets.items()
        },
        "against": {name: against(guesses[name], sets[name]) for name in ("test", "gold_dev")},
        "first_pass": first_pass(
            scorer, {name: (rows, guesses[name]["ews"]) for name, rows in sets.items()}, data
        ),
        "machine": machine(),
    }


def summary(found: Mapping[str, Any]) -> dict[str, object]:
    """The model's own cards only: what stands beside the weights."""
    sets = {
        name: {
            "all": part["rivals"]["ews"],
            **{lang: got["ews"] for lang, got in part["languages"].items() if "ews" in got},
        }
        for name, part in found["sets"].items()
    }
    return {name: found[name] for name in ("version", "train_rows", "thresholds")} | {"sets": sets}


def beside(folder: Path) -> dict[str, Any]:
    """What other commands wrote, for the page: training, files, agreement, other benches."""
    read = {
        "training": folder / "training.json",
        "manifest": folder / "manifest.json",
        "agreement": AGREEMENT,
        **{path.stem: path for path in sorted(BENCH.glob("*.json")) if path.stem != "nlp"},
    }
    found: dict[str, Any] = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, path in read.items()
        if path.is_file()
    }
    notice = folder / "NOTICE"
    found["notice"] = notice.read_text(encoding="utf-8") if notice.is_file() else ""
    found["sizes"] = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    return found


def write(found: Mapping[str, Any], folder: Path) -> str:
    """Writes the figures; the page and its diagrams follow from them."""
    BENCH.mkdir(parents=True, exist_ok=True)
    (BENCH / "nlp.json").write_text(dumped(found), encoding="utf-8")
    (folder / "metrics.json").write_text(dumped(summary(found)), encoding="utf-8")
    return write_page(found, folder)


def write_page(found: Mapping[str, Any], folder: Path) -> str:
    """Draws the diagrams and writes the page from figures already measured."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    pictures = diagrams.of_set(found["sets"]["natural_report"].get("calibration", {}))
    for old in PICTURES.glob("*.svg"):
        if old.name not in pictures:
            old.unlink()
    for name, drawing in pictures.items():
        (PICTURES / name).write_text(drawing, encoding="utf-8")
    page = modelcard.render(found, beside(folder), list(pictures))
    PAGE.write_text(page, encoding="utf-8")
    return page


def dumped(tree: object) -> str:
    """JSON as it is written and printed."""
    return json.dumps(tree, indent=1, ensure_ascii=False) + "\n"


def check(folder: Path) -> list[str]:
    """The bars of the project against the figures written last."""
    path = BENCH / "nlp.json"
    if not path.is_file():
        raise RivalMissingError(f"{path} is not there; run python -m nlp.evaluate first")
    found = json.loads(path.read_text(encoding="utf-8"))
    return bars.lines(bars.judge(found, beside(folder)))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m nlp.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=Path, metavar="FILE", help="score a labelled file")
    parser.add_argument("--json", action="store_true", help="print figures, not tables")
    parser.add_argument("--check", action="store_true", help="figures against the bars")
    parser.add_argument("--page", action="store_true", help="write the page again, measure nothing")
    parser.add_argument("--model", type=Path, default=MODELS / SHIPPED)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dry", action="store_true", help="full run, print only")
    args = parser.parse_args()
    try:
        print(asked(args))
    except (LabelledFileError, ModelFolderError, RivalMissingError) as error:
        print(f"nlp.evaluate: {error}", file=sys.stderr)
        sys.exit(FAILED)


def asked(args: argparse.Namespace) -> str:
    """What the arguments ask for, as text to print."""
    if args.rows:
        card = score_file(args.rows, args.model, args.data)
        return dumped(card) if args.json else reportcard.report_card(card)
    if args.check:
        return "\n".join(check(args.model))
    if args.page:
        return write_page(json.loads((BENCH / "nlp.json").read_text(encoding="utf-8")), args.model)
    if not (args.data / "gold_dev.jsonl.gz").is_file():
        raise RivalMissingError(f"no recorded data in {args.data}; set EWS_RECORDED_DATA")
    found = evaluate(args.model, args.data)
    text = modelcard.render(found, beside(args.model), []) if args.dry else write(found, args.model)
    return dumped(found) if args.json else text


if __name__ == "__main__":
    main()
