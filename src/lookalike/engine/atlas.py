"""Pages of small pictures, for a map that shows all of a gallery at once."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.engine.decoded import cache_rows
from lookalike.engine.files import is_file_of_its_own, picture_file, picture_roots
from lookalike.errors import PictureError, SettingsError, StorageError
from lookalike.images import ImageSpec, decode
from lookalike.images.guarded import can_guard
from lookalike.storage import write_bytes
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.gallery_map import GalleryMap
    from lookalike.engine.parts import EngineParts

__all__ = ["ACROSS", "PAGE", "TILE", "TILES", "MapPages"]

TILE = 32
"""Pixels of a side of a tile."""

ACROSS = 64
"""Tiles in a row, and rows in a page."""

PAGE = TILE * ACROSS
"""Pixels of a side of a page."""

TILES = ACROSS * ACROSS
"""Tiles in a page."""

# To be raised when the same pictures give another page than before.
VERSION = 1
_QUALITY, _METHOD = 75, 2
_NOTHING = (224, 224, 224, 255)
_TILE_SPEC = ImageSpec(TILE, TILE, 3)
# Files that one process decodes at a time.
_TOGETHER = 64


@dataclass(frozen=True, eq=False)
class MapPages:
    """The pages of a map: slot i is tile i modulo `TILES` of page i // `TILES`, row by row.

    Each picture lies in the middle of its tile, in its own proportion; what is left of the tile
    is transparent. Pages are kept in the engine's directory, named by what they show.

    Attributes:
        engine: whose pictures they are.
        map: which says what slot is whose.
    """

    engine: EngineParts
    map: GalleryMap

    def __len__(self) -> int:
        return -(-len(self.map) // TILES)

    @cached_property
    def sizes(self) -> NDArray[np.uint8]:
        """Width and height of each picture within its tile, uint8 (N, 2)."""
        gallery, rows = self.engine.gallery, self.map.rows
        sides = np.stack([gallery.widths[rows], gallery.heights[rows]], axis=1).astype(np.float64)
        shares = np.maximum(sides, 1) / np.maximum(sides, 1).max(axis=1, keepdims=True)
        return np.asarray(np.maximum(1, np.rint(shares * TILE)), np.uint8)

    def page(self, number: int, *, on_progress: OnProgress = silent) -> bytes:
        """Return a page, a WebP of `PAGE` pixels a side; made if it is not kept.

        Raises:
            SettingsError: there is no such page.
            IntakeError: no process to decode files can be started.
        """
        if not 0 <= number < len(self):
            raise SettingsError(f"the map has no page {number}: wanted 0 to {len(self) - 1}")
        place = self._file(number)
        with suppress(OSError):
            return place.read_bytes()
        image, is_whole = self._drawn(number, on_progress)
        data = io.BytesIO()
        image.save(data, "WEBP", quality=_QUALITY, method=_METHOD)
        if is_whole:  # a picture whose file is away may come back
            with suppress(StorageError, OSError):
                write_bytes(place, data.getvalue())
        return data.getvalue()

    def make(self, *, on_progress: OnProgress = silent) -> None:
        """Make all pages that are not kept, and delete those that are no longer of this map."""
        wanted = {self._file(number) for number in range(len(self))}
        with suppress(OSError):
            for place in set(self.engine.layout.map.glob("page-*.webp*")) - wanted:
                place.unlink(missing_ok=True)
        for number in range(len(self)):
            self.page(number)
            on_progress(Progress("thumbnails", number + 1, len(self)))

    def _file(self, number: int) -> Path:
        digests, rows = self.engine.gallery.sha256, self._rows(number)
        shown = [VERSION, *(digests[row] for row in rows.tolist()), self._sizes(number).tolist()]
        name = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]
        return self.engine.layout.map / f"page-{name}.webp"

    def _rows(self, number: int) -> NDArray[np.int64]:
        return self.map.rows[number * TILES : (number + 1) * TILES]

    def _sizes(self, number: int) -> NDArray[np.uint8]:
        return self.sizes[number * TILES : (number + 1) * TILES]

    def _drawn(self, number: int, on_progress: OnProgress) -> tuple[Image.Image, bool]:
        """Return a page, and whether all of its pictures could be drawn."""
        sizes = self._sizes(number)
        opaque = bool((sizes == TILE).all()) and len(sizes) == TILES
        image = Image.new("RGB" if opaque else "RGBA", (PAGE, PAGE))
        missing = []
        kept = cache_rows(self.engine, self._rows(number))
        cache = self.engine.cache
        for tile, row in enumerate(kept.tolist()):
            if row < 0 or cache is None:
                missing.append(tile)
            else:
                pixels = np.asarray(cache.pixels[row])
                _paste(image, tile, _small(pixels, sizes[tile], self.engine.image.fit))
        return image, self._draw_files(image, number, missing, on_progress)

    def _draw_files(
        self, image: Image.Image, number: int, tiles: list[int], on_progress: OnProgress
    ) -> bool:
        """Draw pictures of which no decoded copy is kept; return whether all could be."""
        rows, sizes, drawn = self._rows(number), self._sizes(number), 0
        paths = self.engine.gallery.paths_at(rows[tiles])
        for first in range(0, len(tiles), _TOGETHER):
            some = tiles[first : first + _TOGETHER]
            files = [self._original(path) for path in paths[first : first + _TOGETHER]]
            for tile, pixels in zip(some, self._decoded(files), strict=True):
                width, height = (int(side) for side in sizes[tile])
                if pixels is None:
                    _paste(image, tile, Image.new("RGBA", (width, height), _NOTHING))
                else:
                    _paste(image, tile, _small(pixels, sizes[tile], "stretch"))
                    drawn += 1
            on_progress(Progress("thumbnails", first + len(some), len(tiles)))
        return drawn == len(tiles)

    def _original(self, path: str) -> Path | None:
        """Return the file of a picture; None where it is gone, or lies behind a link elsewhere."""
        if not is_file_of_its_own(path):
            return None
        with suppress(OSError, ValueError, RuntimeError):
            file = picture_file(self.engine, path).resolve()
            inside = any(file.is_relative_to(root) for root in self._roots)
            return file if inside and file.is_file() else None
        return None

    @cached_property
    def _roots(self) -> tuple[Path, ...]:
        return tuple(root.resolve() for root in picture_roots(self.engine))

    def _decoded(self, files: list[Path | None]) -> list[NDArray[np.uint8] | None]:
        """Return files decoded at the size of a tile, where a codec can do no harm."""
        there = [file for file in files if file is not None]
        found = self._guarded(there) if there and can_guard() else self._here(there)
        return [found.get(file) if file is not None else None for file in files]

    def _guarded(self, files: list[Path]) -> dict[Path, NDArray[np.uint8]]:
        pixels = np.empty((len(files), TILE, TILE, 3), np.uint8)
        answers = self.engine.intake.decode(files, _TILE_SPEC, pixels)
        read = [
            file for file, answer in zip(files, answers, strict=True) if answer.size is not None
        ]
        return dict(zip(read, pixels, strict=False))

    def _here(self, files: list[Path]) -> dict[Path, NDArray[np.uint8]]:
        found = {}
        for file in files:
            with suppress(PictureError):
                found[file] = decode(file, _TILE_SPEC, self.engine.limits).pixels
        return found


def _small(pixels: NDArray[np.uint8], size: NDArray[np.uint8], fit: str) -> Image.Image:
    """Return a decoded picture in its own proportion."""
    width, height = (int(side) for side in size)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    box = (0.0, 0.0, float(image.width), float(image.height))
    if fit != "stretch":  # what was padded is cut off; of what was cropped, the middle is shown
        wide = min(image.width, image.height * width / height)
        high = wide * height / width
        left, top = (image.width - wide) / 2, (image.height - high) / 2
        box = (left, top, left + wide, top + high)
    return image.resize((width, height), Image.Resampling.BICUBIC, box)


def _paste(page: Image.Image, tile: int, picture: Image.Image) -> None:
    left = tile % ACROSS * TILE + (TILE - picture.width) // 2
    top = tile // ACROSS * TILE + (TILE - picture.height) // 2
    page.paste(picture, (left, top))
