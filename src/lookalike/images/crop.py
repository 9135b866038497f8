"""A part of a picture, as a query."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from PIL import Image

from lookalike.errors import PictureError, SettingsError
from lookalike.images.decode import upright
from lookalike.images.limits import IntakeLimits
from lookalike.images.opening import Source

__all__ = ["Crop", "crop"]


@dataclass(frozen=True)
class Crop:
    """A rectangle of a picture as it is shown, its orientation applied.

    Shares of the picture's width and height if all four numbers are at most 1, else pixels of the
    original.

    Attributes:
        x: of the left edge.
        y: of the upper edge.
        width: above 0.
        height: above 0.
    """

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.width, self.height)
        if not all(isfinite(number) for number in numbers) or min(numbers[:2]) < 0:
            raise SettingsError(f"crop is {self}: wanted x and y of 0 or more")
        if min(numbers[2:]) <= 0:
            raise SettingsError(f"crop is {self}: wanted width and height above 0")

    def __str__(self) -> str:
        return f"{self.x:g},{self.y:g},{self.width:g},{self.height:g}"

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Read "x,y,w,h".

        >>> Crop.parse("0.5,0,0.5,1").box((40, 20))
        (20, 0, 40, 20)

        Raises:
            SettingsError: it is not four numbers, or they make no rectangle.
        """
        try:
            x, y, width, height = map(float, text.split(","))
        except ValueError:
            raise SettingsError(
                f"crop is {text!r}: wanted x,y,w,h, such as 10,20,100,80 (pixels) or "
                "0,0.5,1,0.5 (shares of the picture)"
            ) from None
        return cls(x, y, width, height)

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom in pixels of a picture of `size` (width, height).

        What lies outside of the picture is cut off; at least one pixel is kept.

        Raises:
            SettingsError: the rectangle lies outside of the picture.
        """
        shares = max(self.x, self.y, self.width, self.height) <= 1
        across, down = size if shares else (1, 1)
        left, top = round(self.x * across), round(self.y * down)
        if left >= size[0] or top >= size[1]:
            raise SettingsError(f"crop {self} lies outside of a picture of {size[0]}×{size[1]}")
        right = min(size[0], max(left + 1, round((self.x + self.width) * across)))
        bottom = min(size[1], max(top + 1, round((self.y + self.height) * down)))
        return left, top, right, bottom


def crop(source: Source, box: Crop, limits: IntakeLimits | None = None) -> Image.Image:
    """Return a part of a picture: upright, in sRGB.

    Args:
        source: what `decode` takes.
        box: which part.
        limits: how large a file, and what it claims to be, may be.

    Raises:
        PictureError: the picture cannot be read, or the box lies outside of it.
    """
    whole = upright(source, limits or IntakeLimits())
    try:
        return whole.crop(box.box(whole.size))
    except SettingsError as error:
        raise PictureError(str(error)) from error
