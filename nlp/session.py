"""A model folder opened: its files checked, texts in, raw logits out. No torch."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ews.model import Phase
from nlp.calibration import softmax
from nlp.taxonomy import NAMES

PHASES = (Phase.THREAT, Phase.ACTUAL, Phase.EASING)
PREFIX = "query: "
MAX_TOKENS = 96
PROMPT_LIMIT = 1_600  # characters; a word piece has at most 16, so what follows is cut off anyway
MOST_THREADS = 4
OUTPUTS = (
    "logits_labels",
    "logits_event",
    "logits_phase",
    "logits_severity",
    "logits_direction",
    "vector",
    "logits_firm",
)

Floats = NDArray[np.float64]


class ModelFolderError(RuntimeError):
    """The model folder cannot be used; the message says which file and what to do."""


def prompt(title: str, text: str) -> str:
    """What the encoder reads: the prefix its pretraining used, title, lede, single spaces."""
    return " ".join(f"{PREFIX}{title} {text}".split())


@dataclass(frozen=True, slots=True)
class Folder:
    """A model folder whose files are the ones its manifest names."""

    path: Path
    version: str
    sha256: str  # of the weights

    @classmethod
    def open(cls, path: Path) -> Folder:
        """ModelFolderError when a file is missing or its SHA-256 differs."""
        try:
            manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{path}: no readable manifest.json; reinstall ews") from error
        for name, expected in manifest["files"].items():
            file = path / name
            if not file.is_file():
                raise ModelFolderError(f"{file} is missing; reinstall ews")
            if sha256(file) != expected:
                raise ModelFolderError(f"{file} is not the file that was shipped; reinstall ews")
        if tuple(manifest["labels"]) != NAMES:
            raise ModelFolderError(
                f"{path}: its labels are not those of nlp/taxonomy.toml; retrain"
            )
        return cls(path, str(manifest["version"]), str(manifest["files"]["model.onnx"]))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class FirmSpan:
    """A firm's name as the encoder reads it: span in what it was given, mean probability."""

    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """Raw logits, a row per text; `firms` holds the firm spans of each text, as offsets into what
    the encoder was given."""

    labels: Floats  # texts x types
    event: Floats  # texts x 1
    phase: Floats  # texts x 3
    severity: Floats  # texts x 4
    direction: Floats  # texts x 2: up, down
    vector: Floats  # texts x 128, unit length
    firms: tuple[tuple[FirmSpan, ...], ...]


WIDTHS = (len(NAMES), 1, len(PHASES), 4, 2, 128)  # of OUTPUTS but the last


class Encoder:
    """Tokenizer and ONNX graph of a folder: texts in, raw logits out. No torch.

    One text a run: int8 activations are scaled per run, so in a batch a text's answer would depend
    on its neighbours (seen: 1.7 in a logit). Each run has one thread; `threads` runs go at the same
    time, which scales better than splitting the small products of one text, and changes nothing in
    an answer.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        # transformers says on import that torch is missing; here it only tokenises
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        import onnxruntime
        from transformers import PreTrainedTokenizerFast

        self.threads = threads or usual_threads()
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        self.tokens = tokenizer.backend_tokenizer
        self.tokens.enable_truncation(MAX_TOKENS)
        self.tokens.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"),
            options,
            providers=["CPUExecutionProvider"],
            # that fused operator takes five times as long as the two it replaces (nlp.compress)
            disabled_optimizers=["SkipLayerNormFusion"],
        )

    def read(self, texts: Sequence[str]) -> EncoderOutput:
        """Everything the graph says of each text, in the given order."""
        coded = self.tokens.encode_batch([text[:PROMPT_LIMIT] for text in texts])
        found: list[list[Floats]] = [[] for _ in coded]
        # long texts first, so that the threads end together
        order = iter(sorted(range(len(coded)), key=lambda n: -len(coded[n].ids)))

        def work() -> None:
            for number in order:  # a list's iterator hands each number to one thread only
                ids = np.array([coded[number].ids], np.int64)
                given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
                found[number] = self.session.run(OUTPUTS, given)

        workers = min(self.threads, len(coded))
        if workers > 1:
            with ThreadPoolExecutor(workers, "nlp") as pool:
                for done in [pool.submit(work) for _ in range(workers)]:
                    done.result()
        else:
            work()
        labels, event, phase, severity, direction, vector = (
            np.concatenate([row[place] for row in found]).astype(np.float64)
            if found
            else np.zeros((0, width))
            for place, width in enumerate(WIDTHS)
        )
        firms = tuple(
            firm_spans(text, one.offsets, row[-1][0])
            for text, one, row in zip(texts, coded, found, strict=True)
        )
        return EncoderOutput(labels, event, phase, severity, direction, vector, firms)

    def logits(self, texts: Sequence[str]) -> tuple[Floats, Floats, Floats, Floats]:
        """(labels, event, phase, severity) of `read`, as `Calibration.apply` takes them."""
        found = self.read(texts)
        return found.labels, found.event, found.phase, found.severity


def usual_threads() -> int:
    """Cores that this process may use, at most 4: a stream rarely needs more, and others do."""
    if hasattr(os, "sched_getaffinity"):
        return min(MOST_THREADS, len(os.sched_getaffinity(0)))
    return min(MOST_THREADS, os.cpu_count() or 1)


def firm_spans(
    text: str, offsets: Sequence[tuple[int, int]], logits: NDArray[np.float32]
) -> tuple[FirmSpan, ...]:
    """Names from the tags of the tokens (outside, begin, inside): spans in `text`, spaces cut off.

    An inside without a begin opens a name: the tags were learnt from few names.
    """
    weights = softmax(logits.astype(np.float64))
    kinds = weights.argmax(1)
    spans: list[tuple[int, int, list[float]]] = []
    open_name = False
    for (start, end), kind, weight in zip(offsets, kinds, weights, strict=True):
        if start == end or kind == 0:  # a mark of the tokenizer, or outside
            open_name = open_name and start == end
            continue
        if kind == 2 and open_name:
            first, _, certain = spans[-1]
            spans[-1] = (first, end, [*certain, 1.0 - float(weight[0])])
        else:
            spans.append((start, end, [1.0 - float(weight[0])]))
        open_name = True
    found: list[FirmSpan] = []
    for start, end, certain in spans:
        name = text[start:end]
        start, end = start + len(name) - len(name.lstrip()), start + len(name.rstrip())
        if start < end:
            found.append(FirmSpan(start, end, sum(certain) / len(certain)))
    return tuple(found)
