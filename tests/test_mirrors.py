"""Galleries without left and right: a picture and its mirror image have one embedding."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.encoder import Encoder, load_encoder
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset
from lookalike.parts import LatentPart, fit_parts
from lookalike.training.neighbours import is_undirected

IMAGE = ImageSpec(16, 16, 3)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def encoder(rng):
    made = Encoder(build_model(get_preset("twin"), IMAGE), "twin", IMAGE, mirrors=True)
    pixels = rng.integers(0, 256, (40, 16, 16, 3), np.uint8)
    made.fit_whitening(made.latents(pixels))
    return made, pixels


def test_a_picture_and_its_mirror_image_have_one_embedding(encoder):
    made, pixels = encoder
    upright, turned = made.embed(pixels), made.embed(pixels[:, :, ::-1])
    np.testing.assert_allclose(upright, turned, atol=1e-5)
    made.mirrors = False
    assert np.abs(made.embed(pixels) - made.embed(pixels[:, :, ::-1])).max() > 0.05


def test_mirroring_survives_saving_before_and_after_whitening(encoder, tmp_path):
    made, pixels = encoder
    made.save(tmp_path / "whitened")
    loaded = load_encoder(tmp_path / "whitened", device="cpu")
    np.testing.assert_array_equal(loaded.embed(pixels), made.embed(pixels))
    made.whitening = None
    made.save(tmp_path / "bare")
    assert load_encoder(tmp_path / "bare", device="cpu").mirrors


def test_the_mean_of_two_embeddings_weighs_parts_as_one_does(rng):
    parts = [LatentPart("a", 3, "appearance"), LatentPart("b", 2, "meaning")]
    latents = rng.normal(size=(50, 5)).astype(np.float32)
    whitening = fit_parts(latents, parts, balance=0.25)
    first, second = whitening.apply(latents), whitening.apply(latents[::-1])
    mean = whitening.mean(first, second)
    for slot, weight in ((slice(0, 3), 0.75), (slice(3, 5), 0.25)):
        total = first[:, slot] + second[:, slot]
        wanted = total / np.linalg.norm(total, axis=1, keepdims=True) * weight**0.5
        np.testing.assert_allclose(mean[:, slot], wanted, rtol=1e-5)


def test_pictures_that_all_point_one_way_are_directed(rng):
    towards = rng.normal(size=(60, 8)).astype(np.float32)
    towards[:, 0] = np.abs(towards[:, 0]) + 2  # all on one side of the mirror
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    mirrored = towards * np.array([-1, *[1] * 7], np.float32)
    assert not is_undirected(towards, mirrored)
    anywhere = towards * np.where(rng.random((60, 1)) < 0.5, 1, [[-1] + [1] * 7]).astype(np.float32)
    assert is_undirected(anywhere, anywhere * np.array([-1, *[1] * 7], np.float32))
