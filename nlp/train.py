"""Trains the classifier as a recipe says (needs the `train` extra, torch on a CPU or a GPU).

`python -m nlp.train --recipe FILE --base DIR --corpus DIR --work DIR --out DIR` runs, in order:

1. adapt: goes on pretraining the base on unlabelled news (`nlp.adapt`);
2. teachers: one fine-tune per fold of event groups, each blind to its fold;
3. pseudo: the teachers' mean opinion of unlabelled texts, and each teacher's of its own fold;
4. student: learns the teachers' opinion of the texts, then the labelled rows again;
5. export: int8 ONNX, tokenizer, `training.json`.

A finished stage leaves a file in `--work` and is not run again. `--trial NAME` runs one fine-tune
with one thing changed, for the ablation table. Fixed seeds: the same machine gives the same weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import lzma
import random
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.adapt import Adaptation, Lines, Reader, adapt
from nlp.classifier import prompt
from nlp.coded import Named, Pace, Targets, Tokens, batches
from nlp.dataset import Row
from nlp.encoder import Heads, Net, export, read_tokenizer
from nlp.taxonomy import NAMES

log = logging.getLogger("nlp.train")
STAGES = ("adapt", "teachers", "pseudo", "student", "export")


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of one fine-tune."""

    epochs: float = 6
    seconds: float = 0.0  # above 0: stop after so long instead; the log says how many steps it was
    batch: int = 32
    longest: int = 96  # tokens
    rate: float = 1e-4
    rate_heads: float = 1e-3
    layer_decay: float = 0.9  # lower layers move less
    decay: float = 0.01
    warm_up: float = 0.1
    dropout: float = 0.1
    title_only: float = 0.15  # share of draws that hide the text, so that bare headlines are known
    unsure: float = 0.7  # weight of rows that a second reader might change
    loss: str = "bce"  # bce | focal | asymmetric
    phase: float = 0.5
    severity: float = 0.5
    event: float = 1.0
    direction: float = 0.3
    firms: float = 0.5  # weight of the names of firms, of their own texts
    firms_every: int = 2  # steps between batches of those
    vector: float = 0.0  # weight of keeping the story vector of the adapted encoder
    average_last: float = 0.3  # last share of the run in which weights are averaged
    seed: int = 11


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, read from TOML."""

    adapt: Adaptation = field(default_factory=Adaptation)
    teacher: Tuning = field(default_factory=Tuning)
    student: Tuning = field(default_factory=Tuning)
    finish: Tuning = field(default_factory=Tuning)
    folds: int = 5
    pseudo_events: int = 90_000  # unlabelled texts with a chance of an event
    pseudo_calm: int = 60_000
    own_opinion: float = 0.3  # share of the teachers' opinion in a labelled row's target
    seed: int = 11

    @classmethod
    def read(cls, path: Path) -> Recipe:
        tree: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        parts = {"adapt": Adaptation, "teacher": Tuning, "student": Tuning, "finish": Tuning}
        for name, kind in parts.items():
            tree[name] = kind(**tree.get(name, {}))
        return cls(**tree)


# --------------------------------------------------------------------------------------- corpus


@dataclass(frozen=True, slots=True)
class Corpus:
    """What `nlp.corpus` wrote: labelled rows by part, folds of the training rows, bare texts."""

    parts: Mapping[str, list[Row]]
    folds: Mapping[str, int]  # by id of a training row
    texts: list[Lines]
    parallel: list[tuple[str, str]]
    firms: list[tuple[str, list[str]]]  # (text as the encoder reads it, names in it)

    @classmethod
    def read(cls, folder: Path) -> Corpus:
        parts: dict[str, list[Row]] = {}
        folds: dict[str, int] = {}
        with lzma.open(folder / "rows.jsonl.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                raw = json.loads(line)
                fold = raw.pop("fold", None)
                raw["labels"] = tuple(raw["labels"])
                row = Row(day=None, **raw)
                parts.setdefault(row.part, []).append(row)
                if fold is not None:
                    folds[row.id] = fold
        texts: list[Lines] = []
        parallel: list[tuple[str, str]] = []
        with lzma.open(folder / "texts.jsonl.xz", "rt", encoding="utf-8") as lines:
            for line in lines:
                values = json.loads(line)
                if len(values) == 2:
                    parallel.append((values[0], values[1]))
                else:
                    texts.append(Lines(*values))
        with lzma.open(folder / "firms.jsonl.xz", "rt", encoding="utf-8") as lines:
            firms = [
                (prompt(raw["title"], raw["text"]), raw["firms"])
                for raw in (json.loads(line) for line in lines)
            ]
        return cls(parts, folds, texts, parallel, firms)


# ------------------------------------------------------------------------------------- fine-tune


def each_bce(logits: torch.Tensor, wanted: torch.Tensor, kind: str) -> torch.Tensor:
    """Loss per cell. Focal: Lin et al. 2017, gamma 2. Asymmetric: Ridnik et al. 2021, 0/4, 0.05."""
    plain = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    if kind == "bce":
        return plain
    chance = torch.sigmoid(logits)
    if kind == "focal":
        missed = wanted * (1 - chance) + (1 - wanted) * chance
        return plain * missed**2 * 2.0
    shifted = (chance - 0.05).clamp(min=0)
    gain = wanted * torch.log(chance.clamp(min=1e-7))
    quiet = (1 - wanted) * torch.log((1 - shifted).clamp(min=1e-7)) * shifted**4
    return -(gain + quiet)


def loss_of(said: Heads, wanted: Targets, plan: Tuning) -> torch.Tensor:
    each = each_bce(said.labels.float(), wanted.labels, plan.loss).sum(1)
    plain = nn.functional.binary_cross_entropy_with_logits
    each = each + plan.event * plain(said.event.float()[:, 0], wanted.event, reduction="none")
    phases = nn.functional.log_softmax(said.phase.float(), -1)
    each = each - plan.phase * (wanted.phase * phases).sum(1)
    severities = nn.functional.log_softmax(said.severity.float(), -1)
    each = each - plan.severity * (wanted.severity * severities).sum(1)
    moves = nn.functional.log_softmax(said.direction.float(), -1)
    each = each - plan.direction * (wanted.direction * moves).sum(1)
    if plan.vector:
        near = (said.vector.float() * wanted.vector).sum(1)
        each = each + plan.vector * (wanted.vector.abs().amax(1) > 0) * (1 - near)
    return (each * wanted.weight).sum() / wanted.weight.sum()


def groups_of(net: Net, plan: Tuning) -> list[dict[str, object]]:
    """Heads fast, upper layers slower, lower layers slowest; word embeddings stay."""
    layers = net.encoder.config.num_hidden_layers
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if name.startswith("encoder.embeddings"):
            parameter.requires_grad = False
            continue
        rate = plan.rate_heads
        if name.startswith("encoder.encoder.layer."):
            rate = plan.rate * plan.layer_decay ** (layers - 1 - int(name.split(".")[3]))
        decay = 0.0 if parameter.ndim == 1 else plan.decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [
        {"params": found, "lr": rate, "weight_decay": decay}
        for (rate, decay), found in groups.items()
    ]


def opinions(net: Net, tokens: Tokens, device: str, size: int = 256) -> dict[str, np.ndarray]:
    """What the net says of every text, in order: logits by head, and vectors."""
    net.eval()
    order = torch.argsort(tokens.lengths)
    found: dict[str, list[torch.Tensor]] = {}
    with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
        for start in range(0, len(order), size):
            said = net.heads(net.pooled(*tokens.take(order[start : start + size])).float())
            for name in ("labels", "event", "phase", "severity", "vector"):
                found.setdefault(name, []).append(getattr(said, name).float())
    back = torch.argsort(order)
    return {name: torch.cat(parts)[back].cpu().numpy() for name, parts in found.items()}


def f1_scores(rows: Sequence[Row], said: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Micro and macro F1 at the best common line, F1 of event-or-none: for choosing only."""
    truth = np.array([[name in row.labels for name in NAMES] for row in rows])
    best: dict[str, float] = {"micro": 0.0, "macro": 0.0}
    for line in np.arange(-1.6, 0.81, 0.2):
        guess = said["labels"] > line
        hits, asked, told = (truth & guess).sum(0), truth.sum(0), guess.sum(0)
        micro = float(2 * hits.sum() / max(1, asked.sum() + told.sum()))
        if micro > best["micro"]:
            per_label = 2 * hits / np.maximum(1, asked + told)
            best = {"micro": micro, "macro": float(per_label[asked >= 5].mean()), "line": line}
    event, happened = said["event"][:, 0] > 0, truth.any(1)
    best["event"] = float(2 * (event & happened).sum() / max(1, event.sum() + happened.sum()))
    kinds = np.array([row.severity for row in rows])
    best["severity_off"] = float(np.abs(said["severity"].argmax(1) - kinds)[happened].mean())
    phases = ("threat_or_proposed", "actual_or_ongoing", "easing_or_aftermath")
    known = [n for n, row in enumerate(rows) if row.phase]
    wanted = np.array([phases.index(str(rows[n].phase)) for n in known])
    best["phase"] = float((said["phase"][known].argmax(1) == wanted).mean())
    return {name: round(float(value), 4) for name, value in best.items()}


