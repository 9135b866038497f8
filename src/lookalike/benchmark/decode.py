"""Pictures decoded small, against a full decode; and a folder to embeddings, both at once."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lookalike.benchmark.contest import Contest, compete
from lookalike.benchmark.outcome import Bar, Effort, Outcome
from lookalike.benchmark.photos import write_photos
from lookalike.images import Collection, ImageSpec, decode_collection, find_pictures
from lookalike.images.answers import decode_file
from lookalike.images.quiet import quiet_pillow

if TYPE_CHECKING:
    from lookalike.encoder import Encoder

__all__ = ["measure"]

SIDE = 128
SPEC = ImageSpec(SIDE, SIDE, 3)
OURS, FULL, DRAFT = "lookalike", "Pillow, whole", "Pillow, draft"
BOTH, DECODING, EMBEDDING = "both at once", "decoding alone", "embedding alone"
LEAST_TIMES, LEAST_SHARE = 5.0, 0.8


def measure(effort: Effort) -> Outcome:
    """Decode JPEGs of 512×512 at 128×128 on one core, then a folder of them to embeddings."""
    count, embedded, rounds = (12, 24, 1) if effort.quick else (200, 1_000, 5)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "photos"
        size = write_photos(folder, embedded, seed=effort.seed)
        found = find_pictures(folder)
        ways, absent = _ways([folder / one.path for one in found.pictures[:count]], found)
        decoded = compete(
            f"{count:,} JPEGs of 512×512 to 128×128, one core",
            ways, ours=OURS, unit="images", amount=count, rounds=rounds,
        )  # fmt: skip
        folder_contest = _to_embeddings(found, Path(work) / "cache", rounds)
    return Outcome(
        contests=(decoded, folder_contest),
        bars=(_decode_bar(decoded), _folder_bar(folder_contest)),
        figures={
            "mean JPEG bytes": round(size),
            "share that two halves on the same cores could reach": _sharing(folder_contest),
        },
        absent=absent,
    )


def _ways(
    paths: list[Path], found: Collection
) -> tuple[dict[str, Callable[[], object]], tuple[str, ...]]:
    """Return the ways to decode these files, and which are not installed."""
    ways: dict[str, Callable[[], object]] = {
        OURS: lambda: _by_lookalike(paths, found),
        FULL: lambda: [_whole(path) for path in paths],
        DRAFT: lambda: [_drafted(path) for path in paths],
    }
    try:
        simplejpeg = import_module("simplejpeg")
    except ImportError:
        return ways, ("simplejpeg",)
    ways["simplejpeg"] = lambda: [_by_simplejpeg(simplejpeg, path) for path in paths]
    return ways, ()


def _by_lookalike(paths: list[Path], found: Collection) -> None:
    with quiet_pillow():  # as a process that decodes does, once
        for path in paths:
            decode_file(path, SPEC, found.limits)


def _whole(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as file:
        return np.asarray(file.convert("RGB").resize((SIDE, SIDE)))


def _drafted(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(path.read_bytes())) as file:
        file.draft("RGB", (SIDE, SIDE))
        return np.asarray(file.resize((SIDE, SIDE)))


def _by_simplejpeg(simplejpeg: Any, path: Path) -> np.ndarray:  # noqa: ANN401 - has no types
    # It gives the smallest scale that is enough; here that is the size wanted.
    pixels = simplejpeg.decode_jpeg(
        path.read_bytes(), "RGB", min_height=SIDE, min_width=SIDE, min_factor=1
    )
    return np.asarray(pixels)


def _to_embeddings(found: Collection, place: Path, rounds: int) -> Contest:
    """Compare a folder to embeddings with what its two halves take, each with all cores."""
    from lookalike.engine.ahead import EmbeddedAhead

    encoder = _encoder()
    pixels = np.array(decode_collection(found, SPEC, place).pixels)

    def both() -> None:
        shutil.rmtree(place)
        ahead = EmbeddedAhead(encoder, mirrored=False)
        decode_collection(found, SPEC, place, on_pixels=ahead.take)
        ahead.latents(np.arange(len(found)))

    def decoding() -> None:
        shutil.rmtree(place)
        decode_collection(found, SPEC, place)

    return compete(
        f"a folder of {len(found):,} JPEGs of 512×512 to embeddings by twin at 128×128, all cores",
        {BOTH: both, DECODING: decoding, EMBEDDING: lambda: encoder.latents(pixels)},
        ours=BOTH, unit="images", amount=len(found), rounds=rounds,
    )  # fmt: skip


def _encoder() -> Encoder:
    from lookalike.encoder import Encoder
    from lookalike.models import build_model, get_preset, resolve_image

    preset = get_preset("twin")
    image = resolve_image(preset, size=SIDE, channels=3)
    encoder = Encoder(build_model(preset, image), preset.name, image, device="cpu")
    encoder.freeze()
    return encoder


def _decode_bar(contest: Contest) -> Bar:
    times = contest.ratio(FULL)
    return Bar(
        "decoding a JPEG of 512×512 to 128×128, one core: a whole decode by Pillow, times ours",
        f"≥ {LEAST_TIMES:g}", str(times), times.median >= LEAST_TIMES,
    )  # fmt: skip


def _folder_bar(contest: Contest) -> Bar:
    slower = max((DECODING, EMBEDDING), key=lambda name: contest.ratio(name).median)
    share = contest.ratio(slower)
    return Bar(
        "a folder to embeddings: pace, of that of the slower half alone",
        f"≥ {LEAST_SHARE:g}", str(share), share.median >= LEAST_SHARE,
    )  # fmt: skip


def _sharing(contest: Contest) -> float:
    """Return the share that would be reached if both halves only took the cores from each other."""
    halves = [contest.rate(name).median for name in (DECODING, EMBEDDING)]
    return round(1 / sum(1 / rate for rate in halves) / min(halves), 3)
