"""Which numbers a training step computes with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

__all__ = ["quick_precision"]


def quick_precision(device: torch.device) -> AbstractContextManager[None]:
    """Let a CPU that has bfloat16 multiply in it; the weights stay float32.

    Elsewhere nothing is changed: on a GPU the precision is Accelerate's, and an autocast that is
    not enabled here would switch off the one around it.
    """
    if device.type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
