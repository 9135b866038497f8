"""What one picture may cost: pixels, bytes, seconds, memory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lookalike.errors import SettingsError

__all__ = ["IntakeLimits", "parse_amount", "say_bytes"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:B|P|PX)?", re.IGNORECASE)
# Python, numpy and Pillow need a part of it before any picture.
_LEAST_MEMORY = 200_000_000


@dataclass(frozen=True)
class IntakeLimits:
    """What one picture may cost; a file that costs more is skipped, with the reason.

    Attributes:
        max_pixels: width × height that a file may claim (by default Pillow's own limit: a small
            file can claim any size).
        max_bytes: size of a file.
        seconds: that reading and decoding one file may take.
        memory: bytes that the process which decodes may hold, its own 50 MB or so included;
            Linux alone enforces it.

    Raises:
        SettingsError: a value is out of range.
    """

    max_pixels: int = 178_956_970
    max_bytes: int = 1_000_000_000
    seconds: float = 30.0
    memory: int = 2_000_000_000

    def __post_init__(self) -> None:
        least = {"max_pixels": 1, "max_bytes": 1, "memory": _LEAST_MEMORY}
        for name, fewest in least.items():
            value = getattr(self, name)
            if type(value) is not int or value < fewest:
                words = name.replace("_", "-")
                raise SettingsError(f"{words} is {value!r}: wanted a whole number from {fewest:,}")
        if not isinstance(self.seconds, int | float) or not 0.1 <= self.seconds < math.inf:
            raise SettingsError(f"the time limit is {self.seconds!r} seconds: wanted 0.1 or more")

    @property
    def are_default(self) -> bool:
        """Whether nothing was chosen."""
        return self == IntakeLimits()

    def too_large(self, size: int) -> str:
        """Return the reason to skip a file of so many bytes; "" if there is none."""
        if size <= self.max_bytes:
            return ""
        return f"it is {say_bytes(size)} large, up to {say_bytes(self.max_bytes)} are read"

    def too_many(self, width: int, height: int) -> str:
        """Return the reason to skip a picture of so many pixels; "" if there is none."""
        if 1 <= width * height <= self.max_pixels:
            return ""
        return f"it claims {width}×{height} pixels, up to {self.max_pixels:,} are read"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IntakeLimits:
        """Return the limits that `as_dict` described.

        Raises:
            SettingsError: a key is unknown, or a value is out of range.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SettingsError(f"unknown limit {unknown[0]!r}: wanted one of {', '.join(known)}")
        return cls(**values)


def parse_amount(text: str) -> int:
    """Return the number that a person wrote, with or without a unit.

    >>> parse_amount("500M"), parse_amount("1.5 GB"), parse_amount("40000")
    (500000000, 1500000000, 40000)

    Raises:
        SettingsError: it is no number.
    """
    match = _AMOUNT.fullmatch(text.strip().replace(",", "").replace("_", ""))
    if match is None:
        raise SettingsError(f"{text!r} is no amount: wanted a number, as 40000, 500M or 1.5G")
    return round(float(match[1]) * _UNITS[match[2].upper()])


def say_bytes(count: int) -> str:
    """Return a number of bytes for people.

    >>> say_bytes(2_000_000_000), say_bytes(1_540_000), say_bytes(12)
    ('2 GB', '1.5 MB', '12 bytes')
    """
    for unit in ("TB", "GB", "MB", "KB"):
        size = _UNITS[unit[0]]
        if count >= size:
            return f"{round(count / size, 1):g} {unit}"
    return f"{count} bytes"
