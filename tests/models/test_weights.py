"""Published weights: fetched once, checked, read safely; no test touches the network."""

from __future__ import annotations

import hashlib
import io
import pickle
import urllib.request
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lookalike.errors import MissingExtraError, WeightsError
from lookalike.models import PRESETS, PretrainedEncoder, build_model, efficientnet, vgg
from lookalike.models.weights import (
    PublishedWeights,
    download_file,
    fetch_weights,
    fill,
    read_weights,
)
from lookalike.types import silent

CONTENT = b"weights"
PUBLISHED = PublishedWeights(
    preset="vgg19",
    file="w.pth",
    url="https://example.org/w.pth",
    sha256_prefix=hashlib.sha256(CONTENT).hexdigest()[:8],
    size_mb=1,
)


def giving(content, calls=None):
    def download(url, path, on_progress):
        if calls is not None:
            calls.append(url)
        path.write_bytes(content)

    return download


def failing(url, path, on_progress):
    path.write_bytes(b"half")
    raise OSError("Name or service not known")


def test_fetched_once(tmp_path):
    calls = []
    home = tmp_path / "deep" / "home"
    for _ in range(2):
        path = fetch_weights(PUBLISHED, home, silent, download=giving(CONTENT, calls))
        assert path == home / "w.pth"
        assert path.read_bytes() == CONTENT
    assert calls == [PUBLISHED.url]


def test_offline_says_what_from_where_and_what_to_do(tmp_path):
    with pytest.raises(WeightsError) as caught:
        fetch_weights(PUBLISHED, tmp_path, silent, download=failing)
    message = str(caught.value)
    for part in ("vgg19", PUBLISHED.url, "Name or service not known", "--weights FILE"):
        assert part in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_wrong_hash_is_refused_and_not_kept(tmp_path):
    with pytest.raises(WeightsError, match=f"wanted {PUBLISHED.sha256_prefix}"):
        fetch_weights(PUBLISHED, tmp_path, silent, download=giving(b"other"))
    assert list(tmp_path.iterdir()) == []


def test_damaged_file_in_the_folder_is_refused(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=r"w\.pth have SHA-256"):
        fetch_weights(PUBLISHED, tmp_path, silent, download=giving(CONTENT))


def test_folder_that_may_not_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="could not be fetched"):
        fetch_weights(PUBLISHED, tmp_path / "file" / "home", silent, download=giving(CONTENT))


def test_download_writes_and_reports(tmp_path, monkeypatch):
    answer = io.BytesIO(CONTENT)
    answer.headers = {"Content-Length": str(len(CONTENT))}
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: answer)
    seen = []
    download_file("https://example.org", tmp_path / "w", seen.append)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert (seen[-1].done, seen[-1].total) == (len(CONTENT), len(CONTENT))


def test_download_cut_short_is_an_error(tmp_path, monkeypatch):
    answer = io.BytesIO(CONTENT)
    answer.headers = {"Content-Length": "100"}
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: answer)
    with pytest.raises(OSError, match="7 of 100 bytes"):
        download_file("https://example.org", tmp_path / "w", silent)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_read_and_fill(tmp_path, suffix):
    torch.manual_seed(0)
    source, target = nn.Linear(2, 3), nn.Linear(2, 3)
    path = tmp_path / f"w{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(source.state_dict(), path)
    fill(target, read_weights(path), path)
    assert torch.equal(source.weight, target.weight)


