"""The stage that fills a gallery: embed its pictures, whiten, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.ahead import EmbeddedAhead
from lookalike.engine.manifest import Layout
from lookalike.errors import CollectionError
from lookalike.gallery import Gallery, GalleryRows, Store, write_gallery
from lookalike.images import PictureCache
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.encoder import Encoder

__all__ = ["fill_gallery", "gallery_rows"]

Numbered: TypeAlias = "Callable[[Sequence[str]], NDArray[np.int64]] | None"


def gallery_rows(cache: PictureCache) -> NDArray[np.int64]:
    """Return the positions of the pictures to search: all but those of a `test/` split.

    Raises:
        CollectionError: there are only test pictures.
    """
    rows = cache.rows(None, "train", "val")
    if not len(rows):
        raise CollectionError(
            "every picture is a query (the test split): nothing is left to search"
        )
    return rows


def fill_gallery(
    encoder: Encoder,
    cache: PictureCache,
    layout: Layout,
    *,
    whiten: bool,
    ahead: EmbeddedAhead | None = None,
    number: Numbered = None,
    store: Store = "float32",
    on_progress: OnProgress = silent,
) -> Gallery:
    """Embed the gallery's pictures, fit the whitening on them, write encoder and gallery.

    Args:
        encoder: not yet whitened.
        cache: the decoded pictures.
        layout: where encoder and gallery go.
        whiten: half-whiten the embeddings.
        ahead: what was embedded while the pictures were decoded, if they were just now.
        number: gives ids (N,) to pictures by their paths; None numbers them anew.
        store: "float32" or "float16", how embeddings are stored.
        on_progress: told how many pictures are embedded.

    Raises:
        GalleryError: an embedding is not finite.
        StorageError: the disk is full or may not be written.
    """
    rows = gallery_rows(cache)
    encoder.freeze()
    encoder.whitening = None
    known = ahead if ahead is not None and ahead.knows(len(cache)) else None
    if known is None:
        latents = encoder.latents(cache.pixels, rows, on_progress=on_progress)
    else:
        latents = known.latents(rows)
        on_progress(Progress("embed", len(rows), len(rows)))
    if whiten:
        encoder.fit_whitening(latents)
    else:
        encoder.mirrors = False  # older engines said so of bare latents too
    if known is None:
        embeddings = encoder.finish(latents, cache.pixels, rows, on_progress=on_progress)
    else:
        embeddings = encoder.whitened(latents, known.turned(rows))
    encoder.save(layout.encoder)
    paths = tuple(cache.paths[row] for row in rows)
    return write_gallery(
        layout.gallery,
        GalleryRows(
            paths=paths,
            labels=tuple(cache.labels[row] for row in rows),
            splits=tuple(cache.splits[row] for row in rows),
            widths=cache.widths[rows],
            heights=cache.heights[rows],
            sha256=tuple(cache.sha256[row] for row in rows),
            embeddings=embeddings,
            file_sizes=cache.file_sizes[rows],
            modified=cache.modified[rows],
        ),
        fingerprint=encoder.fingerprint,
        ids=number(paths) if number else None,
        store=store,
    )
