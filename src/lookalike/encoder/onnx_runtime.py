"""Running a network by ONNX Runtime, on the CPU; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lookalike.cpu_sessions import cpu_session
from lookalike.encoder.shapes import check_pixels
from lookalike.images.spec import ImageSpec
from lookalike.ordered import in_order_by, usable_threads

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["OnnxRuntime", "onnx_batch"]

# Pictures that go through a network at once: so few that what lies between two layers is still in
# the caches when the second reads it, and enough to share the reading of the weights.
BATCH = 32
SMALLEST_BATCH = 4
BATCH_VALUES = 800_000
# Batches that are computed side by side: each needs memory for what lies between its layers.
MOST_BATCHES = 4

_Result = TypeVar("_Result")
_Rebuilt = tuple[NDArray[np.float32], NDArray[np.float64]]


def onnx_batch(image: ImageSpec) -> int:
    """Return how many pictures go through a network at once.

    >>> [onnx_batch(ImageSpec(side, side, 3)) for side in (28, 128, 224, 512)]
    [32, 16, 5, 4]
    """
    return min(BATCH, max(SMALLEST_BATCH, BATCH_VALUES // int(np.prod(image.shape))))


class OnnxRuntime:
    """A network run by ONNX Runtime; see `Runtime`.

    Several batches go through side by side, each by a thread of its own: threads that share one
    batch wait for each other at every layer. A single batch gets all threads.

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
        threads = threads or usable_threads()
        self._encoder = _Sessions(encoder, threads)
        self._decoder = None if decoder is None else _Sessions(decoder, threads)
        self._side_by_side = min(threads, MOST_BATCHES)
        self._encoder.open(1)  # what cannot be opened is said now

    def latents(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the bare latents (B, D) of pictures, in the order of `rows`."""
        return self._encoded(pixels, rows, "latents")

    def begin(self, pixels: NDArray[np.uint8], output: str) -> list[Future[NDArray[np.float32]]]:
        """Begin to embed pictures; return where the rows of each batch will be.

        Args:
            pixels: uint8 (N, H, W, C); they must stay as they are until then.
            output: "latents" or "embedding".
        """
        check_pixels(pixels, self.image)
        batches = self._batches(pixels)
        shared = self._shared(len(batches))

        def encode(batch: NDArray[np.uint8]) -> NDArray[np.float32]:
            (found,) = self._encoder.run([output], shared, pixels=np.ascontiguousarray(batch))
            return found

        return [self._threads.submit(encode, batch) for batch in batches]

    def embeddings(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[NDArray[np.float32]]:
        """Give the embeddings (B, E) of pictures: whitened as the file was written."""
        return self._encoded(pixels, rows, "embedding")

    def rebuilt(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Give reconstructions (B, H, W, C) and their errors (B,)."""

        def rebuild(batch: NDArray[np.int64], shared: int) -> _Rebuilt:
            given = np.ascontiguousarray(pixels[batch])
            (latents,) = self._encoder.run(["latents"], shared, pixels=given)
            return self._compared(given, latents, shared)

        check_pixels(pixels, self.image)
        return self._each(rows, rebuild)

    def embeddings_and_errors(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Give embeddings (B, E), as `embeddings`, and errors (B,), as `rebuilt`, of one run."""

        def look(
            batch: NDArray[np.int64], shared: int
        ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
            given = np.ascontiguousarray(pixels[batch])
            embeddings, latents = self._encoder.run(["embedding", "latents"], shared, pixels=given)
            return embeddings, self._compared(given, latents, shared)[1]

        check_pixels(pixels, self.image)
        return self._each(rows, look)

    def decoded(self, latents: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """Give the pictures (B, H, W, C) that bare latents (N, D) stand for."""
        return self._each(latents, self._decode)

    def _encoded(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], output: str
    ) -> Iterator[NDArray[np.float32]]:
        def encode(batch: NDArray[np.int64], shared: int) -> NDArray[np.float32]:
            given = np.ascontiguousarray(pixels[batch])
            (found,) = self._encoder.run([output], shared, pixels=given)
            return found

        check_pixels(pixels, self.image)
        return self._each(rows, encode)

    def _decode(self, latents: NDArray[np.float32], shared: int) -> NDArray[np.float32]:
        assert self._decoder is not None
        given = np.ascontiguousarray(latents)
        (pictures,) = self._decoder.run(["pictures"], shared, latents=given)
        return pictures

    def _compared(
        self, pixels: NDArray[np.uint8], latents: NDArray[np.float32], shared: int
    ) -> _Rebuilt:
        """Return what the decoder makes of latents, and how far that is from the pictures."""
        rebuilt = self._decode(latents, shared)
        difference = (rebuilt - pixels * np.float32(1 / 255)).reshape(len(pixels), -1)
        squares = np.einsum("bv,bv->b", difference, difference, dtype=np.float64)
        return rebuilt, squares / difference.shape[1]

    def _each(
        self, values: NDArray[Any], work: Callable[[NDArray[Any], int], _Result]
    ) -> Iterator[_Result]:
        """Give what `work` makes of each batch of `values`, in order.

        Beside the batch it gets the number of those that share the threads.
        """
        batches = self._batches(values)
        shared = self._shared(len(batches))
        if shared < 2:
            return (work(batch, 1) for batch in batches)
        return in_order_by(self._threads.submit, lambda batch: work(batch, shared), batches, shared)

    def _shared(self, batches: int) -> int:
        """Return how many of so many batches share the threads."""
        # A power of two, so that few sessions are opened.
        return 1 << min(self._side_by_side, max(1, batches)).bit_length() - 1

    def _batches(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        size = onnx_batch(self.image)
        return [values[start : start + size] for start in range(0, len(values), size)]

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        """Threads kept for the next pictures: of small ones few batches come at a time."""
        return ThreadPoolExecutor(self._side_by_side, thread_name_prefix="lookalike-encoder")


class _Sessions:
    """What runs one ONNX file, with more or fewer threads; each opened when it is needed."""

    def __init__(self, model: bytes, threads: int) -> None:
        self._model = model
        self._threads = threads
        self._opened: dict[int, onnxruntime.InferenceSession] = {}
        self._opening = Lock()

    def run(
        self, outputs: Sequence[str], shared: int, **inputs: NDArray[Any]
    ) -> list[NDArray[np.float32]]:
        """Return some outputs of a run that is one of so many which share the threads."""
        found = self.open(shared).run(outputs, inputs)
        return [np.asarray(one, np.float32) for one in found]

    def open(self, shared: int) -> onnxruntime.InferenceSession:
        """Return the session for such runs."""
        threads = self._threads - shared + 1  # those that run it are not of its own
        with self._opening:
            if threads not in self._opened:
                self._opened[threads] = cpu_session(self._model, threads)
        return self._opened[threads]
