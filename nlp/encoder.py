"""The network that is trained, and its export to ONNX (needs the `train` extra).

One encoder, four heads on the mean-pooled states: 17 types and "any event" (sigmoid), phase
(softmax over 3), severity (softmax over 0..3).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import BertModel, PreTrainedTokenizerFast

from nlp.classifier import OUTPUTS, PHASES
from nlp.taxonomy import NAMES

SEVERITIES = 4
Logits = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Net(nn.Module):  # type: ignore[misc]
    """Encoder and heads; forward returns the four logits in the order of OUTPUTS.

    The pooled states of this encoder lie in a narrow cone, so they are standardised (`centre`,
    `spread`) before the heads; without it the heads stay at the base rate for two epochs.
    """

    def __init__(self, encoder: BertModel, dropout: float, frozen_layers: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.frozen_layers = frozen_layers
        width = encoder.config.hidden_size
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.drop = nn.Dropout(dropout)
        self.labels = nn.Linear(width, len(NAMES))
        self.event = nn.Linear(width, 1)
        self.phase = nn.Linear(width, len(PHASES))
        self.severity = nn.Linear(width, SEVERITIES)

    def lower(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """States after the frozen layers."""
        states = self.encoder.embeddings(input_ids=input_ids)
        for layer in self.encoder.encoder.layer[: self.frozen_layers]:
            states = first(layer(states, additive(attention_mask, states.dtype)))
        return states

    def pool(self, states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Mean of the last layer's states, from the frozen layers' output."""
        for layer in self.encoder.encoder.layer[self.frozen_layers :]:
            states = first(layer(states, additive(attention_mask, states.dtype)))
        weights = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)

    def heads(self, pooled: torch.Tensor) -> Logits:
        scaled = self.drop((pooled - self.centre) / self.spread)
        return self.labels(scaled), self.event(scaled), self.phase(scaled), self.severity(scaled)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Logits:
        return self.heads(self.pool(self.lower(input_ids, attention_mask), attention_mask))


def first(value: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return value[0] if isinstance(value, tuple) else value


def additive(attention_mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """0 where a token may be read, a large negative number where not: batch x 1 x 1 x tokens."""
    return (1.0 - attention_mask[:, None, None, :].to(dtype)) * -10000.0


def read_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def export(net: Net, out: Path) -> None:
    """Writes `model.onnx`, int8 weights (dynamic, per channel), about 41 MB."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    net.eval()
    ids = torch.randint(5, 1000, (2, 16))
    full = out / "model.fp32.onnx"
    axes = {name: {0: "batch"} for name in OUTPUTS}
    axes |= {name: {0: "batch", 1: "tokens"} for name in ("input_ids", "attention_mask")}
    torch.onnx.export(
        net,
        (ids, torch.ones_like(ids)),
        str(full),
        input_names=["input_ids", "attention_mask"],
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    quantize_dynamic(
        str(full),
        str(out / "model.onnx"),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gather"],
    )
    full.unlink()
