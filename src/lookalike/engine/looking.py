"""From an engine to pictures: grids of hits, reconstructions, the map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.engine.queries import Query
from lookalike.engine.thumbnails import file_thumbnail
from lookalike.errors import PictureError, QueryError, SettingsError
from lookalike.images import thumbnail
from lookalike.pictures import (
    GridCell,
    GridRow,
    Tone,
    draw_grid,
    draw_loss,
    draw_map,
    draw_reconstructions,
    most_rows,
    to_png,
    tsne,
)
from lookalike.pictures.style import PAGE
from lookalike.types import Hits, OnProgress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts
    from lookalike.engine.query_reader import PictureLike

__all__ = [
    "LOSS_NAMES",
    "MAP_LIMIT",
    "draw_curve",
    "draw_engine_reconstructions",
    "draw_gallery_map",
    "draw_hits",
    "draw_row",
    "picture_thumbnail",
    "proportion",
    "sample_queries",
    "short_name",
    "unstretched",
]

THUMBNAIL = 160
# A map of more pictures than this is drawn of an even sample of them.
MAP_LIMIT = 10_000
EXAMPLES = 10
LOSS_NAMES = {
    "mse": "mean squared error",
    "bce": "binary cross-entropy",
    "twin": "InfoNCE and mean squared error",
}
# A change of proportion that one sees, and the greatest that is drawn, as logarithms.
SEEN = 0.02
MOST_STRETCHED = math.log(8)
# t-SNE takes seeds below this.
SEEDS = 2**32


def picture_thumbnail(
    engine: EngineParts, path: str, size: int = THUMBNAIL, picture: PictureLike | None = None
) -> NDArray[np.uint8]:
    """Return a thumbnail (h, w, 3) of a query or of a picture of the collection.

    The original is read if that can be, else the decoded copy that the engine keeps; a picture
    that is gone from both is an empty grey tile.
    """
    original = engine.file(path)
    if picture is None and original.is_file():
        picture = original
    # One that went bad since it was indexed, or costs too much, must not cost the grid.
    with suppress(PictureError):
        if isinstance(picture, str | Path):
            return _own_pixels(file_thumbnail(engine, Path(picture), size, PAGE))
        if picture is not None:
            return _own_pixels(thumbnail(picture, size, PAGE, limits=engine.limits))
    cached = engine.cache
    position = None if cached is None else cached.position(path)
    if cached is not None and position is not None:
        pixels = np.asarray(cached.pixels[position])
        # Small pictures stay as they are: the grid knows best how to enlarge them.
        return pixels if max(pixels.shape[:2]) <= size else thumbnail(pixels, size, PAGE)
    return np.full((size, size, 3), 224, np.uint8)


def _own_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take back the repetition by which a thumbnail of a small picture is enlarged."""
    common = math.gcd(*pixels.shape[:2])
    for factor in range(common, 1, -1):
        if common % factor:
            continue
        own = pixels[::factor, ::factor]
        if np.array_equal(own.repeat(factor, axis=0).repeat(factor, axis=1), pixels):
            return own
    return pixels


def proportion(pixels: NDArray[np.uint8]) -> float:
    """Return the logarithm of width over height: 0 for a square, and halves may be averaged."""
    return math.log(pixels.shape[1] / pixels.shape[0])


def unstretched(
    engine: EngineParts, pixels: NDArray[np.uint8], proportion: float
) -> NDArray[np.uint8]:
    """Return a decoded picture with the proportion that it had before it was stretched to fit.

    Args:
        engine: the engine; where its pictures are cropped or padded, nothing is to be undone.
        pixels: uint8 (h, w, C).
        proportion: as `proportion` gives it of originals.
    """
    height, width = pixels.shape[:2]
    change = float(np.clip(proportion, -MOST_STRETCHED, MOST_STRETCHED)) - math.log(width / height)
    if engine.image.fit != "stretch" or abs(change) < SEEN:
        return pixels
    # The side that was squeezed grows, so that nothing is lost.
    size = (round(width * math.exp(max(change, 0))), round(height * math.exp(max(-change, 0))))
    grey = pixels.shape[2] == 1
    image = Image.fromarray(pixels[:, :, 0] if grey else pixels)
    grown = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    return grown[:, :, None] if grey else grown


def draw_hits(engine: EngineParts, hits: Sequence[Hits], title: str | None = None) -> Image.Image:
    """Draw each query, framed, beside what it found; of very many, those that fit a page.

    Raises:
        QueryError: there is nothing to draw.
    """
    if not hits:
        raise QueryError("no hits to draw: search for at least one query")
    drawn = hits[: most_rows(max(map(len, hits)))]
    note = f"The first {len(drawn):,} of {len(hits):,} queries." if len(drawn) < len(hits) else None
    return draw_grid([_row(engine, found) for found in drawn], title=title, note=note)


