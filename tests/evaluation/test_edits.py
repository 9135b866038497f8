from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter

from lookalike.errors import SettingsError
from lookalike.evaluation import EDITS, STRENGTHS

SEEDS = range(12)
DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"


def natural(height: int = 120, width: int = 160, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Noise at every scale, the coarser the stronger, as photographs have it; seldom clipped."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width, channels))
    for sigma in (0.5, 1, 3, 8, 20):
        noise = gaussian_filter(random.normal(size=total.shape), (sigma, sigma, 0))
        total += noise / noise.std() * sigma**0.5
    return np.clip(128 + 35 * total / total.std(), 0, 255).astype(np.uint8)


def edited(name: str, picture: np.ndarray, strength: str, seed: int = 0) -> np.ndarray:
    return EDITS[name](picture, strength, np.random.default_rng(seed))


def back_to(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    bands = [
        np.asarray(Image.fromarray(picture[..., band]).resize((width, height)))
        for band in range(picture.shape[2])
    ]
    return np.stack(bands, axis=2).astype(np.float64)


@pytest.mark.parametrize("name", EDITS)
@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(8, 70),
    width=st.integers(8, 70),
    channels=st.sampled_from([1, 3]),
    strength=st.sampled_from(STRENGTHS),
    seed=st.integers(0, 1000),
)
def test_every_edit_is_pure_and_keeps_the_channels(
    name: str, height: int, width: int, channels: int, strength: str, seed: int
):
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
    before = picture.copy()
    copy = edited(name, picture, strength, seed)
    assert copy.dtype == np.uint8
    assert copy.ndim == 3
    assert copy.shape[2] == channels
    assert copy.flags.c_contiguous
    assert copy.flags.writeable
    assert not np.shares_memory(copy, picture)
    np.testing.assert_array_equal(picture, before)
    picture.setflags(write=False)
    np.testing.assert_array_equal(edited(name, picture, strength, seed), copy)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (8, 300), (300, 8), (1600, 2400)])
def test_every_edit_takes_any_size(name: str, channels: int, size: tuple[int, int]):
    picture = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    for seed in range(4 if max(size) < 1000 else 1):
        copy = edited(name, picture, "strong", seed)
        assert copy.shape[2] == channels
        assert copy.size


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(120, 160), (28, 28), (200, 60)])
def test_a_stronger_edit_changes_more(name: str, channels: int, size: tuple[int, int]):
    changes = []
    for strength in STRENGTHS:
        of_strength = []
        for seed in SEEDS:
            picture = natural(*size, channels, seed)
            copy = edited(name, picture, strength, seed)
            of_strength.append(np.abs(back_to(copy, *size) - picture).mean())
        changes.append(np.mean(of_strength))
    if name == "mirror":  # mirrored once is far already; it is the cropping that grows
        assert min(changes) > 5
    else:
        assert changes[0] < changes[1] < changes[2]
        # A light blur of 60 pixels has a sigma of 0.3: next to nothing.
        assert changes[0] > 0.05 or (name == "blur" and min(size) <= 60)


@pytest.mark.parametrize("name", EDITS)
def test_a_colour_picture_without_colour_is_edited_like_a_grey_one(name: str):
    grey = natural(40, 50, 1)
    colour = np.repeat(grey, 3, axis=2)
    if name in ("recolour", "frame"):  # these draw colours
        return
    for strength in STRENGTHS:
        for seed in range(4):
            copies = edited(name, grey, strength, seed), edited(name, colour, strength, seed)
            difference = np.abs(copies[0].astype(int) - copies[1])
            assert difference.max() <= (2 if name == "recompress" else 0)


