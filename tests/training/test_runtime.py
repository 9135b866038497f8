from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState

from lookalike.training.runtime import accelerated, local_randomness, random_seed

CPU = torch.device("cpu")


def test_accelerate_is_left_as_it_was_found():
    for state in (PartialState, AcceleratorState):
        assert state._shared_state == {}
    with accelerated(CPU) as accelerator:
        assert accelerator.device == CPU
    for state in (PartialState, AcceleratorState):
        assert state._shared_state == {}


def test_the_callers_own_accelerator_still_works():
    try:
        own = Accelerator(cpu=True, mixed_precision="bf16")
        with accelerated(CPU) as accelerator:
            assert accelerator.mixed_precision == "no"
        assert own.mixed_precision == "bf16"
        assert own.device == CPU
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def test_one_process_can_use_two_devices_in_turn(monkeypatch):
    # "meta" stands for a second GPU: Accelerate by itself refuses to change its device.
    for device in (CPU, torch.device("meta"), CPU):
        with accelerated(device) as accelerator:
            assert accelerator.device == device


def test_the_environment_does_not_choose_the_device_or_the_precision(monkeypatch):
    monkeypatch.setenv("ACCELERATE_TORCH_DEVICE", "meta")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    with accelerated(CPU) as accelerator:
        assert (accelerator.device, accelerator.mixed_precision) == (CPU, "no")


def test_randomness_inside_is_seeded_and_outside_untouched():
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        with local_randomness(CPU, seed):
            drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_randomness_comes_back_after_an_error():
    before = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt), local_randomness(CPU, 1):
        raise KeyboardInterrupt
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_are_spread():
    seeds = {random_seed(seed, epoch) for seed in range(20) for epoch in range(20)}
    assert len(seeds) == 400
    assert all(0 <= seed < 2**63 for seed in seeds)
