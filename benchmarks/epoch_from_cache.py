"""Images a second of an epoch over the picture cache, against decoding every picture each epoch.

Both ways run alternately in one process over the same pictures in the same shuffled batches, and
end with the same network input. The slow way is what the seeds do: Pillow decodes the whole
picture, then resizes it. `--train PRESET` adds the training step of that preset to both.

Run: python -m benchmarks.epoch_from_cache [--pictures 2000] [--train animals-linear512] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks._photos import write_photos
from lookalike.images import ImageSpec, PictureCache, decode_collection, find_pictures
from lookalike.models import build_model, get_preset, resolve_image
from lookalike.training.batches import PixelSource, batches, shuffled, to_input
from lookalike.training.objectives import OBJECTIVES

Epoch = Callable[[list[np.ndarray]], Iterator[Tensor]]
Step = Callable[[Tensor], Any]


def from_cache(cache: PictureCache, image: ImageSpec, order: list[np.ndarray]) -> Iterator[Tensor]:
    source = PixelSource(cache.pixels, cache.rows(), image, torch.device("cpu"))
    for rows in order:
        yield source.pick(rows)


def from_files(paths: list[Path], image: ImageSpec, order: list[np.ndarray]) -> Iterator[Tensor]:
    for rows in order:
        pictures = []
        for row in rows:
            with Image.open(paths[row]) as file:
                picture = file.convert("RGB").resize((image.width, image.height))
            pictures.append(np.asarray(picture))
        yield to_input(np.stack(pictures), image)


def training_step(name: str, image: ImageSpec) -> Step:
    preset = get_preset(name)
    model = build_model(preset, image)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_of = OBJECTIVES[preset.training.loss]

    def step(batch: Tensor) -> None:
        optimiser.zero_grad()
        loss_of(model(batch), batch).backward()
        optimiser.step()

    return step


def rate(epoch: Epoch, step: Step, count: int, size: int, seed: int) -> float:
    """Return the images a second of one epoch."""
    generator = torch.Generator().manual_seed(seed)
    order = list(batches(shuffled(np.arange(count), generator), size))
    start = time.perf_counter()
    for batch in epoch(order):
        step(batch)
    return count / (time.perf_counter() - start)


def compare(ways: dict[str, Epoch], step: Step, arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the ways in turn, so that a busy machine slows both."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for seed in range(arguments.rounds):
        for name, epoch in ways.items():
            rates[name].append(rate(epoch, step, arguments.pictures, arguments.batch, seed))
    ratios = [fast / slow for fast, slow in zip(*rates.values(), strict=True)]
    return {
        **{f"{name}_images_per_second": [round(value) for value in rates[name]] for name in ways},
        "ratio": round(statistics.median(ratios), 2),
        "ratio_from_to": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    image = ImageSpec(arguments.size, arguments.size, 3)
    if arguments.train:
        image = resolve_image(get_preset(arguments.train), size=arguments.size, channels=3)
    photos = folder / "photos"
    photos.mkdir()
    mean_bytes = write_photos(photos, arguments.pictures)
    found = find_pictures(photos)
    start = time.perf_counter()
    cache = decode_collection(found, image, folder / "cache")
    decode_rate = arguments.pictures / (time.perf_counter() - start)
    paths = [photos / picture.path for picture in found.pictures]
    ways: dict[str, Epoch] = {
        "cache": partial(from_cache, cache, image),
        "pillow": partial(from_files, paths, image),
    }
    result = {
        "pictures": arguments.pictures,
        "jpeg_kilobytes": round(mean_bytes / 1000, 1),
        "size": arguments.size,
        "batch": arguments.batch,
        "threads": torch.get_num_threads(),
        "cache_made_images_per_second": round(decode_rate),
        "data": compare(ways, lambda batch: None, arguments),
    }
    if arguments.train:
        step = training_step(arguments.train, image)
        result[f"data and training ({arguments.train})"] = compare(ways, step, arguments)
    return result


def show(result: dict[str, Any]) -> None:
    print(
        f"{result['pictures']} JPEGs of {result['jpeg_kilobytes']} kB at {result['size']} pixels; "
        f"the cache is made once, at {result['cache_made_images_per_second']:,} images/s"
    )
    for name, part in result.items():
        if isinstance(part, dict):
            low, high = part["ratio_from_to"]
            print(
                f"{name}: cache {max(part['cache_images_per_second']):,} images/s, "
                f"Pillow {max(part['pillow_images_per_second']):,} images/s, "
                f"ratio {part['ratio']} ({low} to {high})"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", metavar="PRESET", help="measure with its training step, too")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(arguments, Path(folder))
    if arguments.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
