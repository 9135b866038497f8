"""The map: every picture where its embedding stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from lookalike.errors import SettingsError
from lookalike.pictures.canvas import TINY, as_image, fit, heading, new_page, write, write_title
from lookalike.pictures.spread import cells, check_coordinates, push_apart, scale_to_page
from lookalike.pictures.style import CATEGORIES, LINE, MARGIN, MUTED, PAGE, TITLE, Colour, font

__all__ = ["Thumbnails", "draw_map"]

Thumbnails = Callable[[int], np.ndarray[Any, Any]] | Sequence[np.ndarray[Any, Any]]

_WIDEST, _NARROWEST = 2336, 800
_ALL_SHOWN = 200
_PICTURE = 200  # where all are shown, no larger than this
_FILLED = 0.36  # share of the field that pictures then cover
# The smallest cell shows a picture of 28 × 28, the size of MNIST's, pixel for pixel.
_CELLS = (34, 96)
_LONGEST_NAME = 420


@dataclass(frozen=True)
class _Page:
    """The field that holds the pictures, in pixels, and the type around it."""

    field: tuple[int, int]
    title: str | None

    def type_size(self, smallest: int, largest: int) -> int:
        """Return a size of type that grows with the page, as pages are seen at one width."""
        return max(smallest, round(largest * self.field[0] / _WIDEST))

    @property
    def title_size(self) -> int:
        return self.type_size(TITLE, 44)

    @property
    def text_size(self) -> int:
        return self.type_size(18, 28)

    @property
    def line(self) -> int:
        """Height of a line of text."""
        return round(self.text_size * 1.7)

    @property
    def below_title(self) -> int:
        return heading(self.title, self.title_size)


def draw_map(
    coordinates: np.ndarray[Any, Any],
    thumbnails: Thumbnails,
    labels: Sequence[str | None] | None = None,
    title: str | None = None,
) -> Image.Image:
    """Draw pictures where their coordinates are, so that none hides another.

    Up to 200 pictures are all shown, pushed apart where they would overlap. Of more, each cell of
    a fine grid shows the one nearest to its middle. With 2 to 12 labels, frames have the label's
    colour, explained above the map; on the fine grid, names stand on the map as well.

    Args:
        coordinates: (N, 2), of any scale.
        thumbnails: picture i is `thumbnails[i]` or `thumbnails(i)`: uint8 (h, w), (h, w, 1) or
            (h, w, 3); asked only for those shown.
        labels: one a picture, None for none.
        title: a line above.

    Raises:
        SettingsError: no coordinates, NaN among them, or not one label a picture.
    """
    check_coordinates(coordinates)
    if labels is not None and len(labels) != len(coordinates):
        raise SettingsError(f"got {len(labels)} labels for {len(coordinates)} coordinates")
    count = len(coordinates)
    width = int(np.clip(math.sqrt(count * _PICTURE**2 / _FILLED), _NARROWEST, _WIDEST))
    places, height = scale_to_page(coordinates, width, (width // 2, width))
    if count <= _ALL_SHOWN:
        size = min(_PICTURE, int(math.sqrt(_FILLED * width * height / count)))
        chosen, corners = _all(places, (width, height), size)
    else:
        size = int(np.clip(math.sqrt(width * height / (1.2 * count)), *_CELLS))
        width, height = (math.ceil(side / size) * size for side in (width, height))
        chosen, corners = cells(places, (width, height), size)
    colours = _label_colours(labels)
    image, top = _begin(_Page((width, height), title), (count, len(chosen)), colours)
    for position, (left, upper) in zip(chosen.tolist(), corners.tolist(), strict=True):
        picture = as_image(thumbnails(position) if callable(thumbnails) else thumbnails[position])
        colour = colours.get(labels[position] or "") if labels is not None else None
        _draw_picture(image, picture, (MARGIN + round(left), top + round(upper)), size, colour)
    if labels is not None and count > _ALL_SHOWN:
        _draw_names(image, _Page((width, height), title), top, _middles(places, labels, colours))
    return image


def _all(
    places: np.ndarray[Any, Any], field: tuple[int, int], size: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return every point, and the corner of its picture."""
    sizes = np.full((len(places), 2), size + 4.0)
    return np.arange(len(places)), push_apart(places, sizes, field) - size / 2


