from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from lookalike.encoder import Encoder, load_encoder
from lookalike.encoder.onnx_runtime import _Sessions
from lookalike.errors import EngineError, SettingsError
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset
from lookalike.whitening import fit_whitening


def encoder(seed: int = 0, preset: str = "conv128", image: ImageSpec | None = None) -> Encoder:
    image = image or ImageSpec(16, 16, 1)
    model = build_model(get_preset(preset), image, latent=12, seed=seed)
    return Encoder(model, preset, image, latent=12, device="cpu")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)


@pytest.mark.parametrize("whiten", [False, True])
def test_saved_and_loaded_it_gives_the_same_embeddings(pixels, tmp_path: Path, whiten: bool):
    made = encoder()
    if whiten:
        made.whitening = fit_whitening(made.latents(pixels))
    made.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    np.testing.assert_allclose(loaded.embed(pixels), made.embed(pixels), atol=1e-5)
    assert loaded.fingerprint == made.fingerprint
    names = {"config.json", "model.safetensors", "encoder.onnx", "decoder.onnx"} | (
        {"whitening.safetensors"} if whiten else set()
    )
    assert {path.name for path in (tmp_path / "encoder").iterdir()} == names


def test_saving_without_whitening_removes_an_older_one(pixels, tmp_path: Path):
    made = encoder()
    made.whitening = fit_whitening(made.latents(pixels))
    made.save(tmp_path / "encoder")
    made.whitening = None
    made.save(tmp_path / "encoder")
    assert load_encoder(tmp_path / "encoder", device="cpu").whitening is None


def test_batch_size_does_not_matter(pixels, monkeypatch):
    made = encoder()
    whole = made.embed(pixels)
    monkeypatch.setattr("lookalike.encoder.pixels.BATCH", 7)
    monkeypatch.setattr("lookalike.encoder.onnx_runtime.BATCH", 7)
    np.testing.assert_allclose(made.embed(pixels), whole, atol=1e-5)
    one = np.concatenate([made.embed(pixels[i : i + 1]) for i in range(40)])
    np.testing.assert_allclose(one, whole, atol=1e-5)


def test_rows_are_taken_in_their_order(pixels):
    made, rows = encoder(), np.array([5, 2, 39])
    np.testing.assert_allclose(made.embed(pixels, rows), made.embed(pixels)[rows], atol=1e-5)
    assert made.embed(pixels, np.zeros(0, np.int64)).shape == (0, 12)


def test_the_fingerprint_knows_weights_settings_and_whitening(pixels):
    plain, other = encoder(), encoder(seed=1)
    whitened = encoder()
    whitened.whitening = fit_whitening(whitened.latents(pixels))
    square = encoder(image=ImageSpec(16, 16, 1, fit="crop"))
    prints = {one.fingerprint for one in (plain, other, whitened, square)}
    assert len(prints) == 4
    assert encoder().fingerprint == plain.fingerprint


@pytest.mark.parametrize("balance", [0.3, 0.42])
def test_the_balance_is_kept_whatever_is_whitened(tmp_path: Path, balance: float):
    image = ImageSpec(16, 16, 1)
    model = build_model(get_preset("twin"), image)
    made = Encoder(model, "twin", image, balance=balance, device="cpu")
    made.save(tmp_path / "bare")
    loaded = load_encoder(tmp_path / "bare", device="cpu")
    assert loaded.fingerprint == made.fingerprint
    latents = np.random.default_rng(0).normal(size=(11_000, 576)).astype(np.float32)
    for count in (30, 11_000):
        loaded.whitening = None
        loaded.fit_whitening(latents[:count])
        assert loaded.whitening is not None
        assert loaded.config()["balance"] == balance == loaded.whitening.balance
    loaded.save(tmp_path / "whitened")
    again = load_encoder(tmp_path / "whitened", device="cpu")
    assert again.fingerprint == loaded.fingerprint
    again.fit_whitening(latents[:30])
    assert again.config()["balance"] == balance


