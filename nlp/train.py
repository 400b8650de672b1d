"""Trains the classifier as a recipe says (needs the `train` extra, torch on a CPU or a GPU).

`python -m nlp.train --recipe FILE --base DIR --corpus DIR --work DIR --out DIR` runs, in order:

1. adapt: goes on pretraining the base on unlabelled news (`nlp.adapt`);
2. teachers: one fine-tune per fold of event groups, each blind to its fold;
3. pseudo: the teachers' mean opinion of unlabelled texts, and each teacher's of its own fold;
4. student: learns the teachers' opinion of the texts, then the labelled rows again;
5. polish: the labelled rows once more, with those that were read again since, lower layers fixed;
6. export: int8 ONNX, tokenizer, the recipe, `training.json`.

A finished stage leaves a file in `--work` and is not run again. `--trial NAME` runs one fine-tune
with one thing changed, for the ablation table. Fixed seeds: the same machine gives the same weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.adapt import Lines, Reader, adapt
from nlp.calibration import sigmoid, softmax
from nlp.coded import Named, Targets, Tokens
from nlp.dataset import Row
from nlp.encoder import VECTOR, Net, export, read_tokenizer
from nlp.recipe import Corpus, Recipe, Tuning
from nlp.session import prompt
from nlp.tune import Held, fine_tune, opinions, warm_heads

log = logging.getLogger("nlp.train")
STAGES = ("adapt", "teachers", "pseudo", "student", "polish", "export")


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
        net.to(self.device)
        return net

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
    empty = torch.zeros(len(labels), VECTOR, device=device)
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


def run_polish(shop: Shop) -> None:
    plan, rows = shop.recipe.polish, trained_rows(shop)
    targets = Targets.of(rows, plan.unsure, shop.device)
    student = shop.net("student", 0.0)
    told = opinions(student, shop.tokens(rows, plan.longest), shop.device)
    targets.vector = torch.from_numpy(told["vector"]).to(shop.device)
    tune(shop, "polished", "student", rows, targets, plan)


def run_export(shop: Shop, recipe: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    polished = (shop.work / "polished.pt").exists()
    export(shop.net("polished" if polished else "student", 0.0), out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(shop.base / name, out / name)
    (out / "recipe.toml").write_bytes(recipe.read_bytes())  # it may be this very file
    logs = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(shop.work.glob("*.json"))
    }
    counts = {name: len(rows) for name, rows in shop.corpus.parts.items()}
    document = {"recipe": asdict(shop.recipe), "rows": counts, "stages": logs}
    (out / "training.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


# ------------------------------------------------------------------------------------ ablations


def run_trial(shop: Shop, name: str) -> None:
    """One fine-tune on all training rows with one thing changed; its scores stay, not its weights."""
    plan = replace(shop.recipe.teacher, seed=1)
    start: str | None = "adapted"
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
    if "polish" in stages and not (args.work / "polished.pt").exists():
        run_polish(shop)
    if "export" in stages:
        if args.out is None:
            raise SystemExit("--out: name the model folder to write")
        run_export(shop, args.recipe, args.out)


if __name__ == "__main__":
    main()
