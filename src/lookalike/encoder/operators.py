"""ONNX operators for what torch does: one table, and a few lines for each that differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx

from lookalike.encoder.graph import Graph
from lookalike.errors import ExportError

__all__ = ["OPERATORS", "Call"]


@dataclass(frozen=True)
class Call:
    """One operation that torch recorded.

    Attributes:
        graph: what is written.
        node: as torch has it.
        inputs: its arguments, those that are tensors by the names of their values.
        known: what was written for the operations before it.
    """

    graph: Graph
    node: fx.Node
    inputs: Sequence[Any]
    known: Mapping[fx.Node, Any]

    @property
    def x(self) -> str:
        """The first argument."""
        return str(self.inputs[0])

    def get(self, place: int, default: Any = None) -> Any:  # noqa: ANN401 - of any type
        """Return an argument that may have been left out."""
        return self.inputs[place] if place < len(self.inputs) else default

    def value(self, place: int) -> str:
        """Return an argument as a value; a number becomes one."""
        given = self.inputs[place]
        return given if isinstance(given, str) else self.graph.number(given)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result; the batch is its first number."""
        return tuple(self.node.meta["val"].shape)

    @property
    def shape_of_x(self) -> tuple[int, ...]:
        """The shape of the first argument."""
        return tuple(self.node.all_input_nodes[0].meta["val"].shape)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:  # noqa: ANN401
        """Add an ONNX operator with its attributes."""
        return self.graph.add(operator, *inputs, attributes=attributes)


def _same(call: Call) -> str:
    return call.x


def _unary(operator: str) -> Callable[[Call], str]:
    return lambda call: call.add(operator, call.x)


def _binary(operator: str) -> Callable[[Call], str]:
    return lambda call: call.add(operator, call.value(0), call.value(1))


def _subtract_from(call: Call) -> str:
    return call.add("Sub", call.value(1), call.x)


def _square(call: Call) -> str:
    return call.add("Mul", call.x, call.x)


def _clip(call: Call) -> str:
    least, most = ("" if call.get(place) is None else call.value(place) for place in (1, 2))
    return call.add("Clip", call.x, least, most)


def _leaky(call: Call) -> str:
    return call.add("LeakyRelu", call.x, alpha=call.get(1, 0.01))


def _cast(call: Call) -> str:
    if call.inputs[1] is not torch.float32:
        raise ExportError(f"the network computes in {call.inputs[1]}: wanted float32")
    return call.add("Cast", call.x, to=1)


def _transpose(call: Call) -> str:
    order = list(range(len(call.shape)))
    one, other = call.inputs[1:]
    order[one], order[other] = order[other], order[one]
    return call.add("Transpose", call.x, perm=order)


def _permute(call: Call) -> str:
    return call.add("Transpose", call.x, perm=list(call.inputs[1]))


def _reshape(call: Call) -> str:
    """The batch stays what it is; the other sides are those that torch recorded."""
    return call.add("Reshape", call.x, call.graph.integers([0, *call.shape[1:]]))


def _flatten(call: Call) -> str:
    rows = len(call.shape) == 2 and call.inputs[1] == 1
    return call.add("Flatten", call.x, axis=1) if rows else _reshape(call)


def _expand(call: Call) -> str:
    return call.add("Expand", call.x, call.graph.integers([1, *call.shape[1:]]))


def _unsqueeze(call: Call) -> str:
    return call.add("Unsqueeze", call.x, call.graph.integers([call.inputs[1]]))


def _concatenate(call: Call) -> str:
    return call.add("Concat", *call.inputs[0], axis=call.get(1, 0))


def _select(call: Call) -> str:
    place = call.graph.constant(np.array(call.inputs[2], np.int64))
    return call.add("Gather", call.x, place, axis=call.inputs[1])


def _slice(call: Call) -> str:
    axis, start, end, step = (call.get(n, d) for n, d in ((1, 0), (2, 0), (3, None), (4, 1)))
    wanted = (start or 0, np.iinfo(np.int64).max if end is None else end, axis, step)
    return call.add("Slice", call.x, *(call.graph.integers([one]) for one in wanted))


def _reduce(operator: str) -> Callable[[Call], str]:
    def write(call: Call) -> str:
        axes, keep = list(call.inputs[1]), bool(call.get(2, False))
        if operator == "ReduceMean" and axes == [2, 3] and not keep:
            return call.add("Flatten", call.add("GlobalAveragePool", call.x), axis=1)
        return call.add(operator, call.x, call.graph.integers(axes), keepdims=int(keep))

    return write


