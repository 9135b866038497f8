"""The report card's label-free half: edited copies, the baselines beside, what scores mean."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.baselines import FittedBaseline
from lookalike.engine.calibrating import (
    CALIBRATION_DEPTH,
    CalibrationCheck,
    CopyCollector,
    Errors,
)
from lookalike.engine.calibration_file import FEWEST, keep_calibration
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.errors import LookalikeError, PictureError
from lookalike.evaluation import (
    CopiesReport,
    Strength,
    foreign_pictures,
    measure_copies,
    sample_positions,
)
from lookalike.gallery import ExactIndex
from lookalike.images import Collection, ImageSpec, decode, thumbnail
from lookalike.types import OnProgress, Progress, check_metric, silent

if TYPE_CHECKING:
    from lookalike.engine.facade import Engine
    from lookalike.engine.parts import EngineParts

__all__ = [
    "MEDIUM",
    "Card",
    "CopyBench",
    "edited_reader",
    "reopen_quietly",
    "same_pictures",
    "small_copy",
]

Pixels = NDArray[np.uint8]

MEDIUM: Strength = "medium"
MOST_PICTURES = 1_000
# The baselines, which are slower, are measured with so many of them, at medium strength.
MOST_BESIDE = 250
# Neighbours that are looked at for the same picture, and how far its values, of 0 to 255, may be
# from the other's on average: resizing and recompression leave less.
COMPARED = 10
ONE_PICTURE = 2.0
# Longest side at which pictures are edited: beyond it no encoder here sees a difference.
EDITED_AT = 256


@dataclass(frozen=True, eq=False)
class Card:
    """How well the engine finds edited copies of its own pictures.

    Attributes:
        copies: recall by edit and strength.
        beside: name to recall@1 of medium copies, of the engine first and then the baselines, all
            with the same pictures.
        beside_pictures: how many those are.
        check: how honest the scores are; None for a gallery too small to calibrate.
    """

    copies: CopiesReport
    beside: dict[str, float]
    beside_pictures: int
    check: CalibrationCheck | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "copies": self.copies.as_dict(),
            "medium_recall_at_1": self.beside,
            "medium_recall_pictures": self.beside_pictures,
            "calibration": self.check.as_dict() if self.check else None,
        }


@dataclass(eq=False)
class CopyBench:
    """Measures the engine and, as they come, the baselines with the same edited copies.

    Attributes:
        engine: whose gallery it is.
        read: a place in the gallery to the picture there.
        on_progress: told the copies done.
    """

    engine: Engine
    read: Callable[[int], Pixels]
    on_progress: OnProgress = silent
    _beside: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, engine: Engine, collection: Collection | None, on_progress: OnProgress = silent
    ) -> CopyBench:
        """Return the bench of an engine; without a collection its decoded pictures are edited."""
        return cls(engine, edited_reader(engine, collection), on_progress)

    def measure_engine(self) -> Card:
        """Measure the engine, calibrate its scores and keep the calibration.

        Raises:
            SettingsError: no picture can be read.
            StorageError: the calibration cannot be written.
        """
        engine = self.engine
        index = engine.exact_index(check_metric(engine.manifest.metric), "the report")
        embed = _embedder(engine.encoder.embed, engine.image)
        collect = CopyCollector(
            index, engine.encoder.widths, self._same, engine.manifest.seed, _error_meter(engine)
        )
        copies = measure_copies(
            self.read,
            embed,
            index,
            self._positions,
            same=self._same,
            seed=engine.manifest.seed,
            k=CALIBRATION_DEPTH,
            on_batch=collect,
            on_progress=self.on_progress,
        )
        check = None
        if len(np.unique(self._same)) >= FEWEST:
            self.on_progress(Progress("calibrate", 0, 1))
            foreign = foreign_pictures(self._some_originals(), engine.manifest.seed)
            collect.add_foreign(foreign, embed(foreign))
            calibration, check = collect.fit()
            keep_calibration(engine, calibration)
            self.on_progress(Progress("calibrate", 1, 1))
        few = np.isin(copies.positions, self._few)
        found = (copies.ranks[:, copies.strengths.index(MEDIUM), few] == 1).mean()
        beside = {f"{engine.manifest.preset} (this engine)": float(found), **self._beside}
        return Card(copies, beside, int(few.sum()), check)

    def measure_beside(self, baseline: FittedBaseline) -> None:
        """Measure a baseline with medium copies of some of the pictures."""
        copies = measure_copies(
            self.read,
            _embedder(baseline.embed, baseline.image),
            ExactIndex(baseline.known, baseline.metric),
            self._few,
            strengths=(MEDIUM,),
            same=self._same,
            seed=self.engine.manifest.seed,
            on_progress=self.on_progress,
        )
        self._beside[baseline.name] = copies.mean(MEDIUM).recall_at_1

    def _some_originals(self) -> list[Pixels]:
        """Return the pictures that the baselines are measured with, as far as they can be read."""
        found = []
        for position in self._few.tolist():
            with contextlib.suppress(PictureError):
                found.append(self.read(position))
        return found

    @property
    def _positions(self) -> NDArray[np.int64]:
        return sample_positions(len(self.engine), MOST_PICTURES, self.engine.manifest.seed)

    @property
    def _few(self) -> NDArray[np.int64]:
        every = self._positions
        return every[np.linspace(0, len(every) - 1, min(MOST_BESIDE, len(every))).astype(np.int64)]

    @cached_property
    def _same(self) -> NDArray[np.int64]:
        return same_pictures(self.engine, self._positions)


def same_pictures(engine: Engine, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return equal numbers (N,) for files of equal bytes and for what decodes to one picture.

    The same picture in another size or format is no other picture: whoever finds it has found the
    original.

    Args:
        engine: whose gallery it is.
        positions: (P,), places of the pictures that others may be the same as.
    """
    same = np.unique(engine.gallery.sha256, return_inverse=True)[1].astype(np.int64)
    if engine.cache is None:
        return same
    index = engine.exact_index(check_metric(engine.manifest.metric), "the report")
    rows = [engine.cache.position(path) for path in engine.gallery.paths]
    near = index.search(index.rows(positions), COMPARED, exclude=positions).positions
    for position, others in zip(positions.tolist(), near.tolist(), strict=True):
        for other in others:
            first, second = rows[position], rows[other] if other >= 0 else None
            if first is None or second is None or same[position] == same[other]:
                continue
            pixels = engine.cache.pixels[[first, second]].astype(np.float32)
            if float(np.abs(pixels[0] - pixels[1]).mean()) <= ONE_PICTURE:
                same[same == same[other]] = same[position]
    return same


