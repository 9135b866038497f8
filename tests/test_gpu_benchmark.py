"""The benchmark that wants a GPU works: small, on the CPU."""

from __future__ import annotations

import torch
from benchmarks import gpu


def test_every_way_is_measured():
    found = gpu.measure(torch.device("cpu"), 32, 1, tiny=True)
    ways = [(row["what"], row["way"]) for row in found["rows"]]
    assert len(set(ways)) == 2 * (len(gpu.TRAINING) + len(gpu.EMBEDDING))
    assert all(row["images_per_second"] > 0 for row in found["rows"])
    assert all(row["flops_per_image"] > 0 for row in found["rows"])
    assert min(found["limits"].values()) > 0
