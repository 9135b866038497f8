"""Training and embedding on a GPU: each optimisation switched off in turn, beside the chip's limit.

python -m benchmarks.gpu [--device cuda] [--pictures 4096] [--json]

`twin` at 128×128 and `animals-linear512` at 512×512, made-up pictures, seed 0. The limits are
measured in the same run: products of matrices in bfloat16, copies within the device's memory and
from pinned memory to it. FLOPs are those that torch counts. `--tiny` tries the script out anywhere.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from lookalike.encoder import pixels as prepared
from lookalike.encoder.torch_runtime import TorchRuntime
from lookalike.images import ImageSpec
from lookalike.models import Preset, build_model, get_preset, resolve_image
from lookalike.models.autoencoder import Network
from lookalike.training import resolve_device
from lookalike.training.batches import PixelSource
from lookalike.training.run import Run
from lookalike.training.runtime import accelerated
from lookalike.training.task import make_task
from lookalike.types import silent

WORK = (("twin", 128), ("animals-linear512", 512))
TINY = (("twin", 16), ("animals-linear512", 32))
# A limit that is reached to this share is what bounds the work.
BOUND = 0.5


@dataclass(frozen=True)
class Ways:
    """What is switched on."""

    channels_last: bool = True
    bfloat16: bool = True
    resident: bool = True
    pinned: bool = True


TRAINING = {
    "all": Ways(),
    "not channels last": Ways(channels_last=False),
    "no bfloat16": Ways(bfloat16=False),
    "pictures not on the device": Ways(resident=False),
    "none of them": Ways(False, False, False, False),
}
EMBEDDING = {
    "all": Ways(),
    "not channels last": Ways(channels_last=False),
    "no bfloat16 (as the library embeds)": Ways(bfloat16=False),
    "not from pinned memory": Ways(pinned=False),
    "none of them": Ways(False, False, False, False),
}


@dataclass(frozen=True)
class Place:
    """Where is measured, and what it can do.

    Attributes:
        device: the device.
        product: FLOPs a second of products of bfloat16 matrices.
        copy: bytes a second read and written within the device's memory.
        upload: bytes a second from pinned memory to the device.
    """

    device: torch.device
    product: float
    copy: float
    upload: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--pictures", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try it out")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    result = measure(device, arguments.pictures, arguments.rounds, tiny=arguments.tiny)
    if arguments.json:
        print(json.dumps(result))
        return
    print({name: f"{value:.3g}" for name, value in result["limits"].items()})
    for row in result["rows"]:
        print(
            f"{row['what']:45} {row['way']:36} {row['images_per_second']:>9,.0f} images/s, "
            f"{row['of_products']:.1%} of the products, {row['of_upload']:.1%} of the upload: "
            f"{row['bound']}"
        )


def measure(
    device: torch.device, pictures: int, rounds: int, *, tiny: bool = False
) -> dict[str, Any]:
    """Measure both presets; return the limits and a row for each way."""
    place = limits(device, 128 if tiny else 8192)
    rows = []
    for name, side in TINY if tiny else WORK:
        preset = get_preset(name)
        image = resolve_image(preset, size=side)
        count = pictures if side <= 128 else pictures // 4
        pixels = made_up(count, image)
        for way, ways in TRAINING.items():
            rows.append(row(f"training {name} at {side}", way, place, rounds, image,
                            training(preset, image, pixels, ways, device)))  # fmt: skip
        for way, ways in EMBEDDING.items():
            rows.append(row(f"embedding {name} at {side}", way, place, rounds, image,
                            embedding(preset, image, pixels, ways, device)))  # fmt: skip
    shown = {"product": place.product, "copy": place.copy, "upload": place.upload}
    return {"device": str(device), "limits": shown, "rows": rows}


def made_up(count: int, image: ImageSpec) -> np.ndarray:
    """Return pictures, uint8 (N, H, W, C)."""
    shape = (count, image.height, image.width, image.channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@dataclass(frozen=True)
class Job:
    """Some work that can be timed.

    Attributes:
        run: does it once.
        pictures: that it goes through.
        flops: that it needs.
        uploads: whether pictures go from the computer's memory to the device.
    """

    run: Callable[[], object]
    pictures: int
    flops: float
    uploads: bool


def training(
    preset: Preset, image: ImageSpec, pixels: np.ndarray, ways: Ways, device: torch.device
) -> Job:
    """Return an epoch of training."""
    assert preset.training is not None
    size = min(preset.training.batch_size, len(pixels) // 2)
    settings = replace(preset.training, epochs=1, batch_size=size)
    model = build_model(preset, image).to(device)
    form = torch.channels_last if ways.channels_last else torch.contiguous_format
    model.to(memory_format=form)  # type: ignore[call-overload]
    rows = np.arange(len(pixels))
    # Only a GPU has a memory of its own to keep pictures in.
    source = PixelSource(pixels, rows, image, device, resident=ways.resident)
    task = make_task(model, settings, source)
    task.prepare(rows, fresh=True, seed=0, on_progress=silent)

    def run(epochs: int = 1) -> None:
        halved = ways.bfloat16 and device.type == "cuda"
        with patch("lookalike.training.runtime._has_bf16", lambda _: halved), \
                accelerated(device) as accelerator:  # fmt: skip
            for _ in range(epochs):
                Run(task, settings, 0, accelerator, {}, None, silent).train(rows, rows[:0])

    with FlopCounterMode(display=False) as counted:
        run()
    return Job(run, len(rows), counted.get_total_flops(), not ways.resident)


def embedding(
    preset: Preset, image: ImageSpec, pixels: np.ndarray, ways: Ways, device: torch.device
) -> Job:
    """Return the embedding of all pictures."""
    model: Network = build_model(preset, image).to(device).eval()
    runtime = TorchRuntime(model, image, device, bfloat16=ways.bfloat16)
    form = torch.channels_last if ways.channels_last else torch.contiguous_format
    model.to(memory_format=form)  # type: ignore[call-overload]
    rows = np.arange(len(pixels))

    def run() -> None:
        moved = prepared._moved if ways.pinned else lambda batch, _: torch.from_numpy(batch)
        with patch.object(prepared, "_moved", moved):
            for _ in runtime.latents(pixels, rows):
                pass

    with FlopCounterMode(display=False) as counted:
        run()
    return Job(run, len(rows), counted.get_total_flops(), uploads=True)


def row(
    what: str, way: str, place: Place, rounds: int, image: ImageSpec, job: Job
) -> dict[str, Any]:
    """Time the work; hold it against what the device can do."""
    seconds = min(timed(job.run, place.device) for _ in range(rounds))
    of_products = job.flops / seconds / place.product
    uploaded = job.pictures * int(np.prod(image.shape)) if job.uploads else 0
    of_upload = uploaded / seconds / place.upload
    bound = "neither: many small steps, or the memory of the device"
    if max(of_products, of_upload) >= BOUND:
        bound = "its products" if of_products >= of_upload else "the way to the device"
    return {
        "what": what,
        "way": way,
        "images_per_second": job.pictures / seconds,
        "flops_per_image": job.flops / job.pictures,
        "of_products": of_products,
        "of_upload": of_upload,
        "bound": bound,
    }


def limits(device: torch.device, side: int) -> Place:
    """Measure what the device can do."""
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16)
    product = 2 * side**3 / best(lambda: one @ one, device)
    data = torch.zeros(side * side, dtype=torch.uint8, device=device)
    copy = 2 * data.nbytes / best(data.clone, device)
    host = torch.zeros(side * side, dtype=torch.uint8)
    if device.type == "cuda":
        host = host.pin_memory()
    upload = host.nbytes / best(lambda: data.copy_(host, non_blocking=True), device)
    return Place(device, product, copy, upload)


def best(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of the quickest of some calls, after a first one."""
    work()
    return min(timed(work, device) for _ in range(10))


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of a call, until the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
