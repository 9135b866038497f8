"""What our transposed convolutions save beside torch's own layer: forward and backward, on the CPU.

    python -m benchmarks.transposed

Layers of `digits-conv16` at a batch of 256, seed 0; milliseconds of a step, median of `--rounds`,
both in turn. bfloat16 too, where the processor has it.
"""

from __future__ import annotations

import argparse
import statistics
import time

BATCH = 256
# Channels, filters, stride, side of the input.
LAYERS = ((64, 64, 2, 7), (64, 32, 2, 14), (32, 1, 1, 28))


def main() -> None:
    """Print a line for each layer and precision."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    torch.manual_seed(0)
    for halved in (False, True) if torch.cpu._is_avx512_bf16_supported() else (False,):
        for layer in LAYERS:
            with torch.autocast("cpu", torch.bfloat16, enabled=halved):
                ours, theirs = _milliseconds(*layer, rounds)
            channels, filters, stride, side = layer
            print(f"{channels} to {filters} channels of {side}x{side}, stride {stride}, "
                  f"{'bfloat16' if halved else 'float32'}: ours {ours:.1f} ms, "
                  f"torch {theirs:.1f} ms, {theirs / ours:.1f} times")  # fmt: skip


def _milliseconds(
    channels: int, filters: int, stride: int, side: int, rounds: int
) -> tuple[float, float]:
    import torch
    from torch import nn
    from torch.nn import functional

    from lookalike.models.transposed import SameConvTranspose2d

    layer = SameConvTranspose2d(channels, filters, 3, stride)
    layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.randn(BATCH, channels, side, side).to(memory_format=torch.channels_last)
    x.requires_grad_()
    wide = side * stride

    def theirs(x: torch.Tensor) -> torch.Tensor:
        whole = functional.conv_transpose2d(x, layer.weight, layer.bias, stride, 2 - stride)
        return whole[:, :, :wide, :wide]

    def step(way: nn.Module | object) -> float:
        started = time.perf_counter()
        y = way(x)  # type: ignore[operator]
        y.backward(torch.ones_like(y))
        return 1000 * (time.perf_counter() - started)

    found: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(rounds + 1):
        found["ours"].append(step(layer))
        found["theirs"].append(step(theirs))
    ours, other = (statistics.median(times[1:]) for times in found.values())
    return ours, other


if __name__ == "__main__":
    main()
