"""One row of docs/experiments.md: train a variant of the twin, measure it on held-out pictures.

Only the training split of Fashion-MNIST is used: its first pictures are trained on and searched,
its last ones are the queries. The test split is never looked at, so choices may be made by this.

python -m benchmarks.experiments [--epochs 2] [--pictures 50000] [--set temperature=0.1 ...]
    [--variant NAME] [--save FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks._held_out import BALANCES, FIRST_QUERY, HeldOut, as_words, image_of, settings_of
from benchmarks._variants import VARIANTS, variant_task
from lookalike.encoder import Encoder
from lookalike.models import build_model, get_preset
from lookalike.parts import fit_parts
from lookalike.training import train

QUERIES = 3_000


def main() -> None:
    """Train, embed, print a line for each balance."""
    arguments = _arguments()
    data = HeldOut.load(arguments.data_home, arguments.pictures, QUERIES)
    preset = get_preset("twin")
    image, settings = image_of(preset), settings_of(preset, arguments.set, epochs=arguments.epochs)
    model = build_model(preset, image, seed=arguments.seed)
    with patch("lookalike.training.loop.make_task", variant_task(arguments.variant)):
        record = train(
            model,
            data.cache.pixels,
            data.trained,
            image=image,
            settings=settings,
            seed=arguments.seed,
        )
    encoder = Encoder(model, preset.name, image)
    gallery, queries = (
        encoder.latents(data.cache.pixels, rows) for rows in (data.trained, data.asked)
    )
    if arguments.save is not None:
        encoder.fit_whitening(gallery)
        np.save(arguments.save, encoder.whitened(np.concatenate([gallery, queries])))
    results = {}
    for balance in BALANCES:
        whitening = fit_parts(gallery, model.parts, balance=balance)
        found = data.measure(whitening.apply(gallery), whitening.apply(queries))
        results[balance] = found.as_dict()
        if not arguments.json:
            print(f"balance {balance:4.2f}  {as_words(found)}", flush=True)
    if arguments.json:
        print(json.dumps({"seconds": record.seconds, "balances": results}))
    else:
        print(f"{record.seconds:,.0f} s of training, {record.last.images_per_second:,.0f} images/s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=FIRST_QUERY)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="preset")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--save", type=Path, help=".npy: embeddings of gallery, then queries")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
