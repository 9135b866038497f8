"""Pictures embedded while others are decoded: the gallery is the one made one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.encoder import Encoder
from lookalike.engine.ahead import EmbeddedAhead
from lookalike.images import ImageSpec
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


def test_what_fails_is_said_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    encoder, pixels = made(20)
    ahead = EmbeddedAhead(encoder, mirrored=False)

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("lookalike.encoder.onnx_runtime._Sessions.run", fail)
    ahead.take(pixels)
    with pytest.raises(MemoryError, match="no room"):
        ahead.latents(np.arange(20))
