"""What a picture must look like before a network sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from lookalike.errors import SettingsError

__all__ = ["Fit", "ImageSpec"]

Fit = Literal["stretch", "crop", "pad"]

_LARGEST_SIDE = 16_384


@dataclass(frozen=True)
class ImageSpec:
    """The size, the channels and the value range of the pictures that a network takes.

    The network's input is ``(pixels / 255 - mean) / std``, channel by channel: mean 0 and std 1
    give [0, 1], mean 0.5 and std 0.5 give [-1, 1].

    Attributes:
        height: in pixels.
        width: in pixels.
        channels: 1 (grey) or 3 (RGB).
        mean: one value, or one a channel.
        std: one value, or one a channel; above 0.
        fit: how a picture becomes height × width: `stretch` it, `crop` its middle, or `pad` it.
        background: RGB from 0 to 255, under transparent pixels and beside a padded picture.

    Raises:
        SettingsError: a value is out of range.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    fit: Fit = "stretch"
    background: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self) -> None:
        for name in ("mean", "std", "background"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_size()
        self._check_range()
        if self.fit not in get_args(Fit):
            raise SettingsError(
                f"unknown fit {self.fit!r}: wanted one of {', '.join(get_args(Fit))}"
            )

    def _check_size(self) -> None:
        for name in ("height", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= _LARGEST_SIDE:
                raise SettingsError(
                    f"image {name} must be a whole number from 1 to {_LARGEST_SIDE}, got {value!r}"
                )
        if self.channels not in (1, 3):
            raise SettingsError(
                f"image channels must be 1 (grey) or 3 (RGB), got {self.channels!r}"
            )

    def _check_range(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (1, self.channels):
                raise SettingsError(
                    f"image {name} must have 1 or {self.channels} values, got {len(values)}"
                )
        if min(self.std) <= 0:
            raise SettingsError(f"image std must be above 0, got {self.std}")
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            raise SettingsError(
                f"background must be three values from 0 to 255, got {self.background}"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width), as a network counts."""
        return (self.channels, self.height, self.width)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ImageSpec:
        """Return the spec that `as_dict` described.

        Raises:
            SettingsError: a key is unknown or missing, or a value is out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingsError(
                f"unknown image setting {unknown[0]!r}: wanted one of {', '.join(known)}"
            )
        missing = [name for name in known[:3] if name not in values]
        if missing:
            raise SettingsError(f"image setting {missing[0]!r} is missing")
        return cls(**values)
