"""The parts of an engine, each read when it is first needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.exchange import recover_engine
from lookalike.engine.limiting import limits_of
from lookalike.engine.manifest import Layout, Manifest, read_manifest
from lookalike.engine.records import EngineRecords
from lookalike.errors import EngineError, LookalikeError
from lookalike.types import check_metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.encoder import Encoder
    from lookalike.gallery import ExactIndex, Gallery, SearchChoice, SearchIndex, SearchWith
    from lookalike.images import ImageSpec, IntakeLimits, PictureCache, Places
    from lookalike.images.guarded import Intake
    from lookalike.search import Calibration, SearchSettings, SpectralIndex
    from lookalike.types import Metric

__all__ = ["EngineParts"]


class EngineParts(EngineRecords):
    """What an engine's directory holds.

    Args:
        directory: the engine's directory.
        device: where the encoder runs.
        limits: what one picture, as a query, may cost; None for what the engine was made with.
        search_with: "exact", "indexed" or "streamed"; "auto" takes what suits the gallery's size.

    Raises:
        EngineError: there is no engine, or it is of another format version.
        SettingsError: there is no such way to search.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        device: str = "auto",
        limits: IntakeLimits | None = None,
        search_with: SearchWith = "auto",
    ) -> None:
        from lookalike.gallery import check_search

        self.search_with = check_search(search_with)
        self.layout = Layout(Path(directory))
        recover_engine(self.layout)
        self.manifest: Manifest = read_manifest(self.layout.manifest)
        self.device = device
        self._limits = limits
        self._indexes: dict[tuple[Metric, float | None], SearchIndex] = {}
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

    @property
    def limits(self) -> IntakeLimits:
        """What one picture may cost.

        Raises:
            EngineError: the manifest says nonsense of it.
        """
        return self._limits or limits_of(self.manifest)

    @cached_property
    def intake(self) -> Intake:
        """What decodes files that are to be looked at, in a process of its own."""
        from lookalike.images.guarded import Intake

        return Intake(self.limits)

    def file(self, path: str) -> Path:
        """Return where a picture of the gallery is, or was."""
        return self.places.file(path)

    @cached_property
    def image(self) -> ImageSpec:
        """How the encoder wants pictures."""
        from lookalike.images import ImageSpec

        return ImageSpec.from_dict(self.manifest.image)

    @cached_property
    def cache(self) -> PictureCache | None:
        """The decoded pictures, if they are still there."""
        from lookalike.images import open_cache

        place = self.layout.decoded(self.image)
        try:
            return open_cache(place) if place.is_dir() else None
        except LookalikeError:  # the cache may be deleted or damaged at any time
            return None

    def search_choice(self, metric: Metric | None = None) -> SearchChoice:
        """Return how the gallery is searched by a metric, by the engine's own if None.

        Raises:
            SettingsError: the index was asked for and there is none.
        """
        from lookalike.engine.indexes import search_choice

        return search_choice(self, metric)

    def index(self, metric: Metric, balance: float | None = None) -> SearchIndex:
        """Return the index that answers searches by `metric`.

        Args:
            metric: "euclidean", "cosine" or "inner".
            balance: weighs the gallery's embeddings anew, in a copy, or as they are read from the
                disk where they are not in memory; None takes them as they are.

        Raises:
            SettingsError: the balance is out of range, the embedding has no parts to weigh, or the
                index was asked for and there is none.
        """
        from lookalike.engine.indexes import make_index

        if (metric, balance) not in self._indexes:
            index = make_index(self, metric, balance)
            if balance is not None:
                # Each copy is as large as the gallery: those of the last balance stay.
                kept = [key for key in self._indexes if key[1] in (None, balance)]
                self._indexes = {key: self._indexes[key] for key in kept}
            self._indexes[metric, balance] = index
        return self._indexes[metric, balance]

    def exact_index(self, metric: Metric, purpose: str) -> ExactIndex:
        """Return the index in memory, for what compares the whole gallery.

        Args:
            metric: "euclidean", "cosine" or "inner".
            purpose: what needs it, for the message.

        Raises:
            EngineError: the embeddings are more than memory is set to hold.
        """
        from lookalike.engine.indexes import all_embeddings, exact_index
        from lookalike.gallery import ExactIndex

        rows, index = all_embeddings(self, purpose), self._indexes.get((metric, None))
        if not isinstance(index, ExactIndex):
            index = exact_index(self, rows, metric)
            self._indexes[metric, None] = index
        return index

    def weighed(
        self,
        queries: NDArray[np.float32],
        metric: Metric | None,
        settings: SearchSettings | None,
    ) -> tuple[NDArray[np.float32], SearchIndex]:
        """Return queries (Q, D) and the index to search for them, weighed as the settings say.

        Args:
            queries: embeddings as the encoder gives them.
            metric: what the person asked for; None for the engine's own.
            settings: of the search; None for a plain one.

        Raises:
            SettingsError: the settings mean nothing under the metric, or the embedding has no
                parts to weigh.
        """
        own = check_metric(self.manifest.metric)
        if settings is None:
            return queries, self.index(metric or own)
        chosen = settings.choose_metric(metric, own)
        settings.check_metric(chosen)
        if settings.balance is None:
            return queries, self.index(chosen)
        if settings.weighs_gallery(chosen):
            weighed = self.encoder.rebalanced(queries, settings.balance)
            return weighed, self.index(chosen, settings.balance)
        return self.encoder.balanced(queries, settings.balance), self.index(chosen)

    def spectral(self, index: SearchIndex, settings: SearchSettings | None) -> SpectralIndex | None:
        """Return the spectral index over `index` where the settings need it.

        It is kept in memory and, where that may be written, in the engine's directory.

        Raises:
            EngineError: the embeddings are more than memory is set to hold.
        """
        if settings is None or settings.rerank != "spectral":
            return None
        from lookalike.engine.indexes import in_memory

        index = in_memory(self, index, "rerank spectral")
        if self._spectral is None or self._spectral.index is not index:
            from lookalike.search import kept_spectral

            settings.check_metric(index.metric)
            self._spectral = kept_spectral(self.layout.spectral, index)
        return self._spectral

    @cached_property
    def calibration(self) -> Calibration | None:
        """What the gallery's scores mean; None before the report card was made."""
        from lookalike.engine.calibration_file import read_calibration

        return read_calibration(self)

    def refresh(self) -> bool:
        """Take up what another process, or a sync, has changed; return whether anything has."""
        from lookalike.gallery import newest_version

        before, self.manifest = self.manifest, read_manifest(self.layout.manifest)
        gallery: Gallery | None = self.__dict__.get("gallery")
        same = gallery is None or newest_version(self.layout.gallery) == gallery.version
        self.__dict__.pop("cache", None)  # it follows the gallery a little later
        if same and before == self.manifest:
            return False
        self._indexes, self._spectral = {}, None
        for name in ("gallery", "cache", "calibration", "encoder", "image", "intake"):
            self.__dict__.pop(name, None)
        return True

    def forget_calibration(self) -> None:
        """Read the calibration anew when it is next needed."""
        self.__dict__.pop("calibration", None)

    @property
    def root(self) -> Path:
        """What the gallery's paths are relative to."""
        return Path(self.manifest.root)

    @property
    def places(self) -> Places:
        """Where the gallery's pictures lie: `places.file(path)` is the file of one."""
        return self.manifest.places

    def info(self) -> dict[str, Any]:
        """Return what the engine holds and how it was made, ready for JSON."""
        from lookalike.engine.footprint import footprint_dict

        manifest = self.manifest.as_dict()
        engine = str(self.layout.directory)
        return {"engine": engine, **manifest, "gallery": footprint_dict(self)}

    def was_replaced(self) -> bool:
        """Whether another process has put another engine, or gallery, in this one's place."""
        try:
            now = read_manifest(self.layout.manifest)
        except LookalikeError:
            return True
        return now.fingerprint != self.manifest.fingerprint

    def replaced(self) -> EngineError:
        """Return the error that says so."""
        return EngineError(
            f"{self.layout.directory} was made anew since it was opened here: take that up with "
            "`refresh()`, or open it again"
        )

    def _mismatch(self) -> EngineError:
        if self.was_replaced():
            return self.replaced()
        return EngineError(
            f"encoder and gallery of {self.layout.directory} do not belong together: "
            f"run `lookalike index {self.layout.directory}` to embed the pictures again"
        )
