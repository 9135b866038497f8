"""`lookalike export`: an engine's encoder as one ONNX file that needs nothing of this library."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.storage import write_bytes

if TYPE_CHECKING:
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
        difference: the largest to what torch gives.
        pictures: that were compared.
        fingerprint: of the encoder.
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

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "file": str(self.file)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        return [
            f"{self.file}, {self.megabytes:.1f} MB",
            f'takes "pixels": uint8 (N, {self.height}, {self.width}, {self.channels})',
            f'gives "embedding": float32 (N, {self.numbers})',
            f"differs from torch by {self.difference:.0e} at most, on {self.pictures} pictures",
        ]


def export_engine(engine: EngineParts, output: Path | None = None) -> Exported:
    """Write an engine's encoder as an ONNX file and check it against torch.

    Args:
        engine: whose encoder.
        output: the file; None for the engine's name with ".onnx", in the current directory.

    Raises:
        ExportError: the encoder cannot be written as ONNX, or the file does not give what torch
            gives.
        StorageError: the disk is full or may not be written.
    """
    from lookalike.encoder.onnx_files import export_encoder

    place = output or Path(engine.layout.directory.resolve().stem + ".onnx")
    made = export_encoder(engine.encoder, _some_pictures(engine))
    write_bytes(place, made.data)
    image = engine.encoder.image
    return Exported(
        place,
        round(len(made.data) / 1e6, 2),
        *(image.height, image.width, image.channels),
        made.width,
        made.difference,
        made.pictures,
        engine.encoder.fingerprint,
    )


def _some_pictures(engine: EngineParts) -> NDArray[np.uint8] | None:
    """Return some of the decoded pictures, evenly spread; None where they are gone."""
    if engine.cache is None or not len(engine.cache.pixels):
        return None
    rows = np.unique(np.linspace(0, len(engine.cache.pixels) - 1, CHECKED).astype(np.int64))
    return np.asarray(engine.cache.pixels[rows])