def _label_colours(labels: Sequence[str | None] | None) -> dict[str, Colour]:
    """Return a colour for each label in order of name; nothing for one label or too many."""
    names = sorted({label for label in labels or () if label})
    if not 2 <= len(names) <= len(CATEGORIES):
        return {}
    return dict(zip(names, CATEGORIES, strict=False))


def _begin(
    page: _Page, counts: tuple[int, int], colours: Mapping[str, Colour]
) -> tuple[Image.Image, int]:
    """Return the page with all that stands above the field, and where the field begins."""
    count, shown = counts
    width, legend = page.field[0], _flow(page, list(colours))
    top = page.below_title + page.line * (1 + (legend[-1][2] + 1 if legend else 0)) + 8
    image, draw = new_page(width + 2 * MARGIN, top + page.field[1] + MARGIN)
    write_title(draw, page.title, image.width, page.title_size)
    text = f"{count:,} {'picture' if count == 1 else 'pictures'}"
    text += f", {shown:,} of them drawn" if shown < count else ""
    text += "; the closer, the more alike" if count > 1 else ""
    size = page.text_size
    write(draw, (MARGIN, page.below_title), text, width=width, size=size, colour=MUTED)
    for name, left, line in legend:
        upper = page.below_title + page.line * (line + 1)
        draw.rectangle((left, upper + 2, left + size, upper + 2 + size), fill=colours[name])
        write(draw, (left + size * 1.5, upper), name, width=_LONGEST_NAME, size=size)
    return image, top


def _flow(page: _Page, names: list[str]) -> list[tuple[str, float, int]]:
    """Return (name, left, line) of each entry of the legend, as many a line as fit."""
    entries: list[tuple[str, float, int]] = []
    left, line, size = float(MARGIN), 0, page.text_size
    for name in names:
        width = size * 1.5 + min(font(size).getlength(name), _LONGEST_NAME)
        if left > MARGIN and left + width > MARGIN + page.field[0]:
            left, line = float(MARGIN), line + 1
        entries.append((name, left, line))
        left += width + size * 1.2
    return entries


def _draw_picture(
    page: Image.Image,
    picture: Image.Image,
    place: tuple[int, int],
    size: int,
    colour: Colour | None,
) -> None:
    frame = 1 if colour is None else max(2, size // 32)
    small = _fit_closely(picture, size - 2 * frame - 2)
    left = place[0] + (size - small.width) // 2
    top = place[1] + (size - small.height) // 2
    right, bottom = left + small.width + frame, top + small.height + frame
    page.paste(colour or LINE, (left - frame, top - frame, right, bottom))
    page.paste(small, (left, top))


def _fit_closely(picture: Image.Image, size: int) -> Image.Image:
    """Return the picture with its longer side exactly `size`; a tiny one stays crisp."""
    longer = max(picture.size)
    if longer > TINY or longer >= size:
        return fit(picture, size)
    width, height = (max(1, round(side * size / longer)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.NEAREST)


def _middles(
    places: np.ndarray[Any, Any], labels: Sequence[str | None], colours: Mapping[str, Colour]
) -> list[tuple[str, Colour, np.ndarray[Any, Any]]]:
    """Return each label with the median place of its pictures."""
    known = np.array([label or "" for label in labels])
    return [
        (name, colour, np.median(places[known == name], axis=0)) for name, colour in colours.items()
    ]


def _draw_names(
    image: Image.Image,
    page: _Page,
    top: int,
    middles: list[tuple[str, Colour, np.ndarray[Any, Any]]],
) -> None:
    """Write each name on a plate with the label's colour; colour never speaks alone."""
    if not middles:
        return
    draw, size = ImageDraw.Draw(image), page.text_size
    widths = [min(font(size, bold=True).getlength(name), _LONGEST_NAME) for name, _, _ in middles]
    sizes = np.array([(width + size * 1.2, size * 1.9) for width in widths])
    places = push_apart(np.array([middle for _, _, middle in middles]), sizes + 8, page.field)
    for (x, y), (wide, tall), (name, colour, _) in zip(places, sizes, middles, strict=True):
        x, y = x + MARGIN, y + top
        box = (x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2)
        draw.rounded_rectangle(box, radius=size // 2, fill=PAGE, outline=colour, width=4)
        place = (x, y - size * 0.58)
        write(draw, place, name, width=wide - size, size=size, bold=True, anchor="centre")