def test_a_crop_is_a_part_of_the_picture_of_the_size_named():
    picture = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    corners = set()
    for strength, share in zip(STRENGTHS, (0.9, 0.75, 0.5), strict=True):
        for seed in SEEDS:
            copy = edited("crop", picture, strength, seed)
            height, width = copy.shape[:2]
            assert height * width == pytest.approx(share * 200 * 300, rel=0.02)
            assert width / height == pytest.approx(1.5, rel=0.02)
            windows = np.lib.stride_tricks.sliding_window_view(picture[..., 0], (1, 16))
            places = np.argwhere((windows[:, :, 0] == copy[0, :16, 0]).all(axis=2))
            matches = [
                (top, left)
                for top, left in places.tolist()
                if np.array_equal(picture[top : top + height, left : left + width], copy)
            ]
            assert len(matches) == 1
            corners.add(matches[0])
    assert len(corners) > 30


def test_even_the_lightest_crop_of_a_tiny_picture_takes_something_away():
    assert edited("crop", natural(8, 8), "light").shape == (7, 7, 3)


def test_a_rotation_turns_either_way_and_fills_with_the_border_s_colour():
    picture = np.full((101, 101, 3), (200, 120, 40), np.uint8)
    picture[50:52, 50:90] = 0  # a hand that points right
    angles = set()
    for seed in SEEDS:
        copy = edited("rotate", picture, "strong", seed)
        assert copy.shape == picture.shape
        np.testing.assert_array_equal(copy[0, 0], (200, 120, 40))
        rows, columns = np.nonzero(copy[..., 0] < 60)
        far = columns.argmax()
        angles.add(round(np.degrees(np.arctan2(50.5 - rows[far], columns[far] - 50.0))))
    assert sorted(angles) == pytest.approx([-25, 25], abs=2)


@pytest.mark.parametrize("channels", [1, 3])
def test_recompression_is_jpeg_of_the_quality_named(channels: int):
    picture = natural(50, 70, channels)
    image = Image.fromarray(picture if channels == 3 else picture[..., 0])
    for strength, quality in zip(STRENGTHS, (60, 25, 8), strict=True):
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        expected = np.asarray(Image.open(file)).reshape(picture.shape)
        np.testing.assert_array_equal(edited("recompress", picture, strength), expected)


def test_a_blur_is_as_wide_as_named():
    picture = np.zeros((400, 600, 1), np.uint8)
    picture[150:250, 250:350] = 255
    for strength, percent in zip(STRENGTHS, (0.5, 1.2, 2.5), strict=True):
        expected = gaussian_filter(picture[..., 0].astype(float), percent / 100 * 400)
        found = edited("blur", picture, strength)[..., 0]
        assert np.abs(found - expected).max() < 16  # Pillow's Gaussian is three box filters
        assert np.abs(found - expected).mean() < 0.3


def test_light_mirroring_only_mirrors_and_more_also_crops():
    picture = natural(100, 80)
    mirrored = picture[:, ::-1]
    np.testing.assert_array_equal(edited("mirror", picture, "light"), mirrored)
    for strength, share in (("medium", 0.9), ("strong", 0.7)):
        copy = edited("mirror", picture, strength)
        assert copy.size == pytest.approx(share * picture.size, rel=0.03)
        windows = np.lib.stride_tricks.sliding_window_view(mirrored, copy.shape)[:, :, 0]
        assert (windows == copy).all(axis=(2, 3, 4)).sum() == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_a_frame_is_plain_and_holds_the_whole_picture(channels: int):
    picture = natural(100, 160, channels)
    seen = set()
    for seed in range(30):
        for strength, border in zip(STRENGTHS, (3, 8, 16), strict=True):
            copy = edited("frame", picture, strength, seed)
            np.testing.assert_array_equal(copy[border:-border, border:-border], picture)
            outside = np.ones(copy.shape[:2], bool)
            outside[border:-border, border:-border] = False
            colours = np.unique(copy[outside], axis=0)
            assert len(colours) == 1
            seen.add(tuple(colours[0].tolist()))
    assert {(0,) * channels, (255,) * channels} < seen
    assert len(seen) > 5


