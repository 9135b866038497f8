"""ONNX operators for what torch does: one table, and a few lines for each that differs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from lookalike.encoder.call import Call
from lookalike.encoder.layer_operators import (
    batch_norm,
    convolution,
    linear,
    pool,
    resize,
    transposed_convolution,
    unshuffle,
)
from lookalike.errors import ExportError

__all__ = ["OPERATORS"]


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
    pads, value = call.graph.integers([*free, *before, *free, *after]), call.get(3)
    inputs = [call.x, pads, *([call.graph.number(value)] if value else [])]
    return call.add("Pad", *inputs, mode=mode)


def _arange(call: Call) -> str:
    return call.graph.constant(np.arange(call.inputs[0], dtype=np.float32))


OPERATORS: dict[str, Callable[[Call], str]] = {
    "_assert_tensor_metadata.default": lambda call: "",
    "abs.default": _unary("Abs"),
    "add.Tensor": _binary("Add"),
    "alias.default": _same,
    "arange.default": _arange,
    "avg_pool2d.default": pool("AveragePool"),
    "batch_norm.default": batch_norm,
    "cat.default": _concatenate,
    "clamp.default": _clip,
    "contiguous.default": _same,
    "conv2d.default": convolution,
    "conv_transpose2d.input": transposed_convolution,
    "div.Tensor": _binary("Div"),
    "expand.default": _expand,
    "flatten.using_ints": _flatten,
    "gelu.default": _unary("Gelu"),
    "hardtanh.default": _clip,
    "leaky_relu.default": _leaky,
    "linear.default": linear,
    "matmul.default": _binary("MatMul"),
    "max_pool2d.default": pool("MaxPool"),
    "mean.dim": _reduce("ReduceMean"),
    "mul.Tensor": _binary("Mul"),
    "pad.default": _pad,
    "permute.default": _permute,
    "pixel_unshuffle.default": unshuffle,
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
    "upsample_bilinear2d.vec": resize("linear", "half_pixel"),
    "upsample_nearest2d.vec": resize("nearest", "asymmetric"),
}
"""What torch records -> what is written; an operation in place is as one that is not."""
