"""`vgg19`: the convolutions of VGG19 with the weights trained on ImageNet.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition",
2015, https://arxiv.org/abs/1409.1556, configuration E without the classifier.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec
from lookalike.models.autoencoder import PretrainedEncoder
from lookalike.models.sizes import require_own_latent, require_sides
from lookalike.models.weights import PublishedWeights, fetch_weights, fill, read_weights
from lookalike.types import OnProgress

__all__ = ["VGG19", "VGG19_WEIGHTS", "build_vgg19", "load_vgg19"]

WIDTHS = (64, 128, 256, 512, 512)
CONVOLUTIONS = (2, 2, 4, 4, 4)

VGG19_WEIGHTS = PublishedWeights(
    preset="vgg19",
    file="vgg19-dcbb9e9d.pth",
    url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    sha256_prefix="dcbb9e9d",
    size_mb=548,
)


class VGG19(nn.Module):
    """VGG19 up to and including its last max-pooling: (B, 3, H, W) -> (B, 512, H/32, W/32).

    Attributes:
        features: the layers, numbered as in the published file.
    """

    def __init__(self, widths: tuple[int, int, int, int, int] = WIDTHS) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, convolutions in zip(widths, CONVOLUTIONS, strict=True):
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 512, H/32, W/32), rounded down, of (B, 3, H, W)."""
        latent: Tensor = self.features(x)
        return latent


def build_vgg19(image: ImageSpec, latent: int | None) -> PretrainedEncoder:
    """Return the network of `vgg19` without its weights; sides from 32.

    Raises:
        SettingsError: the pictures are smaller or not RGB, or another latent is asked for.
    """
    if image.channels != 3:
        raise SettingsError(f"vgg19 needs 3 channels (RGB), got {image.channels}")
    require_sides("vgg19", image, lambda side: side >= 32, "sides of at least 32")
    shape = (WIDTHS[-1], image.height // 32, image.width // 32)
    require_own_latent("vgg19", latent, shape[0] * shape[1] * shape[2])
    return PretrainedEncoder(VGG19(), input_shape=image.shape, latent_shape=shape)


def load_vgg19(model: nn.Module, file: Path | None, home: Path, on_progress: OnProgress) -> None:
    """Fill `model` from `file`, else from the published file, kept in `home`.

    Raises:
        WeightsError: the file cannot be had or read, or holds another network.
    """
    path = fetch_weights(VGG19_WEIGHTS, home, on_progress) if file is None else file
    fill(model.get_submodule("network"), read_weights(path), path, ignore=("classifier.",))
