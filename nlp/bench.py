"""How fast, how large, how steady: `make bench-nlp` (needs the `train` extra).

In one run, on the same texts: a plain fp32 `transformers` pipeline of the same weights against the
shipped path, alone and on a natural stream with the first pass; memory and start of a fresh
process; spread of the probabilities over batch sizes and threads. Writes
`docs/bench/nlp-speed.json`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ews.model import Article
from nlp.calibration import Floats, sigmoid
from nlp.classifier import MODELS, SHIPPED, TransformerClassifier
from nlp.clean import cleaned
from nlp.session import MAX_TOKENS, prompt, usual_threads

OUT = Path(__file__).parents[1] / "docs" / "bench" / "nlp-speed.json"
FEEDS = ("rss2023h1", "krnews")  # both languages, by half
BARS = {
    "model_ratio": 4.0,
    "stream_ratio": 15.0,
    "missed": 0.01,
    "memory_mb": 600.0,
    "cold_start_s": 3.0,
    "spread": 1e-4,
}
ROUNDS = 3
WIDTHS = (17, 1, 3, 4)  # logits of nlp.unpack.HEADS
Pair = tuple[str, str]  # title, text

FRESH = """
import json, sys, time
started = time.perf_counter()
from pathlib import Path
from nlp.bench import article
from nlp.classifier import TransformerClassifier
pairs = json.load(sys.stdin)
model = TransformerClassifier(Path(sys.argv[1]), int(sys.argv[2]))
model.classify([article(0, ("Dock workers strike at Rotterdam port", ""))])
cold = time.perf_counter() - started
model.classify([article(n, pair) for n, pair in enumerate(pairs)])
try:  # not getrusage: on Linux its peak starts with that of the process that forked this one
    peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([cold, int(peak)]))
"""


def article(number: int, pair: Sequence[str]) -> Article:
    at = datetime(2024, 3, 1, tzinfo=UTC)
    return Article(f"art-{number}", "bench", "", "", pair[0], pair[1], "", at, at)


# -------------------------------------------------------------------------------------- texts


def stream(count: int) -> tuple[list[Pair], str]:
    """A random sample of the recorded feeds, or own sentences where they are absent."""
    from nlp.recorded import DATA, feed
    from nlp.recorded import FEEDS as PLACES

    chance = random.Random(5)
    if all((DATA / PLACES[name]).is_file() for name in FEEDS):
        pairs: list[Pair] = []
        for name in FEEDS:
            rows = [(row.title, row.text) for row in feed(name)]
            pairs += chance.sample(rows, min(len(rows), count // len(FEEDS)))
        chance.shuffle(pairs)
        return pairs, f"random sample of {' and '.join(FEEDS)}, half each"
    from nlp.examples import own_rows

    rows = [(row.title, row.text) for row in own_rows()]
    return chance.choices(rows, k=count), "synthetic: own sentences (no recorded feeds here)"


# --------------------------------------------------------------------------- the plain pipeline


class PlainPipeline:
    """`transformers` as its documentation shows it: fp32 torch, one text at a time."""

    def __init__(self, folder: Path) -> None:
        from transformers import PreTrainedTokenizerFast, pipeline
        from transformers.utils import logging

        from nlp.unpack import unpack

        logging.set_verbosity_error()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        self.pipeline = pipeline(
            "text-classification",
            model=unpack(folder / "model.onnx"),
            tokenizer=tokenizer,
            device="cpu",
            top_k=None,
            function_to_apply="none",
        )

    def __call__(self, pairs: Sequence[Pair], batch_size: int = 1) -> tuple[Floats, ...]:
        """Logits (labels, event, phase, severity), a row per (title, text)."""
        texts = [prompt(title, text) for title, text in pairs]
        found = self.pipeline(texts, batch_size=batch_size, truncation=True, max_length=MAX_TOKENS)
        rows = np.zeros((len(pairs), sum(WIDTHS)))
        for row, scores in zip(rows, found, strict=True):
            for score in scores:
                row[int(score["label"].removeprefix("LABEL_"))] = score["score"]
        return tuple(np.split(rows, np.cumsum(WIDTHS)[:-1], 1))


def plain_pipeline(folder: Path = MODELS / SHIPPED) -> PlainPipeline:
    """The rival of the bench and of the report card."""
    return PlainPipeline(folder)


# ------------------------------------------------------------------------------------ measures


def rates(work: dict[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Texts a second of each, best of ROUNDS; taken in turn, so that a busy machine hits all."""
    best = dict.fromkeys(work, 0.0)
    for _ in range(ROUNDS):
        for name, (run, count) in work.items():
            started = time.perf_counter()
            run()
            best[name] = max(best[name], count / (time.perf_counter() - started))
    return {name: round(rate, 1) for name, rate in best.items()}