def _embedder(
    embed: Callable[[Pixels], NDArray[np.float32]], image: ImageSpec
) -> Callable[[list[Pixels]], NDArray[np.float32]]:
    def embed_pictures(pictures: list[Pixels]) -> NDArray[np.float32]:
        return embed(np.stack([decode(picture, image).pixels for picture in pictures]))

    return embed_pictures


def _error_meter(engine: Engine) -> Errors | None:
    """Return what measures how badly the decoder rebuilds pictures; None without a decoder."""
    if not engine.encoder.decodes:
        return None
    decoder, image = engine.encoder.decoder, engine.image

    def errors(pictures: list[Pixels]) -> NDArray[np.float64]:
        pixels = np.stack([decode(picture, image).pixels for picture in pictures])
        return decoder.errors(pixels, np.arange(len(pixels)))

    return errors


def edited_reader(engine: Engine, collection: Collection | None) -> Callable[[int], Pixels]:
    """Return what reads the picture at a place of the gallery, small enough to be edited fast."""
    paths, cache = engine.gallery.paths, engine.cache
    places: dict[str, int] = {}
    if collection is not None:
        places = {picture.path: place for place, picture in enumerate(collection.pictures)}

    def read(position: int) -> Pixels:
        path = paths[position]
        if collection is not None and path in places:
            pixels = small_copy(engine, collection.read(places[path]))
        elif cache is not None and (row := cache.position(path)) is not None:
            pixels = np.asarray(cache.pixels[row])
        else:
            raise PictureError(f"{path} is no longer there")
        grey = bool((pixels == pixels[:, :, :1]).all())
        return pixels[:, :, :1] if grey and engine.image.channels == 1 else pixels

    return read


def small_copy(engine: EngineParts, picture: Path | Pixels) -> Pixels:
    """Return a picture, a file or in memory, of the size at which pictures are edited.

    Raises:
        PictureError: it cannot be decoded.
    """
    if isinstance(picture, Path):
        return file_thumbnail(engine, picture, EDITED_AT, enlarge=False)
    return thumbnail(picture, EDITED_AT, enlarge=False)


def reopen_quietly(engine: Engine, home: Path | None, archive: Path | None) -> Collection | None:
    """Return the pictures that the engine was made from; None where they are gone."""
    from lookalike.engine.folders import reopen_folders

    try:
        return reopen_folders(
            engine.manifest,
            engine.layout.directory,
            home=home,
            archive=archive,
            limits=engine.limits,
        )
    except LookalikeError:
        return None
