"""The short way to libjpeg gives Pillow's pixels, and leaves to Pillow what it cannot do."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import PictureError
from lookalike.images import ImageSpec, decode
from lookalike.images.jpeg import quick_jpeg

decode_module = sys.modules["lookalike.images.decode"]


def jpeg(mode: str = "RGB", size: tuple[int, int] = (203, 117), **options: object) -> bytes:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (9, 14, len(mode)), dtype=np.uint8)
    image = Image.fromarray(
        coarse if mode != "L" else coarse[..., 0], mode if mode != "RGB" else None
    )
    file = io.BytesIO()
    image.resize(size).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(203, 117), (64, 48), (30, 30), (8, 8)])
@pytest.mark.parametrize("options", [
    {}, {"subsampling": 0}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"},
])  # fmt: skip
def test_the_pixels_are_pillows(size, options, monkeypatch):
    data, spec = jpeg(**options), ImageSpec(size[1], size[0], 3)
    quick = decode(data, spec).pixels
    monkeypatch.setattr(decode_module, "quick_jpeg", lambda image: None)
    assert np.array_equal(quick, decode(data, spec).pixels)


def test_orientation_counts(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    data, spec = jpeg(exif=exif.tobytes()), ImageSpec(40, 20, 3)
    quick = decode(data, spec)
    assert (quick.width, quick.height) == (117, 203)
    monkeypatch.setattr(decode_module, "quick_jpeg", lambda image: None)
    assert np.array_equal(quick.pixels, decode(data, spec).pixels)


def test_what_is_damaged_or_of_other_colours_is_pillows():
    with Image.open(io.BytesIO(jpeg())) as image:
        assert quick_jpeg(image) is not None
    for data in (jpeg("CMYK"), jpeg()[:-400]):
        with Image.open(io.BytesIO(data)) as image:
            assert quick_jpeg(image) is None
    with pytest.raises(PictureError, match="cut short"):
        decode(jpeg()[:-400], ImageSpec(8, 8, 3))
