"""The way between two pictures: latents on a straight line, decoded."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.decoded import require_decoder
from lookalike.engine.looking import picture_thumbnail, proportion, short_name, unstretched
from lookalike.engine.queries import Query, QueryLike, resolve_all
from lookalike.engine.sources import find_path
from lookalike.errors import PictureError, QueryError, SettingsError
from lookalike.images import decode
from lookalike.pictures import BetweenCell, draw_between, to_png
from lookalike.types import OnProgress, check_metric, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.parts import EngineParts

__all__ = ["Between", "Step", "find_between"]

MOST = 100


@dataclass(frozen=True)
class Step:
    """One step on the way.

    Attributes:
        share: how much of the way is done: 0 at the first picture, 1 at the second.
        path: the gallery's nearest picture to what is decoded here, neither of the two.
        score: how close that is, by the engine's metric; higher is closer.
        label: its weak label, if it has one.
        decoded: uint8 (H, W, C), the picture that the decoder makes of this step's latent.
    """

    share: float
    path: str
    score: float
    label: str | None
    decoded: NDArray[np.uint8] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Between:
    """The way from one picture to another.

    Attributes:
        a: the name of the first.
        b: the name of the second.
        metric: of the scores.
        steps: from `a` to `b`, both ends among them.
        draw: draws the steps, each above the gallery's nearest picture; set by the engine.
    """

    a: str
    b: str
    metric: str
    steps: tuple[Step, ...]
    draw: Callable[[], Image] = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        shares = [step.share for step in self.steps]
        if len(shares) < 2 or (shares[0], shares[-1]) != (0, 1) or shares != sorted(shares):
            raise SettingsError(f"steps must lead from share 0 to share 1, got {shares}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; what is decoded is for drawing only."""
        steps = [asdict(step) for step in self.steps]
        for step in steps:
            del step["decoded"]
        return {"a": self.a, "b": self.b, "metric": self.metric, "steps": steps}

    def _repr_png_(self) -> bytes:
        return to_png(self.draw())


def find_between(
    engine: EngineParts,
    a: QueryLike,
    b: QueryLike,
    *,
    steps: int,
    on_progress: OnProgress = silent,
) -> Between:
    """Interpolate linearly between two pictures' latents, decode, and find the nearest pictures.

    Args:
        engine: an engine whose encoder has a decoder.
        a: where the way begins: any query.
        b: where it ends.
        steps: both ends among them; 2 to 100.
        on_progress: told how many of the two are embedded.

    Raises:
        EngineError: the encoder has no decoder.
        QueryError: `a` or `b` cannot be read, or the gallery holds nothing else.
        SettingsError: `steps` is out of range.
    """
    if not 2 <= steps <= MOST:
        raise SettingsError(f"{steps} steps: wanted 2 to {MOST}")
    require_decoder(engine, "the way between two pictures")
    ends = _resolve(engine, a, b)
    pixels = np.stack([_pixels(engine, one) for one in ends])
    shares = [step / (steps - 1) for step in range(steps)]
    way = _mix(engine.encoder.latents(pixels, on_progress=on_progress), shares)
    turned = engine.encoder.turned_latents(pixels)
    turned_way = None if turned is None else _mix(turned, shares)
    places, scores = _nearest(engine, engine.encoder.whitened(way, turned_way), ends)
    decoded = engine.encoder.decode(way)
    paths, labels = engine.gallery.paths_at(places), engine.gallery.labels_at(places)
    found = tuple(
        Step(share, path, float(score), label, picture)
        for share, path, label, score, picture in zip(
            shares, paths, labels, scores, decoded, strict=True
        )
    )
    names = (ends[0].name, ends[1].name)
    return Between(*names, engine.manifest.metric, found, lambda: _draw(engine, ends, found))


def _resolve(engine: EngineParts, a: QueryLike, b: QueryLike) -> list[Query]:
    return resolve_all(
        [a, b],
        gallery=engine.gallery,
        places=engine.places,
        image=engine.image,
        cache=lambda: engine.cache,
        limits=engine.limits,
    )


def _pixels(engine: EngineParts, query: Query) -> NDArray[np.uint8]:
    """Return a query as the network wants it; of a gallery picture, the engine's decoded copy.

    Raises:
        QueryError: neither the decoded copy nor the original is there.
    """
    if query.pixels is not None:
        return query.pixels
    cache = engine.cache
    row = None if cache is None else cache.position(query.name)
    if cache is not None and row is not None:
        return np.asarray(cache.pixels[row])
    original = query.picture or find_path(engine.file(query.name))
    try:
        if original is not None:
            return decode(original, engine.image, engine.limits).pixels
    except PictureError as error:
        raise QueryError(f"{query.name} cannot be read: {error}") from error
    place = shlex.quote(str(engine.layout.directory))
    raise QueryError(
        f"{query.name} is known, but its picture is gone: there is no file of it in {engine.root} "
        f"and no decoded copy, which `lookalike index {place}` makes"
    )


def _mix(two: NDArray[np.float32], shares: list[float]) -> NDArray[np.float32]:
    """Return the latents (S, D) on the line between two (2, D)."""
    first, last = two
    return np.stack([(1 - share) * first + share * last for share in shares]).astype(np.float32)


def _nearest(
    engine: EngineParts, embeddings: NDArray[np.float32], ends: list[Query]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the place and the score of each one's nearest picture that is none of the ends."""
    index = engine.index(check_metric(engine.manifest.metric))
    left_out = {one.position for one in ends if one.position >= 0}
    if len(index) <= len(left_out):
        raise QueryError("the gallery holds no picture but these two: nothing lies between them")
    found = index.search(embeddings, len(left_out) + 1)
    # The first that is allowed: no more than those left out can stand before it.
    chosen = np.argmax(~np.isin(found.positions, sorted(left_out)), axis=1)[:, None]
    places = np.take_along_axis(found.positions, chosen, axis=1)[:, 0]
    return places, np.take_along_axis(found.scores, chosen, axis=1)[:, 0]


def _draw(engine: EngineParts, ends: list[Query], steps: tuple[Step, ...]) -> Image:
    thumbnails = [picture_thumbnail(engine, one.name, picture=one.picture) for one in ends]
    first, last = (proportion(pixels) for pixels in thumbnails)
    a, b = (
        BetweenCell(
            pixels,
            one.label or short_name(one.name),
            name=short_name(one.name) if one.label else "",
        )
        for one, pixels in zip(ends, thumbnails, strict=True)
    )
    decoded = [
        unstretched(engine, step.decoded, (1 - step.share) * first + step.share * last)
        for step in steps
    ]
    nearest = [
        BetweenCell(
            picture_thumbnail(engine, step.path),
            f"{step.score:.3f}",
            step.label or "",
            short_name(step.path),
        )
        for step in steps
    ]
    names = " to ".join(short_name(one.name) for one in ends)
    title = f"{engine.layout.directory.name}: from {names}"
    return draw_between(a, b, decoded, nearest, [step.share for step in steps], title=title)
