"""The shipped int8 graph as an ordinary fp32 `transformers` model (needs the `train` extra).

So that anyone can compare with the plain way of serving the same weights, without a checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

HEADS = ("labels", "event", "phase", "severity")
ATTENTION_HEADS = 12
Values = NDArray[np.float32]


class Weights:
    """Named fp32 weights of a graph that `nlp.encoder.export` wrote."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(str(path)).graph
        self.tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.products: dict[str, str] = {}  # layer's place -> name of its weights
        for node in graph.node:
            if node.op_type in ("MatMulInteger", "MatMul") and len(node.input) > 1:
                name = node.name.removesuffix("_quant").removeprefix("/encoder/encoder/")
                self.products[name.strip("/")] = node.input[1].removesuffix("_quantized")

    def exact(self, name: str) -> Values:
        """A tensor by its name, turned back to fp32 when it was quantised."""
        if name in self.tensors:
            plain: Values = self.tensors[name].astype(np.float32)
            return plain
        whole = self.tensors[f"{name}_quantized"].astype(np.float32)
        zero = self.tensors[f"{name}_zero_point"].astype(np.float32)
        found: Values = (whole - zero) * self.tensors[f"{name}_scale"].astype(np.float32)
        return found

    def product(self, place: str) -> Values:
        """Weights of a product, inputs x outputs, with the rows that were kept exact."""
        found = self.exact(self.products[place]).copy()
        node = f"/encoder/encoder/{place}_apart"
        if f"{node}.few" in self.tensors:
            found[self.tensors[f"{node}.few"]] = self.tensors[f"{node}.rows"]
        return found

    def attention(self, layer: int) -> tuple[Values, Values]:
        """Weights and biases of query, key and value side by side."""
        name = f"Attention_{layer}_qkv"
        return self.exact(f"{name}_weight"), self.exact(f"{name}_bias")

    def head(self, name: str) -> tuple[Values, Values]:
        """Weights (outputs x inputs) and bias of a head."""
        if f"{name}.weight" in self.tensors:
            return self.exact(f"{name}.weight"), self.exact(f"{name}.bias")
        return self.exact(f"{name}.weight_Transposed").T, self.exact(f"{name}.bias")


class MeanPooler(nn.Module):  # type: ignore[misc]
    """Stands where BERT pools its first token: mean of the states, standardised."""

    def __init__(self, centre: Values, spread: Values) -> None:
        super().__init__()
        self.register_buffer("centre", torch.from_numpy(centre))
        self.register_buffer("spread", torch.from_numpy(spread))
        self.mask: torch.Tensor | None = None

    def remember(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """Before the encoder runs: the mask, which a pooler is not given."""
        self.mask = kwargs.get("attention_mask")

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        if self.mask is None:
            mean = states.mean(1)
        else:
            weights = self.mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        return (mean - self.centre) / self.spread


def unpack(path: Path) -> BertForSequenceClassification:
    """An fp32 BERT whose outputs are the logits of HEADS, side by side."""
    weights = Weights(path)
    words = weights.exact("encoder.embeddings.word_embeddings.weight")
    places = weights.exact("encoder.embeddings.position_embeddings.weight")
    layers = sum(1 for name in weights.tensors if name.endswith(".intermediate.dense.bias"))
    heads = [weights.head(name) for name in HEADS]
    config = BertConfig(
        vocab_size=words.shape[0],
        hidden_size=words.shape[1],
        num_hidden_layers=layers,
        num_attention_heads=ATTENTION_HEADS,
        intermediate_size=len(weights.exact("encoder.encoder.layer.0.intermediate.dense.bias")),
        max_position_embeddings=places.shape[0],
        type_vocab_size=2,
        pad_token_id=1,
        num_labels=sum(len(bias) for _, bias in heads),
        problem_type="multi_label_classification",
    )
    model = BertForSequenceClassification(config)
    state: dict[str, Values] = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": places,
        "embeddings.token_type_embeddings.weight": weights.exact(
            "encoder.embeddings.token_type_embeddings.weight"
        ),
    }
    for end in ("weight", "bias"):
        state[f"embeddings.LayerNorm.{end}"] = weights.exact(f"encoder.embeddings.LayerNorm.{end}")
    for layer in range(layers):
        name, place = f"encoder.layer.{layer}", f"layer.{layer}"
        qkv, bias = weights.attention(layer)
        for part, w, b in zip(
            ("query", "key", "value"), np.split(qkv, 3, 1), np.split(bias, 3), strict=True
        ):
            state[f"{name}.attention.self.{part}.weight"] = w.T
            state[f"{name}.attention.self.{part}.bias"] = b
        for part in ("attention.output", "intermediate", "output"):
            dense = f"{part}.dense"
            product = weights.product(f"{place}/{dense.replace('.', '/')}/MatMul")
            state[f"{name}.{dense}.weight"] = product.T
            state[f"{name}.{dense}.bias"] = weights.exact(f"encoder.{name}.{dense}.bias")
        for part in ("attention.output", "output"):
            for end in ("weight", "bias"):
                norm = f"{name}.{part}.LayerNorm.{end}"
                state[norm] = weights.exact(f"encoder.{norm}")
    tensors = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in state.items()}
    missing, unknown = model.bert.load_state_dict(tensors, strict=False)
    odd = [name for name in missing if "pooler" not in name and "position_ids" not in name]
    if odd or unknown:
        raise ValueError(f"{path}: weights do not fit a BERT: {[*odd, *unknown][:3]}")
    pooler = MeanPooler(weights.exact("centre"), weights.exact("spread"))
    model.bert.pooler = pooler
    model.bert.register_forward_pre_hook(pooler.remember, with_kwargs=True)
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(np.vstack([w for w, _ in heads])))
        model.classifier.bias.copy_(torch.from_numpy(np.hstack([b for _, b in heads])))
    return model.eval()
