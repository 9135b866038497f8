"""What every drawing needs: text that fits, and a picture of any size within a square."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lookalike.errors import SettingsError
from lookalike.pictures.style import (
    ACCENT,
    GAP,
    INK,
    LINE,
    MARGIN,
    MUTED,
    PAGE,
    TITLE,
    Colour,
    font,
)

__all__ = [
    "FRAME",
    "NOTE",
    "TEXT_LINE",
    "TINY",
    "Anchor",
    "as_image",
    "card_size",
    "check_some",
    "draw_card",
    "draw_framed",
    "fit",
    "heading",
    "new_page",
    "shorten",
    "write",
    "write_note",
    "write_texts",
    "write_title",
]

_ELLIPSIS = "…"
_LONGEST = 400
# Up to so many pixels a side, pixels are what there is to see.
TINY = 48
# Width of the frame around a picture that stands out.
FRAME = 5
# Height of a line of small text beneath a card, and of a note below the title.
TEXT_LINE = 18
NOTE = 30
_SMALL, _NORMAL = 12, 15
Anchor = Literal["left", "centre", "right"]


def shorten(text: str, face: ImageFont.FreeTypeFont, width: float) -> str:
    """Return the text in one line of at most `width` pixels, its middle cut out if need be.

    The middle goes because a path's folder and its file name are both worth reading.
    """
    text = " ".join(text.split())
    if len(text) <= _LONGEST and face.getlength(text) <= width:
        return text
    low, high = 0, min(len(text), _LONGEST)
    while low < high:
        kept = (low + high + 1) // 2
        if face.getlength(_cut(text, kept)) <= width:
            low = kept
        else:
            high = kept - 1
    return _cut(text, low) if low else ""


def _cut(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    tail = kept - head
    return text[:head].rstrip() + _ELLIPSIS + (text[-tail:].lstrip() if tail else "")


def write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    *,
    width: float,
    size: int,
    colour: Colour = INK,
    bold: bool = False,
    anchor: Anchor = "left",
) -> None:
    """Write one line with its top at `place`, never wider than `width`."""
    face = font(size, bold=bold)
    corner = {"left": "la", "centre": "ma", "right": "ra"}[anchor]
    draw.text(place, shorten(text, face, width), font=face, fill=colour, anchor=corner)


def as_image(thumbnail: np.ndarray[Any, Any]) -> Image.Image:
    """Return uint8 (h, w), (h, w, 1) or (h, w, 3) as an RGB image.

    Raises:
        SettingsError: another shape or type.
    """
    pixels = np.asarray(thumbnail)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    grey, colour = pixels.ndim == 2, pixels.ndim == 3 and pixels.shape[-1] == 3
    if pixels.dtype != np.uint8 or not (grey or colour) or 0 in pixels.shape:
        raise SettingsError(
            f"a thumbnail must be uint8 of shape (h, w), (h, w, 1) or (h, w, 3), "
            f"got {pixels.dtype} of shape {np.asarray(thumbnail).shape}"
        )
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")


def fit(image: Image.Image, size: int) -> Image.Image:
    """Return the image with its longer side at most `size`, its shape kept.

    A tiny one, such as a 28×28 digit, grows by a whole factor, nearest neighbour, so that each
    pixel stays a crisp square; a photo grows or shrinks smoothly to `size`.
    """
    longer = max(image.size)
    if longer <= min(TINY, size):
        factor = size // longer
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    smooth = Image.Resampling.BICUBIC if longer < size else Image.Resampling.LANCZOS
    scaled = (max(1, round(side * size / longer)) for side in image.size)
    return image.resize((next(scaled), next(scaled)), smooth)


def card_size(images: Iterable[Image.Image], target: int) -> int:
    """Return the side of a card, at most `target`, that tiny pictures fill without a border."""
    longest = max(max(image.size) for image in images)
    return target // longest * longest if longest <= min(TINY, target // 2) else target


def draw_card(
    page: Image.Image,
    image: Image.Image,
    place: tuple[int, int],
    size: int,
    border: Colour = LINE,
) -> None:
    """Draw the image in the middle of a card whose left upper corner is `place`.

    The card has the page's colour, as transparent pixels have, so that neither they nor the
    stripes beside a narrow picture show; a thin border around it says where the card ends.
    """
    left, top = place
    page.paste(border, (left - 1, top - 1, left + size + 1, top + size + 1))
    page.paste(PAGE, (left, top, left + size, top + size))
    small = fit(image, size)
    page.paste(small, (left + (size - small.width) // 2, top + (size - small.height) // 2))


def draw_framed(page: Image.Image, image: Image.Image, place: tuple[int, int], size: int) -> None:
    """Draw the image on a card with a frame around it, `FRAME` wide, so that it stands out."""
    left, top = place
    outer = (left - FRAME, top - FRAME, left + size + FRAME - 1, top + size + FRAME - 1)
    ImageDraw.Draw(page).rectangle(outer, fill=ACCENT)
    draw_card(page, image, place, size, ACCENT)


def new_page(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return an empty page and its pen."""
    page = Image.new("RGB", (width, height), PAGE)
    return page, ImageDraw.Draw(page)


def heading(title: str | None, size: int = TITLE) -> int:
    """Return where the drawing begins, below the margin and the title if there is one."""
    return MARGIN + (size + 2 * GAP if title else 0)


def write_title(
    draw: ImageDraw.ImageDraw, title: str | None, width: int, size: int = TITLE
) -> None:
    """Write the title at the top of a page of this width."""
    if title:
        write(draw, (MARGIN, MARGIN), title, width=width - 2 * MARGIN, size=size, bold=True)


def write_note(draw: ImageDraw.ImageDraw, note: str, top: int, width: int) -> None:
    """Write a line below the title of a page of this width; it takes `NOTE` pixels."""
    room = width - 2 * MARGIN
    write(draw, (MARGIN, top), note, width=room, size=_NORMAL, colour=MUTED)


def write_texts(
    draw: ImageDraw.ImageDraw, texts: Iterable[str], place: tuple[float, float], width: float
) -> None:
    """Write small muted lines below each other, `TEXT_LINE` pixels each; empty ones take none."""
    left, top = place
    for text in filter(None, texts):
        write(draw, (left, top), text, width=width, size=_SMALL, colour=MUTED)
        top += TEXT_LINE


def check_some(items: Sequence[object] | np.ndarray[Any, Any], what: str) -> None:
    """Raise a `SettingsError` when there is nothing to draw."""
    if len(items) == 0:
        raise SettingsError(f"there is nothing to draw: got no {what}, wanted at least one")
