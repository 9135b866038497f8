"""Spectral axes kept on disk: prepared once for a gallery, not once for each process.

One safetensors file for each gallery, metric and preparation. Its name and its header carry the
SHA-256 of all that the axes are made from, the embeddings included, so a gallery that has changed
finds no file and never a stale one. Whatever cannot be read is prepared again, and what cannot be
written is not kept.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import StorageError
from lookalike.gallery import ExactIndex
from lookalike.search.spectral import SpectralIndex, SpectralSettings, spectral_axes
from lookalike.storage import write_bytes

__all__ = ["kept_spectral"]

FORMAT = "lookalike-spectral"
# To be raised when the same settings give other axes than before.
VERSION = 1
# So many files stay, those made last: a gallery asked by many balances must not fill the disk.
KEPT = 4


def kept_spectral(
    directory: Path, index: ExactIndex, settings: SpectralSettings | None = None
) -> SpectralIndex:
    """Return the spectral index over a gallery, with the axes kept in `directory` if they fit.

    Args:
        directory: holds the files; made if need be. One that may not be written, or a full disk,
            costs only the keeping.
        index: over the gallery; "cosine".
        settings: how the index is prepared and used; None for the default.

    Raises:
        SettingsError: the metric is not "cosine".
    """
    settings = settings or SpectralSettings()
    key = _key(index, settings)
    place = directory / f"{key[:32]}.safetensors"
    axes = _read(place, key, (len(index), min(settings.rank, len(index))))
    if axes is None:
        axes = spectral_axes(index, settings)
        # To answer is what was asked for; that the next process will be slow again is no failure.
        with suppress(StorageError, OSError):
            _keep(place, key, axes)
    return SpectralIndex(index, settings, axes=axes)


def _key(index: ExactIndex, settings: SpectralSettings) -> str:
    """Return the SHA-256 (hex) of everything that decides what the axes are."""
    facts = [FORMAT, VERSION, index.metric, index.embeddings.shape, settings.preparation()]
    digest = hashlib.sha256(json.dumps(facts).encode())
    digest.update(np.ascontiguousarray(index.embeddings).data)
    return digest.hexdigest()


def _read(place: Path, key: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Return the axes (N, R) in a file; None if there is none, another's, or a damaged one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(place), "numpy") as file:
            facts = file.metadata() or {}
            axes: NDArray[np.float32] = file.get_tensor("axes")
    except (OSError, SafetensorError):
        return None
    fits = facts.get("key") == key and axes.shape == shape and axes.dtype == np.float32
    return axes if fits and facts.get("sha256") == _digest(axes) else None


def _keep(place: Path, key: str, axes: NDArray[np.float32]) -> None:
    from safetensors.numpy import save

    facts = {"format": FORMAT, "key": key, "sha256": _digest(axes)}
    write_bytes(place, save({"axes": axes}, metadata=facts))
    files = sorted(
        place.parent.glob("*.safetensors*"), key=lambda file: file.stat().st_mtime, reverse=True
    )
    for file in files[KEPT:]:
        file.unlink()


def _digest(axes: NDArray[np.float32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(axes).data).hexdigest()