def test_an_encoder_that_has_no_balance_yet_takes_that_of_its_first_gallery(tmp_path: Path):
    image = ImageSpec(16, 16, 1)
    made = Encoder(build_model(get_preset("twin"), image), "twin", image, device="cpu")
    assert "balance" not in made.config()
    latents = np.random.default_rng(0).normal(size=(60, 576)).astype(np.float32)
    made.fit_whitening(latents)
    assert made.config()["balance"] == 0.3


@pytest.mark.parametrize("normalised", [False, True])
def test_reconstruction_errors_are_of_pixels_in_0_1(pixels, normalised: bool):
    shift = {"mean": (0.5,), "std": (0.5,)} if normalised else {}
    image = ImageSpec(32, 32, 1, **shift)
    large = pixels.repeat(2, axis=1).repeat(2, axis=2)[:6]
    preset = "animals-linear512" if normalised else "conv128"
    made = Encoder(
        build_model(get_preset(preset), image, latent=12), preset, image, latent=12, device="cpu"
    )
    found = made.reconstruct(large)
    assert found.pixels.shape == large.shape
    assert found.pixels.dtype == np.uint8
    clipped = ((found.pixels / 255 - large / 255) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.errors, clipped, atol=0.05)


def test_wrong_pixels_are_refused(pixels):
    made = encoder()
    for wrong in (pixels.astype(np.float32), pixels[:, :8], pixels.repeat(3, axis=3)):
        with pytest.raises(SettingsError, match="wanted uint8"):
            made.embed(wrong)


def test_a_pretrained_encoder_makes_no_reconstructions():
    preset = get_preset("efficientnet-lite0")
    image = ImageSpec(32, 32, 3, mean=preset.image.mean, std=preset.image.std)
    made = Encoder(preset.build(image, None), preset.name, image, device="cpu")
    assert not made.decodes
    with pytest.raises(SettingsError, match="no decoder"):
        made.reconstruct(np.zeros((1, 32, 32, 3), np.uint8))


