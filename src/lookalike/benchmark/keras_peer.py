"""The autoencoder of `digits-conv16` in Keras, trained in a process of its own.

`python -m lookalike.benchmark.keras_peer PIXELS BATCH SEED`: PIXELS is a .npy of uint8 (N, 28, 28,
1). For each line on its standard input it trains one epoch and answers with the loss. TensorFlow
keeps the threads that it takes by itself.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

__all__ = ["KerasPeer", "has_keras"]

FILTERS, LATENT = (32, 64), 16


def has_keras() -> bool:
    """Whether Keras and TensorFlow are installed."""
    return find_spec("keras") is not None and find_spec("tensorflow") is not None


class KerasPeer:
    """A process in which Keras trains; to be used with `with`.

    Args:
        pixels: a .npy file of uint8 (N, 28, 28, 1).
        batch: pictures in a step.
        seed: of the weights and the order of the pictures.
    """

    def __init__(self, pixels: Path, batch: int, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(pixels), str(batch), str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def epoch(self) -> float:
        """Train one epoch; return its mean loss."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("epoch\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main() -> None:
    """Answer each line with the loss of another epoch."""
    path, batch, seed = sys.argv[1:]
    keras: Any = import_module("keras")
    keras.utils.set_random_seed(int(seed))
    pixels = np.load(path).astype(np.float32) / 255
    model = network(keras)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    for _ in sys.stdin:
        found = model.fit(pixels, pixels, batch_size=int(batch), epochs=1, verbose=0)
        sys.stdout.write(f"{found.history['loss'][0]}\n")
        sys.stdout.flush()


def network(keras: Any) -> Any:  # noqa: ANN401 - Keras has no types
    """Return the seed's network, of Keras' own layers and initialisation."""
    layers = keras.layers
    given = keras.Input((28, 28, 1))
    x = given
    for filters in FILTERS:
        x = layers.Conv2D(filters, 3, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(layers.LeakyReLU(negative_slope=0.2)(x))
    side = 28 // 2 ** len(FILTERS)
    x = layers.Dense(LATENT)(layers.Flatten()(x))
    x = layers.Dense(side * side * FILTERS[-1])(x)
    x = layers.Reshape((side, side, FILTERS[-1]))(x)
    for filters in reversed(FILTERS):
        x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same")(x)
        x = layers.BatchNormalization()(layers.LeakyReLU(negative_slope=0.2)(x))
    x = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
    return keras.Model(given, x)


if __name__ == "__main__":
    main()
