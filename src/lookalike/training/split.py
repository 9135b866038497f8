"""Setting rows aside, for validation or because they are many. Imports no torch."""

from __future__ import annotations

import numpy as np

from lookalike.errors import SettingsError

__all__ = ["split_rows", "spread_rows"]


def split_rows(rows: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Set a random `fraction` of `rows` aside for validation.

    At least one row is set aside when `fraction` is above 0 and there are two rows or more; at
    least one is always left for training.

    Args:
        rows: positions of pictures, int64 (N,).
        fraction: share to set aside, from 0 up to but not including 1.
        seed: the same seed sets the same rows aside.

    Returns:
        The rows to train on and the rows to validate on, each in the order of `rows`.

    Raises:
        SettingsError: `fraction` or `seed` is out of range.

    >>> split_rows(np.arange(10), 0.2, seed=0)
    (array([0, 1, 2, 3, 5, 7, 8, 9]), array([4, 6]))
    """
    if not 0 <= fraction < 1:
        raise SettingsError(f"validation_fraction must be at least 0 and below 1, got {fraction}")
    if seed < 0:
        raise SettingsError(f"a seed must be 0 or more, got {seed}")
    aside = min(round(len(rows) * fraction), len(rows) - 1)
    if fraction > 0 and len(rows) > 1:
        aside = max(aside, 1)
    validates = np.zeros(len(rows), dtype=bool)
    validates[np.random.default_rng(seed).permutation(len(rows))[: max(aside, 0)]] = True
    return rows[~validates], rows[validates]


def spread_rows(rows: np.ndarray, most: int | None) -> np.ndarray:
    """Return at most so many of the rows (N,), evenly spread; all of them where `most` is None.

    >>> spread_rows(np.arange(10), 4)
    array([0, 3, 6, 9])
    """
    if most is None or len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
