"""Rows of docs/experiments.md: train `efficientnet-lite0-twin`, measure it on held-out pictures.

Only the training split of Fashion-MNIST is used: its first pictures are trained on and searched,
others of it are the queries. The test split is never looked at, so choices may be made by this.
One training gives all rows: how parts are whitened and weighed is decided afterwards.

python -m benchmarks.adapted [--pictures 8000] [--epochs 10] [--set temperature=0.2 ...]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks._held_out import BALANCES, HeldOut, as_words, image_of, settings_of
from lookalike.encoder import Encoder
from lookalike.models import build_model, get_preset
from lookalike.models.adapted import SEEN
from lookalike.models.preset import Preset
from lookalike.parts import LatentPart, fit_parts
from lookalike.training import train

QUERIES = 1_000
# name: shares of the pretrained and of the learned part, and the power of their whitening
PARTS = {
    "as the preset has it": (1.0, 2.0, 0.0),
    "half-whitened": (1.0, 2.0, 0.5),
    "equal shares": (1.0, 1.0, 0.0),
    "pretrained alone": (1.0, 1e-6, 0.0),
    "learned alone": (1e-6, 1.0, 0.0),
}


def main() -> None:
    """Train, embed, print a line for each way to weigh the parts."""
    arguments = _arguments()
    data = HeldOut.load(arguments.data_home, arguments.pictures, QUERIES)
    cache = data.cache
    if arguments.bare:
        bare = get_preset("efficientnet-lite0")
        encoder = Encoder(build_model(bare, bare.image), bare.name, bare.image)
        _print("bare embedding", data, *_bare(encoder, data))
    preset = get_preset("efficientnet-lite0-twin")
    encoder, seconds = _train(preset, arguments, data)
    gallery, queries = (encoder.latents(cache.pixels, rows) for rows in (data.trained, data.asked))
    for name, (pretrained, learned, power) in PARTS.items():
        parts = _weighed(encoder.model.parts, pretrained, learned, power)
        for balance in BALANCES if name == "as the preset has it" else (0.5, 0.99):
            whitening = fit_parts(gallery, parts, balance=balance)
            found, wanted = whitening.apply(gallery), whitening.apply(queries)
            _print(f"{name}, balance {balance:4.2f}", data, found, wanted)
    print(f"{seconds:,.0f} s, embedding the views included", flush=True)


def _train(preset: Preset, arguments: argparse.Namespace, data: HeldOut) -> tuple[Encoder, float]:
    image, settings = image_of(preset), settings_of(preset, arguments.set, epochs=arguments.epochs)
    model, started = build_model(preset, image, seed=arguments.seed), time.perf_counter()
    train(
        model,
        data.cache.pixels,
        data.trained,
        image=image,
        settings=settings,
        seed=arguments.seed,
    )
    return Encoder(model, preset.name, image), time.perf_counter() - started


def _weighed(
    parts: tuple[LatentPart, ...], pretrained: float, learned: float, power: float
) -> list[LatentPart]:
    *appearance, known, found = parts
    known = replace(known, share=pretrained, power=power)
    return [*appearance, known, replace(found, share=learned, power=power)]


def _bare(encoder: Encoder, data: HeldOut) -> tuple[np.ndarray, np.ndarray]:
    """Return the embeddings of both at the size that the adapted network gives pictures."""
    encoder.image = replace(encoder.image, height=SEEN[0], width=SEEN[0])
    first, second = (
        encoder.embed(_enlarged(np.asarray(data.cache.pixels[rows])))
        for rows in (data.trained, data.asked)
    )
    return first, second


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    large = [np.asarray(Image.fromarray(one[:, :, 0]).resize((SEEN[0], SEEN[0]))) for one in pixels]
    return np.stack(large)[..., None].repeat(3, axis=3)


def _print(name: str, data: HeldOut, gallery: np.ndarray, queries: np.ndarray) -> None:
    print(f"{name:36} {as_words(data.measure(gallery, queries))}", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--bare", action="store_true", help="the bare embedding too")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
