"""`lookalike export`: an engine's encoder as one ONNX file that needs nothing of this library."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.storage import check_place, write_bytes

if TYPE_CHECKING:
    from lookalike.engine.eight_bit import EightBits
    from lookalike.engine.parts import EngineParts

__all__ = ["Exported", "export_engine"]

# Pictures of the engine that the file is checked on.
CHECKED = 16


@dataclass(frozen=True)
class Exported:
    """An ONNX file that was written.

    Attributes:
        file: where it is.
        megabytes: its size.
        height: of the pictures that go in, uint8 (N, height, width, channels).
        width: of these.
        channels: of these.
        numbers: in the embedding that comes out, float32 (N, numbers).
        difference: the largest to what torch gives; of a file in 8 bits, of the same in float32.
        pictures: that were compared.
        fingerprint: of the encoder.
        eight_bits: what 8 bits are worth; None for a file in float32.
    """

    file: Path
    megabytes: float
    height: int
    width: int
    channels: int
    numbers: int
    difference: float
    pictures: int
    fingerprint: str
    eight_bits: EightBits | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "file": str(self.file)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        return [
            f"{self.file}, {self.megabytes:.1f} MB",
            f'takes "pixels": uint8 (N, {self.height}, {self.width}, {self.channels})',
            f'gives "embedding": float32 (N, {self.numbers})',
            f"{'' if self.eight_bits is None else 'in float32 '}differs from torch by "
            f"{self.difference:.0e} at most, on {self.pictures} pictures",
            *([] if self.eight_bits is None else self.eight_bits.lines()),
        ]


def export_engine(
    engine: EngineParts, output: Path | None = None, *, int8: bool = False
) -> Exported:
    """Write an engine's encoder as an ONNX file and check it against torch.

    Args:
        engine: whose encoder.
        output: the file; None for the engine's name with ".onnx", in the current directory.
        int8: the network computes in 8 bits.

    Raises:
        ExportError: the encoder cannot be written as ONNX, the file does not give what torch
            gives, or 8 bits find other pictures.
        StorageError: the disk is full or may not be written.
    """
    from lookalike.encoder.onnx_files import export_encoder
    from lookalike.engine.eight_bit import export_in_eight_bits

    place = output or Path(engine.layout.directory.resolve().stem + ".onnx")
    check_place(place)
    made = export_encoder(engine.encoder, _some_pictures(engine))
    data, worth = export_in_eight_bits(engine, made.data) if int8 else (made.data, None)
    write_bytes(place, data)
    image = engine.encoder.image
    return Exported(
        place,
        round(len(data) / 1e6, 2),
        *(image.height, image.width, image.channels),
        made.width,
        made.difference,
        made.pictures,
        engine.encoder.fingerprint,
        worth,
    )


def _some_pictures(engine: EngineParts) -> NDArray[np.uint8] | None:
    """Return some of the decoded pictures, evenly spread; None where they are gone."""
    if engine.cache is None or not len(engine.cache.pixels):
        return None
    rows = np.unique(np.linspace(0, len(engine.cache.pixels) - 1, CHECKED).astype(np.int64))
    return np.asarray(engine.cache.pixels[rows])
