"""What an engine says of itself: `manifest.json`, and the names of its other parts."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.errors import EngineError
from lookalike.storage import storage_errors, write_text

if TYPE_CHECKING:
    from lookalike.images import ImageSpec, Places

__all__ = ["Counts", "Layout", "Manifest", "read_manifest", "write_manifest"]

FORMAT = "lookalike-engine"
VERSION = 1


@dataclass(frozen=True)
class Layout:
    """Where the parts of one engine lie.

    Attributes:
        directory: the engine's directory.
    """

    directory: Path

    def __post_init__(self) -> None:
        if self.directory.name in ("", ".."):  # "." has no name to put others beside
            object.__setattr__(self, "directory", self.directory.resolve())

    @property
    def manifest(self) -> Path:
        """The engine's description of itself."""
        return self.directory / "manifest.json"

    @property
    def encoder(self) -> Path:
        """The trained encoder."""
        return self.directory / "encoder"

    @property
    def gallery(self) -> Path:
        """The gallery's Lance dataset."""
        return self.directory / "gallery"

    @property
    def cache(self) -> Path:
        """Decoded pictures, one directory for each size; may be deleted."""
        return self.directory / "cache"

    def decoded(self, image: ImageSpec) -> Path:
        """The gallery's pictures decoded at one size."""
        channels, height, width = image.shape
        return self.cache / f"{height}x{width}x{channels}-{image.fit}"

    @property
    def compared(self) -> Path:
        """Pictures decoded to be compared with, at sizes of their own; may be deleted."""
        return self.cache / "compared"

    @property
    def spectral(self) -> Path:
        """What spectral search has prepared of the gallery; may be deleted."""
        return self.directory / "spectral"

    @property
    def map(self) -> Path:
        """Where the pictures stand on the map, and pages of them small; may be deleted."""
        return self.directory / "map"

    @property
    def memory(self) -> Path:
        """What the gallery may take in memory, where a person has set it."""
        return self.directory / "memory.json"

    @property
    def checkpoint(self) -> Path:
        """The state of an unfinished training."""
        return self.directory / "checkpoint"

    @property
    def plan(self) -> Path:
        """What an unfinished training was to be."""
        return self.checkpoint / "plan.json"

    @property
    def synced(self) -> Path:
        """What the folder was like when the gallery last held it; may be deleted."""
        return self.directory / "synced.json"

    @property
    def drift(self) -> Path:
        """How new pictures compare with those of the training."""
        return self.directory / "drift.json"

    @property
    def lock(self) -> Path:
        """What a writer holds; `lock.json` beside it says who that is."""
        return self.directory / "lock"

    @property
    def calibration(self) -> Path:
        """What the scores of the gallery mean."""
        return self.directory / "calibration.safetensors"

    @property
    def reports(self) -> Path:
        """Pictures, figures and the report page."""
        return self.directory / "reports"

    @property
    def skipped(self) -> Path:
        """The files that could not be read, each with its reason."""
        return self.reports / "skipped.json"

    @property
    def partial(self) -> Path:
        """Where the next state of this engine is made."""
        return self.directory.parent / f"{self.directory.name}.partial"


@dataclass(frozen=True)
class Counts:
    """How many pictures play which part.

    Attributes:
        gallery: pictures that are searched.
        train: pictures the encoder was trained on.
        validation: pictures held out for the validation loss.
        queries: pictures kept as queries (a `test/` folder).
        skipped: files that could not be read.
    """

    gallery: int = 0
    train: int = 0
    validation: int = 0
    queries: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Manifest:
    """What an engine says of itself.

    Attributes:
        preset: name of the preset.
        settings: the settings of training as they were used.
        image: how pictures are prepared, as `ImageSpec.as_dict` gives it.
        metric: default metric of a search.
        k: default number of hits.
        seed: the seed of weights, shuffling and samples.
        source: what the user named: a folder, a list or a named data set.
        root: absolute path that the gallery's paths are relative to.
        counts: how many pictures play which part.
        fingerprint: the encoder's, at the time of writing.
        versions: of Python and the libraries that matter.
        timings: seconds of each stage.
        created: UTC time, ISO 8601.
        stopped_early: the loss stopped falling before the last epoch asked for; None where nothing
            was trained, or an older Lookalike made the engine and did not write it.
        limits: what one picture may cost, as `IntakeLimits.as_dict` gives it; None for the
            usual limits.
        folders: absolute paths of further folders, by the names that their pictures' paths begin
            with.
        mounts: folders below in which another disk was mounted, by their paths in the gallery.
        retrained: how often the weights were trained further on the pictures of the time.
        next_id: a picture's id is this or more if it comes after the last sync; none is used again.
    """

    preset: str
    settings: dict[str, Any]
    image: dict[str, Any]
    metric: str
    k: int
    seed: int
    source: str
    root: str
    counts: Counts
    fingerprint: str
    versions: dict[str, str]
    timings: dict[str, float]
    created: str
    stopped_early: bool | None = None
    limits: dict[str, Any] | None = None
    folders: dict[str, str] = field(default_factory=dict)
    mounts: list[str] = field(default_factory=list)
    retrained: int = 0
    next_id: int = 0

    @property
    def places(self) -> Places:
        """Where the gallery's pictures lie."""
        from lookalike.images.places import Places

        further = {name: Path(folder) for name, folder in self.folders.items()}
        return Places(Path(self.root), further)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


# Not in the manifests of older engines.
_LATER = {
    one.name
    for one in fields(Manifest)
    if one.default is not MISSING or one.default_factory is not MISSING
}


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write `manifest` beside `path` and rename it into place.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    text = json.dumps({"format": FORMAT, "version": VERSION, **manifest.as_dict()}, indent=2)
    write_text(path, text + "\n")


def read_manifest(path: Path) -> Manifest:
    """Read what `write_manifest` wrote.

    Raises:
        EngineError: there is none, it is damaged, foreign or of another format version.
    """
    values = _read_json(path)
    if values.get("format") != FORMAT:
        raise EngineError(f"{path.parent} is not a Lookalike engine: {path.name} is foreign")
    if values.get("version") != VERSION:
        raise EngineError(
            f"{path.parent} has format version {values.get('version')!r}, "
            f"this Lookalike reads version {VERSION}: update Lookalike or build the engine again"
        )
    try:
        counts = Counts(**values["counts"])
        names = [one.name for one in fields(Manifest) if one.name != "counts"]
        given = {name: values[name] for name in names if name in values or name not in _LATER}
        return Manifest(counts=counts, **given)
    except (KeyError, TypeError) as error:
        raise EngineError(f"{path} is damaged ({error}): build the engine again") from error


def _read_json(path: Path) -> dict[str, Any]:
    partial = Layout(path.parent).partial
    with storage_errors(partial):
        unfinished = not path.parent.is_dir() and partial.is_dir()
    if unfinished:
        raise EngineError(
            f"{path.parent} is not finished: what there is of it is kept in {partial}; "
            "build it again with resume (--resume) to go on"
        )
    if not path.parent.is_dir():
        raise EngineError(
            f"no engine at {path.parent}: make one with `lookalike build FOLDER -o {path.parent}`"
        )
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise EngineError(
            f"{path.parent} is not a Lookalike engine: it has no {path.name}"
        ) from None
    except PermissionError:
        raise EngineError(f"{path} may not be read: check its permissions") from None
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} is damaged ({error}): build the engine again") from error
    if not isinstance(values, dict):
        raise EngineError(f"{path} is damaged (not a JSON object): build the engine again")
    return values
