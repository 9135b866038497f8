"""The look of every picture and of the report: colours, spacing, type. Nothing else decides these.

Text colours reach a contrast of at least 4.5 : 1 on the page and on a card (WCAG AA). The tones are
Okabe and Ito's blue and vermilion darkened, which stay apart for colour-blind people; a shape
always says the same as a colour.
"""

from __future__ import annotations

import functools
from pathlib import Path

from PIL import ImageFont

__all__ = [
    "ACCENT",
    "CARD",
    "CATEGORIES",
    "DARK",
    "GAP",
    "INK",
    "LIGHT",
    "LINE",
    "MARGIN",
    "MUTED",
    "OTHER",
    "PAGE",
    "SAME",
    "TITLE",
    "Colour",
    "font",
    "hexadecimal",
]

Colour = tuple[int, int, int]

PAGE: Colour = (255, 255, 255)
CARD: Colour = (243, 244, 246)
LINE: Colour = (217, 220, 226)
INK: Colour = (27, 31, 39)
MUTED: Colour = (91, 98, 110)
ACCENT: Colour = (79, 70, 229)
SAME: Colour = (0, 105, 168)
OTHER: Colour = (190, 78, 0)

# For up to twelve labels: Okabe and Ito's palette first, then hues that stand clear of it.
CATEGORIES: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 51, 102),
    (86, 180, 233),
    (128, 62, 178),
    (140, 86, 40),
    (240, 118, 80),
    (120, 170, 30),
    (230, 130, 210),
    (30, 60, 110),
    (120, 126, 136),
)

# The report's two themes, by the names that its style sheet uses.
LIGHT: dict[str, Colour] = {
    "page": PAGE,
    "card": CARD,
    "line": LINE,
    "ink": INK,
    "muted": MUTED,
    "accent": ACCENT,
    "tint": (238, 240, 254),
}
DARK: dict[str, Colour] = {
    "page": (19, 21, 26),
    "card": (29, 32, 39),
    "line": (55, 60, 71),
    "ink": (232, 234, 238),
    "muted": (166, 173, 186),
    "accent": (165, 180, 252),
    "tint": (36, 38, 66),
}

MARGIN = 32
GAP = 12
TITLE = 24


def hexadecimal(colour: Colour) -> str:
    """Return the colour as HTML and matplotlib write it.

    >>> hexadecimal((255, 128, 0))
    '#ff8000'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


@functools.cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib and is therefore always there."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    # The basic layout: the same pixels whether or not libraqm is installed.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
