"""What a service holds: the engine as it is now, and what was made from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import Depends, Request
from fastapi import Path as PathParameter

from lookalike.engine import Engine, open_engine
from lookalike.engine.copy_evidence import CopyEvidence
from lookalike.engine.files import picture_roots
from lookalike.engine.manifest import Layout
from lookalike.engine.queries import Query
from lookalike.errors import LookalikeError
from lookalike.gallery import ExactIndex, newest_version
from lookalike.images.guarded import Intake
from lookalike.serve.batching import Batcher
from lookalike.serve.bounded import Bounded
from lookalike.serve.errors import Refusal
from lookalike.serve.jobs import Jobs
from lookalike.serve.pool import Pool
from lookalike.serve.settings import ServeSettings
from lookalike.serve.uploads import Uploads, upload_limits
from lookalike.types import check_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lookalike.gallery import Gallery
    from lookalike.serve.schemas import SearchFound
    from lookalike.serve.searching import Asked
    from lookalike.serve.thumbnails import Small

__all__ = ["Opened", "PictureId", "State", "StateOf", "state_of"]

# Between two looks whether another process has changed the engine.
LOOK_SECONDS = 1.0
# Looks in a row that fail before whoever runs the service is told.
_FAILURES = 5
# Searches that are answered together.
BATCH = 64
# Embeddings of queries that are kept, all together.
_PREPARED_BYTES = 32_000_000
# Pages of small pictures for the map, all together.
_PAGE_BYTES = 48_000_000
# Maps, groups of duplicates and the like that are kept, of whatever state of the engine.
_FINDINGS = 12
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Opened:
    """One state of an engine: it stays what it is while somebody uses it.

    Attributes:
        engine: opened, and never refreshed.
        seen: what its files were like, to tell whether they are others by now.
    """

    engine: Engine
    seen: tuple[object, ...]

    @property
    def gallery(self) -> Gallery:
        """The pictures."""
        return self.engine.gallery

    @property
    def version(self) -> int:
        """Of the gallery."""
        return self.gallery.version

    @property
    def key(self) -> tuple[str, int]:
        """What something made from this state is kept under: encoder and gallery."""
        # A gallery that was made anew counts its versions from the beginning.
        return f"{self.engine.manifest.fingerprint}-{self.gallery.lineage}", self.version

    @cached_property
    def evidence(self) -> CopyEvidence:
        """What searches for duplicates have found out, for the next with other settings."""
        return CopyEvidence(self.engine)

    @cached_property
    def roots(self) -> tuple[Path, ...]:
        """The folders that pictures may lie in, without links."""
        return tuple(root.resolve() for root in picture_roots(self.engine))

    @cached_property
    def labels(self) -> Counter[str]:
        """How many pictures have each label."""
        return Counter(label for label in self.gallery.labels if label is not None)

    @cached_property
    def folders(self) -> Counter[str]:
        """How many pictures lie in each folder of the first level."""
        return Counter(
            path.partition("/")[0]
            for path in self.gallery.paths
            if "/" in path and not path.startswith(("/", "../"))  # listed, and lying elsewhere
        )

    def place(self, picture: int) -> int:
        """Return the place of a picture in the gallery by its id.

        Raises:
            Refusal: there is no such picture.
        """
        ids = self.gallery.ids
        place = int(np.searchsorted(ids, picture))
        if place >= len(ids) or ids[place] != picture:
            raise Refusal(404, f"there is no picture {picture}: it may be gone since the last sync")
        return place

    def places(self, pictures: Sequence[int]) -> NDArray[np.int64]:
        """Return the places of several pictures.

        Raises:
            Refusal: one of them does not exist.
        """
        return np.array([self.place(one) for one in pictures], np.int64)


class State:
    """What the requests of one service share.

    Args:
        engine: an engine, or its directory.
        settings: of the service.
        answer: answers searches.

    Attributes:
        settings: of the service.
        directory: the engine's.
        device: where the encoder runs.
        limits: what an uploaded picture may cost.
        work: threads that read and decode.
        quick: answers searches.
        slow: answers those that take long: expanded and re-ranked ones.
        prepared: queries that were searched with, by what they are.
        intake: decodes what is uploaded.
        uploads: the latest.
        thumbnails: small copies, by the digest of what they were made of and their size.
        pages: of maps, by the map's version and their number.
        jobs: long work in the background.
        findings: what they have found in the engine as it is now, by what was asked for.
        started: by the monotonic clock.
    """

    def __init__(
        self,
        engine: Engine | str | Path,
        settings: ServeSettings,
        answer: Callable[[Sequence[Asked]], Sequence[SearchFound | Exception]],
    ) -> None:
        opened = engine if isinstance(engine, Engine) else open_engine(engine)
        seen = _files_seen(opened.layout.directory)
        # Opened after that look, so that no change is missed: also one that was opened long ago.
        first = opened.opened_anew()
        _ = first.gallery  # whoever starts a service hears at once that there is none
        self.settings = settings
        self.directory = first.layout.directory
        self.device = first.device
        self.limits = upload_limits(first.limits, settings)
        self.work = Pool("work", settings.threads, settings.queue)
        self.quick: Batcher[Asked, SearchFound] = Batcher(
            "search", answer, most=BATCH, queue=settings.queue
        )
        self.slow: Batcher[Asked, SearchFound] = Batcher(
            "rerank", answer, most=BATCH, queue=max(1, settings.queue // 8)
        )
        self.prepared: Bounded[tuple[object, ...], Query] = Bounded(_PREPARED_BYTES, _query_bytes)
        self.intake = Intake(self.limits)
        self.uploads = Uploads(settings.kept_bytes)
        self.thumbnails: Bounded[tuple[str, int], Small] = Bounded(
            settings.thumbnail_bytes, lambda one: len(one.data)
        )
        self.pages: Bounded[tuple[str, int], bytes] = Bounded(_PAGE_BYTES, len)
        self.jobs = Jobs(lambda: self.roots)
        self.findings = _no_findings()
        self.started = time.monotonic()
        self.ready = False
        self._opened = Opened(first, seen)
        self._looking = asyncio.Lock()

    @property
    def opened(self) -> Opened:
        """The engine as it is now; ask once for each request."""
        return self._opened

    @property
    def roots(self) -> tuple[Path, ...]:
        """Folders whose names nobody is told."""
        return (self.directory, self.directory.resolve(), *picture_roots(self.opened.engine))

    async def refresh(self) -> bool:
        """Take up what a sync, or another process, has changed; return whether anything has."""
        async with self._looking:
            seen = await asyncio.to_thread(_files_seen, self.directory)
            if seen == self._opened.seen:
                return False
            engine = await asyncio.to_thread(self._opened.engine.opened_anew)
            await asyncio.to_thread(_warm, engine)
            self._opened = Opened(engine, seen)
            self.findings = _no_findings()  # they hold on to the engine that was
            return True

    async def warm(self) -> None:
        """Read what a search needs, so that the first is as quick as any other."""
        async with self._looking:
            if not self.ready:
                await asyncio.to_thread(_warm, self._opened.engine)
                self.ready = True

    async def follow(self) -> None:
        """Look every second whether the engine was changed, until cancelled."""
        failed = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.refresh()
                if not self.ready:
                    await self.warm()
                failed = 0
            # It may be in the midst of being replaced: the next look will do. Nothing may end the
            # looking; whoever runs the service is told, once, of what stays wrong.
            except Exception as error:
                failed += 1
                if failed == _FAILURES:
                    known = isinstance(error, LookalikeError | OSError)
                    _LOG.warning("the engine cannot be taken up: %s", error, exc_info=not known)

    def close(self) -> None:
        """Let go of threads and processes."""
        self.jobs.close(self.settings.shutdown_seconds)
        for part in (self.work, self.quick, self.slow):
            part.close()
        self.intake.close()


def state_of(request: Request) -> State:
    """Return the state of the service that a request came to."""
    state = request.app.state.lookalike
    if not isinstance(state, State):
        raise Refusal(503, "the service is not ready", retry_after=1)
    return state


StateOf = Annotated[State, Depends(state_of)]
PictureId = Annotated[int, PathParameter(ge=0, le=2**62, description="A picture's id.")]


def _files_seen(directory: Path) -> tuple[object, ...]:
    """Return what changes whenever an engine does, at the cost of a few looks at the disk."""
    layout = Layout(directory)
    times = []
    # A sync follows with the decoded pictures when it is done with the gallery.
    decoded = sorted(layout.cache.glob("*/pictures.parquet"))
    for place in (layout.manifest, layout.calibration, *decoded):
        try:
            status = place.stat()
            times.append((status.st_mtime_ns, status.st_ino, status.st_size))
        except OSError:
            times.append((0, 0, 0))
    return (newest_version(layout.gallery), *times)


def _warm(engine: Engine) -> None:
    _ = engine.calibration, engine.cache, engine.image, engine.intake, engine.encoder
    gallery = engine.gallery
    _ = gallery.paths, gallery.labels, gallery.sha256, gallery.widths, gallery.heights
    if not len(gallery):
        return
    # A balance is asked for by inner product.
    for metric in (check_metric(engine.manifest.metric), "inner"):
        index = engine.index(metric)
        if isinstance(index, ExactIndex):
            index.quicken()
    engine.search(gallery.paths[0], 1)


def _no_findings() -> Bounded[tuple[object, ...], object]:
    return Bounded(_FINDINGS, lambda _: 1)


def _query_bytes(query: Query) -> int:
    return 1_000 + (0 if query.embedding is None else query.embedding.nbytes)
