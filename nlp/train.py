"""Fine-tunes the encoder and exports it: `python -m nlp.train --base DIR --out DIR` (`train` extra).

One encoder, four heads on the mean-pooled states: 17 types and "any event" (sigmoid), phase
(softmax over 3, event rows only), severity (softmax over 0..3). Writes the int8 ONNX graph with
outputs logits_labels, logits_event, logits_phase, logits_severity, the tokenizer and
`training.json`. Fixed seeds: the same machine gives the same weights.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.classifier import PHASES, prompt
from nlp.dataset import DATA, Row, gold, load_split
from nlp.encoder import Net, export, read_tokenizer
from nlp.examples import own_rows
from nlp.taxonomy import NAMES

log = logging.getLogger("nlp.train")


@dataclass(frozen=True, slots=True)
class Plan:
    """Every number that decides the result."""

    seed: int = 11
    epochs: int = 5
    batch: int = 24
    max_length: int = 96
    rate_encoder: float = 5e-5
    rate_heads: float = 5e-4
    frozen_layers: int = 6  # lowest ones; their output is computed once
    head_steps: int = 300  # full-batch steps that fit the heads to the frozen encoder first
    head_decay: float = 3e-3
    layer_decay: float = 0.92  # lower layers move less
    weight_decay: float = 0.01
    warm_up: float = 0.1
    clip: float = 1.0
    dropout: float = 0.1
    title_only: float = 0.15  # share of draws that hide the text, so that bare headlines are known
    unsure_weight: float = 0.7
    phase_weight: float = 0.5
    severity_weight: float = 0.5
    event_weight: float = 1.0
    average_last: int = 2  # epochs whose weights are averaged
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Batch:
    states: torch.Tensor  # after the frozen layers
    attention_mask: torch.Tensor
    labels: torch.Tensor
    phase: torch.Tensor  # -100 where there is no event
    severity: torch.Tensor
    weight: torch.Tensor


def lower_states(
    net: Net, texts: Sequence[str], tokenizer: PreTrainedTokenizerFast, plan: Plan
) -> list[torch.Tensor]:
    """Per text the states after the frozen layers (tokens x width, bfloat16), computed once."""
    with torch.no_grad():
        net.eval()
        order = sorted(range(len(texts)), key=lambda number: len(texts[number].encode()))
        found: dict[int, torch.Tensor] = {}
        for start in range(0, len(order), 32):
            numbers = order[start : start + 32]
            coded = tokenizer(
                [texts[number] for number in numbers],
                truncation=True,
                max_length=plan.max_length,
                padding=True,
                return_tensors="pt",
            )
            with torch.autocast("cpu", dtype=torch.bfloat16):
                states = net.lower(coded["input_ids"], coded["attention_mask"])
            for place, number in enumerate(numbers):
                length = int(coded["attention_mask"][place].sum())
                found[number] = states[place, :length].to(torch.bfloat16).clone()
        return [found[number] for number in range(len(texts))]


def collate(rows: Sequence[Row], states: Sequence[torch.Tensor], plan: Plan) -> Batch:
    labels = torch.zeros(len(rows), len(NAMES))
    for number, row in enumerate(rows):
        for label in row.labels:
            labels[number, NAMES.index(label)] = 1.0
    lengths = torch.tensor([len(part) for part in states])
    return Batch(
        nn.utils.rnn.pad_sequence(list(states), batch_first=True).float(),
        (torch.arange(int(lengths.max()))[None, :] < lengths[:, None]).long(),
        labels,
        torch.tensor([PHASES.index(row.phase) if row.phase else -100 for row in rows]),
        torch.tensor([row.severity for row in rows]),
        torch.tensor([1.0 if row.sure else plan.unsure_weight for row in rows]),
    )


@dataclass(frozen=True, slots=True)
class Cached:
    """Rows with their frozen states: of title and text, and of the title alone."""

    rows: Sequence[Row]
    full: Sequence[torch.Tensor]
    title: Sequence[torch.Tensor]

    @classmethod
    def make(
        cls,
        net: Net,
        rows: Sequence[Row],
        tokenizer: PreTrainedTokenizerFast,
        plan: Plan,
        titles: bool,
    ) -> Cached:
        full = lower_states(net, [prompt(row.title, row.text) for row in rows], tokenizer, plan)
        if not titles:
            return cls(rows, full, full)
        bare = [prompt(row.title, "" if row.title else row.text) for row in rows]
        return cls(rows, full, lower_states(net, bare, tokenizer, plan))


def batches(cached: Cached, plan: Plan, draw: random.Random) -> Iterator[Batch]:
    """Shuffled, then bucketed by length inside chunks of 16 batches, so that little is padding."""
    order = list(range(len(cached.rows)))
    draw.shuffle(order)
    chunk = plan.batch * 16
    groups: list[list[tuple[int, torch.Tensor]]] = []
    for start in range(0, len(order), chunk):
        part = [
            (number, (cached.title if draw.random() < plan.title_only else cached.full)[number])
            for number in order[start : start + chunk]
        ]
        part.sort(key=lambda pair: len(pair[1]))
        groups += [part[at : at + plan.batch] for at in range(0, len(part), plan.batch)]
    draw.shuffle(groups)
    for group in groups:
        yield collate([cached.rows[n] for n, _ in group], [states for _, states in group], plan)


def loss_of(logits: Sequence[torch.Tensor], batch: Batch, plan: Plan) -> torch.Tensor:
    labels, event, phase, severity = (part.float() for part in logits)
    bce = nn.functional.binary_cross_entropy_with_logits
    each = bce(labels, batch.labels, reduction="none").sum(1)
    happened = (batch.labels.sum(1) > 0).float()
    each = each + plan.event_weight * bce(event.squeeze(1), happened, reduction="none")
    cross = nn.functional.cross_entropy
    each = each + plan.phase_weight * cross(phase, batch.phase, ignore_index=-100, reduction="none")
    each = each + plan.severity_weight * cross(severity, batch.severity, reduction="none")
    return (each * batch.weight).sum() / batch.weight.sum()


def parameter_groups(net: Net, plan: Plan) -> list[dict[str, object]]:
    """Heads fast, upper layers slower, lower layers slowest; no decay on biases and norms."""
    layers = net.encoder.config.num_hidden_layers
    groups: list[dict[str, object]] = []
    for name, parameter in net.named_parameters():
        layer = int(name.split(".")[3]) if name.startswith("encoder.encoder.layer.") else None
        if name.startswith("encoder.embeddings") or (
            layer is not None and layer < plan.frozen_layers
        ):
            parameter.requires_grad = False
            continue
        rate = plan.rate_heads
        if layer is not None:
            rate = plan.rate_encoder * plan.layer_decay ** (layers - 1 - layer)
        decay = 0.0 if parameter.ndim == 1 else plan.weight_decay
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay})
    return groups


def pooled_of(net: Net, cached: Cached, plan: Plan) -> torch.Tensor:
    """Pooled states of every row, in row order."""
    with torch.no_grad():
        net.eval()
        order = sorted(range(len(cached.rows)), key=lambda number: len(cached.full[number]))
        found: list[torch.Tensor] = []
        for start in range(0, len(order), 32):
            numbers = order[start : start + 32]
            batch = collate(
                [cached.rows[n] for n in numbers], [cached.full[n] for n in numbers], plan
            )
            with torch.autocast("cpu", dtype=torch.bfloat16):
                found.append(net.pool(batch.states, batch.attention_mask).float())
        return torch.cat(found)[torch.argsort(torch.tensor(order))]


def logits_for(net: Net, cached: Cached, plan: Plan) -> list[np.ndarray]:
    """The four logits of every row, in row order."""
    with torch.no_grad():
        return [part.numpy() for part in net.heads(pooled_of(net, cached, plan))]


def fit_heads(net: Net, cached: Cached, plan: Plan) -> None:
    """Standardises the pooled states and fits the heads to the encoder as it is."""
    pooled = pooled_of(net, cached, plan)
    net.centre.copy_(pooled.mean(0))
    net.spread.copy_(pooled.std(0))
    target = collate(cached.rows, [part[:1] for part in cached.full], plan)
    heads = [p for name, p in net.named_parameters() if not name.startswith("encoder.")]
    optimiser = torch.optim.AdamW(heads, lr=3e-3, weight_decay=0.0)
    for _ in range(plan.head_steps):
        penalty = sum((p**2).sum() for p in heads if p.ndim > 1)
        loss = loss_of(net.heads(pooled), target, plan) + plan.head_decay * penalty
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    log.info("heads fitted to the frozen encoder: loss %.3f", float(loss.detach()))


def f1_scores(rows: Sequence[Row], logits: Sequence[np.ndarray]) -> dict[str, float]:
    """Micro and macro F1 at probability 0.5, and F1 of event-or-none: for choosing epochs only."""
    truth = np.array([[name in row.labels for name in NAMES] for row in rows])
    guess = logits[0] > 0
    hits, asked, said = (truth & guess).sum(0), truth.sum(0), guess.sum(0)
    per_label = 2 * hits / np.maximum(1, asked + said)
    event, happened = logits[1][:, 0] > 0, truth.any(1)
    return {
        "micro": float(2 * hits.sum() / max(1, asked.sum() + said.sum())),
        "macro": float(per_label[asked > 0].mean()),
        "event": float(2 * (event & happened).sum() / max(1, event.sum() + happened.sum())),
    }


def scores_of(net: Net, held: dict[str, Cached], plan: Plan) -> dict[str, dict[str, float]]:
    return {name: f1_scores(part.rows, logits_for(net, part, plan)) for name, part in held.items()}


def fine_tune(
    net: Net,
    train: Cached,
    held: dict[str, Cached],
    groups: list[dict[str, object]],
    plan: Plan,
    work: Path,
) -> list[dict[str, object]]:
    """Trains in place and leaves the mean of the last epochs' weights in `net`; the loss log."""
    draw = random.Random(plan.seed)
    optimiser = torch.optim.AdamW(groups)
    steps = plan.epochs * -(-len(train.rows) // plan.batch)
    warm = max(1, int(plan.warm_up * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm)))
    )
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    history: list[dict[str, object]] = []
    kept: list[dict[str, torch.Tensor]] = []
    started = time.monotonic()
    for epoch in range(plan.epochs):
        net.train()
        total, count = 0.0, 0
        for batch in batches(train, plan, draw):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                pooled = net.pool(batch.states, batch.attention_mask)
            loss = loss_of(net.heads(pooled.float()), batch, plan)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, plan.clip)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            total, count = total + loss.item(), count + 1
            if count % 40 == 0:
                log.info("epoch %d step %d loss %.3f", epoch, count, total / count)
        scores = scores_of(net, held, plan)
        history.append(
            {"epoch": epoch, "loss": total / count, "seconds": time.monotonic() - started, **scores}
        )
        log.info("%s", json.dumps(history[-1]))
        if epoch >= plan.epochs - plan.average_last:
            kept.append({name: value.clone() for name, value in net.state_dict().items()})
        torch.save(net.state_dict(), work / "last.pt")
    mean = {
        name: torch.stack([state[name].float() for state in kept]).mean(0).to(kept[0][name].dtype)
        for name in kept[0]
    }
    net.load_state_dict(mean)
    torch.save(mean, work / "mean.pt")
    scores = scores_of(net, held, plan)
    history.append({"epoch": "mean of the last", **scores})
    log.info("%s", json.dumps(history[-1]))
    return history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--base", type=Path, required=True, help="folder written by nlp.base")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--epochs", type=int, default=Plan().epochs)
    parser.add_argument("--seed", type=int, default=Plan().seed)
    parser.add_argument(
        "--own", action="store_true", help="add our own sentences (nlp/examples.py)"
    )
    parser.add_argument(
        "--start", type=Path, help="go on from these weights (mean.pt of an earlier run)"
    )
    parser.add_argument("--rate", type=float, default=Plan().rate_encoder)
    parser.add_argument("--frozen", type=int, default=Plan().frozen_layers)
    parser.add_argument(
        "--rows", type=int, default=0, help="only the first N rows, for a smoke run"
    )
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    plan = Plan(
        epochs=args.epochs, seed=args.seed, frozen_layers=args.frozen, rate_encoder=args.rate
    )
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    split = load_split(args.data)
    rows = [*split["train"], *(own_rows() if args.own else [])][: args.rows or None]
    tokenizer = read_tokenizer(args.base)
    net = Net(
        BertModel.from_pretrained(args.base, add_pooling_layer=False),
        plan.dropout,
        plan.frozen_layers,
    )
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=True))
    train = Cached.make(net, rows, tokenizer, plan, titles=True)
    held = {
        "validation": Cached.make(net, split["validation"], tokenizer, plan, titles=False),
        "gold": Cached.make(net, gold(args.data), tokenizer, plan, titles=False),
    }
    groups = parameter_groups(net, plan)
    if not args.start:
        fit_heads(net, train, plan)
    log.info("%s", json.dumps(scores_of(net, held, plan)))
    history = fine_tune(net, train, held, groups, plan, args.work)
    export(net, args.out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(args.base / name, args.out / name)
    start = f"the weights of {args.start}" if args.start else "the base encoder"
    document = {"plan": asdict(plan), "rows": len(rows), "start": start, "history": history}
    (args.out / "training.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
