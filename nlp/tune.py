"""One fine-tune: losses, learning rates, the loop, and what a net says of texts (`train` extra)."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from nlp.coded import Named, Pace, Targets, Tokens, batches
from nlp.dataset import Row
from nlp.encoder import Heads, Net
from nlp.recipe import Tuning
from nlp.session import PHASES
from nlp.taxonomy import NAMES

log = logging.getLogger("nlp.train")


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
        layer = int(name.split(".")[3]) if name.startswith("encoder.encoder.layer.") else None
        low = layer is not None and layer < plan.frozen
        if low or name.startswith("encoder.embeddings"):
            parameter.requires_grad = False
            continue
        rate = plan.rate_heads
        if layer is not None:
            rate = plan.rate * plan.layer_decay ** (layers - 1 - layer)
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
    known = [n for n, row in enumerate(rows) if row.phase]
    wanted = np.array([PHASES.index(str(rows[n].phase)) for n in known])
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
    pace = Pace(max(1, int(plan.epochs * a_round)), plan.warm_up)
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


def firm_loss(net: Net, named: Named, size: int, draw: random.Random, device: str) -> torch.Tensor:
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