def draw_row(engine: EngineParts, hits: Hits) -> bytes:
    """Draw one query's hits as a notebook shows them, a PNG file."""
    return to_png(draw_grid([_row(engine, hits)]))


def draw_engine_reconstructions(engine: EngineParts) -> Image.Image:
    """Draw ten pictures of the collection above what the decoder makes of them.

    Raises:
        SettingsError: the encoder has no decoder, or the decoded pictures are gone.
    """
    cache = engine.cache
    if cache is None:
        raise SettingsError("the engine's decoded pictures are gone: run `lookalike index` again")
    rows = cache.rows("test")
    rows = rows if len(rows) else cache.rows()
    pixels = np.asarray(cache.pixels[_spread(rows, EXAMPLES, engine.manifest.seed)])
    rebuilt = engine.encoder.reconstruct(pixels)
    return draw_reconstructions(pixels, rebuilt.pixels, errors=list(rebuilt.errors))


def draw_curve(engine: EngineParts) -> Image.Image:
    """Draw the loss of every epoch.

    Raises:
        SettingsError: the encoder came trained.
    """
    history = engine.history()
    if history is None:
        raise SettingsError(f"preset {engine.manifest.preset} came trained: it has no loss curve")
    loss = engine.manifest.settings["training"]["loss"]
    return draw_loss(history.epochs, loss_name=LOSS_NAMES.get(loss, loss))


def draw_gallery_map(
    engine: EngineParts, *, seed: int | None = None, on_progress: OnProgress = silent
) -> Image.Image:
    """Draw the t-SNE map of the gallery, of at most `MAP_LIMIT` pictures of it.

    Raises:
        SettingsError: the seed is not one that t-SNE takes.
    """
    if seed is None:
        seed = engine.manifest.seed % SEEDS
    if not 0 <= seed < SEEDS:
        raise SettingsError(f"seed of the map is {seed}: wanted 0 to 2**32 - 1")
    gallery = engine.gallery
    rows = _spread(np.arange(len(gallery)), MAP_LIMIT, seed)
    places = tsne(gallery.rows(rows), seed, on_progress=on_progress)
    paths = gallery.paths_at(rows)
    return draw_map(
        places,
        lambda position: picture_thumbnail(engine, paths[position], 96),
        gallery.labels_at(rows),
    )


def sample_queries(engine: EngineParts, count: int) -> list[str]:
    """Return paths of pictures that show how the search does: queries if kept, else gallery."""
    cache = engine.cache
    kept = np.zeros(0, np.int64) if cache is None else cache.rows("test")
    if cache is not None and len(kept):
        return [cache.paths[row] for row in _spread(kept, count, engine.manifest.seed)]
    gallery = engine.gallery
    rows = _spread(np.arange(len(gallery)), count, engine.manifest.seed)
    return gallery.paths_at(rows)


def _row(engine: EngineParts, hits: Hits) -> GridRow:
    asked = hits.asked or _from_the_gallery(engine, hits.query)
    label, name = asked.label, short_name(hits.query)
    query = picture_thumbnail(engine, asked.name, picture=asked.picture)
    return GridRow(
        GridCell(query, caption=label or name, name=name if label else ""),
        tuple(
            GridCell(
                picture_thumbnail(engine, hit.path),
                caption=f"{hit.score:.3f}",
                tone=_tone(label, hit.label),
                detail=hit.label or "",
                name=short_name(hit.path),
            )
            for hit in hits
        ),
    )


def _from_the_gallery(engine: EngineParts, path: str) -> Query:
    """Return the query of hits that were not made by an engine: a path of the gallery, if any."""
    position = engine.gallery.position(path)
    label = None if position is None else engine.gallery.labels_at([position])[0]
    return Query(path, -1, np.zeros((0, 0, 3), np.uint8), None, label)


def short_name(path: str) -> str:
    """Return the file's name; for a picture of a file of many, such as IDX, its number there."""
    name = Path(path).name
    _, mark, number = name.rpartition("#")
    return mark + number if mark and number.isdigit() else name


def _tone(label: str | None, other: str | None) -> Tone | None:
    if label is None or other is None:
        return None
    return "same" if label == other else "other"


def _spread(rows: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Return at most `count` of `rows`, drawn with `seed`, in their order."""
    if len(rows) <= count:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, count, replace=False))
