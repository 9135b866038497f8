"""Which numbers a step computes with, and what is left alone."""

from __future__ import annotations

import torch

from lookalike.training.precision import quick_precision


def test_a_cpu_multiplies_in_what_it_has():
    with quick_precision(torch.device("cpu")):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    halves = torch.cpu._is_avx512_bf16_supported()
    assert product.dtype == (torch.bfloat16 if halves else torch.float32)
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_the_precision_of_a_gpu_is_left_as_it_is():
    with torch.autocast("cpu", torch.bfloat16), quick_precision(torch.device("cuda")):
        assert torch.is_autocast_enabled("cpu")
