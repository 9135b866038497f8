"""Galleries without left and right: a picture and its mirror image have one embedding."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike.encoder import Encoder, load_encoder
from lookalike.engine import BuildSettings, index_engine, open_source, train_engine
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset
from lookalike.parts import LatentPart, fit_parts
from lookalike.training.neighbours import is_mirrored, is_undirected

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
    np.testing.assert_allclose(loaded.embed(pixels), made.embed(pixels), atol=1e-5)
    made.whitening = None
    made.save(tmp_path / "bare")
    assert load_encoder(tmp_path / "bare", device="cpu").mirrors


@pytest.mark.parametrize("whiten", [True, False])
def test_only_whitened_embeddings_are_said_to_be_those_of_mirror_images(
    photos, tmp_path, monkeypatch, whiten
):
    """The pictures' shapes point nowhere in particular; what is stored is what searches do."""
    monkeypatch.setattr("lookalike.training.preparing.is_undirected", lambda *_: True)
    place = tmp_path / "e.lookalike"
    settings = BuildSettings(size=16, epochs=1, whiten=whiten, device="cpu")
    trained = train_engine(open_source(photos), place, settings)
    assert trained.encoder.mirrors is whiten
    engine = index_engine(place, device="cpu")
    assert engine.encoder.mirrors is whiten
    config = json.loads((place / "encoder" / "config.json").read_text())
    assert config.get("mirrors", False) is whiten


def test_an_older_engine_of_bare_latents_is_put_right_by_indexing(photos, tmp_path):
    place = tmp_path / "e.lookalike"
    settings = BuildSettings(size=16, epochs=1, whiten=False, device="cpu")
    encoder = train_engine(open_source(photos), place, settings).encoder
    encoder.mirrors = True
    encoder.save(place / "encoder")
    assert not index_engine(place, device="cpu").encoder.mirrors


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


TURN = np.array([-1, *[1] * 7], np.float32)  # the first number says which way a picture points


def pointing(rng, *, one_way):
    """Embeddings (60, 8), not of length 1, of pictures that point one way, or anywhere."""
    towards = rng.normal(size=(60, 8)).astype(np.float32)
    towards[:, 0] = np.abs(towards[:, 0]) + 2
    turned = rng.random((60, 1)) < 0.5
    return towards if one_way else np.where(turned, towards * TURN, towards)


@pytest.mark.parametrize("noise", [0, 0.02], ids=["exact", "nearly"])
@pytest.mark.parametrize("copied", [0, 6, 60])
@pytest.mark.parametrize("one_way", [True, False])
def test_copies_do_not_change_which_way_pictures_point(rng, one_way, copied, noise):
    rows = pointing(rng, one_way=one_way)
    copies = rows[:copied] + noise * rng.normal(size=(copied, 8)).astype(np.float32)
    embeddings = np.concatenate([rows, copies])
    assert is_undirected(embeddings, embeddings * TURN) is not one_way
    assert is_mirrored(embeddings, embeddings * TURN) is not one_way


def test_pictures_that_are_their_own_mirror_images_point_nowhere(rng):
    symmetric = rng.normal(size=(60, 8)).astype(np.float32)
    symmetric[:, 0] = 0
    noise = rng.normal(size=symmetric.shape).astype(np.float32) * 1e-6  # of the arithmetic
    assert is_undirected(symmetric, symmetric + noise)
    rows = np.concatenate([symmetric, pointing(rng, one_way=True)])
    assert not is_undirected(rows, rows * TURN)


def test_copies_of_one_picture_can_be_mirrored(rng):
    rows = np.repeat(pointing(rng, one_way=True)[:1], 5, axis=0)
    assert is_undirected(rows, rows * TURN)
    assert is_mirrored(rows, rows * TURN)
    nothing = np.zeros((3, 8), np.float32)  # pictures that are all the mean
    assert is_mirrored(nothing, nothing)