@dataclass(slots=True)
class Held:
    """Rows that are scored after each epoch."""

    rows: Sequence[Row]
    tokens: Tokens


def fine_tune(
    net: Net,
    full: Tokens,
    titles: Tokens,
    targets: Targets,
    held: Mapping[str, Held],
    named: Named,
    plan: Tuning,
    device: str,
) -> list[dict[str, object]]:
    """Trains in place and leaves the mean of the last epochs' weights in `net`; the loss log."""
    torch.manual_seed(plan.seed)
    draw = random.Random(plan.seed)
    optimiser = torch.optim.AdamW(groups_of(net, plan), fused=device == "cuda")
    a_round = -(-len(full) // plan.batch)
    pace = Pace(max(1, int(plan.epochs * a_round)), plan.seconds, plan.warm_up)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: pace.rate())
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    lengths = full.lengths.tolist()
    history: list[dict[str, object]] = []
    kept: list[dict[str, torch.Tensor]] = []
    epoch = 0
    while not pace.over:
        net.train()
        total = torch.zeros((), device=device)
        count = 0
        for group in batches(lengths, plan.batch, draw):
            numbers = torch.tensor(group, device=device)
            shown = titles if draw.random() < plan.title_only else full
            with torch.autocast(device, dtype=torch.bfloat16):
                pooled = net.pooled(*shown.take(numbers))
            loss = loss_of(net.heads(pooled.float()), targets.take(numbers), plan)
            if plan.firms and pace.done % plan.firms_every == 0:
                loss = loss + plan.firms * firm_loss(net, named, plan.batch // 2, draw, device)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            pace.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            total += loss.detach()
            count += 1
            late = pace.share > 1 - plan.average_last
            if late and (pace.done % (a_round // 3 + 1) == 0 or pace.over):
                kept.append({k: v.detach().float().clone() for k, v in net.state_dict().items()})
                kept[:] = kept[-6:]
            if pace.over:
                break
        scores = {n: f1_scores(h.rows, opinions(net, h.tokens, device)) for n, h in held.items()}
        history.append(
            {
                "epoch": epoch,
                "steps": pace.done,
                "loss": round(float(total) / count, 4),
                "seconds": round(pace.elapsed, 1),
                **scores,
            }
        )
        log.info("%s", json.dumps(history[-1]))
        epoch += 1
    if not kept:
        kept = [{k: v.detach().float() for k, v in net.state_dict().items()}]
    mean = {name: torch.stack([state[name] for state in kept]).mean(0) for name in kept[0]}
    net.load_state_dict(mean)
    scores = {n: f1_scores(h.rows, opinions(net, h.tokens, device)) for n, h in held.items()}
    history.append({"epoch": "mean of the last", **scores})
    log.info("%s", json.dumps(history[-1]))
    return history


def firm_loss(
    net: Net, named: Named, size: int, draw: random.Random, device: str
) -> torch.Tensor:
    """Of one batch of the texts in which firms are marked."""
    some = torch.tensor(draw.sample(range(len(named.tokens)), size), device=device)
    ids, mask = named.tokens.take(some)
    with torch.autocast(device, dtype=torch.bfloat16):
        said = net.firms(net.drop(net.states(ids, mask)))
    wanted = named.tags[some, : ids.shape[1]]
    return nn.functional.cross_entropy(said.float().flatten(0, 1), wanted.flatten())


def warm_heads(net: Net, tokens: Tokens, targets: Targets, plan: Tuning, device: str) -> None:
    """Standardises the pooled states and fits the heads to the encoder as it is."""
    net.eval()
    order = torch.argsort(tokens.lengths)
    with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
        parts = [
            net.pooled(*tokens.take(order[at : at + 256])).float()
            for at in range(0, len(order), 256)
        ]
    pooled = torch.cat(parts)[torch.argsort(order)]
    net.centre.copy_(pooled.mean(0))
    net.spread.copy_(pooled.std(0))
    apart = {"encoder", "vector", "firms"}
    heads = [p for n, p in net.named_parameters() if n.split(".")[0] not in apart]
    optimiser = torch.optim.AdamW(heads, lr=3e-3, weight_decay=0.0)
    for _ in range(300):
        penalty = sum((p**2).sum() for p in heads if p.ndim > 1)
        loss = loss_of(net.heads(pooled), targets, replace(plan, vector=0.0)) + 3e-3 * penalty
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


# ---------------------------------------------------------------------------------------- stages


@dataclass(slots=True)
class Shop:
    """Paths and readers that every stage needs."""

    recipe: Recipe
    base: Path
    work: Path
    corpus: Corpus
    device: str
    tokenizer: PreTrainedTokenizerFast
    story: Mapping[str, torch.Tensor] | None = None  # of the adapted encoder: centre, vector head

    def tokens(self, rows: Sequence[Row | Lines], longest: int, bare: bool = False) -> Tokens:
        texts = [prompt(row.title, "" if bare and row.title else row.text) for row in rows]
        return Tokens.of(texts, self.tokenizer, longest, self.device)

    def net(self, start: str | None, dropout: float) -> Net:
        """From a checkpoint of this work folder, the adapted encoder, or the base (None)."""
        encoder = BertModel.from_pretrained(self.base, add_pooling_layer=False)
        net = Net(encoder, dropout)
        if start:
            saved = load(self.work / f"{start}.pt")
            if start == "adapted":
                inner = {k[8:]: v for k, v in saved.items() if k.startswith("encoder.")}
                encoder.load_state_dict(inner, strict=False)
            else:
                net.load_state_dict(saved, strict=False)
        return net.to(self.device)

    def held(self, longest: int) -> dict[str, Held]:
        return {
            name: Held(rows, self.tokens(rows, longest))
            for name, rows in self.corpus.parts.items()
            if name in ("validation", "gold")
        }


def load(path: Path) -> dict[str, torch.Tensor]:
    saved: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float() for name, value in saved.items()}


def save(module: nn.Module, path: Path) -> None:
    """Half-precision weights without the word embeddings, which no stage changes."""
    state = {
        name: value.detach().cpu().half()
        for name, value in module.state_dict().items()
        if "word_embeddings" not in name
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").rename(path)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x.astype(np.float32)))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x.astype(np.float32) - x.max(-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return shares


def run_adapt(shop: Shop) -> None:
    encoder = BertModel.from_pretrained(shop.base, add_pooling_layer=False)
    reader, history = adapt(
        encoder,
        shop.tokenizer,
        shop.corpus.texts,
        shop.corpus.parallel,
        shop.recipe.adapt,
        shop.device,
    )
    state = {n: v.detach().cpu().half() for n, v in reader.state_dict().items()}
    state = {n: v for n, v in state.items() if "word_embeddings" not in n and n[:4] != "mix."}
    torch.save(state, shop.work / "adapted.pt")
    (shop.work / "adapted.json").write_text(json.dumps(history), encoding="utf-8")


def trained_rows(shop: Shop, without_fold: int | None = None) -> list[Row]:
    folds = shop.corpus.folds
    return [
        row
        for row in shop.corpus.parts["train"]
        if without_fold is None or folds.get(row.id) != without_fold
    ]


def tune(
    shop: Shop, name: str, start: str | None, rows: Sequence[Row], targets: Targets, plan: Tuning
) -> Net:
    """One fine-tune on rows; leaves NAME.pt and NAME.json."""
    net = shop.net(start, plan.dropout)
    full, bare = shop.tokens(rows, plan.longest), shop.tokens(rows, plan.longest, bare=True)
    if start in (None, "adapted"):
        warm_heads(net, full, targets, plan, shop.device)
    named = Named.of(shop.corpus.firms, shop.tokenizer, plan.longest, shop.device)
    held = shop.held(plan.longest)
    history = fine_tune(net, full, bare, targets, held, named, plan, shop.device)
    save(net, shop.work / f"{name}.pt")
    document = {"plan": asdict(plan), "rows": len(rows), "start": start, "history": history}
    (shop.work / f"{name}.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return net


def run_teacher(shop: Shop, fold: int) -> None:
    plan = replace(shop.recipe.teacher, seed=shop.recipe.teacher.seed + fold)
    rows = trained_rows(shop, fold)
    targets = Targets.of(rows, plan.unsure, shop.device)
    tune(shop, f"teacher{fold}", "adapted", rows, targets, plan)


def run_pseudo(shop: Shop) -> None:
    """Writes `pseudo.npz`: chosen texts with the mean opinion, and the labelled rows with the
    opinion of the teacher that did not see them (of all of them, for rows without a fold)."""
    recipe, device = shop.recipe, shop.device
    texts, rows = shop.corpus.texts, trained_rows(shop)
    longest = recipe.teacher.longest
    of_texts, of_rows = shop.tokens(texts, longest), shop.tokens(rows, longest)
    folds = np.array([shop.corpus.folds.get(row.id, -1) for row in rows])
    heads = ("labels", "event", "phase", "severity")
    sums: dict[str, np.ndarray] = {}
    own: dict[str, np.ndarray] = {}
    for fold in range(recipe.folds):
        net = shop.net(f"teacher{fold}", 0.0)
        said, mine = opinions(net, of_texts, device, 1024), opinions(net, of_rows, device)
        for name in heads:
            turn = softmax if name in ("phase", "severity") else sigmoid
            sums[name] = sums.get(name, 0.0) + turn(said[name]) / recipe.folds
            shares = turn(mine[name])
            blind = np.where(folds == -1, 1 / recipe.folds, folds == fold)[:, None]
            own[name] = own.get(name, 0.0) + blind * shares
    draw = np.random.default_rng(recipe.seed)
    chance = sums["event"][:, 0]
    likely = draw.permutation(np.flatnonzero(chance >= 0.08))[: recipe.pseudo_events]
    calm = draw.permutation(np.flatnonzero(chance < 0.08))[: recipe.pseudo_calm]
    chosen = np.sort(np.concatenate([likely, calm]))
    parts = {f"text_{name}": value[chosen].astype(np.float16) for name, value in sums.items()}
    parts |= {f"row_{name}": value.astype(np.float16) for name, value in own.items()}
    np.savez_compressed(shop.work / "pseudo.npz", chosen=chosen, event=chance, **parts)
    log.info("pseudo: %d likely, %d calm of %d", len(likely), len(calm), len(texts))


def targets_of(parts: Mapping[str, np.ndarray], kind: str, device: str) -> Targets:
    labels, event, phase, severity = (
        torch.from_numpy(parts[f"{kind}_{name}"].astype(np.float32)).to(device)
        for name in ("labels", "event", "phase", "severity")
    )
    happened = event[:, 0]
    empty = torch.zeros(len(labels), 128, device=device)
    return Targets(
        labels=labels,
        event=happened,
        phase=phase * happened[:, None],
        severity=severity,
        direction=torch.zeros(len(labels), 2, device=device),
        weight=torch.ones_like(happened),
        vector=empty,
    )


def story_vectors(shop: Shop, rows: Sequence[Row | Lines]) -> torch.Tensor:
    """Vectors of the adapted encoder, which the student keeps."""
    encoder = BertModel.from_pretrained(shop.base, add_pooling_layer=False)
    reader = Reader(encoder)
    reader.load_state_dict(load(shop.work / "adapted.pt"), strict=False)
    reader = reader.to(shop.device).eval()
    tokens = shop.tokens(rows, shop.recipe.adapt.longest)
    order = torch.argsort(tokens.lengths)
    parts = []
    with torch.no_grad(), torch.autocast(shop.device, dtype=torch.bfloat16):
        for at in range(0, len(order), 512):
            parts.append(reader.vectors(*tokens.take(order[at : at + 512])))
    return torch.cat(parts)[torch.argsort(order)]


def run_student(shop: Shop) -> None:
    recipe, device = shop.recipe, shop.device
    with np.load(shop.work / "pseudo.npz") as saved:
        parts = dict(saved)
    texts = [shop.corpus.texts[n] for n in parts["chosen"]]
    rows = trained_rows(shop)
    hard = Targets.of(rows, recipe.student.unsure, device)
    soft = targets_of(parts, "row", device)
    share = recipe.own_opinion
    for name in ("labels", "event", "phase", "severity"):
        setattr(hard, name, (1 - share) * getattr(hard, name) + share * getattr(soft, name))
    hard.vector = story_vectors(shop, rows)
    taught = targets_of(parts, "text", device)
    taught.vector = story_vectors(shop, texts)
    both = [*[Row("", "", t.lang, t.title, t.text, (), 0, None, None) for t in texts], *rows]
    tune(shop, "student0", "adapted", both, Targets.join([taught, hard]), recipe.student)
    tune(shop, "student", "student0", rows, hard, recipe.finish)


def run_export(shop: Shop, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    export(shop.net("student", 0.0), out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(shop.base / name, out / name)
    logs = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(shop.work.glob("*.json"))
    }
    counts = {name: len(rows) for name, rows in shop.corpus.parts.items()}
    document = {"recipe": asdict(shop.recipe), "rows": counts, "stages": logs}
    (out / "training.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


# ------------------------------------------------------------------------------------ ablations


def run_trial(shop: Shop, name: str) -> None:
    """One fine-tune on all training rows with one thing changed; its opinions of every part."""
    plan, start = replace(shop.recipe.teacher, seed=1), "adapted"
    rows = trained_rows(shop)
    if name == "base":
        start = None
    elif name in ("focal", "asymmetric"):
        plan = replace(plan, loss=name)
    elif name == "labels_only":
        plan = replace(plan, phase=0.0, severity=0.0, event=0.0)
    elif name == "old_labels":
        rows = [row for row in rows if row.drawn != "second" and row.source != "own"]
    elif name == "no_own":
        rows = [row for row in rows if row.source != "own"]
    elif name == "english_only":
        rows = [row for row in rows if row.lang == "en"]
    elif name == "no_hard_negatives":
        rows = [row for row in rows if row.labels or hash(row.id) % 4 == 0]
    elif "=" in name:
        key, value = name.split("=")
        kind = type(getattr(plan, key))
        plan = replace(plan, **{key: kind(value)})
    elif name != "adapted":
        raise SystemExit(f"no trial {name!r}")
    tune(shop, f"trial_{name}", start, rows, Targets.of(rows, plan.unsure, shop.device), plan)
    (shop.work / f"trial_{name}.pt").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--recipe", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="folder written by nlp.base")
    parser.add_argument("--corpus", type=Path, required=True, help="folder written by nlp.corpus")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--out", type=Path, help="model folder to write")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--fold", type=int, help="only this teacher")
    parser.add_argument("--trial", help="one ablation instead of the stages")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    recipe = Recipe.read(args.recipe)
    shop = Shop(
        recipe,
        args.base,
        args.work,
        Corpus.read(args.corpus),
        args.device,
        read_tokenizer(args.base),
    )
    if args.trial:
        run_trial(shop, args.trial)
        return
    stages = args.stages.split(",")
    if "adapt" in stages and not (args.work / "adapted.pt").exists():
        run_adapt(shop)
    if "teachers" in stages:
        for fold in range(recipe.folds) if args.fold is None else [args.fold]:
            if not (args.work / f"teacher{fold}.pt").exists():
                run_teacher(shop, fold)
    if "pseudo" in stages and not (args.work / "pseudo.npz").exists():
        run_pseudo(shop)
    if "student" in stages and not (args.work / "student.pt").exists():
        run_student(shop)
    if "export" in stages:
        if args.out is None:
            raise SystemExit("--out: name the model folder to write")
        run_export(shop, args.out)


if __name__ == "__main__":
    main()
