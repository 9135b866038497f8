"""Rows of docs/experiments.md: train `efficientnet-lite0-twin`, measure it on held-out pictures.

Only the training split of Fashion-MNIST is used: its first pictures are trained on and searched,
others of it are the queries. The test split is never looked at, so choices may be made by this.
One training gives all rows: how parts are whitened and weighed is decided afterwards.

python -m benchmarks.adapted [--pictures 8000] [--epochs 10] [--set temperature=0.2 ...]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from lookalike.encoder import Encoder
from lookalike.engine import data_home
from lookalike.evaluation import evaluate_queries
from lookalike.images import ImageSpec, PictureCache, decode_collection, load_dataset
from lookalike.models import build_model, get_preset
from lookalike.models.adapted import SEEN
from lookalike.models.preset import Preset
from lookalike.parts import LatentPart, fit_parts
from lookalike.training import train

FIRST_QUERY = 50_000
QUERIES = 1_000
BALANCES = (0.01, 0.25, 0.5, 0.75, 0.99)
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
    home = arguments.data_home or data_home()
    collection = load_dataset("fashion-mnist", home)
    cache = decode_collection(collection, ImageSpec(28, 28, 1), home / "cache-fashion-mnist-28")
    rows = cache.rows("train")
    trained, asked = rows[: arguments.pictures], rows[FIRST_QUERY : FIRST_QUERY + QUERIES]
    if arguments.bare:
        bare = get_preset("efficientnet-lite0")
        encoder = Encoder(build_model(bare, bare.image), bare.name, bare.image)
        _print("bare embedding", *_bare(encoder, cache, trained, asked), cache, trained, asked)
    preset = get_preset("efficientnet-lite0-twin")
    encoder, seconds = _train(preset, arguments, cache, trained)
    gallery, queries = encoder.latents(cache.pixels, trained), encoder.latents(cache.pixels, asked)
    for name, (pretrained, learned, power) in PARTS.items():
        parts = _weighed(encoder.model.parts, pretrained, learned, power)
        for balance in BALANCES if name == "as the preset has it" else (0.5, 0.99):
            whitening = fit_parts(gallery, parts, balance=balance)
            found, wanted = whitening.apply(gallery), whitening.apply(queries)
            _print(f"{name}, balance {balance:4.2f}", found, wanted, cache, trained, asked)
    print(f"{seconds:,.0f} s, embedding the views included", flush=True)


def _train(
    preset: Preset, arguments: argparse.Namespace, cache: PictureCache, rows: np.ndarray
) -> tuple[Encoder, float]:
    assert preset.training is not None
    assert preset.training.twin is not None
    changes = {name: json.loads(value) for name, value in (s.split("=") for s in arguments.set)}
    twin = replace(preset.training.twin, **changes)
    settings = replace(preset.training, epochs=arguments.epochs, twin=twin)
    image = replace(preset.image, height=28, width=28, channels=1)
    model, started = build_model(preset, image, seed=arguments.seed), time.perf_counter()
    train(model, cache.pixels, rows, image=image, settings=settings, seed=arguments.seed)
    return Encoder(model, preset.name, image), time.perf_counter() - started


def _weighed(
    parts: tuple[LatentPart, ...], pretrained: float, learned: float, power: float
) -> list[LatentPart]:
    *appearance, known, found = parts
    known = replace(known, share=pretrained, power=power)
    return [*appearance, known, replace(found, share=learned, power=power)]


def _bare(
    encoder: Encoder, cache: PictureCache, *rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the embeddings of these rows at the size that the adapted network gives them."""
    encoder.image = replace(encoder.image, height=SEEN[0], width=SEEN[0])
    first, second = (encoder.embed(_enlarged(np.asarray(cache.pixels[one])), None) for one in rows)
    return first, second


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    large = [np.asarray(Image.fromarray(one[:, :, 0]).resize((SEEN[0], SEEN[0]))) for one in pixels]
    return np.stack(large)[..., None].repeat(3, axis=3)


def _print(
    name: str,
    gallery: np.ndarray,
    queries: np.ndarray,
    cache: PictureCache,
    trained: np.ndarray,
    asked: np.ndarray,
) -> None:
    known, wanted = ([cache.labels[row] for row in rows] for rows in (trained, asked))
    found = evaluate_queries(gallery, known, queries, wanted, "cosine")
    print(
        f"{name:36} P@1 {found.p_at_1:.3f}  P@10 {found.p_at_10:.3f}  "
        f"mAP@1000 {found.map_at_1000:.3f}",
        flush=True,
    )


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
