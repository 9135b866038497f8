"""An engine without pictures: embeddings drawn at random, some of them jittered copies."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from lookalike.engine.manifest import Layout
from lookalike.gallery import ExactIndex
from lookalike.search import Calibration, Familiarity
from lookalike.search.calibration import Curve, Judge

WIDTH = 384
JITTER = 0.02
COPIES = 0.2  # share of pictures that are a copy of another; a quarter of them of the same bytes


class MadeUpEngine:
    """What `find_duplicates` asks an engine for.

    Args:
        count: pictures.
    """

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(0)
        self.copies = round(COPIES * count)
        originals = count - self.copies
        # Kinds of pictures, as collections have them: neighbours are not all equally far.
        kinds = rng.normal(size=(500, WIDTH)).astype(np.float32)
        rows = np.empty((count, WIDTH), np.float32)
        for start in range(0, originals, 10_000):
            some = slice(start, min(originals, start + 10_000))
            size = some.stop - some.start
            noise = rng.normal(size=(size, WIDTH)).astype(np.float32)
            rows[some] = kinds[rng.integers(len(kinds), size=size)] + noise
        self._source = np.arange(count)
        self._source[originals:] = rng.integers(originals, size=self.copies)
        same = np.arange(count) >= count - self.copies // 4
        for place in range(originals, count):
            jitter = 0 if same[place] else JITTER * rng.normal(size=WIDTH) * np.sqrt(2)
            rows[place] = rows[self._source[place]] + jitter
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        contents = np.where(same, self._source, np.arange(count))
        self.gallery = _MadeUpGallery(rows, contents)
        self.manifest = SimpleNamespace(metric="cosine", seed=0)
        self.cache = None
        self.root = Path(tempfile.gettempdir()) / "no-pictures"
        self.layout = Layout(self.root)
        self.search_with = "exact"
        nothing = Judge(np.zeros(1), np.ones(1), np.zeros(2), np.zeros(1))
        self.calibration = Calibration(
            np.linspace(-0.2, 0.2, 100),
            Curve(np.array([0.7, 0.95]), np.array([0.001, 0.99])),
            Curve(np.array([0.7, 0.99]), np.array([0.001, 0.5])),
            Familiarity(nothing, nothing, 0.0),
        )

    def index(self, metric: str) -> ExactIndex:
        """Return an index over all embeddings."""
        return ExactIndex(self.gallery.embeddings, "cosine")

    def file(self, path: str) -> Path:
        """Return where a picture would be."""
        return self.root / path

    def source_of(self, path: str) -> int:
        """Return the number of the picture that a path is a copy of, or its own."""
        return int(self._source[int(path.partition(".")[0])])


class _MadeUpGallery:
    def __init__(self, rows: np.ndarray, contents: np.ndarray) -> None:
        count = len(rows)
        self.embeddings, self.width = rows, rows.shape[1]
        self.paths = [f"{number:07}.jpg" for number in range(count)]
        self.sha256 = [f"{content:064x}" for content in contents.tolist()]
        self.widths = np.full(count, 4000)
        self.heights = np.full(count, 3000)
        self.file_sizes = np.full(count, 4_000_000)
        self.modified = np.arange(count) * 10**10

    def __len__(self) -> int:
        return len(self.paths)

    def positions(self, where: str | None) -> None:
        """Return None: nothing is filtered."""
