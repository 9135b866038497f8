"""Where and how the loop computes: Accelerate, kept local to one training run.

Accelerate holds its device and precision in state shared by the whole process, made once and then
fixed. A library must not leave that behind, so a run puts the state aside and brings it back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

__all__ = ["accelerated", "local_randomness", "random_seed", "repeatable"]

_SHARED_STATES = (PartialState, AcceleratorState, GradientState)


@contextlib.contextmanager
def accelerated(device: torch.device) -> Iterator[Accelerator]:
    """Give an Accelerator for `device` and leave Accelerate's shared state as it was found.

    Under `accelerate launch` or `torchrun` each process gets the GPU that Accelerate assigns to
    it; alone, the process gets exactly `device`. bfloat16 mixed precision on CUDA only: elsewhere
    it is no faster.
    """
    found = [dict(state._shared_state) for state in _SHARED_STATES]
    try:
        for state in _SHARED_STATES:
            state._shared_state.clear()
        accelerator = Accelerator(
            cpu=device.type == "cpu", mixed_precision="bf16" if _has_bf16(device) else "no"
        )
        if accelerator.num_processes == 1:
            # Accelerate takes the first GPU, or the one named in its own environment variable.
            accelerator.state.device = device
        yield accelerator
    finally:
        for state, values in zip(_SHARED_STATES, found, strict=True):
            state._shared_state.clear()
            state._shared_state.update(values)


def _has_bf16(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def random_seed(*numbers: int) -> int:
    """Mix whole numbers of 0 or more into one seed: other numbers, unrelated random streams.

    >>> random_seed(0, 1) == random_seed(0, 1), random_seed(0, 1) == random_seed(1, 0)
    (True, False)
    """
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextlib.contextmanager
def local_randomness(device: torch.device, seed: int) -> Iterator[None]:
    """Seed what dropout draws from, on the CPU and on `device`; afterwards it is as before."""
    generators = [torch.default_generator]
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device() if device.index is None else device.index
        generators.append(torch.cuda.default_generators[index])
    if device.type == "mps":
        generators.append(torch.mps._get_default_mps_generator())
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(seed)
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


@contextlib.contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Let cuDNN use only algorithms that give the same bits each time; afterwards as before."""
    if device.type != "cuda":
        yield
        return
    found = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = found
