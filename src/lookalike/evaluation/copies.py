"""Edited copies: does a search with a changed picture find the original?

Pictures of the gallery are edited (`lookalike.evaluation.edits`), the copies are embedded and
searched for, and the rank of the original is kept. No labels are needed.

Rules:

- Recall@k is the share of copies whose original is among the first k hits: there is one right
  answer, so it is 1 or 0 for each copy. (The metric of image copy detection and of instance
  retrieval, there also called hit rate.)
- Pictures identical to the original count as the original, where the caller says which are.
- Ties are ranked by place in the gallery: an encoder that gives all pictures one embedding finds
  nothing, although every score equals the original's.
- Every copy is drawn from a generator of its own, seeded by the seed, the picture's place and the
  edit's name: what one copy looks like does not depend on what else is measured.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import PictureError, SettingsError
from lookalike.evaluation.copies_report import LEAST_DEPTH, CopiesReport, check_name
from lookalike.evaluation.edits import EDITS, STRENGTHS, Picture, Strength
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.gallery import ExactIndex, Neighbours

__all__ = ["CopiesBatch", "measure_copies", "sample_positions"]

ReadPicture = Callable[[int], Picture]
EmbedPictures = Callable[[list[Picture]], NDArray[np.float32]]
OnBatch = Callable[["CopiesBatch"], None]

# Originals held at once, and their bytes; the copies held beside them are about as many.
PICTURES_A_BATCH = 64
BYTES_A_BATCH = 64_000_000


@dataclass(frozen=True, eq=False)
class CopiesBatch:
    """Some copies of one edit and strength, and what they found.

    Attributes:
        edit: a name of `EDITS`.
        strength: one of `STRENGTHS`.
        positions: int64 (M,), places of the originals in the gallery.
        copies: M pictures, uint8 (h, w, C) of any sizes.
        rows: float32 (M, D), their embeddings.
        found: their neighbours (M, k).
    """

    edit: str
    strength: Strength
    positions: NDArray[np.int64]
    copies: list[Picture]
    rows: NDArray[np.float32]
    found: Neighbours


def ignore_batch(batch: CopiesBatch) -> None:
    """Do nothing: the default of `on_batch`."""


def sample_positions(count: int, most: int = 1000, seed: int = 0) -> NDArray[np.int64]:
    """Return at most `most` different places below `count`, int64 (P,), in ascending order.

    Raises:
        SettingsError: there is nothing to draw from, or nothing is wanted.
    """
    if count < 1 or most < 1:
        raise SettingsError(f"cannot draw {most} of {count} pictures: wanted at least 1 of each")
    drawn = np.random.default_rng(seed).permutation(count)[:most]
    return np.sort(drawn).astype(np.int64)


def measure_copies(
    read: ReadPicture,
    embed: EmbedPictures,
    index: ExactIndex,
    positions: NDArray[np.int64],
    *,
    edits: Sequence[str] = tuple(EDITS),
    strengths: Sequence[Strength] = STRENGTHS,
    same: NDArray[np.int64] | None = None,
    seed: int = 0,
    k: int = 10,
    on_batch: OnBatch = ignore_batch,
    on_progress: OnProgress = silent,
) -> CopiesReport:
    """Edit pictures of the gallery, and measure how often the search finds the originals.

    A picture that cannot be read (`read` raises `PictureError`) is left out and named in the
    report. Memory holds one batch of originals and their copies by one edit.

    Args:
        read: a place in the gallery to the original there, uint8 (H, W, C), C = 1 or 3. Some
            hundred pixels a side are enough for every encoder, and much faster than millions.
        embed: pictures, uint8 (h, w, C) of any sizes, to embeddings, float32 (M, D).
        index: the gallery's embeddings (N, D), made by the same encoder.
        positions: int (P,), places in the gallery of the pictures to edit (`sample_positions`).
        edits: names of `EDITS`.
        strengths: of `STRENGTHS`.
        same: int (N,), equal numbers for pictures of identical content, by which a duplicate of
            the original counts as the original: `np.unique(sha256s, return_inverse=True)[1]`.
        seed: of everything random in the edits.
        k: hits looked at for each copy, at least 10.
        on_batch: told of every batch of copies and what they found.
        on_progress: told the copies done, stage "copies".

    Raises:
        SettingsError: an argument is wrong, or no picture can be read.
        QueryError: the embeddings are not finite, or not as wide as the gallery's.
    """
    positions = np.asarray(positions)
    _check(len(index), positions, edits, strengths, same, k)
    cells = list(itertools.product(range(len(edits)), range(len(strengths))))
    ranks = np.zeros((len(edits), len(strengths), len(positions)), np.int64)
    scores = np.zeros(ranks.shape)
    read_well = np.zeros(len(positions), bool)
    on_progress(Progress("copies", 0, ranks.size))
    for columns, originals in _batches(read, positions):
        at = positions[columns].astype(np.int64)
        for done, (edit, strength) in enumerate(cells, start=1):
            copies = _edit(originals, at, edits[edit], strengths[strength], seed)
            rows = _embedded(embed, copies)
            found = index.search(rows, k)
            on_batch(CopiesBatch(edits[edit], strengths[strength], at, copies, rows, found))
            ranks[edit, strength, columns] = _ranks(found.positions, at, same)
            scores[edit, strength, columns] = index.score(rows, at[:, None])[:, 0]
            before = int(columns[0]) * len(cells)
            on_progress(Progress("copies", before + done * len(columns), ranks.size))
        read_well[columns] = True
    on_progress(Progress("copies", ranks.size, ranks.size))
    if not read_well.any():
        raise SettingsError(f"none of the {len(positions)} pictures to edit can be read")
    return CopiesReport(
        tuple(edits),
        tuple(strengths),
        positions[read_well].astype(np.int64),
        ranks[:, :, read_well],
        scores[:, :, read_well],
        k,
        len(index),
        tuple(positions[~read_well].tolist()),
    )


def _batches(
    read: ReadPicture, positions: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], list[Picture]]]:
    """Give columns of the report and their originals, few enough to be held in memory."""
    columns: list[int] = []
    originals: list[Picture] = []
    for column, position in enumerate(positions.tolist()):
        try:
            original = read(position)
        except PictureError:
            continue
        columns.append(column)
        originals.append(original)
        held = sum(picture.nbytes for picture in originals)
        if len(columns) == PICTURES_A_BATCH or held >= BYTES_A_BATCH:
            yield np.array(columns, np.int64), originals
            columns, originals = [], []
    if columns:
        yield np.array(columns, np.int64), originals


def _edit(
    originals: list[Picture], at: NDArray[np.int64], edit: str, strength: Strength, seed: int
) -> list[Picture]:
    """Return a copy of each original, each drawn by its own generator."""
    kind = zlib.crc32(edit.encode())

    def copy(original: Picture, position: int) -> Picture:
        return EDITS[edit](original, strength, np.random.default_rng([seed, position, kind]))

    with ThreadPoolExecutor() as pool:  # Pillow works outside of Python's lock
        return list(pool.map(copy, originals, at.tolist()))


def _embedded(embed: EmbedPictures, copies: list[Picture]) -> NDArray[np.float32]:
    """Return the embeddings (M, D) of the copies."""
    rows = embed(copies)
    if rows.ndim != 2 or len(rows) != len(copies):
        raise SettingsError(f"{len(copies)} pictures have embeddings {rows.shape}: wanted (M, D)")
    return rows


def _ranks(
    found: NDArray[np.int64], at: NDArray[np.int64], same: NDArray[np.int64] | None
) -> NDArray[np.int64]:
    """Return the rank (M,) of the original at `at` among `found` (M, k); 0 where it is not."""
    right = found == at[:, None]
    if same is not None:
        right = (same[found] == same[at][:, None]) & (found >= 0)  # (M, k)
    return np.where(right.any(axis=1), right.argmax(axis=1) + 1, 0)


def _check(
    count: int,
    positions: NDArray[np.int64],
    edits: Sequence[str],
    strengths: Sequence[str],
    same: NDArray[np.int64] | None,
    k: int,
) -> None:
    if k < LEAST_DEPTH:
        raise SettingsError(f"k is {k}: wanted {LEAST_DEPTH} or more, for recall@{LEAST_DEPTH}")
    if not (len(positions) and len(edits) and len(strengths)):
        raise SettingsError(
            f"{len(positions)} pictures, {len(edits)} edits, {len(strengths)} strengths: "
            "wanted at least one of each"
        )
    for edit in edits:
        check_name(edit, tuple(EDITS), "edit")
    for strength in strengths:
        check_name(strength, STRENGTHS, "strength")
    if positions.ndim != 1 or positions.min() < 0 or positions.max() >= count:
        raise SettingsError(
            f"positions {positions.shape} run from {positions.min()} to {positions.max()}: "
            f"wanted (P,), each from 0 to {count - 1}"
        )
    if same is not None and same.shape != (count,):
        raise SettingsError(f"same is {same.shape}: wanted ({count},), one for each picture")
