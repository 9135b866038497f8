from __future__ import annotations

import pytest
import torch

from lookalike.errors import SettingsError
from lookalike.training import resolve_device


@pytest.fixture
def machine(monkeypatch):
    """Pretend that the machine has these GPUs."""

    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(0, False, "cpu"), (0, True, "mps"), (2, False, "cuda")]
)
def test_auto_takes_the_fastest(machine, cuda, mps, best):
    machine(cuda, mps)
    assert resolve_device("auto") == torch.device(best)


def test_named_devices(machine):
    machine(cuda=2, mps=True)
    for name in ("cpu", "cuda", "cuda:1", "mps"):
        assert resolve_device(name) == torch.device(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gpu", "unknown device 'gpu'"),
        ("meta", "not supported"),
        ("cpu:3", "one device"),
        ("cuda", "sees no CUDA GPU"),
        ("mps", "sees no Apple GPU"),
    ],
)
def test_what_is_not_there_is_named(machine, name, why):
    machine()
    with pytest.raises(SettingsError, match=why):
        resolve_device(name)


def test_a_gpu_too_many(machine):
    machine(cuda=2)
    with pytest.raises(SettingsError, match="cuda:0 to cuda:1"):
        resolve_device("cuda:2")
