"""Networks of one kind are recorded once: torch takes longer for that than tests take to train."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from torch import Tensor, nn
from torch.export import ExportedProgram


def recorded_once(
    record: Callable[[nn.Module, Tensor], ExportedProgram],
) -> Callable[[nn.Module, Tensor], SimpleNamespace]:
    """Return `record` that does its work once for networks that differ in their weights only.

    What is written of a recording is compared with the network itself, as ever.
    """
    kept: dict[object, ExportedProgram] = {}

    def recorded(network: nn.Module, example: Tensor) -> SimpleNamespace:
        weights = network.state_dict()
        kind = (
            repr(network),
            tuple(type(module) for module in network.modules()),
            tuple((name, value.shape, value.dtype) for name, value in weights.items()),
            example.shape,
        )
        if kind not in kept:
            kept[kind] = record(network, example)
        program = kept[kind]
        return SimpleNamespace(
            state_dict=weights,
            constants=program.constants,
            graph_signature=program.graph_signature,
            graph=program.graph,
            graph_module=program.graph_module,
        )

    return recorded
