"""From a network to the operations that torch records of it, and on to an ONNX graph.

torch has an exporter of its own. It takes many times as long for these networks, most of it to cut
their operations into smaller ones, which ONNX Runtime then joins again, and every build would pay
for it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.export import ExportedProgram

from lookalike.encoder.call import Call
from lookalike.encoder.graph import Graph
from lookalike.encoder.operators import OPERATORS
from lookalike.errors import ExportError

__all__ = ["record", "write_operators"]


def record(network: nn.Module, example: Tensor) -> ExportedProgram:
    """Return the operations that a network, in evaluation mode, does to an input like `example`.

    Raises:
        ExportError: they depend on the values of the input.
    """
    try:
        return torch.export.export(network, (example,))
    except Exception as error:  # torch raises what it likes here, and a user must hear of it
        raise ExportError(f"torch cannot record this network: {_first_line(error)}") from error


def write_operators(graph: Graph, program: ExportedProgram, given: str) -> str:
    """Add to `graph` what `program` does to the value `given`; return what it gives.

    Raises:
        ExportError: an operation is not in the table.
    """
    held: dict[str, Tensor] = {**program.state_dict, **program.constants}
    signature = program.graph_signature
    targets = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    values: list[Any] = []
    for node in program.graph.nodes:
        if node.op != "placeholder":
            continue
        target = targets.get(node.name)
        values.append(given if target is None else graph.constant(_array(held[target]), target))
    (found,) = _run(graph, program.graph_module, values)
    return str(found)


def _run(graph: Graph, module: fx.GraphModule, values: Sequence[Any]) -> list[Any]:
    """Write a module's operations, given its inputs; return its outputs."""
    known: dict[fx.Node, Any] = {}
    waiting = iter(values)
    for node in module.graph.nodes:
        if node.op == "placeholder":
            known[node] = next(waiting)
        elif node.op == "get_attr":
            known[node] = module.get_submodule(str(node.target))
        elif node.op == "output":
            return [known[one] for one in node.all_input_nodes]
        else:
            known[node] = _write(graph, node, known)
    raise ExportError("torch recorded a network that gives nothing")


def _write(graph: Graph, node: fx.Node, known: dict[fx.Node, Any]) -> Any:  # noqa: ANN401
    if node.target is operator.getitem:
        values, place = node.args
        return known[values][place]  # type: ignore[index]
    name = str(node.target).removeprefix("aten.")
    inputs: Any = fx.map_arg(node.args, known.__getitem__)
    if name == "wrap_with_autocast":  # its first four say under which precision
        module, *values = inputs[4:]
        return _run(graph, module, values)
    write = OPERATORS.get(name) or OPERATORS.get(name.replace("_.", ".", 1))
    if write is None:
        raise ExportError(
            f"the network uses {node.target}, which cannot be written as ONNX yet: "
            "search with the engine as it is, it needs no ONNX file"
        )
    return write(Call(graph, node, inputs, known))


def _array(held: Tensor) -> NDArray[Any]:
    return np.asarray(held.detach().cpu().contiguous().numpy())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