def test_recolouring_by_hand():
    # One colour has no contrast and, grey, no saturation: brightness and white balance are left.
    picture = np.full((20, 20, 3), 100, np.uint8)
    copies = [edited("recolour", picture, "strong", seed) for seed in range(40)]
    colours = {tuple(copy[0, 0].tolist()) for copy in copies}
    warm, cool = 1.5**0.5, 1.5**-0.5
    expected = {
        (round(level * red), level, round(level / red))
        for level in (150, round(100 / 1.5) - 1)  # Pillow cuts 66.7 to 66
        for red in (warm, cool)
    }
    assert {tuple(np.array(colour) // 3) for colour in colours} <= {
        tuple(np.array(colour) // 3) for colour in expected
    }
    assert len(colours) == 4


def test_recolouring_a_grey_picture_keeps_the_order_of_its_greys():
    picture = np.tile(np.arange(256, dtype=np.uint8), (8, 1))[..., None]
    results = set()
    for seed in range(60):
        for strength in STRENGTHS:
            line = edited("recolour", picture, strength, seed)[0, :, 0]
            assert (np.diff(line.astype(int)) >= 0).all()
            results.add(line.tobytes())
    assert len(results) == 3 * 8  # brightness, contrast, gamma, each up or down


@pytest.mark.parametrize("size", [(300, 300), (200, 600), (600, 200)])
@pytest.mark.parametrize("ground", [30, 220])
def test_an_overprint_covers_about_what_is_named(size: tuple[int, int], ground: int):
    picture = np.full((*size, 3), ground, np.uint8)
    for strength, share in zip(STRENGTHS, (0.05, 0.12, 0.25), strict=True):
        kinds = set()
        for seed in SEEDS:
            changed = (edited("overprint", picture, strength, seed) != picture).any(axis=2)
            rows = changed.any(axis=1)
            band = changed[rows][:, [0, -1]].all()
            kinds.add(bool(band))
            # A band covers its share, of words' boxes only the ink and its outline do.
            assert (0.95 if band else 0.3) * share < changed.mean() < 1.05 * share
            if band:
                assert rows.sum() == pytest.approx(share * size[0], abs=1)
        assert kinds == {False, True}


def test_an_overprint_contrasts_with_what_it_covers():
    for ground in (10, 100, 150, 245):
        picture = np.full((100, 100, 1), ground, np.uint8)
        for seed in SEEDS:
            copy = edited("overprint", picture, "medium", seed)
            assert np.abs(copy.astype(int) - ground).max() >= 100


def test_an_overprint_marks_pictures_too_small_for_letters():
    for seed in range(40):
        picture = np.full((8, 8, 1), 200, np.uint8)
        for strength in STRENGTHS:
            assert (edited("overprint", picture, strength, seed) != picture).any()


def test_what_is_drawn_at_random_does_not_depend_on_the_strength():
    picture = np.full((64, 64, 3), 90, np.uint8)
    for seed in SEEDS:
        borders = {
            tuple(edited("frame", picture, strength, seed)[0, 0].tolist()) for strength in STRENGTHS
        }
        assert len(borders) == 1


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((8, 8), np.uint8), "wanted uint8"),
        (np.zeros((8, 8, 4), np.uint8), "wanted uint8"),
        (np.zeros((8, 8, 3), np.float32), "wanted uint8"),
        (np.zeros((0, 8, 3), np.uint8), "at least one pixel"),
    ],
)
def test_what_is_no_picture_is_refused(picture: np.ndarray, message: str):
    with pytest.raises(SettingsError, match=message):
        EDITS["crop"](picture, "light", np.random.default_rng(0))


def test_an_unknown_strength_lists_the_known_ones():
    with pytest.raises(SettingsError, match="light, medium, strong"):
        edited("crop", natural(), "brutal")


def test_the_registry_names_its_edits_and_the_documentation_lists_them():
    text = DOCS.read_text(encoding="utf-8")
    for name, edit in EDITS.items():
        assert edit.name == name
        assert len(edit.amounts) == len(STRENGTHS)
        assert f"| `{name}` | {edit.description} |" in text
