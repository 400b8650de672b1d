"""The network that is trained, and its export to ONNX (needs the `train` extra).

One encoder; on its mean-pooled states: 17 types and "any event" (sigmoid), phase (softmax over 3),
severity (softmax over 0..3), price direction (softmax over 2), and a unit vector that is near to
that of another text on the same happening, in any language. On each token: outside, begin or inside
of a firm's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.session import OUTPUTS, PHASES
from nlp.taxonomy import NAMES

SEVERITIES = 4
DIRECTIONS = ("up", "down")
VECTOR = 128  # width of the story vector
FIRM_TAGS = 3  # outside, begin, inside


@dataclass(frozen=True, slots=True)
class Heads:
    """Logits of a batch, and unit vectors; a row per text."""

    labels: torch.Tensor
    event: torch.Tensor
    phase: torch.Tensor
    severity: torch.Tensor
    direction: torch.Tensor
    vector: torch.Tensor


class Net(nn.Module):  # type: ignore[misc]
    """Encoder and heads; forward returns tensors in the order of OUTPUTS.

    The pooled states of this encoder lie in a narrow cone, so they are standardised (`centre`,
    `spread`) before the heads; without it the heads stay at the base rate for two epochs.
    """

    def __init__(self, encoder: BertModel, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.drop = nn.Dropout(dropout)
        self.labels = nn.Linear(width, len(NAMES))
        self.event = nn.Linear(width, 1)
        self.phase = nn.Linear(width, len(PHASES))
        self.severity = nn.Linear(width, SEVERITIES)
        self.direction = nn.Linear(width, len(DIRECTIONS))
        self.vector = nn.Linear(width, VECTOR)
        self.firms = nn.Linear(width, FIRM_TAGS)

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The last layer's states, texts x tokens x width."""
        found = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        states: torch.Tensor = found.last_hidden_state
        return states

    def pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Mean of the last layer's states over the tokens of each text."""
        return mean_states(self.encoder, input_ids, attention_mask)

    def heads(self, pooled: torch.Tensor) -> Heads:
        scaled = (pooled - self.centre) / self.spread
        kept = self.drop(scaled)
        return Heads(
            self.labels(kept),
            self.event(kept),
            self.phase(kept),
            self.severity(kept),
            self.direction(kept),
            nn.functional.normalize(self.vector(scaled), dim=-1),
        )

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        states = self.states(input_ids, attention_mask)
        found = self.heads(mean_of(states, attention_mask))
        return (
            found.labels,
            found.event,
            found.phase,
            found.severity,
            found.direction,
            found.vector,
            self.firms(states),
        )


def mean_states(
    encoder: BertModel, input_ids: torch.Tensor, attention_mask: torch.Tensor
) -> torch.Tensor:
    states = encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    return mean_of(states, attention_mask)


def mean_of(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def read_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def export(net: Net, out: Path) -> None:
    """Writes `model.onnx`: fused, int8 weights, about 41 MB (`nlp.compress` says how and why)."""
    from nlp.compress import compress

    full = out / "model.fp32.onnx"
    export_full(net, full)
    shape = net.encoder.config
    compress(
        full,
        out / "model.onnx",
        heads=shape.num_attention_heads,
        width=shape.hidden_size,
        words=shape.vocab_size,
    )
    full.unlink()


def export_full(net: Net, path: Path) -> None:
    """Writes the fp32 graph."""
    net = net.cpu().float().eval()
    net.encoder.config._attn_implementation = "eager"
    ids = torch.randint(5, 1000, (2, 16))
    axes = {name: {0: "batch"} for name in OUTPUTS}
    tokens = ("input_ids", "attention_mask", "logits_firm")
    axes |= {name: {0: "batch", 1: "tokens"} for name in tokens}
    torch.onnx.export(
        net,
        (ids, torch.ones_like(ids)),
        str(path),
        input_names=["input_ids", "attention_mask"],
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
