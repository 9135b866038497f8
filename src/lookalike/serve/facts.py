"""What the service says of an engine and of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from lookalike.engine import Engine
from lookalike.engine.files import is_file_of_its_own
from lookalike.parts import PartedWhitening
from lookalike.serve.originals import original
from lookalike.serve.schemas import (
    Balance,
    EngineFacts,
    FolderCount,
    LabelCount,
    Picture,
    PictureFacts,
    Size,
)
from lookalike.serve.state import Opened
from lookalike.types import check_metric

__all__ = ["engine_facts", "picture_facts", "pictures_at", "shown_path"]

# Labels and folders that are named.
NAMED = 500


def engine_facts(opened: Opened) -> EngineFacts:
    """Return what an engine holds."""
    engine, gallery = opened.engine, opened.gallery
    drift = engine.drift()
    return EngineFacts(
        name=engine.layout.directory.resolve().name.removesuffix(".lookalike"),
        pictures=len(gallery),
        preset=engine.manifest.preset,
        metric=check_metric(engine.manifest.metric),
        k=engine.manifest.k,
        calibrated=engine.calibration is not None,
        balance=_balance(engine),
        decodes=engine.encoder.decodes,
        labels=[LabelCount(label=one, count=n) for one, n in opened.labels.most_common(NAMED)],
        folders=[FolderCount(folder=one, count=n) for one, n in opened.folders.most_common(NAMED)],
        size=_size(opened),
        gallery_version=opened.version,
        sentence=engine.sentence(),
        drift_advice=drift.advice if drift is not None else None,
        away=sorted(engine.away()),
    )


def pictures_at(opened: Opened, places: NDArray[np.int64] | Sequence[int]) -> list[Picture]:
    """Return what is said of the pictures at some places of the gallery."""
    gallery = opened.gallery
    rows = np.asarray(places, np.int64)
    return [
        Picture(
            id=number, path=shown_path(path), label=label, folder=_folder(path), width=w, height=h,
            version=digest[:8],
        )
        for number, path, label, w, h, digest in zip(
            gallery.ids[rows].tolist(),
            gallery.paths_at(rows),
            gallery.labels_at(rows),
            gallery.widths[rows].tolist(),
            gallery.heights[rows].tolist(),
            gallery.digests_at(rows),
            strict=True,
        )
    ]  # fmt: skip


def picture_facts(opened: Opened, place: int) -> PictureFacts:
    """Return all that is said of one picture."""
    (picture,) = pictures_at(opened, [place])
    gallery = opened.gallery
    size, modified = int(gallery.file_sizes[place]), int(gallery.modified[place])
    when = datetime.fromtimestamp(modified / 1e9, UTC) if modified > 0 else None
    return PictureFacts(
        **picture.model_dump(),
        file_size=size if size >= 0 else None,
        modified=when.isoformat(timespec="seconds") if when else None,
        sha256=gallery.sha256_at(place),
        missing=original(opened, place) is None,
        inside=not is_file_of_its_own(gallery.paths_at([place])[0]),
    )


def shown_path(path: str) -> str:
    """Return a path of the gallery as it may be shown: what leads out of it is cut to its name."""
    if path.startswith(("/", "../", "\\")) or path[1:3] in (":/", ":\\"):
        return path.replace("\\", "/").rpartition("/")[2]
    return path


def _folder(path: str) -> str:
    return shown_path(path).rpartition("/")[0]


def _size(opened: Opened) -> Size | None:
    gallery = opened.gallery
    if not len(gallery):
        return None
    return Size(
        min_width=int(gallery.widths.min()),
        max_width=int(gallery.widths.max()),
        min_height=int(gallery.heights.min()),
        max_height=int(gallery.heights.max()),
    )


def _balance(engine: Engine) -> Balance | None:
    whitening = engine.encoder.whitening
    if not isinstance(whitening, PartedWhitening):
        return None
    return Balance(natural=whitening.balance, low="looks like", high="means like")
