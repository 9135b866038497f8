"""Pictures embedded while others are decoded: the gallery is the one made one after the other."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from lookalike.encoder import Encoder
from lookalike.engine.ahead import EmbeddedAhead, RowsToCome
from lookalike.engine.manifest import Layout
from lookalike.engine.stages import cache_and_embed
from lookalike.images import ImageSpec, find_pictures
from lookalike.models import build_model, get_preset

IMAGE = ImageSpec(16, 16, 1)


def made(count: int) -> tuple[Encoder, np.ndarray]:
    """Return an encoder and pictures for it."""
    model = build_model(get_preset("conv128"), IMAGE, latent=12)
    encoder = Encoder(model, "conv128", IMAGE, latent=12, device="cpu")
    return encoder, np.random.default_rng(0).integers(0, 256, (count, 16, 16, 1), dtype=np.uint8)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("most", [0, 1, 8])
def test_block_after_block_is_all_at_once(
    mirrored: bool, most: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lookalike.engine.ahead.MOST_BEGUN", most)
    encoder, pixels = made(200)
    ahead = EmbeddedAhead(encoder, mirrored=mirrored)
    for start, end in ((0, 7), (7, 7), (7, 150), (150, 151), (151, 200)):
        ahead.take(pixels[start:end])
    assert ahead.knows(200)
    assert not ahead.knows(199)
    for rows in (np.array([0, 3, 199, 7]), np.arange(200)):  # the second finds all of it done
        np.testing.assert_allclose(ahead.latents(rows), encoder.latents(pixels, rows), atol=1e-5)
        turned = ahead.turned(rows)
        assert (turned is not None) == mirrored
        if turned is not None:
            mirrors = encoder.latents(pixels[:, :, ::-1], rows)
            np.testing.assert_allclose(turned, mirrors, atol=1e-5)


def test_what_torch_runs_is_done_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lookalike.encoder.network.HeldNetwork.freeze", lambda _: None)
    encoder, pixels = made(20)
    ahead = EmbeddedAhead(encoder, mirrored=False)
    ahead.take(pixels[:9])
    ahead.take(pixels[9:])
    rows = np.arange(20)
    np.testing.assert_allclose(ahead.latents(rows), encoder.latents(pixels), atol=1e-6)
    (embedded,) = encoder.begin_embeddings(pixels)
    np.testing.assert_array_equal(embedded.result(), encoder.embed(pixels))


def test_what_fails_is_said_whenever_it_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    encoder, pixels = made(20)
    ahead = EmbeddedAhead(encoder, mirrored=False)

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("lookalike.encoder.onnx_runtime._Sessions.run", fail)
    ahead.take(pixels)
    for _ in range(2):
        with pytest.raises(MemoryError, match="no room"):
            ahead.latents(np.arange(20))


def test_what_is_stopped_leaves_nothing_to_be_computed():
    rows, begun = RowsToCome(), [Future[np.ndarray]() for _ in range(6)]
    rows.add(begun)
    rows.stop()
    assert all(future.cancelled() for future in begun)


@pytest.mark.parametrize("failing", ["begin", "write"])
def test_a_decoding_that_stops_stops_the_embedding(
    failing: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    stopped: list[EmbeddedAhead] = []
    monkeypatch.setattr(EmbeddedAhead, "stop", lambda self: stopped.append(self))

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    place = {"begin": "encoder.encoder.Encoder.begin_latents", "write": "images.cache.write_table"}
    monkeypatch.setattr(f"lookalike.{place[failing]}", interrupt)
    encoder, _ = made(0)
    with pytest.raises(KeyboardInterrupt):
        cache_and_embed(find_pictures(photos), encoder, Layout(tmp_path), whiten=False)
    assert len(stopped) == 1
