"""Memory that a training step frees."""

from __future__ import annotations

import sys

import pytest
import torch

from lookalike.training import allocation
from lookalike.training.allocation import freed_memory_kept

CPU = torch.device("cpu")


def faults():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def steps(count):
    for _ in range(count):
        torch.ones(12_000_000)  # 48 MB, more than glibc keeps by itself


@pytest.mark.skipif(allocation._glibc() is None, reason="needs glibc")
def test_freed_memory_is_kept_while_a_cpu_trains():
    before = faults()
    steps(4)
    cleared = faults() - before
    with freed_memory_kept(CPU):
        steps(1)
        before = faults()
        steps(4)
        kept = faults() - before
    assert kept < cleared / 4
    before = faults()
    steps(4)
    assert faults() - before > 4 * kept


@pytest.mark.skipif(sys.platform == "win32", reason="no libc to be asked")
def test_elsewhere_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(allocation.platform, "libc_ver", lambda: ("musl", "1.2"))
    with freed_memory_kept(CPU):
        assert allocation._glibc() is None
    monkeypatch.setattr(allocation, "_glibc", lambda: pytest.fail("a GPU's memory is not glibc's"))
    with freed_memory_kept(torch.device("meta")):
        pass
