"""The adapted twin: the frozen network stays frozen, the rest is trained once and repeatably."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lookalike.encoder import Encoder, load_encoder
from lookalike.errors import DivergedError, MissingExtraError, WeightsError
from lookalike.images import ImageSpec
from lookalike.models import PRESETS, build_model, efficientnet, resolve_image
from lookalike.models.adapted import AdaptedTwin
from lookalike.parts import fit_parts
from lookalike.training import fit_to_seconds, spread_rows, train, views
from lookalike.training.adapted import VIEWS, AdaptedTask
from lookalike.training.batches import PixelSource
from lookalike.types import silent

PRESET = PRESETS["efficientnet-lite0-twin"]
IMAGE = ImageSpec(12, 12, 1)
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1), dtype=np.uint8)
ROWS = np.arange(20)


def published_name(name):
    """Return the published file's name of a tensor: `efficientnet._renamed`, backwards."""
    outside = {value: key for key, value in efficientnet._OUTSIDE.items()}
    inside = {value: key for key, value in efficientnet._INSIDE.items()}
    layer, _, rest = name.rpartition(".")
    if not name.startswith("blocks."):
        return f"{outside[layer]}.{rest}"
    _, block, inner = layer.split(".", 2)
    return f"_blocks.{block}.{inside[inner]}.{rest}"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Return a file as published, of random weights: no test needs the extra."""
    torch.manual_seed(3)
    network = efficientnet.EfficientNetLite0().train()
    with torch.no_grad():  # so that activations neither vanish nor explode on the way
        for _ in range(3):
            network(torch.randn(8, 3, 64, 64))
    path = tmp_path_factory.mktemp("weights") / "lite0.pth"
    torch.save({published_name(n): t for n, t in network.state_dict().items()}, path)
    return path


def built(weights, image=IMAGE, latent=8):
    return build_model(PRESET, image, latent=latent, weights=weights)


def trained(
    weights, checkpoint=None, *, epochs=2, resume=False, rows=ROWS, held_out=None, **changes
):
    model = built(weights)
    settings = replace(PRESET.training, epochs=epochs, batch_size=8, schedule="constant", **changes)
    record = train(
        model, PIXELS, rows, held_out, image=IMAGE, settings=settings, seed=0, device="cpu",
        checkpoint=checkpoint, resume=resume,
    )  # fmt: skip
    return model, record


def same(one, two):
    others = two.state_dict()
    return all(torch.equal(value, others[name]) for name, value in one.state_dict().items())


def test_the_frozen_network_stays_as_it_came_bit_for_bit(weights):
    before = built(weights).encoder.backbone.state_dict()
    model, _ = trained(weights)
    after = model.encoder.backbone.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not any(weight.requires_grad for weight in model.encoder.backbone.parameters())
    model.train()
    assert not any(layer.training for layer in model.encoder.backbone.modules())
    assert model.encoder.learned.training


def test_what_surrounds_it_learns(weights):
    before = built(weights)
    model, record = trained(weights, epochs=12)
    others = before.state_dict()
    for name, value in model.named_parameters():
        assert torch.equal(value, others[name]) == name.startswith("encoder.backbone."), name
    assert record.last.train_loss < record.epochs[0].train_loss


def test_the_codes_are_solved_on_what_they_are_made_from(weights):
    model, _ = trained(weights)
    x = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        embeddings = model.encoder.backbone(x).numpy()
    centred = embeddings - embeddings.mean(axis=0)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    code = model.encoder.code("pretrained")
    kept = code.axes.numpy()[:, :6]
    np.testing.assert_allclose(np.abs(np.sum(kept.T * axes[:6], axis=1)), 1, atol=2e-2)
    np.testing.assert_allclose(code.spread[:6], lengths[:6] / 20**0.5, rtol=2e-2)
    alone = built(weights)
    alone.fit([x])
    for name in model.encoder.descriptors:
        torch.testing.assert_close(alone.encoder.code(name).axes, model.encoder.code(name).axes)


def test_the_seed_decides_and_a_resumed_training_is_the_same(weights, tmp_path):
    held_out = ROWS[16:]
    whole, record = trained(weights, rows=ROWS[:16], held_out=held_out)
    again, _ = trained(weights, rows=ROWS[:16], held_out=held_out)
    assert same(whole, again)
    trained(weights, tmp_path, epochs=1, rows=ROWS[:16], held_out=held_out)
    resumed, continued = trained(weights, tmp_path, resume=True, rows=ROWS[:16], held_out=held_out)
    assert same(whole, resumed)
    assert [e.train_loss for e in record.epochs] == [e.train_loss for e in continued.epochs]
    assert [e.val_loss for e in record.epochs] == [e.val_loss for e in continued.epochs]
    assert record.last.val_loss > 0


def test_views_are_made_once_and_belong_to_their_pictures(weights, monkeypatch):
    monkeypatch.setattr(views, "SHIFT", 0.0)
    model = built(weights)
    settings = replace(PRESET.training.twin, neighbour_share=0.0, crop=1.0, rotation=0.0)
    source = PixelSource(PIXELS, ROWS, IMAGE, torch.device("cpu"))
    task = AdaptedTask(model, replace(settings, colour=0.0, flip=False), source)
    task.prepare(ROWS, fresh=True, seed=0, on_progress=silent)
    assert task._views.shape == (1 + VIEWS, 20, 1280)
    assert task._views.dtype == torch.float16
    calls = []
    model.encoder.backbone.register_forward_hook(lambda *_: calls.append(1))
    first, second, appearance, x = task.inputs(np.array([4, 7, 1]))
    assert not calls
    with torch.inference_mode():
        wanted = model.encoder.backbone(source.pick(np.array([4, 7, 1])))
        codes = model.encoder.appearance(x)
    for view in (first, second):  # nothing is moved, turned or recoloured
        torch.testing.assert_close(view, wanted, rtol=5e-3, atol=5e-3)
    torch.testing.assert_close(appearance, codes)


def test_partners_are_nearest_by_appearance_and_pretrained_embedding(weights):
    model = built(weights)
    source = PixelSource(PIXELS, ROWS, IMAGE, torch.device("cpu"))
    task = AdaptedTask(model, replace(PRESET.training.twin, neighbours=2), source)
    task.prepare(ROWS, fresh=True, seed=0, on_progress=silent)
    with torch.inference_mode():
        latents = model.eval().encode(source.pick(ROWS)).numpy()[:, : -model.parts[-1].width]
    embeddings = fit_parts(latents, model.parts[:-1]).apply(latents)
    similar = embeddings @ embeddings.T
    np.fill_diagonal(similar, -1)
    found = np.take_along_axis(similar, task._near, axis=1)
    np.testing.assert_allclose(found, -np.sort(-similar, axis=1)[:, :2], atol=2e-3)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_few_or_equal_pictures_train(weights, count):
    pixels, model = np.full((count, 12, 12, 1), 90, np.uint8), built(weights)
    settings = replace(PRESET.training, epochs=2, batch_size=8)
    train(model, pixels, np.arange(count), image=IMAGE, settings=settings, seed=0, device="cpu")
    assert torch.isfinite(model.encode(torch.full((2, 1, 12, 12), 90 / 255))).all()


def test_a_ruined_training_says_so(weights):
    with pytest.raises(DivergedError, match="no longer"):
        trained(weights, learning_rate=1e30)


def test_minutes_are_measured_without_touching_the_model(weights):
    model = built(weights)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fitted = fit_to_seconds(
        30, model, PIXELS, ROWS, image=IMAGE, settings=PRESET.training, device="cpu"
    )
    assert fitted.epochs >= 3
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_saved_encoder_needs_no_weights_file(weights, tmp_path, monkeypatch):
    model, _ = trained(weights)
    encoder = Encoder(model, PRESET.name, IMAGE, latent=8, device="cpu")
    latents = encoder.latents(PIXELS)
    encoder.fit_whitening(latents)
    encoder.save(tmp_path / "encoder")
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    np.testing.assert_allclose(loaded.embed(PIXELS), encoder.embed(PIXELS), atol=1e-4)
    embeddings = encoder.embed(PIXELS)
    width = sum(len(whitening.scale) for whitening in encoder.whitening.whitenings[-2:])
    meanings = embeddings[:, -width:]
    queries = encoder.balanced(embeddings, 1.0)
    np.testing.assert_allclose(queries @ embeddings.T, 2 * meanings @ meanings.T, atol=1e-5)


def test_the_missing_library_and_another_network_are_named(weights, tmp_path, monkeypatch):
    assert isinstance(built(weights), AdaptedTwin)
    torch.save({"_conv_stem.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match="another network"):
        built(tmp_path / "other.pth")
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"efficientnet-lite0-twin .*lookalike\[efficientnet\]"
    ):
        built(None)


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (64, 3), (130, 3)])
def test_large_pictures_are_decoded_smaller_and_enlarged(weights, size, channels):
    image = resolve_image(PRESET, size=size, channels=channels)
    model = built(weights, image).eval()
    x = torch.rand(2, *image.shape)
    z = model.encode(x)
    assert model(x).shape == x.shape
    small = model.decoder.rebuild(z)
    assert small.shape == model.decoder.target(x).shape
    assert max(small.shape[2:]) <= 128


def test_at_most_so_many_pictures_are_trained_on_evenly_spread():
    assert spread_rows(ROWS, None) is ROWS
    assert spread_rows(ROWS, 30) is ROWS
    chosen = spread_rows(ROWS * 3, 5)
    assert chosen.tolist() == [0, 12, 27, 42, 57]
