"""Pictures that were uploaded to be searched with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lookalike.serve.bounded import Bounded
from lookalike.serve.errors import Refusal

__all__ = ["Upload", "Uploads"]


@dataclass(frozen=True, eq=False)
class Upload:
    """An uploaded picture.

    Attributes:
        id: SHA-256 of its bytes, in hex.
        data: its bytes, as they came.
        width: in pixels, as it is shown.
        height: likewise.
    """

    id: str
    data: bytes
    width: int
    height: int


class Uploads:
    """The latest uploads, bounded by the bytes that they take.

    Args:
        most: bytes of all together.
    """

    def __init__(self, most: int) -> None:
        self.kept: Bounded[str, Upload] = Bounded(most, lambda one: len(one.data))

    @staticmethod
    def name(data: bytes) -> str:
        """Return what an upload of these bytes is called."""
        return hashlib.sha256(data).hexdigest()

    def find(self, name: str) -> Upload:
        """Return an upload.

        Raises:
            Refusal: it is not kept, or no longer.
        """
        found = self.kept.get(name)
        if found is None:
            raise Refusal(404, "this uploaded picture is no longer kept: upload it again")
        return found
