"""One operation that torch recorded, and what it takes to write it as ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import fx

from lookalike.encoder.graph import Graph

__all__ = ["Call"]


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
