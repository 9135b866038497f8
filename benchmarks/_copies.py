"""A folder of pictures with copies of some of them, of which one knows what they are."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lookalike.engine import open_source
from lookalike.evaluation import EDITS, STRENGTHS
from lookalike.images import thumbnail
from lookalike.images.decode import upright

EXACT, SAME = 0.12, 0.12  # shares of the originals that get such a copy
EDITED = 0.48
LONGEST = 1024  # side of an edited copy: people send them smaller
QUALITY = 92
TRUTH = "truth.json"


@dataclass(frozen=True)
class Made:
    """A copy: its path and its original's, both in the folder; its band; what was done."""

    path: str
    original: str
    band: str
    how: str


def make_folder(source: str, folder: Path, home: Path | None, seed: int) -> list[Made]:
    """Copy the pictures of `source` into `folder`, and make copies of 72 % of them."""
    if (folder / TRUTH).exists():
        return [Made(**one) for one in json.loads((folder / TRUTH).read_text())]
    collection = open_source(source, home=home)
    paths = [picture.path for picture in collection.pictures]
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(collection.root / path, folder / path)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(paths))
    ends = (np.cumsum([EXACT, SAME, EDITED]) * len(paths)).round().astype(int)
    made = []
    for number, place in enumerate(order[: ends[-1]].tolist()):
        original = paths[place]
        if number < ends[0]:
            made.append(_exact(folder, original, number))
        elif number < ends[1]:
            made.append(_same(folder, original, number))
        else:
            made.append(_edited(folder, original, number, seed))
    (folder / TRUTH).write_text(json.dumps([asdict(one) for one in made]))
    return made


def _exact(folder: Path, original: str, number: int) -> Made:
    path = f"copies/exact/{number:04}{Path(original).suffix}"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / original, folder / path)
    os.utime(folder / path)
    return Made(path, original, "exact", "same bytes")


def _same(folder: Path, original: str, number: int) -> Made:
    how = tuple(RESAVED)[number % len(RESAVED)]
    suffix, save = RESAVED[how]
    path = f"copies/same/{number:04}{suffix}"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    save(upright(folder / original), folder / path)
    return Made(path, original, "same-pixels", how)


def _turned(image: Image.Image, place: Path) -> None:
    """Save on its side, with the EXIF tag that turns it upright again."""
    exif = Image.Exif()
    exif[0x0112] = 6  # shown by a turn of 270 degrees, so it is kept turned by 90
    image.transpose(Image.Transpose.ROTATE_90).save(place, exif=exif)


RESAVED: dict[str, tuple[str, Callable[[Image.Image, Path], None]]] = {
    "PNG, other compression": (".png", lambda image, place: image.save(place, compress_level=1)),
    "TIFF": (".tif", lambda image, place: image.save(place, compression="tiff_lzw")),
    "lossless WebP": (".webp", lambda image, place: image.save(place, lossless=True, exact=True)),
    "PNG on its side": (".png", _turned),
}


def _edited(folder: Path, original: str, number: int, seed: int) -> Made:
    kinds = [(edit, strength) for edit in EDITS for strength in STRENGTHS]
    every = [*kinds, *((name, "") for name in UNSEEN)]
    name, strength = every[number % len(every)]
    pixels = thumbnail(folder / original, LONGEST, enlarge=False)
    rng = np.random.default_rng([seed, number])
    copy = EDITS[name](pixels, strength, rng) if strength else UNSEEN[name](pixels, rng)
    path = f"copies/edited/{number:04}.jpg"
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(copy).save(folder / path, quality=QUALITY)
    return Made(path, original, "edited", f"{name} {strength}".strip())


def _half(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = Image.fromarray(pixels)
    small = image.resize((max(1, image.width // 2), max(1, image.height // 2)))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=70)
    return np.asarray(Image.open(file).convert("RGB"))


def _grey(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("L").convert("RGB"))


def _quarter_turn(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(pixels))


def _screenshot(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put the picture, at seven tenths, somewhere on a dark 16:10 screen with a bar on top."""
    height, width = pixels.shape[:2]
    high = round(max(height, width / 1.6) / 0.8)
    screen = np.full((high, round(high * 1.6), 3), 40, np.uint8)
    screen[: high // 20] = 200
    top, left = (high - height) // 2, int(rng.integers(screen.shape[1] - width + 1))
    screen[top : top + height, left : left + width] = pixels
    return screen


UNSEEN: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "half the size, JPEG 70": _half,
    "grey": _grey,
    "turned by 90°": _quarter_turn,
    "screenshot": _screenshot,
}
"""Edits that nothing was calibrated on."""
