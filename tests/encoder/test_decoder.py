"""From latents back to pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lookalike.encoder import Encoder
from lookalike.errors import SettingsError
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset


def encoder(preset: str, image: ImageSpec) -> Encoder:
    return Encoder(build_model(get_preset(preset), image), preset, image, device="cpu")


# A flat latent, one of three axes, inputs that are shifted and scaled, and one in parts.
CASES = {
    "conv128": ImageSpec(16, 16, 1),
    "tiny-conv8x8x8": ImageSpec(32, 32, 3),
    "animals-linear512": ImageSpec(32, 32, 1, mean=(0.5,), std=(0.5,)),
    "twin": ImageSpec(16, 16, 3),
}


@pytest.fixture(params=CASES)
def made(request: pytest.FixtureRequest) -> tuple[Encoder, np.ndarray]:
    image = CASES[request.param]
    channels, height, width = image.shape
    random = np.random.default_rng(0)
    return encoder(request.param, image), random.integers(
        0, 256, (9, height, width, channels), dtype=np.uint8
    )


def test_decoded_latents_are_the_reconstructions(made: tuple[Encoder, np.ndarray]):
    coder, pixels = made
    rebuilt = coder.reconstruct(pixels).pixels
    decoded = coder.decode(coder.latents(pixels))
    assert decoded.dtype == np.uint8
    # Another order of the same sums may round to the next of 256 levels.
    np.testing.assert_allclose(decoded.astype(int), rebuilt.astype(int), atol=1)
    assert len({picture.tobytes() for picture in decoded}) > 1


def test_errors_are_those_of_the_reconstructions_one_by_one(
    made: tuple[Encoder, np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    coder, pixels = made
    rows = np.array([7, 2, 2, 0, 5])
    monkeypatch.setattr("lookalike.encoder.pixels.BATCH", 2)
    monkeypatch.setattr("lookalike.encoder.onnx_runtime.BATCH", 2)
    seen = []
    errors = coder.decoder.errors(pixels, rows, on_progress=lambda p: seen.append(p.done))
    for row, error in zip(rows, errors, strict=True):
        x = torch.tensor(pixels[row : row + 1] / 255.0, dtype=torch.float32).permute(0, 3, 1, 2)
        mean, std = coder.image.mean[0], coder.image.std[0]
        with torch.no_grad():
            rebuilt = coder.model.decode(coder.model.encode((x - mean) / std)) * std + mean
        assert error == pytest.approx(((rebuilt - x) ** 2).mean().item(), rel=1e-4)
    assert seen == [2, 4, 5]
    whole = coder.reconstruct(pixels).errors
    np.testing.assert_allclose(errors, whole[rows], rtol=1e-4)


def test_nothing_decodes_to_nothing(made: tuple[Encoder, np.ndarray]):
    coder, pixels = made
    width = coder.latents(pixels[:1]).shape[1]
    assert coder.decode(np.zeros((0, width), np.float32)).shape == (0, *pixels.shape[1:])
    assert coder.reconstruct(pixels[:0]).pixels.shape == (0, *pixels.shape[1:])


def test_latents_of_another_width_are_refused():
    with pytest.raises(SettingsError, match=r"latents are \(2, 3\): wanted \(N, 128\)"):
        encoder("conv128", CASES["conv128"]).decode(np.zeros((2, 3), np.float32))


def test_without_a_decoder_nothing_is_decoded():
    preset = get_preset("efficientnet-lite0")
    image = ImageSpec(32, 32, 3, mean=preset.image.mean, std=preset.image.std)
    coder = Encoder(preset.build(image, None), preset.name, image, device="cpu")
    with pytest.raises(SettingsError, match="efficientnet-lite0 has no decoder"):
        coder.decode(np.zeros((1, 1280), np.float32))
