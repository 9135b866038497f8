"""Memory that a training step frees."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from lookalike.training import allocation
from lookalike.training.allocation import freed_memory_kept

CPU = torch.device("cpu")
# In a process of its own: what lies free there is known.
PROGRAM = """
import json, resource, torch
from lookalike.training.allocation import freed_memory_kept
def faults(count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        torch.ones(12_000_000)  # 48 MB, more than glibc keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
cleared = faults(4)
with freed_memory_kept(torch.device("cpu")):
    faults(30)  # until what is free fits what is asked for
    kept = faults(4)
    with freed_memory_kept(torch.device("cpu")):
        pass
    still, held = faults(4), resident()
print(json.dumps([cleared, kept, still, held - resident()]))
"""


@pytest.mark.skipif(allocation._glibc() is None, reason="needs glibc")
def test_freed_memory_is_kept_until_the_last_training_ends():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    cleared, kept, still, given_back = json.loads(done.stdout)
    assert max(kept, still) < cleared / 4
    assert given_back > 40


@pytest.mark.skipif(sys.platform == "win32", reason="no libc to be asked")
def test_elsewhere_nothing_is_changed(monkeypatch):
    monkeypatch.setattr(allocation.platform, "libc_ver", lambda: ("musl", "1.2"))
    with freed_memory_kept(CPU):
        assert allocation._glibc() is None
    monkeypatch.setattr(allocation, "_glibc", lambda: pytest.fail("a GPU's memory is not glibc's"))
    with freed_memory_kept(torch.device("meta")):
        pass


def test_a_person_s_own_choice_stays(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    assert allocation._glibc() is None