def fresh(folder: Path, pairs: Sequence[Pair], threads: int) -> dict[str, float]:
    """Seconds from the first import to the first answer, and peak memory after many texts, with
    the linker, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(folder), str(threads)],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    cold, peak = json.loads(done.stdout.splitlines()[-1])
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return {"cold_start_s": round(cold, 2), "memory_mb": round(peak / unit, 1)}


def spread(folder: Path, pairs: Sequence[Pair]) -> float:
    """Largest difference of any probability over batch sizes 1 to 64 and 1, 2 and 4 threads."""
    first: Floats | None = None
    worst = 0.0
    for threads in (1, 2, 4):
        model = TransformerClassifier(folder, threads, link=lambda _: ())
        for size in (1, 2, 7, 16, 64):
            parts = [model.read(pairs[n : n + size]) for n in range(0, len(pairs), size)]
            found = np.concatenate([np.column_stack([p.labels, p.event, p.phase]) for p in parts])
            first = found if first is None else first
            worst = max(worst, float(np.abs(found - first).max()))
    return worst


def first_pass(model: TransformerClassifier, pairs: Sequence[Pair]) -> dict[str, float]:
    """Share of the stream that is skipped, and of the model's events that are lost with it."""
    event = model.read(pairs).event >= model.calibration.event_threshold
    kept = model.screen.relevant([cleaned(*pair).joined for pair in pairs])
    positives = int(event.sum())
    lost = int((event & ~kept).sum())
    return {
        "texts": len(pairs),
        "skipped": round(1.0 - float(kept.mean()), 4),
        "positives": positives,
        "lost": lost,
        "missed": round(lost / max(1, positives), 4),
    }


def drain(found: Iterable[object]) -> int:
    return sum(1 for _ in found)


def measure(folder: Path, texts: int, length: int, threads: int) -> dict[str, object]:
    """Every figure of the bench."""
    import torch

    torch.set_num_threads(threads)
    many, source = stream(length)
    few = many[:texts]
    articles = [article(n, pair) for n, pair in enumerate(many)]
    plain = plain_pipeline(folder)
    model = TransformerClassifier(folder, threads, link=lambda _: ())
    linking = TransformerClassifier(folder, threads)
    speed = rates(
        {
            "pipeline": (lambda: plain(few), len(few)),
            "pipeline_batch_16": (lambda: plain(few, 16), len(few)),
            "model": (lambda: model.read(few), len(few)),
            "stream": (lambda: drain(model.classify_stream(articles)), len(many)),
            "stream_with_links": (lambda: drain(linking.classify_stream(articles)), len(many)),
        }
    )
    labels, event, *_ = plain(few)
    own = model.encoder.read([prompt(*pair) for pair in few])
    return {
        "model": model.version,
        "texts": source,
        "threads": threads,
        "texts_per_s": speed,
        "model_ratio": round(speed["model"] / speed["pipeline"], 2),
        "model_ratio_batch_16": round(speed["model"] / speed["pipeline_batch_16"], 2),
        "stream_ratio": round(speed["stream"] / speed["pipeline"], 2),
        "stream_with_links_ratio": round(speed["stream_with_links"] / speed["pipeline"], 2),
        "first_pass": first_pass(model, many),
        "off_fp32": {  # of raw probabilities, before blend and calibration
            "labels_mean": round(float(np.abs(sigmoid(labels) - sigmoid(own.labels)).mean()), 4),
            "event_mean": round(float(np.abs(sigmoid(event) - sigmoid(own.event)).mean()), 4),
        },
        **fresh(folder, many[:512], threads),
        "spread": spread(folder, few[:64]),
        "machine": {
            "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "load": [round(load, 1) for load in os.getloadavg()],
        },
    }


def verdicts(found: dict[str, object]) -> dict[str, bool]:
    """Whether each bar is met."""
    values = {**found, **found["first_pass"]}  # type: ignore[dict-item]
    return {
        name: bool(values[name] >= bar if name.endswith("ratio") else values[name] <= bar)  # type: ignore[operator]
        for name, bar in BARS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODELS / SHIPPED)
    parser.add_argument("--texts", type=int, default=150, help="for the model alone")
    parser.add_argument("--stream", type=int, default=3000, help="texts of the stream")
    parser.add_argument("--threads", type=int, default=usual_threads(), help="of both rivals")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnx") is None:
        raise SystemExit('the bench needs the train extra: pip install -e ".[train]"')
    found = measure(args.model, args.texts, args.stream, args.threads)
    document = {**found, "bars": BARS, "met": verdicts(found)}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
