"""What input sizes and latent widths a network can have, and the errors that say so."""

from __future__ import annotations

from collections.abc import Callable

from lookalike.errors import SettingsError
from lookalike.images.spec import ImageSpec

__all__ = ["latent_channels", "latent_width", "require_own_latent", "require_sides"]


def require_sides(
    network: str, image: ImageSpec, works: Callable[[int], bool], rule: str, largest: int = 4096
) -> None:
    """Check that the network takes the height and the width of `image`.

    Raises:
        SettingsError: it does not; the message names the nearest sizes that it takes.
    """
    for axis, side in (("height", image.height), ("width", image.width)):
        if works(side):
            continue
        below = next((n for n in range(side, 0, -1) if works(n)), None)
        above = next((n for n in range(side, largest) if works(n)), None)
        nearest = " or ".join(str(n) for n in (below, above) if n is not None)
        raise SettingsError(f"{network} needs {rule}, got {axis} {side}: use {nearest}")


def latent_width(network: str, latent: int | None, own: int) -> int:
    """Return the width of a latent that is a list of numbers: the preset's own unless given.

    Raises:
        SettingsError: `latent` is below 1.
    """
    if latent is not None and latent < 1:
        raise SettingsError(f"{network} needs a latent of at least 1 number, got {latent}")
    return own if latent is None else latent


def latent_channels(network: str, latent: int | None, height: int, width: int, own: int) -> int:
    """Return the channels of a latent that is a (channels, height, width) map.

    Args:
        network: name for the error.
        latent: numbers in the whole latent; None for the preset's own channels.
        height: of the map.
        width: of the map.
        own: the preset's own channels.

    Raises:
        SettingsError: `latent` is not a multiple of height * width.
    """
    if latent is None:
        return own
    area = height * width
    if latent < 1 or latent % area:
        below = max(latent // area, 1) * area
        nearest = f"{below} or {below + area}"
        raise SettingsError(
            f"{network} has a latent map of {height}×{width} here, so its latent must be a "
            f"multiple of {area}, got {latent}: use {nearest}"
        )
    return latent // area


def require_own_latent(network: str, latent: int | None, own: int) -> None:
    """Check that no other latent is asked of a network that comes trained.

    Raises:
        SettingsError: one is.
    """
    if latent is not None and latent != own:
        raise SettingsError(
            f"{network} comes trained and gives {own} numbers at this size, got a latent of "
            f"{latent}: leave the latent out"
        )
