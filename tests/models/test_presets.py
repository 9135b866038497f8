"""The registry, its exact figures, and sizes: bar 2 of the seeds."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models import (
    DEFAULT_PRESET,
    PRESETS,
    TrainingSettings,
    build_model,
    get_preset,
    resolve_image,
    summarise,
)

# name: input (C, H, W), latent, encoder parameters, all parameters, values flattened
FIGURES = {
    "digits-conv16": ((1, 28, 28), (16,), 69_200, 178_385, 3_136),
    "animals-conv16": ((3, 256, 256), (16,), 4_213_904, 8_726_803, 262_144),
    "animals-linear512": ((3, 512, 512), (512,), 7_227_464, 14_472_163, 14_112),
    "tiny-conv8x8x8": ((3, 32, 32), (8, 8, 8), 195_480, 390_955, None),
    "food-dense128": ((3, 100, 100), (128,), 3_840_128, 7_710_128, 30_000),
    "food-conv13x13x8": ((3, 100, 100), (8, 13, 13), 2_192, 4_963, None),
    "vgg19": ((3, 100, 100), (512, 3, 3), 20_024_384, 20_024_384, None),
    "efficientnet-lite0": ((3, 224, 224), (1280,), 3_371_008, 3_371_008, None),
    "twin": ((3, 128, 128), (704,), 1_488_128, 3_980_851, None),
    "efficientnet-lite0-twin": ((3, 224, 224), (768,), 4_060_224, 5_982_515, None),
    "conv128": ((3, 64, 64), (128,), 2_116_864, 4_286_851, 16_384),
}
# name: loss, epochs, batch, epsilon, decay, patience, validation, metric, k
RECIPES = {
    "digits-conv16": ("mse", 20, 32, 1e-7, 5e-5, None, 0, "euclidean", 225),
    "animals-conv16": ("mse", 20, 64, 1e-7, 0, None, 0, "euclidean", 10),
    "animals-linear512": ("mse", 20, 16, 1e-8, 0, None, 0, "euclidean", 5),
    "tiny-conv8x8x8": ("mse", 30, 128, 1e-7, 0, 5, 0, "cosine", 5),
    "food-dense128": ("bce", 300, 256, 1e-7, 0, None, 0.1, "cosine", 5),
    "food-conv13x13x8": ("bce", 500, 256, 1e-7, 0, None, 0.1, "cosine", 5),
}


def test_registry_is_keyed_by_name_and_has_the_default():
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)
    assert list(PRESETS) == list(FIGURES)
    assert DEFAULT_PRESET == "twin"


@pytest.mark.parametrize("name", FIGURES)
def test_figures(name):
    shape, latent, encoder, whole, flatten = FIGURES[name]
    summary = summarise(PRESETS[name])
    assert summary.input_shape == shape
    assert summary.latent_shape == latent == PRESETS[name].latent
    assert (summary.encoder_parameters, summary.parameters) == (encoder, whole)
    assert summary.flatten == flatten


def test_latents_of_the_seven_seeds():
    sizes = [summarise(PRESETS[name]).latent_size for name in list(FIGURES)[:7]]
    assert sizes == [16, 16, 512, 512, 128, 1352, 4608]


def test_summaries_allocate_nothing():
    start = time.perf_counter()
    for preset in PRESETS.values():
        summarise(preset)
    assert time.perf_counter() - start < 2  # animals-linear512 alone initialises 14 million


@pytest.mark.parametrize("name", RECIPES)
def test_recipe(name):
    loss, epochs, batch, epsilon, decay, patience, validation, metric, k = RECIPES[name]
    preset = PRESETS[name]
    training = preset.training
    assert (training.loss, training.epochs, training.batch_size) == (loss, epochs, batch)
    assert (training.learning_rate, training.epsilon) == (1e-3, epsilon)
    assert training.decay == pytest.approx(decay)
    assert (training.patience, training.monitor) == (patience, "loss")
    assert (training.validation_fraction, training.split_seed) == (validation, 0)
    assert (preset.metric, preset.k, preset.whiten) == (metric, k, False)


def test_networks_that_come_trained():
    for name in ("vgg19", "efficientnet-lite0"):
        preset = PRESETS[name]
        assert preset.pretrained
        assert preset.load_weights is not None
        assert len(preset.image.mean) == 3  # the network's own normalisation, not [0, 1]
    assert PRESETS["efficientnet-lite0"].extra == "efficientnet"


def test_animals_linear512_sees_minus_one_to_one():
    image = PRESETS["animals-linear512"].image
    assert (image.mean, image.std) == ((0.5,), (0.5,))


def kinds(module, *wanted):
    """Return the layers of `module` in order, of the kinds `wanted`."""
    return [layer for layer in module.modules() if isinstance(layer, wanted)]


@pytest.mark.parametrize(
    ("name", "encoder", "decoder"),
    [
        ("digits-conv16", "LeakyReLU QuickBatchNorm2d", "LeakyReLU QuickBatchNorm2d"),
        ("animals-conv16", "ReLU QuickBatchNorm2d", "ReLU QuickBatchNorm2d"),
    ],
)
def test_layers_of_the_conv16_networks(name, encoder, decoder):
    # The linear layers flatten and unflatten by themselves; the empty ones keep the weights' names.
    model = build_model(PRESETS[name], resolve_image(PRESETS[name], size=28))
    names = [
        type(layer).__name__ for layer in kinds(model.encoder, nn.Module) if not [*layer.children()]
    ]
    assert " ".join(names) == f"SameConv2d {encoder} SameConv2d {encoder} Identity LinearOfMap"
    names = [
        type(layer).__name__ for layer in kinds(model.decoder, nn.Module) if not [*layer.children()]
    ]
    assert " ".join(names) == (
        f"LinearToMap Identity SameConvTranspose2d {decoder} SameConvTranspose2d {decoder} "
        "SameConvTranspose2d FullSigmoid"
    )
    assert all(layer.negative_slope == 0.2 for layer in kinds(model, nn.LeakyReLU))


def test_maps_of_food_conv_on_the_way():
    preset = PRESETS["food-conv13x13x8"]
    model = build_model(preset, preset.image)
    sides = []
    x = torch.zeros(1, 3, 100, 100)
    with torch.no_grad():
        for layer in [*model.encoder, *model.decoder]:
            x = layer(x)
            if not sides or sides[-1] != x.shape[-1]:
                sides.append(x.shape[-1])
    assert sides == [100, 50, 25, 13, 26, 52, 50, 100]


def test_maps_of_animals_linear512_on_the_way():
    with torch.device("meta"):
        model = PRESETS["animals-linear512"].build(PRESETS["animals-linear512"].image, None)
        x, sides = torch.zeros(1, 3, 512, 512), []
        for layer in [*model.encoder, *model.decoder]:
            x = layer(x)
            if x.ndim == 4 and (not sides or sides[-1] != x.shape[-1]):
                sides.append(x.shape[-1])
    assert sides == [171, 85, 43, 42, 85, 255, 512]


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(SettingsError, match="'digit-conv16': did you mean digits-conv16"):
        get_preset("digit-conv16")
    with pytest.raises(SettingsError, match="did you mean vgg19"):
        get_preset("VGG-19")
    with pytest.raises(SettingsError, match="'zzz': There are digits-conv16, "):
        get_preset("zzz")


def test_resolve_image_changes_only_what_is_asked_for():
    preset = PRESETS["animals-linear512"]
    assert resolve_image(preset) == preset.image
    image = resolve_image(preset, size=(32, 20), channels=1)
    assert image == ImageSpec(32, 20, 1, mean=(0.5,), std=(0.5,))


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("animals-linear512", 511, r"12 d \+ 8, got height 511: use 500 or 512"),
        ("animals-linear512", 8, r"got height 8: use 20$"),
        ("food-conv13x13x8", (100, 28 + 1), r"8 d - 4, got width 29: use 28 or 36"),
        ("tiny-conv8x8x8", 30, r"multiples of 4, got height 30: use 28 or 32"),
        ("vgg19", 28, r"at least 32, got height 28: use 32$"),
        ("conv128", 0, "height must be a whole number"),
    ],
)
def test_sizes_that_do_not_work_name_those_that_do(name, size, message):
    with pytest.raises(SettingsError, match=message):
        resolve_image(PRESETS[name], size=size)


@pytest.mark.parametrize("name", ["vgg19", "efficientnet-lite0"])
def test_networks_that_come_trained_refuse_other_channels_and_latents(name):
    with pytest.raises(SettingsError, match="takes 3 channels, got 1"):
        resolve_image(PRESETS[name], channels=1)
    with pytest.raises(SettingsError, match=r"comes trained .* got a latent of 64"):
        build_model(PRESETS[name], PRESETS[name].image, latent=64)


@pytest.mark.parametrize("name", ["animals-linear512", "food-conv13x13x8"])
def test_every_size_that_is_accepted_decodes_to_itself(name):
    accepted = []
    for side in range(1, 130):
        try:
            image = resolve_image(PRESETS[name], size=side)
        except SettingsError:
            continue
        accepted.append(side)
        with torch.device("meta"):
            model = PRESETS[name].build(image, None)
            x = torch.zeros(2, 3, side, side)
            assert model.decoder(model.encode(x)).shape == x.shape
            assert model.encode(x).shape[1:] == model.latent_shape
    assert accepted == list(
        range({"animals-linear512": 20}.get(name, 4), 130, accepted[1] - accepted[0])
    )
    assert accepted[1] - accepted[0] == {"animals-linear512": 12}.get(name, 8)


def test_latent_of_a_map_sets_its_channels():
    preset = PRESETS["tiny-conv8x8x8"]
    assert build_model(preset, preset.image, latent=256).latent_shape == (4, 8, 8)
    with pytest.raises(SettingsError, match="multiple of 64, got 100: use 64 or 128"):
        build_model(preset, preset.image, latent=100)
    preset = PRESETS["food-conv13x13x8"]
    assert build_model(preset, preset.image, latent=169).latent_shape == (1, 13, 13)
    with pytest.raises(SettingsError, match="multiple of 169, got 0"):
        build_model(preset, preset.image, latent=0)


def test_latent_below_one_is_refused():
    with pytest.raises(SettingsError, match="at least 1 number, got 0"):
        build_model(PRESETS["conv128"], ImageSpec(28, 28, 1), latent=0)


def test_weights_are_refused_by_what_is_trained_here(tmp_path):
    with pytest.raises(SettingsError, match=r"conv128 is trained here .* leave .*w\.pth out"):
        build_model(PRESETS["conv128"], ImageSpec(28, 28, 1), weights=tmp_path / "w.pth")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("decay", -1.0),
        ("patience", 0),
        ("validation_fraction", 1.0),
        ("loss", "mae"),
    ],
)
def test_training_settings_are_checked(field, value):
    good = {"loss": "mse", "epochs": 1, "batch_size": 1}
    TrainingSettings(**good)
    with pytest.raises(SettingsError, match=field):
        TrainingSettings(**{**good, field: value})
