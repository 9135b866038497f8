"""The short way to libjpeg gives Pillow's pixels, and leaves to Pillow what it cannot do."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from lookalike.errors import PictureError
from lookalike.images import ImageSpec, IntakeLimits, decode, opening
from lookalike.images.jpeg import plain_jpeg, quick_jpeg

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LIMITS = IntakeLimits()


def jpeg(mode: str = "RGB", size: tuple[int, int] = (203, 117), **options: object) -> bytes:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (9, 14, len(mode)), dtype=np.uint8)
    image = Image.fromarray(
        coarse if mode != "L" else coarse[..., 0], mode if mode != "RGB" else None
    )
    file = io.BytesIO()
    image.resize(size).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.fixture
def by_pillow(monkeypatch):
    """Return what decodes by Pillow alone."""

    def alone(data: bytes, spec: ImageSpec):
        with monkeypatch.context() as patched:
            patched.setattr(opening, "plain_jpeg", lambda *_: None)
            patched.setattr(opening, "quick_jpeg", lambda _: None)
            return decode(data, spec)

    return alone


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(203, 117), (101, 59), (64, 48), (30, 30), (8, 8), (300, 10)])
@pytest.mark.parametrize("options", [
    {}, {"subsampling": 0}, {"progressive": True}, {"mode": "L"}, {"mode": "CMYK"},
    {"comment": b"a comment"}, {"restart_marker_rows": 1}, {"icc_profile": ICC},
    {"keep_rgb": True},
])  # fmt: skip
def test_the_pixels_are_pillows(size, channels, fit, options, by_pillow):
    data, spec = jpeg(**options), ImageSpec(size[1], size[0], channels, fit=fit)
    quick, slow = decode(data, spec), by_pillow(data, spec)
    assert np.array_equal(quick.pixels, slow.pixels)
    assert (quick.width, quick.height) == (slow.width, slow.height) == (203, 117)


def test_orientation_counts(by_pillow):
    exif = Image.Exif()
    exif[0x0112] = 6
    data, spec = jpeg(exif=exif.tobytes()), ImageSpec(40, 20, 3)
    quick = decode(data, spec)
    assert (quick.width, quick.height) == (117, 203)
    assert np.array_equal(quick.pixels, by_pillow(data, spec).pixels)


def test_what_is_damaged_or_of_other_colours_is_pillows():
    with Image.open(io.BytesIO(jpeg())) as image:
        assert quick_jpeg(image) is not None
    for data in (jpeg("CMYK"), jpeg()[:-400]):
        with Image.open(io.BytesIO(data)) as image:
            assert quick_jpeg(image) is None
    with pytest.raises(PictureError, match="cut short"):
        decode(jpeg()[:-400], ImageSpec(8, 8, 3))


def plain(data: bytes, limits: IntakeLimits = LIMITS):
    return plain_jpeg(data, lambda _: (50, 29), limits)


def test_a_plain_file_is_not_opened_by_pillow():
    found = plain(jpeg())
    assert found.pixels.shape == (30, 51, 3)  # a quarter, as Pillow's draft rounds it
    assert found.size == (203, 117)
    assert plain(jpeg("L")).pixels.shape == (30, 51, 1)


def test_what_says_more_than_its_pixels_is_opened_by_pillow():
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    for more in ({"exif": exif.tobytes()}, {"icc_profile": ICC}, {"keep_rgb": True}):
        assert plain(jpeg(**more)) is None
    assert plain(jpeg("CMYK")) is None


def test_no_file_is_too_short_or_too_strange_to_be_left_to_pillow():
    data = jpeg()
    assert all(plain(data[:length]) is None for length in range(len(data) - 2))
    for other in (b"", b"\xff\xd8", b"\xff\xd8" + b"\xff\xfe\0\0" * 100, b"GIF89a" + data):
        assert plain(other) is None


def test_a_claim_of_too_much_is_said_as_ever():
    few = IntakeLimits(max_pixels=1000)
    assert plain(jpeg(), few) is None
    with pytest.raises(PictureError, match="claims 203×117 pixels"):
        decode(jpeg(), ImageSpec(8, 8, 3), few)
    frame = jpeg()
    at = frame.index(b"\xff\xc0")
    empty = frame[: at + 5] + b"\0\0" + frame[at + 7 :]  # a height of 0
    assert plain(empty) is None
