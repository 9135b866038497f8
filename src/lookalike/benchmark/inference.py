"""Embedding by ONNX Runtime against torch's eager mode, preset by preset, on the CPU.

Both run the same network with the same weights on the same threads. What comes trained and is not
installed here gets made-up weights, which compute as long. Each preset has a process of its own:
how long torch takes hangs on the memory that was freed before, which glibc keeps or gives back. So
it is also timed where glibc keeps all, as it does here while a network trains.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lookalike.benchmark.apart import run_apart
from lookalike.benchmark.contest import Contest, compete
from lookalike.benchmark.made_up import made_up_gallery, made_up_network
from lookalike.benchmark.outcome import Bar, Effort, Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.encoder.onnx_runtime import OnnxRuntime
    from lookalike.encoder.torch_runtime import TorchRuntime
    from lookalike.models import Preset

__all__ = ["measure", "measure_part"]

Row = Mapping[str, float | int | str]

OURS, EAGER, SMALL = "ONNX Runtime", "torch eager", "torch eager, batches as ONNX Runtime's"
KEPT = "torch eager, freed memory kept"
OPERATIONS = "operations for one picture"
# How many times torch's eager speed is wanted of many pictures; dense layers are not asked about.
WANTED = {"efficientnet-lite0": 3.0, "food-dense128": None}
WANTED_OTHERWISE = 1.5
QUICK = ("conv128", "twin")
QUICK_SIDE = 32
ROUNDS, QUICK_ROUNDS = 5, 1
# A round is to take about so long, and has at most so many pictures.
ROUND_SECONDS, MOST_PICTURES = 0.5, 512
# Of the gallery in which both must find the same.
GALLERY, QUERIES, HITS, QUICK_GALLERY = 256, 32, 10, 48
# Of the matrices whose product says what the processor can do.
SIDE = 1024
# Scores nearer than this are a tie.
TIE = 1e-5


def measure(effort: Effort) -> Outcome:
    """Time every preset: one picture, and as many as take a moment; compare what they find."""
    from lookalike.models import PRESETS

    with _threads() as threads:
        products = _products()
    found = [run_apart("inference", effort, name) for name in (QUICK if effort.quick else PRESETS)]
    return Outcome(
        tuple(contest for one in found for contest in one.contests),
        tuple(bar for one in found for bar in one.bars),
        {"threads": threads, "products of matrices, GFLOP/s": round(products / 1e9)},
        tuple(dict.fromkeys(name for one in found for name in one.absent)),
        tuple(_with_share(one, products) for one in found),
    )


def measure_part(effort: Effort, name: str) -> Outcome:
    """Time one preset, in a process of its own.

    Raises:
        SettingsError: there is no such preset.
    """
    from lookalike.models import get_preset
    from lookalike.training.allocation import can_keep_freed_memory

    with _threads() as threads:
        subject = _Subject(get_preset(name), effort, threads)
        many, one, same = subject.many(), subject.one(), subject.same_hits()
        operations = subject.operations()
        # Last: it changes how memory is kept, and not for its own time only.
        kept = subject.kept() if can_keep_freed_memory() else None
    return Outcome(
        (many, one) if kept is None else (many, one, kept),
        tuple(_bars(name, many, same)),
        {OPERATIONS: operations},
        (KEPT,) if kept is None else (),
        (_row(name, many, one, kept, same),),
    )


def _with_share(found: Outcome, products: float) -> Row:
    """Return a preset's row with the share of a product's speed that its layers reach."""
    (row,) = found.rows
    share = float(found.figures[OPERATIONS]) * found.contests[0].rate(OURS).median / products
    return {**row, "of a product's speed": f"{share:.0%}"}


def _bars(name: str, many: Contest, same: float) -> Iterator[Bar]:
    wanted = WANTED.get(name, WANTED_OTHERWISE)
    if wanted is not None:
        ratio = many.ratio(EAGER)
        yield Bar(f"{name}: times torch eager", f"≥ {wanted:g}", str(ratio), ratio.median >= wanted)
    yield Bar(f"{name}: same hits as torch", "1.000", f"{same:.3f}", same == 1)


def _products() -> float:
    """Return how many operations a second torch reaches in a product of large matrices."""
    import torch

    one, other = torch.randn(2, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found = compete(
        "a product of matrices",
        {"torch": lambda: one @ other},
        ours="torch",
        unit="operations",
        amount=2 * SIDE**3,
        rounds=10,
    )
    return found.rate("torch").median


def _row(name: str, many: Contest, one: Contest, kept: Contest | None, same: float) -> Row:
    return {
        "preset": name,
        "pictures/s": round(many.rate(OURS).median, 1),
        "× torch eager": str(many.ratio(EAGER)),
        "× torch eager in small batches": str(many.ratio(SMALL)),
        "× torch eager, freed memory kept": "" if kept is None else str(kept.ratio(KEPT)),
        "one picture, ms": round(1000 / one.rate(OURS).median, 2),
        "× torch eager, one picture": str(one.ratio(EAGER)),
        "same hits": f"{same:.3f}",
    }


@contextmanager
def _threads() -> Iterator[int]:
    """Give torch as many threads as ONNX Runtime gets, and bring back what it had."""
    import torch

    from lookalike.ordered import usable_threads

    before, threads = torch.get_num_threads(), usable_threads()
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)


@dataclass
class _Subject:
    """One preset, run by both."""

    preset: Preset
    effort: Effort
    threads: int

    def __post_init__(self) -> None:
        import torch

        from lookalike.encoder.exporting import Recorded
        from lookalike.encoder.onnx_runtime import OnnxRuntime
        from lookalike.encoder.torch_runtime import TorchRuntime
        from lookalike.models import resolve_image

        size = QUICK_SIDE if self.effort.quick else None
        self.image = resolve_image(self.preset, size=size)
        model = made_up_network(self.preset, self.image, self.effort.seed)
        self.torch: TorchRuntime = TorchRuntime(model, self.image, torch.device("cpu"))
        recorded = Recorded(model, self.image)
        self.onnx: OnnxRuntime = OnnxRuntime(self.image, recorded.encoder(), threads=self.threads)

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """As many pictures as a round of ours takes a moment for; whole batches."""
        import numpy as np

        from lookalike.encoder.onnx_runtime import onnx_batch

        size = onnx_batch(self.image)
        channels, height, width = self.image.shape
        random = np.random.default_rng(self.effort.seed)
        shape = (MOST_PICTURES, height, width, channels)
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        self._ours(pixels[:size])
        start = time.perf_counter()
        self._ours(pixels[:size])
        batches = int(ROUND_SECONDS / (time.perf_counter() - start))
        batches = 2 if self.effort.quick else max(2, batches)
        # As many for each thread: of a whole folder the last batches are no matter.
        return pixels[: size * -(-batches // self.threads) * self.threads]

    def many(self) -> Contest:
        """Time many pictures."""
        return self._compared(
            "",
            {
                OURS: lambda: self._ours(self.pixels),
                EAGER: lambda: self._eager(self.pixels),
                SMALL: lambda: self._eager_in_small_batches(self.pixels),
            },
        )

    def kept(self) -> Contest:
        """Time many pictures while glibc keeps what torch frees; `many` comes before it."""
        import torch

        from lookalike.training.allocation import freed_memory_kept

        with freed_memory_kept(torch.device("cpu")):
            return self._compared(
                ", freed memory kept",
                {OURS: lambda: self._ours(self.pixels), KEPT: lambda: self._eager(self.pixels)},
            )

    def _compared(self, how: str, ways: Mapping[str, Callable[[], object]]) -> Contest:
        count, side = len(self.pixels), f"{self.image.height} × {self.image.width}"
        return compete(
            f"{self.preset.name}: {count} pictures of {side}{how}",
            ways,
            ours=OURS,
            unit="pictures",
            amount=count,
            rounds=QUICK_ROUNDS if self.effort.quick else ROUNDS,
        )

    def one(self) -> Contest:
        """Time one picture, as a query is."""
        one = self.pixels[:1]
        return compete(
            f"{self.preset.name}: one picture",
            {OURS: lambda: self._ours(one), EAGER: lambda: self._eager(one)},
            ours=OURS,
            unit="pictures",
            amount=1,
            rounds=QUICK_ROUNDS if self.effort.quick else 3 * ROUNDS,
            repeats=2,
        )

    def operations(self) -> int:
        """Return the multiplications and additions of the layers for one picture."""
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            self._eager(self.pixels[:1])
        return int(counter.get_total_flops())

    def same_hits(self) -> float:
        """Return the share of hits found by ONNX Runtime that torch finds too, ties left aside."""
        import numpy as np

        from lookalike.whitening import fit_whitening

        count = QUICK_GALLERY if self.effort.quick else GALLERY
        gallery, queries = made_up_gallery(self.image.shape, count, QUERIES, self.effort.seed)
        latents = self._eager(gallery)
        whitening = fit_whitening(latents)
        known = whitening.apply(latents)
        by_torch = whitening.apply(self._eager(queries)) @ known.T
        by_onnx = whitening.apply(self._ours(queries)) @ whitening.apply(self._ours(gallery)).T
        found = np.argsort(-by_onnx, axis=1)[:, :HITS]
        least = np.sort(by_torch, axis=1)[:, -HITS]
        scores = np.take_along_axis(by_torch, found, axis=1)
        return float((scores >= least[:, None] - TIE).mean())

    def _ours(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        return np.concatenate([*self.onnx.embeddings(pixels, np.arange(len(pixels)))])

    def _eager(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        return np.concatenate([*self.torch.latents(pixels, np.arange(len(pixels)))])

    def _eager_in_small_batches(self, pixels: NDArray[np.uint8]) -> None:
        from lookalike.encoder.onnx_runtime import onnx_batch

        size = onnx_batch(self.image)
        for start in range(0, len(pixels), size):
            self._eager(pixels[start : start + size])
