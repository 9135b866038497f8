from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import PictureError, SettingsError
from lookalike.images import Crop, ImageSpec, crop, decode


def picture() -> Image.Image:
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 255, (20, 40, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("10,5,20,10", (10, 5, 30, 15)),
        ("0.25,0.25,0.5,0.5", (10, 5, 30, 15)),
        ("0,0,1,1", (0, 0, 40, 20)),
        ("0,0,2,1", (0, 0, 2, 1)),
        (" 30, 10, 99, 99", (30, 10, 40, 20)),
        ("0.975,0.95,0.001,0.001", (39, 19, 40, 20)),
        ("3.4,3.6,1.2,0.1", (3, 4, 5, 5)),
    ],
)
def test_boxes(text, box):
    assert Crop.parse(text).box((40, 20)) == box


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,0,1", "-1,0,1,1",
                                  "0,0,nan,1", "0,0,inf,1", "1,1,1,-1"])  # fmt: skip
def test_what_is_no_rectangle(text):
    with pytest.raises(SettingsError, match="crop is"):
        Crop.parse(text)


def test_outside_of_the_picture():
    with pytest.raises(PictureError, match="lies outside of a picture of 40×20"):
        crop(picture(), Crop(40, 0, 5, 5))


def test_the_crop_is_of_the_picture_as_shown():
    """A photo stored on its side: the box counts in the picture that people see."""
    upright = picture()
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(stored, "png", exif=exif)
    part = crop(stored.getvalue(), Crop(10, 5, 20, 10))
    np.testing.assert_array_equal(np.asarray(part), np.asarray(upright)[5:15, 10:30])
    pixels = decode(part, ImageSpec(height=10, width=20, channels=3)).pixels
    np.testing.assert_array_equal(pixels, np.asarray(part))  # not turned a second time


def test_large_jpegs_are_not_reduced_before_they_are_cut():
    stored = io.BytesIO()
    picture().resize((800, 400)).save(stored, "jpeg", quality=95)
    assert crop(stored.getvalue(), Crop(100, 50, 20, 10)).size == (20, 10)
    with pytest.raises(PictureError, match="cannot read"):
        crop(b"no picture", Crop(0, 0, 1, 1))
