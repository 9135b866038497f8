"""Text that fits, and pictures of any size within a square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookalike.errors import SettingsError
from lookalike.pictures.canvas import as_image, card_size, draw_card, fit, new_page, shorten, write
from lookalike.pictures.style import LINE, PAGE, font


@given(st.text(max_size=600), st.integers(min_value=12, max_value=400))
def test_a_shortened_text_fits_and_keeps_both_ends(text, width):
    face = font(15)
    short = shorten(text, face, width)
    assert face.getlength(short) <= width
    assert "\n" not in short
    if "…" in short and "…" not in text and len(short) > 4:
        head, tail = short.split("…")
        line = " ".join(text.split())
        assert line.startswith(head)
        assert line.endswith(tail)


def test_a_text_that_fits_stays():
    assert shorten("food/apple.png", font(15), 400) == "food/apple.png"


def test_a_path_loses_its_middle():
    short = shorten("animals/birds/waders/" + "long/" * 30 + "heron.png", font(15), 160)
    assert short.startswith("animals")
    assert short.endswith(".png")
    assert short.count("…") == 1


def test_a_written_line_stays_within_its_width():
    page, draw = new_page(400, 40)
    write(draw, (50, 5), "m" * 200, width=120, size=15)
    drawn = np.argwhere((np.asarray(page) != PAGE).any(axis=2))
    assert drawn[:, 1].min() >= 49
    assert drawn[:, 1].max() <= 50 + 120 + 1


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)])
def test_grey_and_colour_become_rgb(shape):
    image = as_image(np.full(shape, 7, np.uint8))
    assert image.mode == "RGB"
    assert image.size == (7, 9)
    assert image.getpixel((0, 0)) == (7, 7, 7)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((4, 4)),
        np.zeros((0, 4), np.uint8),
        np.zeros(4, "u1"),
    ],
)
def test_other_arrays_are_refused(pixels):
    with pytest.raises(SettingsError, match="thumbnail must be uint8"):
        as_image(pixels)


def test_a_small_picture_grows_by_whole_crisp_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
    grown = np.asarray(fit(as_image(pixels), 30))[:, :, 0]
    assert np.array_equal(grown, pixels.repeat(4, axis=0).repeat(4, axis=1))


@pytest.mark.parametrize("size", [(49, 30), (64, 64), (100, 80)])
def test_a_small_photo_grows_smoothly_to_the_whole_card(size):
    random = np.random.default_rng(0)
    photo = Image.fromarray(random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    grown = fit(photo, 160)
    assert max(grown.size) == 160
    assert grown.width / grown.height == pytest.approx(size[0] / size[1], rel=0.02)
    expected = photo.resize(grown.size, Image.Resampling.BICUBIC)
    assert grown.tobytes() == expected.tobytes()


def test_a_card_has_one_colour_and_a_thin_border():
    page, _ = new_page(60, 60)
    draw_card(page, Image.new("RGB", (20, 10), "red"), (10, 10), 40)
    pixels = np.asarray(page)
    red = (pixels == (255, 0, 0)).all(axis=2)
    border = (pixels == LINE).all(axis=2)
    assert red.sum() == 40 * 20
    assert border.sum() == 4 * 41
    assert not border[10:50, 10:50].any()
    assert (pixels[~red & ~border] == PAGE).all()


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (3000, 10), (64, 64)])
def test_a_large_picture_keeps_its_shape(size):
    small = fit(Image.new("RGB", size), 60)
    assert max(small.size) == 60
    assert small.width / small.height == pytest.approx(size[0] / size[1], rel=0.05) or 1 in (
        small.size
    )


def test_cards_are_whole_multiples_of_small_pictures():
    assert card_size([Image.new("RGB", (28, 28))], 150) == 140
    assert card_size([Image.new("RGB", (300, 28))], 150) == 150
    assert card_size([Image.new("RGB", (64, 64))], 150) == 150
