"""What every preset promises, run over the whole registry at small sizes."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from lookalike.models import PRESETS, Autoencoder, PretrainedEncoder, build_model, resolve_image
from lookalike.models.adapted import AdaptedTwin
from lookalike.training.adapted import AdaptedLoss
from lookalike.training.twin import TwinLoss

TRAINED_HERE = [name for name, preset in PRESETS.items() if preset.training is not None]
# A small picture that each network can have; odd and oblong where it can.
SMALL = {
    "digits-conv16": (13, 18),
    "animals-conv16": (13, 18),
    "animals-linear512": (20, 32),
    "tiny-conv8x8x8": (8, 12),
    "food-dense128": (9, 7),
    "food-conv13x13x8": (12, 20),
    "vgg19": (32, 65),
    "efficientnet-lite0": (32, 65),
    "twin": (13, 18),
    "efficientnet-lite0-twin": (13, 18),
    "conv128": (13, 18),
}
CHANNELS = {"digits-conv16": (1, 3), "vgg19": (3,), "efficientnet-lite0": (3,)}
CASES = [(name, c) for name in PRESETS for c in CHANNELS.get(name, (1, 3))]
LOSSES = {
    "mse": functional.mse_loss,
    "bce": functional.binary_cross_entropy,
    "twin": functional.mse_loss,  # its decoder's part of the loss
}


def build(name, channels=3, seed=0, latent=None):
    preset = PRESETS[name]
    image = resolve_image(preset, size=SMALL[name], channels=channels)
    if preset.training is None:  # the architecture, without fetching its weights
        return preset.build(image, latent).eval()
    return build_model(preset, image, seed=seed, latent=latent)


def pictures(name, count, channels=3, seed=0):
    """Return smooth random pictures in the range that the network takes."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, channels, 3, 3, generator=generator)
    x = functional.interpolate(coarse, SMALL[name], mode="bilinear")
    image = PRESETS[name].image
    return (x - image.mean[0]) / image.std[0]


def training_loss(name, model, x):
    training = PRESETS[name].training
    if training.twin is None:
        return LOSSES[training.loss](model(x), x)
    if isinstance(model, AdaptedTwin):
        embeddings = model.encoder.backbone(x)
        loss = AdaptedLoss(model, training.twin.temperature)
        return loss(embeddings, embeddings.flip(0), model.encoder.appearance(x), x)
    for layer in model.modules():  # residuals start as nothing, and hide what is inside
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
    torch.manual_seed(0)  # of the views
    return TwinLoss(model, training.twin)(x, x.flip(0))


@pytest.mark.parametrize(("name", "channels"), CASES)
def test_shapes(name, channels):
    model, x = build(name, channels), pictures(name, 3, channels)
    z = model.encode(x)
    assert z.shape == (3, *model.latent_shape)
    assert model.input_shape == (channels, *SMALL[name])
    assert model.decodes == isinstance(model, Autoencoder)
    assert model.decodes != isinstance(model, PretrainedEncoder)
    if model.decodes:
        assert model.decode(z).shape == x.shape
        assert torch.equal(model.eval()(x), model.decode(model.encode(x)))


@pytest.mark.parametrize(("name", "channels"), [(n, c) for n, c in CASES if n in TRAINED_HERE])
def test_loss_is_finite_and_reaches_every_parameter(name, channels):
    model, x = build(name, channels), pictures(name, 4, channels)
    loss = training_loss(name, model, x)
    assert torch.isfinite(loss)
    loss.backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter_name.startswith("encoder.backbone."):  # the frozen part of the adapted twin
            assert parameter.grad is None
            continue
        assert parameter.grad is not None, parameter_name
        assert torch.isfinite(parameter.grad).all(), parameter_name
        # The bias before batch normalisation and a dead ReLU may have none in places.
        assert parameter.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", TRAINED_HERE)
def test_seed_decides_the_weights_and_nothing_else(name):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build(name, seed=7).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again, other = build(name, seed=7).state_dict(), build(name, seed=8).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", PRESETS)
def test_batch_size_does_not_matter(name):
    model, x = build(name).eval(), pictures(name, 5)
    with torch.no_grad():
        together = model.encode(x)
        alone = torch.cat([model.encode(row[None]) for row in x])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", PRESETS)
def test_channels_last_gives_the_same_latents(name):
    model, x = build(name).eval(), pictures(name, 2)
    with torch.no_grad():
        plain = model.encode(x)
        model.to(memory_format=torch.channels_last)
        fast = model.encode(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(plain, fast, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", TRAINED_HERE)
def test_overfits_eight_pictures(name):
    model, x = build(name), pictures(name, 8)
    if PRESETS[name].training.twin:
        model.fit([x])
    model.train()
    training = PRESETS[name].training
    # Three times the seeds' rate: what is asked is that it can learn, in few steps.
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3, eps=training.epsilon)
    first = None
    for _ in range(150):
        optimiser.zero_grad()
        reconstruction = model(x)
        loss = LOSSES[training.loss](reconstruction, x)
        loss.backward()
        optimiser.step()
        error = functional.mse_loss(reconstruction, x).item()
        first = first or error
    assert error < first / 4


@pytest.mark.parametrize("name", PRESETS)
def test_weights_survive_safetensors(name, tmp_path):
    model, x = build(name), pictures(name, 2)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    other = build(name, seed=1)
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    with torch.no_grad():
        torch.testing.assert_close(other.eval().encode(x), model.eval().encode(x), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["digits-conv16", "animals-linear512", "food-dense128", "conv128"])
def test_latent_width(name):
    model = build(name, latent=5)
    assert model.latent_shape == (5,)
    assert model.encode(pictures(name, 2)).shape == (2, 5)


def test_networks_that_come_trained_have_no_decoder():
    model = build("vgg19")
    assert not hasattr(model, "decode")
    assert model(pictures("vgg19", 1)).shape == (1, 512, 1, 2)