def test_missing_file(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights at .*none\.pth"):
        read_weights(tmp_path / "none.pth")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_file_that_is_no_weights(tmp_path, name):
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(tmp_path / name)


class Harmful:
    """A pickle that would make a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_file_with_code_is_refused_unrun(tmp_path):
    path, mark = tmp_path / "w.pth", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Harmful(mark)))
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(path)
    torch.save({"weight": Harmful(mark)}, path)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"epoch": 3}])
def test_file_that_holds_something_else(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="named tensors and nothing else"):
        read_weights(tmp_path / "w.pth")


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "w.pth"
    good = nn.Linear(2, 3).state_dict()
    with pytest.raises(WeightsError, match="lack 'bias'"):
        fill(nn.Linear(2, 3), {"weight": good["weight"]}, path)
    with pytest.raises(WeightsError, match=r"'weight' of shape \(3, 2\), wanted \(4, 2\)"):
        fill(nn.Linear(2, 4), good, path)
    with pytest.raises(WeightsError, match="unknown 'extra'"):
        fill(nn.Linear(2, 3), {**good, "extra": torch.zeros(1)}, path)
    fill(nn.Linear(2, 3), {**good, "extra": torch.zeros(1)}, path, ignore=("ex",))


# A VGG19 of the real depth and narrow: the real loading code on a file of 100 KB.
NARROW = (2, 2, 3, 3, 4)


@pytest.fixture
def narrow(tmp_path):
    """Return a narrow VGG19 and its file, laid out as the published one."""
    torch.manual_seed(0)
    network = vgg.VGG19(NARROW)
    state = {**network.state_dict(), "classifier.0.weight": torch.zeros(2, 2)}
    path = tmp_path / "narrow.pth"
    torch.save(state, path)
    return network, path


def target():
    return PretrainedEncoder(vgg.VGG19(NARROW), input_shape=(3, 64, 64), latent_shape=(4, 2, 2))


def same_weights(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_vgg19_from_a_given_file(narrow, tmp_path):
    network, path = narrow
    model = target()
    vgg.load_vgg19(model, path, tmp_path / "unused", silent)
    assert same_weights(model.network, network)
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(model.encode(x), network(x))


def test_vgg19_from_its_public_home(narrow, tmp_path, monkeypatch):
    network, path = narrow
    content = path.read_bytes()
    prefix = hashlib.sha256(content).hexdigest()[:8]
    monkeypatch.setattr(vgg, "VGG19_WEIGHTS", replace(vgg.VGG19_WEIGHTS, sha256_prefix=prefix))
    answer = io.BytesIO(content)
    answer.headers = {}
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: answer)
    model = target()
    vgg.load_vgg19(model, None, tmp_path / "home", silent)
    assert same_weights(model.network, network)
    assert (tmp_path / "home" / "vgg19-dcbb9e9d.pth").read_bytes() == content


def test_vgg19_offline(tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise OSError("offline")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    preset = PRESETS["vgg19"]
    with pytest.raises(WeightsError, match=r"vgg19 \(548 MB\).*download\.pytorch\.org.*--weights"):
        build_model(preset, preset.image, weights_home=tmp_path)


def test_vgg19_refuses_another_network(narrow, tmp_path):
    preset = PRESETS["vgg19"]
    with pytest.raises(WeightsError, match="another network"):
        build_model(preset, preset.image, weights=narrow[1])


def test_vgg19_layers_are_numbered_as_published():
    with torch.device("meta"):
        state = vgg.VGG19().state_dict()
    numbers = [int(name.split(".")[1]) for name in state if name.endswith("weight")]
    assert numbers == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    assert state["features.34.weight"].shape == (512, 512, 3, 3)


def published_efficientnet_name(name):
    """Return the published file's name of a tensor: the renaming, backwards."""
    outside = {"stem.conv": "_conv_stem", "stem.norm": "_bn0"}
    outside |= {"head.conv": "_conv_head", "head.norm": "_bn1"}
    inside = {"expand.conv": "_expand_conv", "expand.norm": "_bn0"}
    inside |= {"depthwise.conv": "_depthwise_conv", "depthwise.norm": "_bn1"}
    inside |= {"project.conv": "_project_conv", "project.norm": "_bn2"}
    parts = name.split(".")
    if parts[0] != "blocks":
        return f"{outside['.'.join(parts[:2])]}.{parts[2]}"
    return f"_blocks.{parts[1]}.{inside['.'.join(parts[3:5])]}.{parts[5]}"


def test_efficientnet_from_a_given_file(tmp_path):
    torch.manual_seed(0)
    network = efficientnet.EfficientNetLite0()
    state = {published_efficientnet_name(n): t for n, t in network.state_dict().items()}
    assert "_blocks.0._expand_conv.weight" not in state
    assert state["_blocks.15._depthwise_conv.weight"].shape == (1152, 1, 3, 3)
    path = tmp_path / "lite0.pth"
    torch.save({**state, "_fc.weight": torch.zeros(1), "_fc.bias": torch.zeros(1)}, path)
    preset = PRESETS["efficientnet-lite0"]
    model = build_model(preset, replace(preset.image, height=32, width=32), weights=path)
    assert not model.training
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.encode(x), network.eval()(x))


def test_efficientnet_without_its_library(monkeypatch):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    preset = PRESETS["efficientnet-lite0"]
    with pytest.raises(MissingExtraError, match=r"lookalike\[efficientnet\]"):
        build_model(preset, preset.image)


def test_efficientnet_with_its_published_weights():
    pytest.importorskip(efficientnet.LIBRARY, reason="the extra `efficientnet` is not installed")
    preset = PRESETS["efficientnet-lite0"]
    model = build_model(preset, preset.image)
    with torch.no_grad():
        z = model.encode(torch.linspace(-2, 2, 3 * 224 * 224).reshape(1, 3, 224, 224))[0]
    # What the implementation that the weights were published with gives for this input.
    top = z.topk(4)
    assert top.indices.tolist() == [113, 930, 897, 455]
    assert top.values.tolist() == pytest.approx([5.3811, 4.0971, 3.5732, 2.3271], abs=1e-3)
    assert float(z.mean()) == pytest.approx(0.0730671, rel=1e-4)
