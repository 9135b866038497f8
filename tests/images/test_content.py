"""Digests of pixels: equal for equal pictures in whatever file, and for no others."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from lookalike.errors import PictureError
from lookalike.images import content
from lookalike.images.content import FileFacts, file_facts, pixel_digest


def saved(image: Image.Image, form: str, **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


@pytest.fixture
def picture() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 52, 3), np.uint8)
    return Image.fromarray(pixels)


def turned(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)


def test_the_file_does_not_count(picture: Image.Image):
    notes = PngInfo()
    notes.add_text("Comment", "another file")
    files = [
        saved(picture, "PNG"),
        saved(picture, "PNG", compress_level=1, pnginfo=notes),
        saved(picture, "BMP"),
        saved(picture, "TIFF", compression="tiff_lzw"),
        saved(picture, "WEBP", lossless=True, exact=True),
        saved(picture.convert("RGBA"), "PNG"),
        turned(picture),
    ]
    assert len(set(files)) == len(files)
    assert len({pixel_digest(file) for file in files}) == 1


def test_a_jpeg_and_what_was_made_from_it(picture: Image.Image):
    jpeg = saved(picture, "JPEG", quality=80)
    with Image.open(io.BytesIO(jpeg)) as opened:
        png = saved(opened, "PNG")
    assert pixel_digest(jpeg) == pixel_digest(png) != pixel_digest(saved(picture, "PNG"))


def test_every_pixel_counts_and_so_does_the_shape(picture: Image.Image):
    digest = pixel_digest(saved(picture, "PNG"))
    other = picture.copy()
    red, green, blue = other.getpixel((51, 36))
    other.putpixel((51, 36), (red, green, blue ^ 1))
    assert pixel_digest(saved(other, "PNG")) != digest
    flat = Image.fromarray(np.asarray(picture).reshape(52, 37, 3))
    assert pixel_digest(saved(flat, "PNG")) != digest


def test_grey_in_one_channel_or_three():
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    assert pixel_digest(saved(grey, "PNG")) == pixel_digest(saved(grey.convert("RGB"), "PNG"))


def test_transparency_counts_and_what_it_hides_does_not(picture: Image.Image):
    clear = picture.convert("RGBA")
    alpha = np.full((37, 52), 255, np.uint8)
    alpha[:9] = 0
    clear.putalpha(Image.fromarray(alpha))
    hidden = np.array(clear)
    hidden[:9, :, :3] = 7
    one, other = saved(clear, "PNG"), saved(Image.fromarray(hidden), "PNG")
    assert pixel_digest(one) == pixel_digest(other) != pixel_digest(saved(picture, "PNG"))


def test_large_pictures_are_hashed_in_strips(picture: Image.Image, monkeypatch: pytest.MonkeyPatch):
    whole = pixel_digest(saved(picture, "PNG"))
    monkeypatch.setattr(content, "STRIP", 52 * 3 + 1)
    assert pixel_digest(saved(picture, "PNG")) == whole


def test_what_shows_more_than_the_first_picture_in_8_bits_has_none(picture: Image.Image):
    other = picture.transpose(Image.Transpose.ROTATE_180)
    for form in ("GIF", "PNG", "TIFF", "WEBP"):
        file = saved(picture, form, save_all=True, append_images=[other])
        assert pixel_digest(file) is None
    deep = Image.fromarray(np.arange(1024, dtype=np.uint16).reshape(32, 32) * 60)
    assert pixel_digest(saved(deep, "PNG")) is None
    assert file_facts(saved(deep, "PNG")).depth == 16


def test_a_broken_file_is_a_picture_error():
    with pytest.raises(PictureError):
        pixel_digest(b"\xff\xd8\xff\xe0 not a picture")
    assert file_facts(b"nothing") == FileFacts()


def test_facts_of_the_header(picture: Image.Image, tmp_path: Path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:07:14 10:20:30"
    place = tmp_path / "a.jpg"
    place.write_bytes(saved(picture, "JPEG", exif=exif))
    assert file_facts(place) == FileFacts("JPEG", False, 8, 1, datetime(2019, 7, 14, 10, 20, 30))
    assert file_facts(saved(picture, "PNG")) == FileFacts("PNG", True, 8, 1, None)
    assert file_facts(saved(picture, "WEBP", lossless=True)).lossless
    assert not file_facts(saved(picture, "WEBP")).lossless
    assert not file_facts(saved(picture, "TIFF", compression="jpeg")).lossless
    assert file_facts(saved(picture, "TIFF", compression="tiff_lzw")).lossless


@pytest.mark.parametrize(
    ("name", "mode", "settings"),
    [
        ("deep.pgm", "I;16", {}),
        ("deep.jp2", "I;16", {}),
        ("print.tif", "CMYK", {}),
        ("print.jpg", "CMYK", {"quality": 95}),
    ],
)
def test_what_holds_more_than_is_seen_is_the_same_as_nothing(
    name: str, mode: str, settings: dict[str, int], tmp_path: Path
):
    image = Image.new(mode, (8, 8), 30_000 if mode == "I;16" else (10, 20, 30, 40))
    image.save(tmp_path / name, **settings)
    assert pixel_digest((tmp_path / name).read_bytes()) is None


def test_pictures_of_different_profiles_are_not_the_same():
    plain, tagged = io.BytesIO(), io.BytesIO()
    image = Image.new("RGB", (8, 8), (10, 20, 30))
    image.save(plain, "PNG")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tagged, "PNG", icc_profile=profile)
    assert pixel_digest(plain.getvalue()) != pixel_digest(tagged.getvalue())
