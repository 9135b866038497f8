"""Half-whitening: rotate to principal axes, divide each by the root of its standard deviation.

Full whitening makes every axis count the same, also those that hold only noise; none leaves the
few strongest to decide alone. Half-way between measures best on what was tried here; see
docs/presets.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError

__all__ = ["Whitening", "fit_whitening"]

# Axes with less than this share of the largest variance hold rounding errors, not pictures.
RELATIVE_RANK = 1e-7
# Rows are rotated in blocks, so that memory does not grow with the gallery.
BLOCK = 8_192


@dataclass(frozen=True)
class Whitening:
    """A fitted half-whitening.

    Attributes:
        mean: float32 (D,), subtracted first.
        components: float32 (E, D), orthonormal rows, the axis of the largest variance first.
        scale: float32 (E,), what each axis is divided by.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]
    scale: NDArray[np.float32]

    def __post_init__(self) -> None:
        axes, width = self.components.shape
        if self.mean.shape != (width,) or self.scale.shape != (axes,):
            raise SettingsError(
                f"whitening does not fit together: mean {self.mean.shape}, "
                f"components {self.components.shape}, scale {self.scale.shape}"
            )

    def apply(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return whitened embeddings (N, E) of length 1; a row equal to the mean stays 0.

        Args:
            embeddings: float32 (N, D).

        Raises:
            SettingsError: the embeddings are not D wide.
        """
        if embeddings.ndim != 2 or embeddings.shape[1] != len(self.mean):
            raise SettingsError(
                f"embeddings are {embeddings.shape}: wanted (N, {len(self.mean)}) to whiten"
            )
        whitened = np.empty((len(embeddings), len(self.scale)), np.float32)
        for start in range(0, len(embeddings), BLOCK):
            rows = (embeddings[start : start + BLOCK] - self.mean) @ self.components.T
            rows /= self.scale
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            whitened[start : start + BLOCK] = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
        return whitened

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name, as `Whitening(**arrays)` takes them."""
        return {"mean": self.mean, "components": self.components, "scale": self.scale}


def fit_whitening(
    embeddings: NDArray[np.float32], *, power: float = 0.5, dimensions: int | None = None
) -> Whitening:
    """Fit a whitening on a gallery's embeddings.

    Args:
        embeddings: float32 (N, D).
        power: each axis is divided by its standard deviation to this power: 0 only rotates, 0.5
            half-whitens, 1 whitens.
        dimensions: keep at most so many axes; None keeps all that hold any variance.

    Raises:
        SettingsError: there are no embeddings, they are not finite, or `dimensions` is below 1.
    """
    if embeddings.ndim != 2 or not embeddings.size:
        raise SettingsError(f"embeddings are {embeddings.shape}: wanted (N, D), both above 0")
    if dimensions is not None and dimensions < 1:
        raise SettingsError(f"dimensions is {dimensions}: wanted 1 or more, or None for all")
    if not np.isfinite(embeddings).all():
        raise SettingsError("embeddings hold NaN or infinity: train again with another seed")
    mean = embeddings.mean(axis=0, dtype=np.float64)
    variances, axes = _principal_axes(embeddings, mean, dimensions)
    kept = max(1, int((variances > RELATIVE_RANK * variances[0]).sum()))
    kept = kept if dimensions is None else min(kept, dimensions)
    scale = np.maximum(variances[:kept], np.finfo(np.float64).tiny) ** (power / 2)
    if variances[0] <= 0:  # one picture, or all alike: there is nothing to divide by
        scale = np.ones(kept)
    return Whitening(
        mean.astype(np.float32),
        np.ascontiguousarray(axes[:kept], dtype=np.float32),
        scale.astype(np.float32),
    )


def _principal_axes(
    embeddings: NDArray[np.float32], mean: NDArray[np.float64], dimensions: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return variances (E,), the largest first, and their axes (E, D).

    Of fewer rows than numbers, from what the rows have in common (N × N): the axes across them
    hold nothing.
    """
    count, width = embeddings.shape
    if count < width:
        centred = embeddings - mean
        variances, rows = _largest(centred @ centred.T, dimensions)
        kept = variances > RELATIVE_RANK * variances[0]
        kept[0] = True
        axes = rows[kept] @ centred
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        if not lengths[0]:  # all rows alike: any axis will do
            return np.zeros(1), np.eye(1, width)
        axes /= lengths
        return variances[kept] / count, axes
    covariance = np.zeros((width, width))
    for start in range(0, count, BLOCK):
        centred = embeddings[start : start + BLOCK] - mean
        covariance += centred.T @ centred
    return _largest(covariance / count, dimensions)


def _largest(
    symmetric: NDArray[np.float64], wanted: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues, the first of them first, and their vectors as rows."""
    from scipy.linalg import eigh

    last = len(symmetric) - 1
    first = 0 if wanted is None else max(0, last + 1 - wanted)
    values, vectors = eigh(symmetric, subset_by_index=(first, last), check_finite=False)
    return values[::-1], vectors[:, ::-1].T
