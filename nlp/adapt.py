"""Goes on pretraining the base encoder on unlabelled news (needs the `train` extra).

Two tasks in one pass: masked words (Devlin et al. 2019), and "which lede belongs to which title"
(InfoNCE over the batch, van den Oord et al. 2018), whose positives are also the Korean and English
sides of parallel sentences. Negatives are of the same language as the anchor, so nothing rewards
the encoder for pulling languages apart. Word embeddings stay as they are.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.coded import Pace, Tokens, batches
from nlp.encoder import VECTOR, mean_states

log = logging.getLogger("nlp.adapt")
MASKED, FIRST_PIECE, MASK_SHARE = -100, 5, 0.15


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Settings of this stage."""

    steps: int = 236
    batch: int = 384
    pairs: int = 256  # title-lede pairs of a batch
    parallel: int = 48  # Korean-English pairs of a batch
    longest: int = 64  # tokens
    rate: float = 3e-4
    decay: float = 0.01
    warm_up: float = 0.06
    temperature: float = 0.05
    contrast: float = 0.5  # weight of the second task against the masked words
    seed: int = 3


@dataclass(frozen=True, slots=True)
class Lines:
    """One unlabelled text: title and lede, either may be empty."""

    title: str
    text: str
    lang: str


class Reader(nn.Module):  # type: ignore[misc]
    """Encoder with a masked-word head tied to its embeddings, and the story vector."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.mix = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(encoder.config.vocab_size))
        self.vector = nn.Linear(width, VECTOR)
        self.register_buffer("centre", torch.zeros(width))

    def words(self, states: torch.Tensor) -> torch.Tensor:
        table = self.encoder.embeddings.word_embeddings.weight
        return nn.functional.linear(self.mix(states), table, self.bias)

    def vectors(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        pooled = mean_states(self.encoder, ids, mask)
        return nn.functional.normalize(self.vector(pooled - self.centre).float(), dim=-1)


def hide(
    ids: torch.Tensor, mask: torch.Tensor, mask_id: int, words: int, draw: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids with 15% hidden the usual way, wanted ids with -100 where nothing is asked)."""
    chance = torch.rand(ids.shape, generator=draw, device=ids.device)
    asked = (chance < MASK_SHARE) & (mask > 0) & (ids >= FIRST_PIECE)
    kind = torch.rand(ids.shape, generator=draw, device=ids.device)
    other = torch.randint(FIRST_PIECE, words, ids.shape, generator=draw, device=ids.device)
    shown = torch.where(asked & (kind < 0.8), torch.full_like(ids, mask_id), ids)
    shown = torch.where(asked & (kind >= 0.9), other, shown)
    return shown, torch.where(asked, ids, torch.full_like(ids, MASKED))


def contrast(
    left: torch.Tensor, right: torch.Tensor, groups: torch.Tensor, temperature: float
) -> torch.Tensor:
    """InfoNCE both ways; a pair's negatives are the pairs of its own group."""
    near = left @ right.T / temperature
    near = near.masked_fill(groups[:, None] != groups[None, :], -1e4)
    wanted = torch.arange(len(left), device=left.device)
    cross = nn.functional.cross_entropy
    return (cross(near, wanted) + cross(near.T, wanted)) / 2


def adapt(
    encoder: BertModel,
    tokenizer: PreTrainedTokenizerFast,
    texts: Sequence[Lines],
    parallel: Sequence[tuple[str, str]],
    plan: Adaptation,
    device: str,
) -> tuple[Reader, list[dict[str, float]]]:
    """Trains in place; the reader and its loss log. `parallel` holds (Korean, English)."""
    torch.manual_seed(plan.seed)
    reader = Reader(encoder).to(device)
    encoder.embeddings.word_embeddings.weight.requires_grad = False

    def coded(parts: Sequence[str]) -> Tokens:
        return Tokens.of([f"query: {p}" for p in parts], tokenizer, plan.longest, device)

    whole = coded([f"{line.title} {line.text}".strip() for line in texts])
    paired = [n for n, line in enumerate(texts) if len(line.title) > 12 and len(line.text) > 40]
    titles = coded([texts[n].title for n in paired])
    ledes = coded([texts[n].text for n in paired])
    names = {name: number for number, name in enumerate(sorted({t.lang for t in texts}))}
    langs = torch.tensor([names[texts[n].lang] for n in paired], device=device)
    korean, english = coded([k for k, _ in parallel]), coded([e for _, e in parallel])
    with torch.no_grad():
        some = torch.arange(min(512, len(whole)), device=device)
        reader.centre.copy_(mean_states(encoder, *whole.take(some)).mean(0))
    trained = [p for p in reader.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, lr=plan.rate, weight_decay=plan.decay, fused=device == "cuda", betas=(0.9, 0.98)
    )
    pace = Pace(plan.steps, plan.warm_up)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: pace.rate())
    draw, noise = random.Random(plan.seed), torch.Generator(device=device)
    noise.manual_seed(plan.seed)
    lengths, mask_id = whole.lengths.tolist(), tokenizer.mask_token_id
    history: list[dict[str, float]] = []
    totals = torch.zeros(3, device=device)
    reader.train()
    while not pace.over:
        for group in batches(lengths, plan.batch, draw):
            if pace.over:
                break
            numbers = torch.tensor(group, device=device)
            ids, mask = whole.take(numbers)
            shown, wanted = hide(ids, mask, mask_id, encoder.config.vocab_size, noise)
            pairs = torch.randint(len(titles), (plan.pairs,), generator=noise, device=device)
            sides = torch.randint(len(korean), (plan.parallel,), generator=noise, device=device)
            with torch.autocast(device, dtype=torch.bfloat16):
                states = encoder(input_ids=shown, attention_mask=mask).last_hidden_state
                asked = wanted != MASKED
                guess = reader.words(states[asked])
                words = nn.functional.cross_entropy(guess.float(), wanted[asked])
                left = [reader.vectors(*titles.take(pairs)), reader.vectors(*korean.take(sides))]
                right = [reader.vectors(*ledes.take(pairs)), reader.vectors(*english.take(sides))]
            place = torch.cat([langs[pairs], torch.full_like(sides, -1)])
            same = contrast(torch.cat(left), torch.cat(right), place, plan.temperature)
            (words + plan.contrast * same).backward()
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimiser.step()
            pace.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            totals += torch.stack([words.detach(), same.detach(), torch.ones_like(same)])
            if pace.done % 100 == 0 or pace.over:
                words_loss, pair_loss, count = totals.tolist()
                totals.zero_()
                history.append(
                    {
                        "steps": pace.done,
                        "words": round(words_loss / count, 4),
                        "pairs": round(pair_loss / count, 4),
                        "seconds": round(pace.elapsed, 1),
                    }
                )
                log.info("%s", json.dumps(history[-1]))
    return reader.eval(), history