def _pad(call: Call) -> str:
    sides = list(call.inputs[1])  # of the last axis first, before and after
    before, after = sides[::2][::-1], sides[1::2][::-1]
    free = [0] * (len(call.shape) - len(before))
    mode = {"constant": "constant", "replicate": "edge"}[call.get(2, "constant")]
    pads = call.graph.integers([*free, *before, *free, *after])
    return call.add("Pad", call.x, pads, mode=mode)


def _pool(operator: str) -> Callable[[Call], str]:
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


def _convolution(call: Call) -> str:
    x, weight, bias = call.x, str(call.inputs[1]), call.get(2)
    stride, padding, dilation = (
        list(call.get(n, d)) for n, d in ((3, [1, 1]), (4, [0, 0]), (5, [1, 1]))
    )
    x, weight, stride = _unshuffled(call) or (x, weight, stride)
    return call.add(
        "Conv",
        *([x, weight] if bias is None else [x, weight, bias]),
        strides=stride,
        pads=padding * 2,
        dilations=dilation,
        group=call.get(6, 1),
    )


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


def _transposed_convolution(call: Call) -> str:
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


def _linear(call: Call) -> str:
    bias = call.get(2)
    inputs = [call.x, str(call.inputs[1]), *([] if bias is None else [bias])]
    return call.add("Gemm", *inputs, transB=1)


def _batch_norm(call: Call) -> str:
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


def _arange(call: Call) -> str:
    return call.graph.constant(np.arange(call.inputs[0], dtype=np.float32))


def _unshuffle(call: Call) -> str:
    factor = call.inputs[1]
    channels, height, width = call.shape_of_x[1:]
    cut = [0, channels, height // factor, factor, width // factor, factor]
    x = call.add("Reshape", call.x, call.graph.integers(cut))
    x = call.add("Transpose", x, perm=[0, 1, 3, 5, 2, 4])
    return call.add("Reshape", x, call.graph.integers([0, *call.shape[1:]]))


def _resize(mode: str, places: str) -> Callable[[Call], str]:
    def write(call: Call) -> str:
        sizes = call.graph.integers(call.shape[2:])
        return call.add(
            "Resize", call.x, "", "", sizes, mode=mode, axes=[2, 3],
            coordinate_transformation_mode=places, nearest_mode="floor",
        )  # fmt: skip

    return write


OPERATORS: dict[str, Callable[[Call], str]] = {
    "_assert_tensor_metadata.default": lambda call: "",
    "abs.default": _unary("Abs"),
    "add.Tensor": _binary("Add"),
    "alias.default": _same,
    "arange.default": _arange,
    "avg_pool2d.default": _pool("AveragePool"),
    "batch_norm.default": _batch_norm,
    "cat.default": _concatenate,
    "clamp.default": _clip,
    "contiguous.default": _same,
    "conv2d.default": _convolution,
    "conv_transpose2d.input": _transposed_convolution,
    "div.Tensor": _binary("Div"),
    "expand.default": _expand,
    "flatten.using_ints": _flatten,
    "gelu.default": _unary("Gelu"),
    "hardtanh.default": _clip,
    "leaky_relu.default": _leaky,
    "linear.default": _linear,
    "matmul.default": _binary("MatMul"),
    "max_pool2d.default": _pool("MaxPool"),
    "mean.dim": _reduce("ReduceMean"),
    "mul.Tensor": _binary("Mul"),
    "pad.default": _pad,
    "permute.default": _permute,
    "pixel_unshuffle.default": _unshuffle,
    "relu.default": _unary("Relu"),
    "reshape.default": _reshape,
    "rsub.Scalar": _subtract_from,
    "select.int": _select,
    "sigmoid.default": _unary("Sigmoid"),
    "slice.Tensor": _slice,
    "sqrt.default": _unary("Sqrt"),
    "square.default": _square,
    "sub.Tensor": _binary("Sub"),
    "sum.dim_IntList": _reduce("ReduceSum"),
    "tanh.default": _unary("Tanh"),
    "to.dtype": _cast,
    "transpose.int": _transpose,
    "unflatten.int": _reshape,
    "unsqueeze.default": _unsqueeze,
    "upsample_bilinear2d.vec": _resize("linear", "half_pixel"),
    "upsample_nearest2d.vec": _resize("nearest", "asymmetric"),
}
"""What torch records -> what is written; an operation in place is as one that is not."""
