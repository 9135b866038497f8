"""What the training loop costs over a bare one: `digits-conv16`, in turn, in one run.

python -m benchmarks.training_loop [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace

import numpy as np
import torch

from lookalike.models import build_model, get_preset
from lookalike.training import train

PICTURES = 2_000
ROUNDS = 5


def main() -> None:
    """Measure batches of 32 and 256, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, 28, 28, 1), dtype=np.uint8)
    results = {}
    for size in (32, 256):
        ratios, ours = [], []
        for _ in range(ROUNDS):
            bare, looped = _bare(pixels, size), _ours(pixels, size)
            ratios.append(looped / bare)
            ours.append(looped)
        results[size] = {
            "images_per_second": statistics.median(ours),
            "ratio": statistics.median(ratios),
            "low": min(ratios),
            "high": max(ratios),
        }
    if arguments.json:
        print(json.dumps(results))
        return
    for size, row in results.items():
        print(
            f"batch {size}: {row['images_per_second']:,.0f} images/s, {row['ratio']:.2f} of a bare "
            f"loop ({row['low']:.2f} to {row['high']:.2f})"
        )


def _ours(pixels: np.ndarray, size: int) -> float:
    preset = get_preset("digits-conv16")
    settings = replace(preset.training, epochs=2, batch_size=size)
    record = train(
        build_model(preset, preset.image), pixels, np.arange(PICTURES), image=preset.image,
        settings=settings, seed=0, device="cpu",
    )  # fmt: skip
    return record.epochs[-1].images_per_second


def _bare(pixels: np.ndarray, size: int) -> float:
    preset = get_preset("digits-conv16")
    model = build_model(preset, preset.image).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    data = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    for _ in range(2):  # the first pass warms up
        start, order = time.perf_counter(), torch.randperm(PICTURES)
        for first in range(0, PICTURES, size):
            x = data[order[first : first + size]].float().div_(255)
            loss = torch.nn.functional.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.perf_counter() - start
    return PICTURES / seconds


if __name__ == "__main__":
    main()
