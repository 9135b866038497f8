"""Every preset as an ONNX file, held against torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.encoder import Encoder, load_encoder
from lookalike.encoder.exporting import made_up_pictures
from lookalike.encoder.files import DECODER, ENCODER
from lookalike.encoder.onnx_files import TOLERANCE, export_encoder, onnx_files
from lookalike.errors import ExportError
from lookalike.images import ImageSpec
from lookalike.models import PRESETS, PretrainedEncoder, build_model, resolve_image
from lookalike.models.autoencoder import Network

# Small pictures that each network can have; odd and oblong where it can.
SIZES = {
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
# Pictures that are made smaller before they are looked at, by a factor that leaves a rest.
SHRUNK = {"twin": (75, 131), "efficientnet-lite0-twin": (40, 131)}


def made(name: str, size: tuple[int, int], channels: int | None = None) -> Encoder:
    """Return an encoder with a whitening, made up where the weights come trained."""
    preset = PRESETS[name]
    image = resolve_image(preset, size=size, channels=channels)
    if preset.training is None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model = preset.build(image, None)
        for layer in model.modules():  # else what comes out is 0 but for rounding
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    else:
        model = build_model(preset, image)
    return Encoder(changed(model), name, image, device="cpu")


def changed(model: Network) -> Network:
    """Return a network, for evaluation, whose normalisations do something."""
    random = torch.Generator().manual_seed(0)
    for layer in model.eval().modules():
        if isinstance(layer, nn.BatchNorm2d):
            share = torch.rand(len(layer.weight), generator=random)
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                assert values is not None
                values.data.mul_(0.5 + share).add_(0.1 * share)
    return model


def pictures(encoder: Encoder, count: int) -> np.ndarray:
    random = np.random.default_rng(1)
    channels, height, width = encoder.image.shape
    return random.integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def run(data: bytes, pixels: np.ndarray, *outputs: str) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(list(outputs), {"pixels": pixels})


def check(encoder: Encoder) -> None:
    pixels = pictures(encoder, 40)
    encoder.fit_whitening(encoder.latents(pixels))
    exported = export_encoder(encoder, pixels[:2])
    assert exported.difference <= TOLERANCE
    assert exported.pictures == 5
    for count in (1, 7):  # other batches than it was recorded with
        embedding, latents = run(exported.data, pixels[:count], "embedding", "latents")
        assert embedding.shape == (count, exported.width)
        wanted = encoder.latents(pixels[:count])
        scale = max(1, np.abs(wanted).max())
        np.testing.assert_allclose(latents, wanted, atol=TOLERANCE * scale)
        np.testing.assert_allclose(embedding, encoder.embed(pixels[:count]), atol=TOLERANCE)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_gives_what_torch_gives(name: str):
    check(made(name, SIZES[name]))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "conv128",
            "Cast Pad Conv LeakyRelu BatchNormalization Conv LeakyRelu Flatten Gemm",
        ),
        (
            "animals-conv16",
            "Cast Pad Conv Relu BatchNormalization Conv Relu Flatten Gemm",
        ),
        ("tiny-conv8x8x8", "Cast Conv Relu"),
        ("animals-linear512", "Cast Sub Conv"),
        ("vgg19", "Cast Sub Conv Relu"),
        ("food-dense128", "Cast Mul"),
    ],
)
def test_layers_take_on_the_scaling_before_them_and_the_normalisation(name: str, wanted: str):
    encoder = made(name, SIZES[name])
    written = onnx.load_from_string(export_encoder(encoder, pictures(encoder, 2)).data).graph.node
    operators = [node.op_type for node in written[1:]]
    assert " ".join(operators).startswith(wanted)


class _Own(nn.Module):
    """Scaled pixels, a convolution, a normalisation and a linear layer, put together by `how`."""

    def __init__(self, how: Callable[[_Own, Tensor], Tensor], groups: int) -> None:
        super().__init__()
        self.how = how
        self.factors = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))
        self.first = nn.Conv2d(3, 3, 3, padding=1, groups=groups)
        self.norm, self.last = nn.BatchNorm2d(3), nn.Linear(90, 7, bias=False)

    def extra_repr(self) -> str:
        return str(id(self.how))  # each is a network of its own kind

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.how(self, x)).flatten(1))


class _Computed(_Own):
    """Its weights are computed, and its normalisation is looked at once more."""

    def forward(self, x: Tensor) -> Tensor:
        maps = self.norm(F.conv2d(x, self.first.weight * 2, padding=1))
        return F.linear(maps.flatten(1), self.last.weight * 2) + self.last(maps.flatten(1))


def _padded(*pad: int, mode: str = "constant", value: float | None = None) -> Any:
    return lambda net, x: F.conv2d(F.pad(x, pad, mode, value), net.first.weight)


@pytest.mark.parametrize(
    ("kind", "how", "groups", "scaled", "normalised"),
    [
        (_Own, lambda net, x: net.first(x), 1, False, False),
        (_Own, lambda net, x: net.first(x), 3, True, False),  # a kernel is of one channel
        (_Own, lambda net, x: net.first(x * net.factors), 1, True, False),
        (_Own, lambda net, x: net.first(x[:, :1] * net.factors), 1, True, False),
        (_Own, lambda net, x: net.first(x) * x, 1, True, False),
        (_Own, lambda net, x: net.first(net.first(x)), 1, False, False),
        (_Own, _padded(1, 1, 2, 0), 1, False, False),
        (_Own, _padded(1, 1, 1, 1, mode="replicate"), 1, False, False),
        (_Own, _padded(1, 1, 1, 1, value=0.5), 1, True, False),
        (_Own, _padded(1, 1, 1, 1, 1, -1), 1, True, False),  # each channel is the next one
        (_Computed, None, 1, True, True),
    ],
)
def test_layers_take_on_only_what_leaves_the_same(
    kind: type[_Own], how: Any, groups: int, scaled: bool, normalised: bool
):
    image = ImageSpec(6, 5, 3, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        network = PretrainedEncoder(kind(how, groups), input_shape=(3, 6, 5), latent_shape=(7,))
    encoder = Encoder(changed(network), "own", image, device="cpu")
    check(encoder)
    nodes = onnx.load_from_string(export_encoder(encoder).data).graph.node
    (pixels,) = (
        node.output[0] for node in nodes if node.op_type == "Sub" and "Cast" in node.input[0]
    )
    assert any(node.op_type == "Mul" and pixels in node.input for node in nodes) == scaled
    assert ("BatchNormalization" in {node.op_type for node in nodes}) == normalised


@pytest.mark.parametrize("name", SHRUNK)
def test_pictures_that_are_made_smaller_first(name: str):
    check(made(name, SHRUNK[name]))


@pytest.mark.parametrize("name", ["twin", "efficientnet-lite0-twin", "conv128"])
def test_grey_pictures(name: str):
    check(made(name, (16, 16), channels=1))


def test_a_picture_and_its_mirror_image_have_one_embedding():
    encoder = made("twin", SIZES["twin"])
    encoder.mirrors = True
    check(encoder)
    pixels = pictures(encoder, 3)
    data = export_encoder(encoder).data
    (one,), (other,) = run(data, pixels, "embedding"), run(data, pixels[:, :, ::-1], "embedding")
    np.testing.assert_allclose(one, other, atol=TOLERANCE)
    (latents,) = run(data, pixels, "latents")  # these are of the picture alone
    np.testing.assert_allclose(latents, encoder.latents(pixels), atol=TOLERANCE)


@pytest.mark.parametrize("name", [n for n, p in PRESETS.items() if p.training])
def test_decoders_rebuild_as_torch_does(name: str, tmp_path: Path):
    encoder, pixels = made(name, SIZES[name]), pictures(made(name, SIZES[name]), 5)
    encoder.save(tmp_path / "encoder")
    assert (tmp_path / "encoder" / DECODER).exists()
    stored = load_encoder(tmp_path / "encoder", device="cpu")
    found, wanted = stored.reconstruct(pixels), encoder.reconstruct(pixels)
    # A value between two of 256 levels may be rounded to either.
    np.testing.assert_allclose(found.pixels.astype(int), wanted.pixels.astype(int), atol=1)
    np.testing.assert_allclose(found.errors, wanted.errors, rtol=1e-4)
    decoded = stored.decode(encoder.latents(pixels))
    np.testing.assert_allclose(decoded.astype(int), wanted.pixels.astype(int), atol=1)


def test_the_file_says_what_it_is_of():
    encoder = made("twin", SIZES["twin"])
    encoder.fit_whitening(encoder.latents(pictures(encoder, 40)))
    session = onnxruntime.InferenceSession(
        export_encoder(encoder).data, providers=["CPUExecutionProvider"]
    )
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["fingerprint"] == encoder.fingerprint
    assert facts["preset"] == "twin"
    assert ImageSpec.from_dict(json.loads(facts["image"])) == encoder.image
    parts = json.loads(facts["parts"])
    assert [part["name"] for part in parts] == [part.name for part in encoder.outline.parts]
    assert tuple(part["width"] for part in parts) == encoder.widths
    (given,) = session.get_inputs()
    assert (given.name, given.type, given.shape[1:]) == ("pixels", "tensor(uint8)", [13, 18, 3])


class _Sorted(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1).sort(dim=1).values


def test_what_cannot_be_written_is_one_line_and_runs_by_torch(tmp_path: Path):
    image = ImageSpec(4, 4, 1)
    model = PretrainedEncoder(_Sorted(), input_shape=image.shape, latent_shape=(16,))
    encoder = Encoder(model, "conv128", image, device="cpu")
    with pytest.raises(ExportError, match=r"sort.*cannot be written as ONNX yet") as caught:
        export_encoder(encoder)
    assert "\n" not in str(caught.value)
    assert onnx_files(encoder) == {}
    encoder.freeze()
    assert encoder.embed(pictures(encoder, 2)).shape == (2, 16)
    encoder.save(tmp_path / "encoder")
    assert not (tmp_path / "encoder" / ENCODER).exists()


def test_a_file_that_gives_something_else_is_refused(monkeypatch: pytest.MonkeyPatch):
    encoder = made("conv128", SIZES["conv128"])
    monkeypatch.setattr("lookalike.encoder.onnx_files.TOLERANCE", 0.0)
    with pytest.raises(ExportError, match=r"embeddings that differ from torch's by .* at most 0"):
        export_encoder(encoder)
    assert onnx_files(encoder) == {}


def test_made_up_pictures_differ_and_one_is_black():
    pixels = made_up_pictures(ImageSpec(9, 12, 3))
    assert pixels.shape == (3, 9, 12, 3)
    assert pixels.dtype == np.uint8
    assert len({one.tobytes() for one in pixels}) == 3
    assert not pixels[-1].any()
