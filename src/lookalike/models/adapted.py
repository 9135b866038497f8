"""`efficientnet-lite0-twin`: a pretrained network adapted to a collection, without changing it.

Appearance is that of `twin`, with a decoder. Meaning has two parts: what the pretrained network
says, reduced by a solved linear code, and what a small network learns on top of that embedding
from augmented views and neighbours. The pretrained weights stay as they are bit for bit, so that a
training needs each picture's embeddings once, not in every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from lookalike.images.spec import ImageSpec
from lookalike.models.appearance import AppearanceEncoder
from lookalike.models.autoencoder import Autoencoder
from lookalike.models.descriptors import shrink
from lookalike.models.efficientnet import (
    LATENT,
    EfficientNetLite0,
    fill_efficientnet_lite0,
)
from lookalike.models.linear_code import LinearCode
from lookalike.models.normalisation import LITE_MEAN, LITE_STD
from lookalike.models.sizes import latent_width
from lookalike.models.twin import TwinDecoder, check_twin_image, projection
from lookalike.parts import LatentPart
from lookalike.types import OnProgress

__all__ = ["AdaptedTwin", "build_efficientnet_twin", "load_efficientnet_twin"]

PRESET = "efficientnet-lite0-twin"
# Numbers kept of the pretrained embedding; numbers of the learned meaning, and its hidden layer.
PRETRAINED = 128
MEANING = 64
HIDDEN = 512
# Shares of the two in the similarity of the meanings.
SHARES = (1.0, 2.0)
# The pretrained network knows things as they look at 224 pixels a side: it sees smaller pictures
# enlarged up to twice and to at most that, and to at least the smaller of these two sides.
SEEN = (96, 224)
# The decoder makes pictures of at most this side; what is larger is enlarged from that.
LONGEST_DECODED = 128


def build_efficientnet_twin(image: ImageSpec, latent: int | None) -> AdaptedTwin:
    """Return the network without its pretrained weights; `latent` is the learned part's width.

    Raises:
        SettingsError: the pictures are smaller than 8×8, or not in [0, 1].
    """
    check_twin_image(PRESET, image)
    return AdaptedTwin(image, latent_width(PRESET, latent, MEANING))


def load_efficientnet_twin(
    model: nn.Module, file: Path | None, home: Path, on_progress: OnProgress
) -> None:
    """Fill the pretrained part of `model` from `file`, else from the installed library.

    Raises:
        MissingExtraError: no file was given and the library is not installed.
        WeightsError: the file cannot be read, or holds another network.
    """
    fill_efficientnet_lite0(model.get_submodule("encoder.backbone.network"), file, PRESET)


class AdaptedTwin(Autoencoder):
    """Appearance, pretrained and learned meaning: (B, C, H, W) in [0, 1] -> (B, D).

    Attributes:
        parts: the latent's parts, in the order of its numbers.
        head: maps learned meanings (B, M) to the space where augmented views are compared; used
            only in training.
    """

    encoder: AdaptedEncoder
    decoder: ShrunkDecoder

    def __init__(self, image: ImageSpec, meaning: int) -> None:
        encoder = AdaptedEncoder(image.shape, meaning)
        super().__init__(
            encoder,
            ShrunkDecoder(encoder.appearance_width, image.shape),
            input_shape=image.shape,
            latent_shape=(sum(part.width for part in encoder.parts),),
        )
        self.parts = encoder.parts
        self.head = projection(meaning)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions (B, C, H, W) of pictures; they need no meaning."""
        return self.decode(self.encoder.appearance(x))

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Solve the linear codes on pictures, batches of (B, C, H, W) in [0, 1]."""
        embeddings: list[Tensor] = []
        self.fit_appearance(self._embedded(batches, embeddings))
        self.encoder.code("pretrained").solve(torch.cat(embeddings))

    def fit_appearance(self, batches: Iterable[Tensor]) -> None:
        """Solve the appearance's codes alone; that of the pretrained embedding stays."""
        self.encoder.fit(batches)
        self.decoder.rescale(self.encoder.spread)

    def _embedded(self, batches: Iterable[Tensor], into: list[Tensor]) -> Iterator[Tensor]:
        for x in batches:
            into.append(self.encoder.backbone(x).float().cpu())
            yield x


