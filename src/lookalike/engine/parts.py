"""The parts of an engine, each read when it is first needed."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.manifest import Layout, Manifest, read_manifest
from lookalike.errors import EngineError, LookalikeError

if TYPE_CHECKING:
    from lookalike.encoder import Encoder
    from lookalike.gallery import ExactIndex, Gallery
    from lookalike.images import ImageSpec, PictureCache, Skipped
    from lookalike.search import Calibration, SearchSettings, SpectralIndex
    from lookalike.training import TrainingRecord
    from lookalike.types import Metric

__all__ = ["EngineParts"]


class EngineParts:
    """What an engine's directory holds.

    Args:
        directory: the engine's directory.
        device: where the encoder runs.

    Raises:
        EngineError: there is no engine, or it is of another format version.
    """

    def __init__(self, directory: str | Path, *, device: str = "auto") -> None:
        self.layout = Layout(Path(directory))
        recover_engine(self.layout)
        self.manifest: Manifest = read_manifest(self.layout.manifest)
        self.device = device
        self._indexes: dict[Metric, ExactIndex] = {}
        self._spectral: SpectralIndex | None = None

    @cached_property
    def encoder(self) -> Encoder:
        """The trained encoder."""
        from lookalike.encoder import load_encoder

        encoder = load_encoder(self.layout.encoder, device=self.device)
        if self.layout.gallery.exists() and encoder.fingerprint != self.manifest.fingerprint:
            raise self._mismatch()
        return encoder

    @cached_property
    def gallery(self) -> Gallery:
        """The pictures that are searched.

        Raises:
            EngineError: there is none yet, or it was made by another encoder.
        """
        from lookalike.gallery import open_gallery

        if not self.layout.gallery.exists():
            raise EngineError(
                f"{self.layout.directory} has no gallery yet: "
                f"run `lookalike index {self.layout.directory}`"
            )
        gallery = open_gallery(self.layout.gallery)
        if gallery.fingerprint != self.manifest.fingerprint:
            raise self._mismatch()
        return gallery

    @cached_property
    def image(self) -> ImageSpec:
        """How the encoder wants pictures."""
        from lookalike.images import ImageSpec

        return ImageSpec.from_dict(self.manifest.image)

    @cached_property
    def cache(self) -> PictureCache | None:
        """The decoded pictures, if they are still there."""
        from lookalike.images import open_cache

        channels, height, width = self.image.shape
        place = self.layout.cache / f"{height}x{width}x{channels}-{self.image.fit}"
        try:
            return open_cache(place) if place.is_dir() else None
        except LookalikeError:  # the cache may be deleted or damaged at any time
            return None

    def index(self, metric: Metric) -> ExactIndex:
        """Return the index that answers searches by `metric`."""
        from lookalike.gallery import ExactIndex

        if metric not in self._indexes:
            self._indexes[metric] = ExactIndex(self.gallery.embeddings, metric)
        return self._indexes[metric]

    def spectral(self, index: ExactIndex, settings: SearchSettings | None) -> SpectralIndex | None:
        """Return the spectral index where the settings need it, made once."""
        if settings is None or settings.rerank != "spectral":
            return None
        if self._spectral is None:
            from lookalike.search import SpectralIndex

            settings.check_metric(index.metric)
            self._spectral = SpectralIndex(index)
        return self._spectral

    @cached_property
    def calibration(self) -> Calibration | None:
        """What the gallery's scores mean; None before the report card was made."""
        from lookalike.engine.calibrating import read_calibration

        return read_calibration(self)

    def forget_calibration(self) -> None:
        """Read the calibration anew when it is next needed."""
        self.__dict__.pop("calibration", None)

    @property
    def root(self) -> Path:
        """What the gallery's paths are relative to."""
        return Path(self.manifest.root)

    def history(self) -> TrainingRecord | None:
        """Return the losses of every epoch; None for an encoder that came trained."""
        from lookalike.training import TrainingRecord

        place = self.layout.reports / "history.csv"
        early = bool(self.manifest.stopped_early)
        return TrainingRecord.read_csv(place, stopped_early=early) if place.exists() else None

    def skipped(self) -> tuple[Skipped, ...]:
        """Return the files that could not be read, each with its reason.

        Raises:
            EngineError: the list of them is damaged.
        """
        from lookalike.images import Skipped

        place = self.layout.skipped
        if not place.exists():
            return ()
        try:
            return tuple(Skipped(**one) for one in json.loads(place.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise EngineError(
                f"{place} is damaged ({error}): delete it, or write it again with "
                f"`lookalike index {self.layout.directory}`"
            ) from error

    def sentence(self) -> str | None:
        """Return what the engine is good at and what it is not; None before its report is made."""
        place = self.layout.reports / "card.json"
        try:
            return str(json.loads(place.read_text(encoding="utf-8"))["sentence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def info(self) -> dict[str, Any]:
        """Return what the engine holds and how it was made, ready for JSON."""
        manifest = self.manifest.as_dict()
        return {"engine": str(self.layout.directory), **manifest}

    def _mismatch(self) -> EngineError:
        return EngineError(
            f"encoder and gallery of {self.layout.directory} do not belong together: "
            f"run `lookalike index {self.layout.directory}` to embed the pictures again"
        )