def test_damaged_foreign_and_newer_encoders_are_one_line(tmp_path: Path):
    with pytest.raises(EngineError, match="no encoder in"):
        load_encoder(tmp_path / "encoder")
    encoder().save(tmp_path / "encoder")
    config = json.loads((tmp_path / "encoder" / "config.json").read_text())
    for change, message in (
        ({"version": 9}, "format version 9"),
        ({"format": "x"}, "not a Lookalike encoder"),
        ({"latent": 13}, "damaged"),
        ({"image": {}}, "damaged"),
    ):
        (tmp_path / "encoder" / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(EngineError, match=message) as caught:
            load_encoder(tmp_path / "encoder", device="cpu")
        assert "\n" not in str(caught.value)
    (tmp_path / "encoder" / "config.json").write_text(json.dumps(config))
    (tmp_path / "encoder" / "model.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(EngineError, match="damaged"):
        load_encoder(tmp_path / "encoder", device="cpu")


def test_stored_encoders_run_without_torch_until_it_is_needed(pixels, tmp_path: Path):
    made = encoder()
    made.whitening = fit_whitening(made.latents(pixels))
    made.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    assert loaded.fingerprint == made.fingerprint
    assert loaded._network._model is None  # nothing so far has built the network
    np.testing.assert_allclose(loaded.latents(pixels), made.latents(pixels), atol=1e-5)
    np.testing.assert_allclose(loaded.embed(pixels), made.embed(pixels), atol=1e-5)
    assert loaded._network._model is None
    loaded.whitening = None
    np.testing.assert_allclose(loaded.embed(pixels), made.latents(pixels), atol=1e-5)
    assert loaded.model.latent_shape == (12,)


@pytest.mark.parametrize("changed", [False, True])
def test_errors_come_with_the_embeddings(pixels, tmp_path: Path, monkeypatch, changed: bool):
    image = ImageSpec(16, 16, 1)
    made = Encoder(
        build_model(get_preset("twin"), image), "twin", image, mirrors=True, device="cpu"
    )
    made.fit_whitening(made.latents(pixels))
    made.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    if changed:  # then what is stored cannot give the embeddings
        made.fit_whitening(made.latents(pixels[:20]))
        loaded.whitening = made.whitening
    looks: list[list[str]] = []
    run = _Sessions.run

    def spy(self, outputs, *rest, **inputs):
        looks.append([*outputs])
        return run(self, outputs, *rest, **inputs)

    monkeypatch.setattr(_Sessions, "run", spy)
    found = loaded.embed_with_errors(pixels[:5])
    if not changed:
        assert looks == [["embedding", "latents"], ["pictures"]]
    np.testing.assert_allclose(found.embeddings, made.embed(pixels[:5]), atol=1e-4)
    np.testing.assert_allclose(found.errors, made.reconstruct(pixels[:5]).errors, rtol=1e-4)
    nothing = loaded.embed_with_errors(pixels[:0])
    assert (len(nothing.embeddings), len(nothing.errors)) == (0, 0)


def test_without_a_decoder_there_are_no_errors():
    preset = get_preset("efficientnet-lite0")
    image = ImageSpec(32, 32, 3, mean=preset.image.mean, std=preset.image.std)
    made = Encoder(preset.build(image, None), preset.name, image, device="cpu")
    with pytest.raises(SettingsError, match="no decoder"):
        made.embed_with_errors(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.parametrize("damage", ["missing", "of another encoder", "half"])
def test_onnx_files_that_do_not_belong_are_left_alone(pixels, tmp_path: Path, damage: str):
    made = encoder()
    made.save(tmp_path / "encoder")
    file = tmp_path / "encoder" / "encoder.onnx"
    if damage == "missing":
        file.unlink()
    elif damage == "half":
        file.write_bytes(file.read_bytes()[:1000])
    else:
        encoder(seed=1).save(tmp_path / "other")
        file.write_bytes((tmp_path / "other" / "encoder.onnx").read_bytes())
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    np.testing.assert_array_equal(loaded.embed(pixels), made.embed(pixels))
    assert loaded._network._model is not None  # torch gave them


@pytest.mark.parametrize("preset", ["conv128", "twin"])
def test_a_directory_from_before_onnx_is_what_it_was(pixels, tmp_path: Path, preset: str):
    made = encoder(preset=preset)
    made.fit_whitening(made.latents(pixels))
    made.save(tmp_path / "encoder")
    place = tmp_path / "encoder" / "config.json"
    config = json.loads(place.read_text())
    for later in ("outline", "fingerprint", "onnx"):
        del config[later]
    place.write_text(json.dumps(config))
    for name in ("encoder.onnx", "decoder.onnx"):
        (tmp_path / "encoder" / name).unlink()
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    assert loaded.fingerprint == made.fingerprint
    assert loaded.outline == made.outline
    np.testing.assert_array_equal(loaded.embed(pixels), made.embed(pixels))


def test_the_fingerprint_is_the_one_that_older_versions_wrote(pixels):
    """SHA-256 of the settings as JSON, then name and bytes of weights and of the whitening."""
    made = encoder()
    made.whitening = fit_whitening(made.latents(pixels))
    digest = hashlib.sha256(json.dumps(made.config(), sort_keys=True).encode())
    for name, tensor in sorted(made.model.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    for name in ("components", "mean", "scale"):
        digest.update(name.encode() + getattr(made.whitening, name).tobytes())
    assert made.fingerprint == digest.hexdigest()


def test_frozen_it_gives_the_same_and_saves_what_it_froze(pixels, tmp_path: Path):
    plain, frozen = encoder(), encoder()
    frozen.freeze()
    np.testing.assert_allclose(frozen.latents(pixels), plain.latents(pixels), atol=1e-5)
    frozen.fit_whitening(frozen.latents(pixels))
    plain.whitening = frozen.whitening
    np.testing.assert_allclose(frozen.embed(pixels), plain.embed(pixels), atol=1e-5)
    frozen.save(tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder", device="cpu")
    np.testing.assert_allclose(loaded.embed(pixels), plain.embed(pixels), atol=1e-5)


def test_a_device_that_is_not_there_is_one_line(tmp_path: Path):
    encoder().save(tmp_path / "encoder")
    with pytest.raises(SettingsError, match="unknown device 'nothing'"):
        load_encoder(tmp_path / "encoder", device="nothing")
