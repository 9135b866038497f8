"""Pictures embedded while others are decoded: the gallery is the one made one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.encoder import Encoder
from lookalike.engine.ahead import EmbeddedAhead
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("together", [1, 2, 8])
def test_block_after_block_is_all_at_once(
    mirrored: bool, together: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lookalike.engine.ahead.TOGETHER", together)
    image = ImageSpec(16, 16, 1)
    encoder = Encoder(build_model(get_preset("conv128"), image, latent=12), "conv128", image,
                      latent=12, device="cpu")  # fmt: skip
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 1), dtype=np.uint8)
    ahead = EmbeddedAhead(encoder, mirrored=mirrored)
    for start, end in ((0, 7), (7, 7), (7, 20)):
        ahead.take(pixels[start:end])
    rows = np.array([0, 3, 19])
    assert ahead.knows(20)
    assert not ahead.knows(19)
    np.testing.assert_allclose(ahead.latents(rows), encoder.latents(pixels, rows), atol=1e-5)
    turned = ahead.turned(rows)
    assert (turned is not None) == mirrored
    if turned is not None:
        mirrors = encoder.latents(pixels[:, :, ::-1], rows)
        np.testing.assert_allclose(turned, mirrors, atol=1e-5)
