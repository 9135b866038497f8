"""Edits that pictures undergo on their way from hand to hand, each at three strengths.

The kinds are those of copy detection: Douze et al., "The 2021 Image Similarity Dataset and
Challenge" (2021). An edit is pure: the same picture, strength and state of `rng` give the same
copy, and the picture is never changed. What is drawn at random (a place, a direction, a colour)
does not depend on the strength: from the same state of `rng` a strong edit is a light one, only
more of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from lookalike.errors import SettingsError

__all__ = ["EDITS", "STRENGTHS", "Edit", "Picture", "Strength"]

Picture: TypeAlias = NDArray[np.uint8]
Strength = Literal["light", "medium", "strong"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)

_Function = Callable[[Image.Image, float, np.random.Generator], Image.Image]
_Box = tuple[int, int, int, int]

# Words printed over a picture, all short.
_WORDS = ("SALE", "Hello", "PHOTO", "sample", "Friday", "LOVE", "COPY", "summer", "2024", "NEWS")
_WORDS_A_BAND = 3
# Words down a square picture; a taller one has more, a wider one fewer.
_WORDS_A_SQUARE = 3
# Font size at which words are measured before they are fitted.
_MEASURED = 64
_TEXT_IN_BAND = 0.75
# Width of the outline that keeps words readable on any ground, in font sizes.
_OUTLINE = 0.06


@dataclass(frozen=True)
class Edit:
    """One kind of edit.

    Attributes:
        name: its name in `EDITS`.
        what: one line for people, with `{amounts}` where the three amounts stand.
        amounts: how much at each of `STRENGTHS`, in the unit that `what` names.
        function: takes a Pillow image ("L" or "RGB"), an amount and a generator; gives a new image
            of the same mode.
    """

    name: str
    what: str
    amounts: tuple[float, float, float]
    function: _Function

    @property
    def description(self) -> str:
        """One line for people: what is done, and how much at each strength."""
        return self.what.format(amounts=" / ".join(f"{amount:g}" for amount in self.amounts))

    def __call__(self, picture: Picture, strength: Strength, rng: np.random.Generator) -> Picture:
        """Return an edited copy.

        Args:
            picture: uint8 (H, W, C), C = 1 or 3.
            strength: one of `STRENGTHS`.
            rng: draws place, direction and colour; its state moves on.

        Returns:
            uint8 (h, w, C), a new array; cropping, mirroring and framing change the size.

        Raises:
            SettingsError: the picture has another shape or type, or the strength is unknown.
        """
        if strength not in STRENGTHS:
            raise SettingsError(
                f"unknown strength {strength!r}: wanted one of {', '.join(STRENGTHS)}"
            )
        amount = self.amounts[STRENGTHS.index(strength)]
        edited = np.array(self.function(_image_of(picture), amount, rng), np.uint8)
        return edited.reshape(*edited.shape[:2], picture.shape[2])


def _crop(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    """Keep `percent` of the area, in the picture's own shape; at least one line of pixels goes."""
    down, across = rng.random(2)
    width, height = (_shortened(side, percent) for side in image.size)
    left = round(across * (image.width - width))
    top = round(down * (image.height - height))
    return image.crop((left, top, left + width, top + height))


def _rotate(image: Image.Image, degrees: float, rng: np.random.Generator) -> Image.Image:
    """Turn about the middle on a canvas of the same size, corners in the border's colour."""
    angle = degrees * _direction(rng)
    return image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=_border_colour(image))


def _recompress(image: Image.Image, quality: float, rng: np.random.Generator) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=round(quality))
    with Image.open(file) as opened:
        return opened.convert(image.mode)


