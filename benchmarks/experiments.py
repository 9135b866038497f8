"""One row of docs/experiments.md: train a variant of the twin, measure it on held-out pictures.

Only the training split of Fashion-MNIST is used: its first pictures are trained on and searched,
its last ones are the queries. The test split is never looked at, so choices may be made by this.

python -m benchmarks.experiments [--epochs 2] [--pictures 50000] [--set temperature=0.1 ...]
    [--save FILE]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from lookalike.encoder import Encoder
from lookalike.engine import data_home
from lookalike.evaluation import evaluate_queries
from lookalike.images import ImageSpec, decode_collection, load_dataset
from lookalike.models import build_model, get_preset
from lookalike.models.preset import TrainingSettings, TwinSettings
from lookalike.training import train

QUERIES = 3_000
GALLERY = 50_000
BALANCES = (0.01, 0.25, 0.5, 0.75, 0.99)


def main() -> None:
    """Train, embed, print a line for each balance."""
    arguments = _arguments()
    home = arguments.data_home or data_home()
    collection = load_dataset("fashion-mnist", home)
    cache = decode_collection(collection, ImageSpec(28, 28, 1), home / "cache-fashion-mnist-28")
    rows = cache.rows("train")
    trained, asked = rows[: arguments.pictures], rows[GALLERY : GALLERY + QUERIES]
    preset = get_preset("twin")
    settings = _settings(preset.training, arguments)
    image = replace(preset.image, height=28, width=28, channels=1)
    model = build_model(preset, image, seed=arguments.seed)
    record = train(
        model, cache.pixels, trained, image=image, settings=settings, seed=arguments.seed
    )
    encoder = Encoder(model, preset.name, image)
    gallery, queries = encoder.latents(cache.pixels, trained), encoder.latents(cache.pixels, asked)
    known, wanted = ([cache.labels[row] for row in some] for some in (trained, asked))
    if arguments.save is not None:
        encoder.fit_whitening(gallery)
        np.save(arguments.save, encoder.whitened(np.concatenate([gallery, queries])))
    results = {}
    for balance in BALANCES:
        encoder.fit_whitening(gallery, balance=balance)
        found = evaluate_queries(
            encoder.whitening.apply(gallery),
            known,
            encoder.whitening.apply(queries),
            wanted,
            "cosine",
        )
        results[balance] = found.as_dict()
        if not arguments.json:
            print(
                f"balance {balance:4.2f}  P@1 {found.p_at_1:.4f}  P@10 {found.p_at_10:.4f}  "
                f"mAP@1000 {found.map_at_1000:.4f}",
                flush=True,
            )
    if arguments.json:
        print(json.dumps({"seconds": record.seconds, "balances": results}))
    else:
        print(f"{record.seconds:,.0f} s of training, {record.last.images_per_second:,.0f} images/s")


def _settings(settings: TrainingSettings | None, arguments: argparse.Namespace) -> TrainingSettings:
    assert settings is not None
    assert settings.twin is not None
    twin = {field.name for field in fields(TwinSettings)}
    changes, inner = {"epochs": arguments.epochs}, {}
    for one in arguments.set:
        name, _, value = one.partition("=")
        (inner if name in twin else changes)[name] = json.loads(value)
    return replace(settings, twin=replace(settings.twin, **inner), **changes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=GALLERY)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--save", type=Path, help=".npy: embeddings of gallery, then queries")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