class AdaptedEncoder(AppearanceEncoder):
    """Appearance codes, the pretrained embedding's code and the learned meaning, side by side.

    Attributes:
        backbone: pictures -> embeddings (B, 1280); frozen.
        learned: embeddings (B, 1280) -> meanings (B, M).
    """

    def __init__(self, shape: tuple[int, int, int], meaning: int) -> None:
        super().__init__(shape)
        self.backbone = FrozenBackbone()
        self.codes["pretrained"] = LinearCode(LATENT, PRETRAINED)
        self.learned = nn.Sequential(
            nn.BatchNorm1d(LATENT, affine=False),
            nn.Linear(LATENT, HIDDEN, bias=False),
            nn.BatchNorm1d(HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, meaning),
        )
        # Half-whitening these costs retrieval; the appearance's codes gain by it.
        self.parts = (
            *self.parts,
            LatentPart("pretrained", PRETRAINED, "meaning", SHARES[0], power=0.0),
            LatentPart("meaning", meaning, "meaning", SHARES[1], power=0.0),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the latents (B, D) of pictures (B, C, H, W)."""
        embedding = self.backbone(x)
        meanings = [self.codes["pretrained"](embedding), self.learned(embedding)]
        return torch.cat([self.appearance(x), *meanings], dim=1)


class FrozenBackbone(nn.Module):
    """EfficientNet-Lite0 as it was published, whatever is trained around it.

    It takes grey pictures and small ones too: they are made RGB, and enlarged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite0().requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """Do nothing: batch normalisation keeps the statistics it came with."""
        del mode
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Return embeddings (B, 1280) of pictures (B, C, H, W) in [0, 1]."""
        sides = _sides_seen(*x.shape[2:])
        if sides != x.shape[2:]:
            x = functional.interpolate(x, sides, mode="bilinear", align_corners=False)
        x = (x.expand(-1, 3, -1, -1) - LITE_MEAN) / LITE_STD
        found: Tensor = self.network(x)
        return found


class ShrunkDecoder(nn.Module):
    """The twin's decoder; pictures above 128 pixels a side are rebuilt smaller, then enlarged."""

    def __init__(self, appearance: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, *sides = shape
        self.factor = -(-max(sides) // LONGEST_DECODED)
        self.small = (-(-sides[0] // self.factor), -(-sides[1] // self.factor))
        self.network = TwinDecoder(appearance, (channels, *self.small))

    def rebuild(self, z: Tensor) -> Tensor:
        """Return small pictures (B, C, h, w) in [0, 1] of latents (B, A) or (B, D)."""
        whole: Tensor = self.network(z)
        return whole[:, :, : self.small[0], : self.small[1]]

    def target(self, x: Tensor) -> Tensor:
        """Return what `rebuild` should give for pictures (B, C, H, W): them, averaged down."""
        return shrink(x, LONGEST_DECODED)

    def forward(self, z: Tensor) -> Tensor:
        """Return (B, C, H', W'), H' >= H and W' >= W, of latents (B, A) or (B, D)."""
        small = self.rebuild(z)
        if self.factor == 1:
            return small
        return functional.interpolate(
            small, scale_factor=self.factor, mode="bilinear", align_corners=False
        )

    def rescale(self, spread: Tensor) -> None:
        """Divide the numbers of an appearance by the root of their spread (A,) from now on."""
        self.network.rescale(spread)


def _sides_seen(height: int, width: int) -> tuple[int, int]:
    """Return the height and width at which the pretrained network sees pictures.

    >>> _sides_seen(28, 28), _sides_seen(80, 160), _sides_seen(128, 128), _sides_seen(512, 512)
    ((96, 96), (160, 320), (224, 224), (512, 512))
    """
    side = min(height, width)
    seen = max(side, SEEN[0], min(SEEN[1], 2 * side))
    return round(height * seen / side), round(width * seen / side)