def _blur(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    """Blur in proportion to the picture, as scaling down and up does.

    A sigma below about a third of a pixel, light on a side under 60, changes next to nothing.
    """
    return image.filter(ImageFilter.GaussianBlur(percent / 100 * min(image.size)))


def _recolour(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    """Change brightness, contrast and colours, each up or down by the same factor.

    A colour picture changes its saturation, and its white balance by the factor between red and
    blue; a grey one its gamma.
    """
    factor = 1 + percent / 100
    light, contrast, saturation, warmth = (factor ** _direction(rng) for _ in range(4))
    image = ImageEnhance.Contrast(ImageEnhance.Brightness(image).enhance(light)).enhance(contrast)
    if image.mode == "L":
        return image.point([round(255 * (value / 255) ** warmth) for value in range(256)])
    image = ImageEnhance.Color(image).enhance(saturation)
    gains = warmth**0.5, 1.0, warmth**-0.5
    return image.point([min(255, round(gain * value)) for gain in gains for value in range(256)])


def _mirror(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return mirrored if percent == 100 else _crop(mirrored, percent, rng)


def _frame(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    """Put a border around, black, white or of one random colour."""
    border = max(1, round(percent / 100 * min(image.size)))
    plain = rng.integers(0, 256, len(image.getbands())).tolist()
    colour = tuple(([0] * len(plain), [255] * len(plain), plain)[rng.integers(3)])
    framed = Image.new(image.mode, (image.width + 2 * border, image.height + 2 * border), colour)
    framed.paste(image, (border, border))
    return framed


def _overprint(image: Image.Image, percent: float, rng: np.random.Generator) -> Image.Image:
    """Print a band with a line of text, or several words, over the picture."""
    words = rng.permutation(_WORDS).tolist()
    places = rng.random((len(words), 2))
    printed = image.copy()
    if rng.random() < 0.5:
        _print_band(printed, percent / 100, " ".join(words[:_WORDS_A_BAND]), places[0, 0])
    else:
        count = round(_WORDS_A_SQUARE * image.height / image.width)
        words = words[: max(1, count)]
        _print_words(printed, percent / 100, words, places)
    return printed


def _print_band(image: Image.Image, share: float, text: str, place: float) -> None:
    """Draw a band as wide as the picture, at the bottom, the top or somewhere between."""
    height = max(1, round(share * image.height))
    # A third of the bands lies at each edge, where people put captions.
    top = round(min(1, max(0, place * 3 - 1)) * (image.height - height))
    box = (0, top, image.width, top + height)
    image.paste(_contrasting(image), box)
    _print_in(image, box, text, share=_TEXT_IN_BAND)


def _print_words(
    image: Image.Image, share: float, words: list[str], places: NDArray[np.float64]
) -> None:
    """Draw each word in its own strip of the picture; where they fit, their boxes cover `share`."""
    strip = image.height / len(words)
    for number, (word, (across, down)) in enumerate(zip(words, places, strict=False)):
        wide, high = _extent(word)
        scale = (share * image.width * strip / (wide * high)) ** 0.5
        scale = min(scale, image.width / wide, strip / high)
        left = across * (image.width - wide * scale)
        top = number * strip + down * (strip - high * scale)
        box = (round(left), round(top), round(left + wide * scale), round(top + high * scale))
        if scale * _MEASURED >= 1:
            _print_in(image, box, word, outlined=True)
        else:  # no room for letters: a plain mark
            box = (*box[:2], max(box[0], box[2] - 1), max(box[1], box[3] - 1))
            ImageDraw.Draw(image).rectangle(box, _contrasting(image))


def _print_in(
    image: Image.Image, box: _Box, text: str, *, share: float = 1, outlined: bool = False
) -> None:
    """Print the text as large as fits `share` of the box, in its middle."""
    left, top, right, bottom = box
    wide, high = _extent(text)
    size = _MEASURED * share * min((right - left) / wide, (bottom - top) / high)
    if size < 1:  # text of less than a pixel shows nothing
        return
    font, draw = ImageFont.load_default(size), ImageDraw.Draw(image)
    inked = draw.textbbox((0, 0), text, font)
    corner = (left + right - inked[0] - inked[2]) / 2, (top + bottom - inked[1] - inked[3]) / 2
    colour = _contrasting(image.crop(box))
    opposite = tuple(255 - value for value in colour)
    width = round(_OUTLINE * size) if outlined else 0
    draw.text(corner, text, colour, font, stroke_width=width, stroke_fill=opposite)


def _extent(text: str) -> tuple[float, float]:
    """Return width and height of the text's ink in pixels, at the size where it is measured."""
    left, top, right, bottom = ImageFont.load_default(_MEASURED).getbbox(text)
    return right - left, bottom - top


def _shortened(side: int, percent: float) -> int:
    return max(1, min(side - 1, round(side * math.sqrt(percent / 100))))


def _direction(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else -1


def _border_colour(image: Image.Image) -> tuple[int, ...]:
    """Return the median of the outermost pixels, band by band."""
    pixels = np.asarray(image).reshape(image.height, image.width, -1)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return tuple(int(value) for value in np.median(edges, axis=0))


def _contrasting(image: Image.Image) -> tuple[int, ...]:
    """Return white on a dark picture, black on a light one."""
    dark = np.asarray(image.convert("L")).mean() < 128
    return (255 if dark else 0,) * len(image.getbands())


def _image_of(picture: Picture) -> Image.Image:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
        raise SettingsError(
            f"a picture is {picture.dtype} {picture.shape}: wanted uint8 (H, W, 1 or 3)"
        )
    if not picture.size:
        raise SettingsError(f"a picture is {picture.shape}: wanted at least one pixel")
    return Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)


EDITS: dict[str, Edit] = {
    edit.name: edit
    for edit in (
        Edit("crop", "crop to {amounts} % of the area, at a random place", (90, 75, 50), _crop),
        Edit("rotate", "rotation by {amounts} degrees, either way", (3, 10, 25), _rotate),
        Edit("recompress", "JPEG of quality {amounts}", (60, 25, 8), _recompress),
        Edit(
            "blur",
            "Gaussian blur, sigma {amounts} % of the shorter side",
            (0.5, 1.2, 2.5),
            _blur,
        ),
        Edit(
            "recolour",
            "brightness, contrast and colours up or down by {amounts} %",
            (10, 25, 50),
            _recolour,
        ),
        Edit(
            "mirror",
            "left and right exchanged, then cropped to {amounts} % of the area",
            (100, 90, 70),
            _mirror,
        ),
        Edit(
            "frame",
            "border of {amounts} % of the shorter side, black, white or of any colour",
            (3, 8, 16),
            _frame,
        ),
        Edit(
            "overprint",
            "band of text or some words over {amounts} % of the picture",
            (5, 12, 25),
            _overprint,
        ),
    )
}
"""Edit name -> edit. The amounts are for light, medium and strong."""
