"""What an encoder in 8 bits is worth: its speed, and what becomes of the neighbours."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.eight_bit import in_eight_bits
from lookalike.encoder.onnx_runtime import OnnxRuntime, onnx_batch
from lookalike.errors import ExportError
from lookalike.evaluation import leave_one_out
from lookalike.gallery import ExactIndex
from lookalike.types import Metric, check_metric

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["EightBits", "export_in_eight_bits"]

# Pictures whose values say how wide the 8 bits must reach, and those that are searched.
RANGED, SEARCHED = 64, 1_000
NEAREST = 10
ROUNDS = 5
# Share of the nearest that must stay the same, and of P@10, where there are labels to have it by.
FEWEST_SAME = 0.8
LEAST_PRECISION = 0.98


@dataclass(frozen=True)
class EightBits:
    """An encoder in 8 bits beside the same in float32.

    Attributes:
        speed: time that float32 takes, times this one's.
        same: share of each picture's 10 nearest that are the same.
        precision: P@10 in float32 and in 8 bits, by the labels; None where there are none.
        pictures: that were searched, each among all the others.
    """

    speed: float
    same: float
    precision: tuple[float, float] | None
    pictures: int

    def problem(self) -> str:
        """Return why it is of no use; "" if it is of use."""
        if self.same < FEWEST_SAME:
            return f"only {self.same:.0%} of the 10 nearest stay the same, wanted {FEWEST_SAME:.0%}"
        before, after = self.precision or (0.0, 0.0)
        if after < LEAST_PRECISION * before:
            return f"P@10 by labels falls from {before:.4f} to {after:.4f}"
        return ""

    def lines(self) -> list[str]:
        """Return what a person reads."""
        of = f"of {self.pictures:,} pictures"
        lines = [
            f"in 8 bits: {self.speed:.1f} times as fast as in float32, "
            f"{self.same:.0%} of the 10 nearest {of} are the same"
        ]
        if self.precision is not None:
            before, after = self.precision
            lines.append(f"P@10 by labels: {before:.4f} in float32, {after:.4f} in 8 bits")
        return lines


def export_in_eight_bits(engine: EngineParts, data: bytes) -> tuple[bytes, EightBits]:
    """Return an engine's encoder in 8 bits, and what that is worth on the engine's own pictures.

    Args:
        engine: whose decoded pictures are there.
        data: the encoder's ONNX file in float32.

    Raises:
        ExportError: the decoded pictures are gone, or it finds too much worse.
    """
    cache = engine.cache
    if cache is None or len(cache.pixels) <= NEAREST:
        raise ExportError(
            f"8 bits need more than {NEAREST} decoded pictures, to see how wide they must reach: "
            "run `lookalike index` with the pictures in place, or export in float32"
        )
    image = engine.encoder.image
    quantised = in_eight_bits(data, cache.pixels[_spread(len(cache.pixels), RANGED)], image)
    rows = _spread(len(cache.pixels), SEARCHED)
    pixels = np.ascontiguousarray(cache.pixels[rows])
    plain, small = OnnxRuntime(image, data), OnnxRuntime(image, quantised)
    labels = [cache.labels[row] for row in rows]
    worth = _worth(plain, small, pixels, labels, check_metric(engine.manifest.metric))
    if problem := worth.problem():
        raise ExportError(f"in 8 bits {problem}: leave out the 8 bits (--int8)")
    return quantised, worth


def _worth(
    plain: OnnxRuntime,
    small: OnnxRuntime,
    pixels: NDArray[np.uint8],
    labels: Sequence[str | None],
    metric: Metric,
) -> EightBits:
    rows = np.arange(len(pixels))
    before, after = (np.concatenate([*one.embeddings(pixels, rows)]) for one in (plain, small))
    nearest = [_nearest(embeddings, metric) for embeddings in (before, after)]
    kept = [len(set(one) & set(other)) for one, other in zip(*nearest, strict=True)]
    precision = None
    if max(Counter(label for label in labels if label is not None).values(), default=0) > 1:
        first, second = (leave_one_out(one, labels, metric).p_at_10 for one in (before, after))
        precision = first, second
    batch = rows[: onnx_batch(plain.image)]
    ratios = [
        _seconds(plain, pixels, batch) / _seconds(small, pixels, batch) for _ in range(ROUNDS)
    ]
    return EightBits(
        round(statistics.median(ratios), 2),
        sum(kept) / (NEAREST * len(rows)),
        precision,
        len(rows),
    )


def _nearest(embeddings: NDArray[np.float32], metric: Metric) -> list[list[int]]:
    """Return each picture's nearest others."""
    found = ExactIndex(embeddings, metric).search(embeddings, NEAREST + 1).positions
    return [
        [place for place in places if place != row][:NEAREST]
        for row, places in enumerate(found.tolist())
    ]


def _seconds(runtime: OnnxRuntime, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> float:
    started = time.perf_counter()
    for _ in runtime.embeddings(pixels, rows):
        pass
    return time.perf_counter() - started


def _spread(count: int, wanted: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, wanted).astype(np.int64))
