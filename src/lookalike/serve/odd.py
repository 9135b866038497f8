"""What the decoder shows: the oddest pictures, and reconstructions."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.engine.decoded import cache_rows, require_decoder
from lookalike.engine.looking import unstretched
from lookalike.engine.oddities import Oddities
from lookalike.errors import PictureError
from lookalike.images import decode
from lookalike.images.guarded import can_guard
from lookalike.serve.errors import Refusal
from lookalike.serve.facts import pictures_at
from lookalike.serve.finding import Finding
from lookalike.serve.found_schemas import Odd, Odds
from lookalike.serve.originals import original
from lookalike.serve.schemas import MOST
from lookalike.serve.state import Opened
from lookalike.types import OnProgress

__all__ = ["odd_ones", "odds_of", "reconstruction"]


def odd_ones(opened: Opened) -> Finding[Oddities]:
    """Return how the oddest pictures are found: as many as anybody may ask for.

    Raises:
        EngineError: the encoder has no decoder.
    """
    require_decoder(opened.engine, "finding the oddest pictures")

    def find(on_progress: OnProgress) -> Oddities:
        return opened.engine.oddities(MOST, on_progress=on_progress)

    return Finding("oddities", (), Oddities, find, _result)


def odds_of(opened: Opened, found: Oddities, count: int) -> Odds:
    """Return the oddest of them."""
    some = found.oddities[:count]
    by_path = opened.gallery.places_of([one.path for one in some])
    pictures = pictures_at(opened, [by_path[one.path] for one in some])
    return Odds(
        oddities=[
            Odd(picture=picture, error=one.error, ratio=one.ratio)
            for picture, one in zip(pictures, some, strict=True)
        ],
        median=found.median,
        pictures=found.pictures,
    )


def reconstruction(opened: Opened, place: int) -> bytes:
    """Return a PNG of what the decoder makes of a picture, in the picture's proportion.

    Raises:
        EngineError: the encoder has no decoder.
        Refusal: the picture is gone.
        PictureError: it cannot be read.
    """
    engine, gallery = opened.engine, opened.gallery
    require_decoder(engine, "a reconstruction")
    rebuilt = engine.encoder.reconstruct(_pixels(opened, place)[None]).pixels[0]
    width, height = int(gallery.widths[place]), int(gallery.heights[place])
    shown = unstretched(engine, rebuilt, math.log(max(1, width) / max(1, height)))
    data = io.BytesIO()
    Image.fromarray(shown[:, :, 0] if shown.shape[2] == 1 else shown).save(data, "PNG")
    return data.getvalue()


def _result(found: Oddities) -> Mapping[str, Any]:
    return {"oddities": len(found.oddities), "median": found.median, "pictures": found.pictures}


def _pixels(opened: Opened, place: int) -> NDArray[np.uint8]:
    """Return a picture as the encoder wants it: decoded before, or from its file."""
    engine = opened.engine
    row = int(cache_rows(engine, np.array([place]))[0])
    if engine.cache is not None and row >= 0:
        return np.asarray(engine.cache.pixels[row])
    file = original(opened, place)
    if file is None:
        raise Refusal(410, "this picture is gone, and cannot be rebuilt")
    return _decoded(opened, file)


def _decoded(opened: Opened, file: Path) -> NDArray[np.uint8]:
    engine = opened.engine
    if not can_guard():
        return decode(file, engine.image, engine.limits).pixels
    channels, height, width = engine.image.shape
    pixels = np.empty((1, height, width, channels), np.uint8)
    (answer,) = engine.intake.decode([file], engine.image, pixels)
    if answer.size is None:
        raise PictureError(f"the picture cannot be read: {answer.reason}")
    return np.asarray(pixels[0])
