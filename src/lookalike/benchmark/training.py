"""Training steps against Keras; epochs from the cache against decoding every picture each time."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.benchmark.contest import Contest, compete
from lookalike.benchmark.keras_peer import KerasPeer, has_keras
from lookalike.benchmark.outcome import Bar, Effort, Outcome
from lookalike.benchmark.photos import write_photos

if TYPE_CHECKING:
    from torch import Tensor

    from lookalike.images import ImageSpec, PictureCache

__all__ = ["NetworkInTraining", "clothes", "measure"]

OURS, KERAS, DECODING = "lookalike", "Keras", "decoding each epoch"
NETWORK = "digits-conv16"
BATCHES = (32, 256)
# Presets whose training step is added to both ways of getting the pictures; "" is no step at all.
STEPS = ("", "food-dense128", "animals-linear512", "twin")
SIDE = 128
FASTER, EPOCHS_FASTER = 2.0, 10.0
# Losses of two libraries are of one curve where they differ by no more than this.
SAME_LOSS = 0.1


def measure(effort: Effort) -> Outcome:
    """Train `digits-conv16` beside Keras, then epochs over JPEGs of 512×512 at 128×128."""
    with tempfile.TemporaryDirectory() as work:
        steps, losses = _beside_keras(Path(work), effort)
        epochs, made = _epochs(Path(work), effort)
    bars = [_step_bar(one) for one in steps if has_keras()]
    if losses:
        bars.append(_loss_bar(losses))
    return Outcome(
        contests=(*steps, *epochs),
        bars=(*bars, *(_epoch_bar(one) for one in epochs)),
        figures={"cache made, images per second": round(made), **losses},
        absent=() if has_keras() else ("TensorFlow and Keras",),
    )


def _beside_keras(work: Path, effort: Effort) -> tuple[tuple[Contest, ...], dict[str, float]]:
    """Return the contests of each batch size, and the last losses of either library."""
    count, rounds, epochs = (64, 1, 1) if effort.quick else (4_000, 5, 8)
    pixels = clothes(work, count)
    contests: list[Contest] = []
    losses: dict[str, float] = {}
    for batch in BATCHES:
        ways: dict[str, Callable[[], object]] = {
            OURS: NetworkInTraining(pixels, batch, effort.seed).epoch
        }
        if not has_keras():
            contests.append(_steps(ways, batch, count, rounds))
            continue
        with KerasPeer(work / "pixels.npy", batch, effort.seed) as peer:
            contests.append(_steps({**ways, KERAS: peer.epoch}, batch, count, rounds))
        losses |= _losses(pixels, work / "pixels.npy", batch, epochs, effort)
    return tuple(contests), losses


def clothes(work: Path, count: int) -> NDArray[np.uint8]:
    """Return the garments that come with the package, and write them for Keras."""
    from lookalike.images import load_dataset

    found = load_dataset("fashion-mnist-10k", work)
    pictures = [np.asarray(found.read(position)) for position in range(count)]
    pixels = np.stack(pictures).reshape(count, 28, 28, 1)
    np.save(work / "pixels.npy", pixels)
    return pixels


def _steps(ways: dict[str, Callable[[], object]], batch: int, count: int, rounds: int) -> Contest:
    what = f"training steps of {NETWORK} at batch {batch}, one epoch of {count:,}"
    return compete(what, ways, ours=OURS, unit="images", amount=count, rounds=rounds)


class NetworkInTraining:
    """The network in training, an epoch at a time, as `train` trains it."""

    def __init__(self, pixels: NDArray[np.uint8], batch: int, seed: int) -> None:
        from lookalike.models import build_model, get_preset

        preset = get_preset(NETWORK)
        assert preset.training is not None
        self.image, self.pixels, self.seed = preset.image, pixels, seed
        self.settings = replace(preset.training, epochs=1, batch_size=batch, decay=0.0)
        self.model = build_model(preset, preset.image, seed=seed)

    def epoch(self) -> float:
        """Train one epoch."""
        return self.train(1)

    def train(self, epochs: int) -> float:
        """Train so many epochs; return the mean loss of the last."""
        from lookalike.training import train

        record = train(
            self.model, self.pixels, np.arange(len(self.pixels)), image=self.image,
            settings=replace(self.settings, epochs=epochs), seed=self.seed, device="cpu",
        )  # fmt: skip
        return record.epochs[-1].train_loss


def _losses(
    pixels: NDArray[np.uint8], file: Path, batch: int, epochs: int, effort: Effort
) -> dict[str, float]:
    """Return the losses after so many epochs, each a mean over seeds."""
    seeds = range(effort.seed, effort.seed + (1 if effort.quick else 3))
    ours = [NetworkInTraining(pixels, batch, seed).train(epochs) for seed in seeds]
    theirs = []
    for seed in seeds:
        with KerasPeer(file, batch, seed) as peer:
            theirs.append([peer.epoch() for _ in range(epochs)][-1])
    return {
        f"loss after {epochs} epochs, batch {batch}: {name}": round(statistics.mean(found), 6)
        for name, found in ((OURS, ours), (KERAS, theirs))
    }


def _epochs(work: Path, effort: Effort) -> tuple[tuple[Contest, ...], float]:
    """Return the contests of whole epochs, and images per second while the cache was made."""
    import time

    from lookalike.images import ImageSpec, decode_collection, find_pictures

    count, rounds = (8, 1) if effort.quick else (2_000, 3)
    folder = work / "photos"
    write_photos(folder, count, seed=effort.seed)
    found, spec = find_pictures(folder), ImageSpec(SIDE, SIDE, 3)
    started = time.perf_counter()
    cache = decode_collection(found, spec, work / "cache")
    made = count / (time.perf_counter() - started)
    steps = STEPS[:2] if effort.quick else STEPS
    return tuple(_epoch_contest(folder, cache, name, rounds, effort.seed) for name in steps), made


def _epoch_contest(
    folder: Path, cache: PictureCache, preset: str, rounds: int, seed: int
) -> Contest:
    step = f"with the step of {preset}" if preset else "the pictures alone"
    ways = {
        OURS: _EpochOf(cache, preset, seed).run,
        DECODING: _EpochOf(cache, preset, seed, folder).run,
    }
    return compete(
        f"an epoch of {len(cache):,} JPEGs of 512×512 at {SIDE}×{SIDE}, {step}",
        ways, ours=OURS, unit="images", amount=len(cache), rounds=rounds,
        warm=0 if preset else 1,
    )  # fmt: skip


class _EpochOf:
    """Epochs of one preset's training over pictures from the cache, or from their files.

    What comes before the first epoch is left out of both.
    """

    def __init__(
        self, cache: PictureCache, preset: str, seed: int, folder: Path | None = None
    ) -> None:
        import torch

        from lookalike.models import build_model, get_preset, resolve_image
        from lookalike.training.batches import PixelSource
        from lookalike.training.task import make_task
        from lookalike.types import silent

        self.rows, self.seed, self.preset = cache.rows(), seed, get_preset(preset or "twin")
        image = resolve_image(self.preset, size=SIDE, channels=3)
        self.source = PixelSource(cache.pixels, self.rows, image, torch.device("cpu"))
        model = build_model(self.preset, image, seed=seed)
        assert self.preset.training is not None
        self.settings = replace(self.preset.training, epochs=1)
        if len(self.rows) < self.settings.batch_size:
            self.settings = replace(self.settings, batch_size=4)
        self.task = make_task(model, self.settings, self.source) if preset else None
        if self.task is not None:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.task.prepare(self.rows, fresh=True, seed=seed, on_progress=silent)
        if folder is not None:
            paths = [folder / path for path in cache.paths]
            self.source.pick = lambda rows: _decoded(  # type: ignore[method-assign]
                [paths[row] for row in rows], image
            )

    def run(self) -> None:
        """Go through the pictures once."""
        import torch

        from lookalike.training.batches import batches, shuffled
        from lookalike.training.run import Run
        from lookalike.training.runtime import accelerated
        from lookalike.types import silent

        if self.task is None:
            order = shuffled(self.rows, torch.Generator().manual_seed(self.seed))
            for batch in batches(order, 64):
                self.source.pick(batch)
            return
        with accelerated(torch.device("cpu")) as accelerator:
            run = Run(self.task, self.settings, self.seed, accelerator, {}, None, silent)
            run.train(self.rows, np.empty(0, np.int64))


def _decoded(paths: list[Path], image: ImageSpec) -> Tensor:
    """Decode pictures as the seeds did: each whole, one after the other."""
    from PIL import Image

    from lookalike.training import to_input

    pictures = []
    for path in paths:
        with Image.open(path) as file:
            pictures.append(np.asarray(file.convert("RGB").resize((image.width, image.height))))
    return to_input(np.stack(pictures), image)


def _step_bar(contest: Contest) -> Bar:
    times = contest.ratio(KERAS)
    what = contest.what.partition(",")[0]
    return Bar(f"{what}: Keras, times ours", f"≥ {FASTER:g}", str(times), times.median >= FASTER)


def _loss_bar(losses: dict[str, float]) -> Bar:
    """Hold the losses against each other, batch by batch: ours is the first of each pair."""
    values = list(losses.values())
    worst = max(ours / theirs for ours, theirs in zip(values[::2], values[1::2], strict=True))
    wanted = 1 + SAME_LOSS
    return Bar(
        "loss of the last epoch, times Keras'", f"≤ {wanted:g}", f"{worst:.3f}", worst <= wanted
    )


def _epoch_bar(contest: Contest) -> Bar:
    times = contest.ratio(DECODING)
    what = contest.what.rpartition(", ")[2]
    return Bar(
        f"an epoch, {what}: decoding each time, times ours",
        f"≥ {EPOCHS_FASTER:g}", str(times), times.median >= EPOCHS_FASTER,
    )  # fmt: skip
