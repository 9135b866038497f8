"""Running a network by ONNX Runtime, on the CPU; nothing here imports torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.encoder.shapes import check_pixels
from lookalike.errors import ExportError
from lookalike.images.spec import ImageSpec

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxRuntime", "onnx_batch"]

# Pictures that go through a network at once: so few that what lies between two layers is still in
# the caches when the second reads it, and enough to share the reading of the weights.
BATCH = 16
SMALLEST_BATCH = 4
BATCH_VALUES = 1_200_000


def onnx_batch(image: ImageSpec) -> int:
    """Return how many pictures go through a network at once.

    >>> [onnx_batch(ImageSpec(side, side, 3)) for side in (28, 128, 224, 512)]
    [16, 16, 7, 4]
    """
    return min(BATCH, max(SMALLEST_BATCH, BATCH_VALUES // int(np.prod(image.shape))))


class OnnxRuntime:
    """A network run by ONNX Runtime; see `Runtime`.

    Args:
        image: how pictures are prepared.
        encoder: an ONNX file, as `lookalike.encoder.exporting` writes it.
        decoder: the same of the decoder; None where there is none.
        threads: that compute; None for as many as this process may use.
    """

    def __init__(
        self,
        image: ImageSpec,
        encoder: bytes,
        decoder: bytes | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        self.image = image
        self._threads = threads or usable_threads()
        self._encoder = open_session(encoder, self._threads)
        self._decoder_bytes = decoder

    @cached_property
    def _decoder(self) -> onnxruntime.InferenceSession:
        """Opened when it is first asked for: most queries need none."""
        assert self._decoder_bytes is not None
        return open_session(self._decoder_bytes, self._threads)

    def latents(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the bare latents (B, D) of pictures, in the order of `rows`."""
        for batch in self._batches(pixels, rows):
            yield self._run(batch, "latents")

    def embeddings(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the embeddings (B, E) of pictures: whitened as the file was written."""
        for batch in self._batches(pixels, rows):
            yield self._run(batch, "embedding")

    def rebuilt(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Give reconstructions (B, H, W, C) and their errors (B,)."""
        for batch in self._batches(pixels, rows):
            rebuilt = self._decode(self._run(batch, "latents"))
            difference = (rebuilt - batch * np.float32(1 / 255)).reshape(len(batch), -1)
            yield (
                rebuilt,
                np.einsum("bv,bv->b", difference, difference, dtype=np.float64)
                / (difference.shape[1]),
            )

    def decoded(self, latents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Give the pictures (B, H, W, C) that bare latents (N, D) stand for."""
        size = onnx_batch(self.image)
        for start in range(0, len(latents), size):
            yield self._decode(latents[start : start + size])

    def _batches(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.uint8]]:
        check_pixels(pixels, self.image)
        size = onnx_batch(self.image)
        for start in range(0, len(rows), size):
            yield np.ascontiguousarray(pixels[rows[start : start + size]])

    def _run(self, batch: NDArray[np.uint8], output: str) -> NDArray[np.float32]:
        (found,) = self._encoder.run([output], {"pixels": batch})
        return np.asarray(found, np.float32)

    def _decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        (found,) = self._decoder.run(["pictures"], {"latents": np.ascontiguousarray(latents)})
        return np.asarray(found, np.float32)


def usable_threads() -> int:
    """Return how many threads may compute: those that OpenMP is told, else the cores allowed.

    OMP_NUM_THREADS is what torch, faiss and numpy obey; a network is to obey it too.
    """
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if told.isdigit() and int(told) > 0:
        return int(told)
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def open_session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """Return a session that runs a model on the CPU.

    Raises:
        ExportError: this version of ONNX Runtime cannot open it.
    """
    import onnxruntime

    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the processor from what decodes pictures meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; they are raised as well
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own, which share no class
        reason = " ".join(str(error).split())
        raise ExportError(
            f"ONNX Runtime {onnxruntime.__version__} cannot open this encoder ({reason}): "
            "install the version that Lookalike asks for"
        ) from error
