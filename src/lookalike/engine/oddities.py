"""The gallery's oddest pictures: what the decoder cannot rebuild, it has seldom seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.decoded import cached_gallery, require_decoder
from lookalike.engine.looking import short_name
from lookalike.errors import SettingsError
from lookalike.pictures import OddPicture, draw_oddities, to_png
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.parts import EngineParts
    from lookalike.images import PictureCache

__all__ = ["Oddities", "Oddity", "find_oddities"]

# A page of more than these no one looks at.
DRAWN = 100


@dataclass(frozen=True)
class Oddity:
    """One picture and how badly it is rebuilt.

    Attributes:
        rank: 1 is the oddest.
        path: the picture's path in the gallery.
        error: mean squared error per value of its reconstruction, pixels in [0, 1].
        ratio: how many times the gallery's median error that is; None where the median is 0.
        label: the picture's weak label, if it has one.
    """

    rank: int
    path: str
    error: float
    ratio: float | None
    label: str | None = None


@dataclass(frozen=True)
class Oddities:
    """The oddest pictures of a gallery, the oddest first.

    Attributes:
        oddities: at most as many as were asked for.
        median: of the errors of all pictures.
        pictures: how many there are in the gallery.
        draw: draws each, at most 100, beside its reconstruction; set by the engine.
    """

    oddities: tuple[Oddity, ...]
    median: float
    pictures: int
    draw: Callable[[], Image] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        errors = [one.error for one in self.oddities]
        if errors != sorted(errors, reverse=True):
            raise SettingsError("oddities must come with the greatest error first")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "pictures": self.pictures,
            "median": self.median,
            "oddities": [asdict(one) for one in self.oddities],
        }

    def _repr_png_(self) -> bytes:
        return to_png(self.draw())


def find_oddities(engine: EngineParts, count: int, *, on_progress: OnProgress = silent) -> Oddities:
    """Rebuild every picture of the gallery and return those with the greatest errors.

    Args:
        engine: an engine whose encoder has a decoder.
        count: how many; more than there are gives all.
        on_progress: told how many pictures are rebuilt.

    Returns:
        Ties in the gallery's order.

    Raises:
        EngineError: the decoded pictures are gone, or the encoder has no decoder.
        SettingsError: the count is below 1.
    """
    if count < 1:
        raise SettingsError(f"{count} oddities: wanted 1 or more")
    require_decoder(engine, "finding the oddest pictures")
    cache, rows = cached_gallery(engine)
    errors = engine.encoder.decoder.errors(cache.pixels, rows, on_progress=on_progress)
    median = float(np.median(errors))
    places = np.argsort(-errors, kind="stable")[:count]
    paths, labels = engine.gallery.paths, engine.gallery.labels
    found = tuple(
        Oddity(
            rank,
            paths[place],
            float(errors[place]),
            float(errors[place]) / median if median > 0 else None,
            labels[place],
        )
        for rank, place in enumerate(places, start=1)
    )
    return Oddities(
        found, median, len(rows), lambda: _draw(engine, cache, rows[places], found, len(rows))
    )


def _draw(
    engine: EngineParts,
    cache: PictureCache,
    rows: NDArray[np.int64],
    found: tuple[Oddity, ...],
    pictures: int,
) -> Image:
    originals = np.asarray(cache.pixels[rows[:DRAWN]])
    rebuilt = engine.encoder.reconstruct(originals).pixels
    drawn = [
        OddPicture(
            original,
            copy,
            rank=one.rank,
            caption=_caption(one),
            detail=one.label or "",
            name=short_name(one.path),
        )
        for original, copy, one in zip(originals, rebuilt, found, strict=False)
    ]
    shown = f"the {len(drawn):,} oddest of {pictures:,} pictures"
    return draw_oddities(drawn, title=f"{engine.layout.directory.name}: {shown}")


def _caption(one: Oddity) -> str:
    error = f"error {one.error:.4f}"
    return error if one.ratio is None else f"{error} · {one.ratio:.1f} × median"
