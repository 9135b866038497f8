"""The appearance half of a twin: descriptors of a picture, each reduced by a solved linear code."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from lookalike.models.descriptors import Colours, Gradients, Pixels, Textures
from lookalike.models.linear_code import LinearCode
from lookalike.parts import LatentPart

__all__ = ["AppearanceEncoder"]

# Numbers that each appearance code keeps, and its share of the appearance's similarity.
CODES = {
    "gradients": (256, 1.0),
    "textures": (64, 0.5),
    "colours": (128, 1.0),
    "pixels": (128, 0.25),
}


class AppearanceEncoder(nn.Module):
    """Appearance codes of pictures, side by side; twins add meaning to it.

    Args:
        shape: (C, H, W) of the pictures.

    Attributes:
        descriptors: what a picture says without training, by name.
        codes: the linear code of each descriptor.
        parts: of the latent, in the order of its numbers.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        with torch.device("cpu"):  # also where the rest is only sketched: sizes are found by trying
            descriptors = _descriptors(shape)
            sample = torch.zeros(1, *shape)
            sizes = {name: module(sample).shape[1] for name, module in descriptors.items()}
        self.descriptors = nn.ModuleDict(descriptors)
        self.codes = nn.ModuleDict(
            {name: LinearCode(size, min(size, CODES[name][0])) for name, size in sizes.items()}
        )
        self.parts: tuple[LatentPart, ...] = tuple(
            LatentPart(name, min(size, CODES[name][0]), "appearance", CODES[name][1])
            for name, size in sizes.items()
        )

    @property
    def appearance_width(self) -> int:
        """Numbers in the appearance latent."""
        return sum(part.width for part in self.parts if part.role == "appearance")

    @property
    def spread(self) -> Tensor:
        """Standard deviations of the appearance's numbers, (A,)."""
        return torch.cat([self.code(name).spread for name in self.descriptors])

    def code(self, name: str) -> LinearCode:
        """Return the linear code of the descriptor called so."""
        found = self.codes[name]
        assert isinstance(found, LinearCode)
        return found

    def appearance(self, x: Tensor) -> Tensor:
        """Return the appearance latents (B, A) of pictures (B, C, H, W)."""
        return torch.cat(
            [self.codes[name](module(x)) for name, module in self.descriptors.items()], dim=1
        )

    def fit(self, batches: Iterable[Tensor]) -> None:
        """Solve each linear code for its descriptor of these pictures, batches of (B, C, H, W)."""
        found: dict[str, list[Tensor]] = {name: [] for name in self.descriptors}
        with torch.inference_mode():
            for x in batches:
                for name, module in self.descriptors.items():
                    found[name].append(module(x).float().cpu())
        for name in self.descriptors:
            self.code(name).solve(torch.cat(found.pop(name)))


def _descriptors(shape: tuple[int, int, int]) -> dict[str, nn.Module]:
    channels, height, width = shape
    descriptors: dict[str, nn.Module] = {
        "gradients": Gradients(height, width),
        "textures": Textures(height, width),
        "colours": Colours(),
        "pixels": Pixels(),
    }
    if channels == 1:  # which greys there are says little: P@1 .35 on Fashion-MNIST
        del descriptors["colours"]
    return descriptors
