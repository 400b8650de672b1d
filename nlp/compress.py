"""A small, fast graph from the fp32 one, for two ordinary cores (needs the `train` extra).

Three steps, each measured on 300 news texts of the recorded feeds (docs/training.md):

1. Attention and GELU are fused. Add + LayerNormalization is not: ONNX Runtime's
   SkipLayerNormalization takes five times as long (2.5 ms of 9 ms per text).
2. int8 activations have one scale per run, and in this family of encoders the first or the last
   token has one or two channels 5 to 30 times as large as all others (the same ones for any text),
   which costs the others their precision. Those channels go past the int8 product as fp32:
   the mean error of a logit halves.
3. Dynamic int8 with a scale per output channel; the heads stay fp32, as they weigh nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

APART = 2  # channels per product that stay fp32
RATIO = 3.0  # how far above the rest the largest must be
DENSE = ("/intermediate/dense/", "/output/dense/")
QUANTISED = ("MatMul", "Gather", "Attention")
SUFFIX = "_apart"
FUSED = "com.microsoft"  # domain of the fused operators
Ids = NDArray[np.int64]


def compress(full: Path, out: Path, heads: int, width: int, words: int) -> None:
    """Writes `out` from the fp32 graph at `full`. `words` is the size of the vocabulary."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    options = FusionOptions("bert")
    options.enable_skip_layer_norm = False
    options.enable_embed_layer_norm = False  # fused, its normalisation would be rounded too
    fused = optimize_model(
        str(full), "bert", heads, width, opt_level=0, optimization_options=options
    )
    graph: onnx.ModelProto = fused.model
    if all(known.domain != FUSED for known in graph.opset_import):
        graph.opset_import.append(helper.make_opsetid(FUSED, 1))
    part = out.with_suffix(".part.onnx")
    try:
        set_apart(graph, peaks(graph, part, chance_texts(words)))
        onnx.save(graph, str(part))
        quantize_dynamic(
            str(part),
            str(out),
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=list(QUANTISED),
            nodes_to_exclude=[node.name for node in graph.graph.node if SUFFIX in node.name]
            + [f"{node.name}_MatMul" for node in graph.graph.node if node.op_type == "Gemm"],
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    finally:
        part.unlink(missing_ok=True)


def chance_texts(words: int, count: int = 64) -> list[Ids]:
    """Random words between the two marks of a text: the large channels are the same as in news."""
    chance = np.random.default_rng(0)
    return [
        np.array([[0, *chance.integers(5, words, int(length)), 2]], np.int64)
        for length in chance.integers(6, 94, count)
    ]


def peaks(
    graph: onnx.ModelProto, scratch: Path, texts: Sequence[Ids]
) -> dict[str, NDArray[np.float32]]:
    """Largest absolute value per channel of what enters each product, over the texts."""
    import onnxruntime

    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    names = list(dict.fromkeys(node.input[0] for node in products(graph)))
    for name in names:
        watched.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    onnx.save(watched, str(scratch))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(scratch), options, providers=["CPUExecutionProvider"]
    )
    found: dict[str, NDArray[np.float32]] = {}
    for ids in texts:
        values = session.run(names, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        for name, value in zip(names, values, strict=True):
            peak = np.abs(value[0]).max(0)
            found[name] = np.maximum(found.get(name, peak), peak)
    return found


def products(graph: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The feed-forward products of each layer, and the one behind its attention."""
    constants = {tensor.name for tensor in graph.graph.initializer}
    return [
        node
        for node in graph.graph.node
        if node.op_type == "MatMul"
        and node.input[1] in constants
        and any(place in node.name for place in DENSE)
    ]


def set_apart(graph: onnx.ModelProto, peak: dict[str, NDArray[np.float32]]) -> int:
    """Splits products whose largest channel dwarfs the rest; how many were split.

    `x @ W` becomes `(x * mask) @ W + x[few] @ W[few]`, which is the same number.
    """
    weights = {tensor.name: tensor for tensor in graph.graph.initializer}
    around: dict[str, tuple[list[onnx.NodeProto], onnx.NodeProto]] = {}
    for node in products(graph):
        source, size = node.input[0], peak[node.input[0]]
        order = np.argsort(-size)
        if size[order[0]] < RATIO * min(size[order[APART]], np.percentile(size, 95)):
            continue
        few = order[:APART].astype(np.int64)
        mask = np.ones(len(size), np.float32)
        mask[few] = 0.0
        name, result = node.name + SUFFIX, node.output[0]
        rows = numpy_helper.to_array(weights[node.input[1]])[few]
        graph.graph.initializer.extend(
            [
                numpy_helper.from_array(mask, f"{name}.mask"),
                numpy_helper.from_array(few, f"{name}.few"),
                numpy_helper.from_array(np.ascontiguousarray(rows), f"{name}.rows"),
            ]
        )
        node.input[0], node.output[0] = f"{name}.rest", f"{name}.product"
        around[node.name] = (
            [
                _node("Mul", [source, f"{name}.mask"], f"{name}.rest"),
                _node("Gather", [source, f"{name}.few"], f"{name}.picked", axis=2),
                _node("MatMul", [f"{name}.picked", f"{name}.rows"], f"{name}.exact"),
            ],
            _node("Add", [f"{name}.product", f"{name}.exact"], result),
        )
    ordered: list[onnx.NodeProto] = []
    for node in graph.graph.node:
        before, after = around.get(node.name, ([], None))
        ordered += [*before, node] + ([after] if after else [])
    del graph.graph.node[:]
    graph.graph.node.extend(ordered)
    return len(around)


def _node(kind: str, inputs: list[str], output: str, **attributes: int) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=f"{output}.node", **attributes)
