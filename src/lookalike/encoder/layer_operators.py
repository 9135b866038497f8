"""ONNX operators for a network's layers: each takes what torch recorded of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import torch

from lookalike.encoder.call import Call
from lookalike.encoder.graph import Graph

__all__ = [
    "batch_norm",
    "convolution",
    "linear",
    "pool",
    "resize",
    "transposed_convolution",
    "unshuffle",
]


def pool(operator: str) -> Callable[[Call], str]:
    """Return how a pooling is written, by ONNX's name for it."""

    def write(call: Call) -> str:
        kernel, maximal = list(call.inputs[1]), operator == "MaxPool"
        padding = list(call.get(3, [0, 0]))
        stride = list(call.get(2) or kernel)
        ceil = bool(call.get(5 if maximal else 4, False))
        # Where nothing is left over it means nothing, and hides that two pools are the same.
        ends = zip(call.shape_of_x[2:], kernel, padding, stride, strict=True)
        ceil = ceil and any((side + 2 * pad - size) % step for side, size, pad, step in ends)
        return call.add(
            operator,
            call.x,
            kernel_shape=kernel,
            strides=stride,
            pads=padding * 2,
            ceil_mode=int(ceil),
        )

    return write


def convolution(call: Call) -> str:
    """Write a convolution; one of 1×1 after unshuffled pixels steps over what was there before."""
    x, weight, bias = call.x, str(call.inputs[1]), call.get(2)
    stride, padding, dilation = (
        list(call.get(n, d)) for n, d in ((3, [1, 1]), (4, [0, 0]), (5, [1, 1]))
    )
    x, weight, stride = _unshuffled(call) or (x, weight, stride)
    group = call.get(6, 1)
    if group == 1:
        x, weight = _scaled(call.graph, x, weight)
    return call.add(
        "Conv",
        *([x, weight] if bias is None else [x, weight, bias]),
        strides=stride,
        pads=padding * 2,
        dilations=dilation,
        group=group,
    )


def _scaled(graph: Graph, x: str, weight: str) -> tuple[str, str]:
    """Return what a convolution is of, and its weights, with the channels scaled by the weights.

    What is padded, with 0 or with what lies at the edge, may be scaled before or after.
    """
    maker = graph.maker(x)
    pad = maker if maker is not None and maker.op_type == "Pad" and len(maker.input) == 2 else None
    scaled = maker if pad is None else graph.maker(pad.input[0])
    if scaled is None or scaled.op_type != "Mul" or not graph.holds(scaled.input[1]):
        return x, weight
    scale, kernels = graph.array(scaled.input[1]), graph.array(weight)
    if scale.shape not in ((1, 1, 1, 1), (1, kernels.shape[1], 1, 1)):
        return x, weight
    before = scaled.input[0]
    if pad is not None:
        mode = onnx.helper.get_node_attr_value(pad, "mode")
        before = graph.add("Pad", before, pad.input[1], attributes={"mode": mode})
    return before, graph.constant(kernels * scale, f"{weight} of {x}")


def _unshuffled(call: Call) -> tuple[str, str, list[int]] | None:
    """Return what a 1×1 convolution of unshuffled pixels is of what they were before.

    It steps from patch to patch: pixels, weights and stride. None of any other convolution.
    """
    before = call.node.all_input_nodes[0]
    weight = call.graph.array(str(call.inputs[1]))
    if before.target is not torch.ops.aten.pixel_unshuffle.default or weight[0, 0].size > 1:
        return None
    factor = int(before.args[1])  # type: ignore[arg-type]
    patches = weight.reshape(len(weight), -1, factor, factor)
    source = str(call.known[before.all_input_nodes[0]])
    return source, call.graph.constant(patches, f"{call.inputs[1]} of patches"), [factor] * 2


def transposed_convolution(call: Call) -> str:
    """Write a transposed convolution."""
    x, weight, bias = call.x, str(call.inputs[1]), call.get(2)
    stride, padding, more = (
        list(call.get(n, d)) for n, d in ((3, [1, 1]), (4, [0, 0]), (5, [0, 0]))
    )
    return call.add(
        "ConvTranspose",
        *([x, weight] if bias is None else [x, weight, bias]),
        strides=stride,
        pads=padding * 2,
        output_padding=more,
        group=call.get(6, 1),
    )


def linear(call: Call) -> str:
    """Write a linear layer; it takes on a batch normalisation of the maps that it is of."""
    bias = call.get(2)
    inputs = [call.x, str(call.inputs[1]), *([] if bias is None else [bias])]
    return call.add("Gemm", *(_normalised(call) or inputs), transB=1)


def _normalised(call: Call) -> list[str] | None:
    """Return what a linear layer of flat, normalised maps is of them as they were, and its arrays.

    None of any other linear layer.
    """
    graph, name = call.graph, str(call.inputs[1])
    flat = graph.maker(call.x)
    if flat is None or flat.op_type != "Flatten":
        return None
    norm = graph.maker(flat.input[0])
    if norm is None or norm.op_type != "BatchNormalization":
        return None
    gain, offset, mean, variance = (graph.array(one).astype(np.float64) for one in norm.input[1:])
    epsilon = onnx.helper.get_node_attr_value(norm, "epsilon")
    gain = gain / np.sqrt(variance + epsilon)
    weight, bias = graph.array(name), call.get(2)
    channels = weight.reshape(len(weight), len(gain), -1)  # (out, C, H · W)
    moved = channels.sum(axis=2, dtype=np.float64) @ (offset - gain * mean)
    moved += 0 if bias is None else graph.array(bias)
    scaled = (channels * gain.astype(np.float32)[:, None]).reshape(weight.shape)
    return [
        graph.add("Flatten", norm.input[0], attributes={"axis": 1}),
        graph.constant(scaled, f"{name} of {norm.input[0]}"),
        graph.constant(moved.astype(np.float32), f"bias of {name} of {norm.input[0]}"),
    ]


def batch_norm(call: Call) -> str:
    """Write a batch normalisation in evaluation mode."""
    channels = call.shape[1]
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    weight, bias = call.inputs[1], call.inputs[2]
    return call.add(
        "BatchNormalization",
        call.x,
        weight or call.graph.constant(ones),
        bias or call.graph.constant(zeros),
        str(call.inputs[3]),
        str(call.inputs[4]),
        epsilon=call.inputs[7],
    )


def unshuffle(call: Call) -> str:
    """Write patches of pixels that become channels."""
    factor = call.inputs[1]
    channels, height, width = call.shape_of_x[1:]
    cut = [0, channels, height // factor, factor, width // factor, factor]
    x = call.add("Reshape", call.x, call.graph.integers(cut))
    x = call.add("Transpose", x, perm=[0, 1, 3, 5, 2, 4])
    return call.add("Reshape", x, call.graph.integers([0, *call.shape[1:]]))


def resize(mode: str, places: str) -> Callable[[Call], str]:
    """Return how a change of size is written, by ONNX's mode and where it has pixels lie."""

    def write(call: Call) -> str:
        sizes = call.graph.integers(call.shape[2:])
        return call.add(
            "Resize", call.x, "", "", sizes, mode=mode, axes=[2, 3],
            coordinate_transformation_mode=places, nearest_mode="floor",
        )  # fmt: skip

    return write
