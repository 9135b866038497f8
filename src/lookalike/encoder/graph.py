"""A graph of ONNX operators while it is being written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Graph", "tensor"]

# The oldest that has all that is used here: Gelu came with it.
OPSET = 20
# What that opset came with; runtimes refuse files of an IR that is newer than they are.
IR_VERSION = 9


class Graph:
    """Operators in the order in which they run, and the arrays they take.

    A value is known by its name. What nothing asks for is left out of the model.
    """

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._arrays: dict[str, NDArray[Any]] = {}
        self._scaled: dict[str, tuple[str, NDArray[np.float32]]] = {}

    def add(self, operator: str, *inputs: str, attributes: Mapping[str, Any] | None = None) -> str:
        """Add an operator and return the name of what it gives; an input "" is left out."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], **(attributes or {})))
        return name

    def constant(self, array: NDArray[Any], name: str | None = None) -> str:
        """Return the name of an array; it is stored once, however often it is asked for."""
        name = name or f"{array.dtype}{list(array.shape)}{array.tobytes().hex()}"
        self._arrays[name] = array
        return name

    def scale(self, value: str, factors: NDArray[np.float32]) -> str:
        """Multiply the channels of a value (N, C, H, W) by factors (C,), or all by the only one."""
        name = self.add("Mul", value, self.constant(factors.reshape(1, -1, 1, 1)))
        self._scaled[name] = value, factors
        return name

    def before_scale(self, value: str) -> tuple[str, NDArray[np.float32]] | None:
        """Return what `scale` made a value of, and the factors; None of any other value."""
        return self._scaled.get(value)

    def maker(self, value: str, operator: str) -> onnx.NodeProto | None:
        """Return what gives a value, if that is such an operator."""
        nodes = (node for node in reversed(self._nodes) if value in node.output)
        return next((node for node in nodes if node.op_type == operator), None)

    def holds(self, *names: str) -> bool:
        """Say whether all these are arrays, and none a value that is computed."""
        return all(name in self._arrays for name in names)

    def array(self, name: str) -> NDArray[Any]:
        """Return an array by its name."""
        return self._arrays[name]

    def number(self, value: float) -> str:
        """Return the name of a float32 number."""
        return self.constant(np.array(value, np.float32))

    def integers(self, values: Sequence[int]) -> str:
        """Return the name of a list of whole numbers, as shapes and axes are given."""
        return self.constant(np.array(values, np.int64))

    def pieces(self, value: str, widths: Sequence[int]) -> list[str]:
        """Cut a value (N, D) into consecutive pieces of these widths; return their names."""
        ends = np.cumsum(widths)
        return [
            self.add("Slice", value, *(self.integers([edge]) for edge in (end - width, end, 1, 1)))
            for end, width in zip(ends, widths, strict=True)
        ]

    def halves(self, value: str) -> tuple[str, str]:
        """Cut a value (2N, D) into its first and its last N rows; return their names."""
        names = f"First_{len(self._nodes)}", f"Last_{len(self._nodes)}"
        self._nodes.append(helper.make_node("Split", [value], names, axis=0, num_outputs=2))
        return names

    def model(
        self,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Mapping[str, tuple[str, onnx.ValueInfoProto]],
        facts: Mapping[str, str],
    ) -> onnx.ModelProto:
        """Return the whole as a model.

        Args:
            inputs: what goes in.
            outputs: name -> the value that is given under it, and what it is like.
            facts: written into the file's metadata.
        """
        for name, (value, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [name]))
        nodes = _needed(self._nodes, set(outputs))
        used = dict.fromkeys(name for node in nodes for name in node.input)
        short = {name: f"array_{n}" if len(name) > 80 else name for n, name in enumerate(used)}
        for node in nodes:
            node.input[:] = [short[name] for name in node.input]
        graph = helper.make_graph(
            nodes,
            "lookalike",
            list(inputs),
            [info for _, info in outputs.values()],
            [
                numpy_helper.from_array(np.asarray(array, order="C"), short[name])
                for name, array in self._arrays.items()
                if name in used
            ],
        )
        model = helper.make_model(
            graph,
            producer_name="lookalike",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        helper.set_model_props(model, dict(facts))
        return model


def tensor(
    name: str, kind: type[np.uint8 | np.float32], shape: Sequence[int | str]
) -> onnx.ValueInfoProto:
    """Return what an input or an output is like; a side that is a word is free."""
    element = TensorProto.UINT8 if kind is np.uint8 else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, element, list(shape))


def _needed(nodes: Sequence[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
    """Return the operators that the wanted values come from, in their order."""
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted = wanted | set(node.input)
            kept.append(node)
    return kept[::-1]
