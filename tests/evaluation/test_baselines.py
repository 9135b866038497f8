from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog as skimage_hog

from lookalike.evaluation import BASELINES, baselines
from lookalike.evaluation.baselines import colour_histogram, hog, raw_pixels


def pictures(count=20, side=28, channels=1, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def test_small_pixels_are_untouched():
    pixels = pictures()
    np.testing.assert_allclose(raw_pixels(pixels) * 255, pixels.reshape(20, -1), atol=1e-4)


@pytest.mark.parametrize("side", [33, 48, 64])
def test_large_pixels_are_averaged_by_area(side: int):
    pixels = pictures(3, side, 1)
    # Slowly: every pixel becomes 32×32 equal ones, of which side×side make one again.
    fine = pixels[..., 0].astype(np.float64).repeat(32, axis=1).repeat(32, axis=2)
    expected = fine.reshape(3, 32, side, 32, side).mean(axis=(2, 4))
    np.testing.assert_allclose(raw_pixels(pixels).reshape(3, 32, 32) * 255, expected, atol=1e-3)


def test_histograms_count_every_pixel():
    for channels, bins in ((1, 64), (3, 512)):
        found = colour_histogram(pictures(channels=channels))
        assert found.shape == (20, bins)
        np.testing.assert_allclose((found**2).sum(axis=1), 1, rtol=1e-5)
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert colour_histogram(red)[0].nonzero()[0].tolist() == [7 * 64]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("limit", [{"BLOCK": 5}, {"BLOCK_VALUES": 5 * 64}])
def test_histograms_are_made_block_by_block(monkeypatch, channels: int, limit: dict[str, int]):
    pixels = pictures(23, 8, channels)
    whole = colour_histogram(pixels)
    treated = []
    numbers = baselines._colour_numbers
    monkeypatch.setattr(
        baselines, "_colour_numbers", lambda block: treated.append(len(block)) or numbers(block)
    )
    for name, value in limit.items():
        monkeypatch.setattr(baselines, name, value if name == "BLOCK" else value * channels)
    np.testing.assert_array_equal(colour_histogram(pixels), whole)
    assert treated == [5, 5, 5, 5, 3]


@pytest.mark.parametrize(("side", "channels", "cell"), [(28, 1, 4), (64, 3, 8), (8, 3, 4)])
def test_hog_is_scikit_image_s(side: int, channels: int, cell: int):
    pixels = pictures(4, side, channels)
    expected = skimage_hog(
        pixels[2] if channels == 3 else pixels[2, :, :, 0],
        orientations=8,
        pixels_per_cell=(cell, cell),
        cells_per_block=(side // cell, side // cell),
        block_norm="L1-sqrt",
        channel_axis=-1 if channels == 3 else None,
    )
    np.testing.assert_allclose(hog(pixels)[2], expected, rtol=1e-5)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_baseline_is_fitted_on_the_gallery_only(name: str, channels: int):
    gallery, queries = pictures(30, 28, channels), pictures(5, 28, channels, seed=1)
    embed = BASELINES[name].fit(gallery)
    together = embed(queries)
    alone = np.concatenate([embed(queries[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert embed(gallery).shape == (30, together.shape[1])
    assert together.dtype == np.float32


@pytest.mark.parametrize("name", BASELINES)
def test_plain_pictures_give_finite_embeddings(name: str):
    plain = np.zeros((4, 16, 16, 3), np.uint8)
    assert np.isfinite(BASELINES[name].fit(plain)(plain)).all()
