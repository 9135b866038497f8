from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import PictureError, QueryError, SettingsError
from lookalike.evaluation import (
    EDITS,
    STRENGTHS,
    copies,
    measure_copies,
    sample_positions,
)
from lookalike.gallery import ExactIndex
from lookalike.types import METRICS, Progress

# One plain colour stays itself under these.
HARMLESS = ("crop", "rotate", "blur", "mirror")


def plain(position: int) -> np.ndarray:
    """A picture from which its place in the gallery can be read."""
    return np.full((12, 10, 1), position, np.uint8)


def line(count: int) -> ExactIndex:
    return ExactIndex(np.arange(count, dtype=np.float32)[:, None], "euclidean")


def shifted(by: float):
    """An encoder that finds the place, and then misses by so much."""

    def embed(pictures: list[np.ndarray]) -> np.ndarray:
        return np.array([[picture[5, 5, 0] + by] for picture in pictures], np.float32)

    return embed


def textures(count: int, channels: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(4)
    sizes = random.integers(20, 40, (count, 2))
    coarse = random.integers(0, 256, (count, 5, 5, channels), dtype=np.uint8)
    return [shrink(picture, *size) for picture, size in zip(coarse, sizes.tolist(), strict=True)]


def shrink(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    image = Image.fromarray(picture if picture.shape[2] == 3 else picture[..., 0])
    return np.asarray(image.resize((width, height))).reshape(height, width, -1)


def by_pixels(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack([shrink(picture, 6, 6).ravel() for picture in pictures]).astype(np.float32)


def test_an_encoder_that_recognises_every_copy_reaches_one():
    report = measure_copies(plain, shifted(0), line(200), sample_positions(200, 90), edits=HARMLESS)
    assert (report.pictures, report.gallery, report.left_out) == (90, 200, ())
    np.testing.assert_array_equal(report.recall_at_1, np.ones((4, 3)))
    np.testing.assert_array_equal(report.ranks, np.ones((4, 3, 90)))
    np.testing.assert_array_equal(report.scores, np.zeros((4, 3, 90)))


def test_ranks_by_hand():
    # 50 is embedded at 53.1: nearest are 53, 54, 52, 55, 51, 56, and only then 50.
    report = measure_copies(plain, shifted(3.1), line(100), np.array([50, 20]), edits=HARMLESS)
    assert (report.ranks == 7).all()
    assert (report.recall_at_1 == 0).all()
    assert (report.recall_at(6) == 0).all()
    assert (report.recall_at(7) == 1).all()
    assert (report.recall_at_10 == 1).all()
    np.testing.assert_allclose(report.scores, -3.1, rtol=1e-5)
    # Missed by 5.1 it is the eleventh, and not looked at any more.
    report = measure_copies(plain, shifted(5.1), line(100), np.array([50]), edits=HARMLESS)
    assert (report.ranks == 0).all()
    assert (report.recall_at_10 == 0).all()
    report = measure_copies(plain, shifted(5.1), line(100), np.array([50]), edits=HARMLESS, k=11)
    assert (report.ranks == 11).all()


def test_every_edit_and_strength_keeps_its_own_cell():
    def embed(pictures: list[np.ndarray]) -> np.ndarray:
        # Wrong about pictures that were made larger or smaller, right about the others.
        rows = [[5.0 if picture.shape == (12, 10, 1) else 40.0] for picture in pictures]
        return np.array(rows, np.float32)

    report = measure_copies(
        lambda position: plain(position), embed, line(60), np.array([5]),
        edits=("frame", "blur", "mirror", "crop"),
    )  # fmt: skip
    expected = [[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(report.recall_at_1, expected)
    assert report.row("mirror", "light").recall_at_1 == 1
    assert report.row("mirror", "strong").recall_at_1 == 0
    assert report.mean("light").recall_at_1 == 0.5
    assert report.mean("strong").recall_at_10 == 0.25
    assert [(row.edit, row.strength) for row in report.rows()[:4]] == [
        ("frame", "light"), ("frame", "medium"), ("frame", "strong"), ("blur", "light"),
    ]  # fmt: skip


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_whole_protocol_against_a_slow_reference(metric: str, channels: int):
    pictures = textures(40, channels)
    gallery = by_pixels(pictures) - 127
    index = ExactIndex(gallery, metric)
    positions = np.array([31, 2, 17])
    report = measure_copies(
        pictures.__getitem__, lambda given: by_pixels(given) - 127, index, positions, seed=9
    )
    assert report.ranks.shape == (len(EDITS), 3, 3)
    wide = gallery.astype(np.float64)
    for e, name in enumerate(EDITS):
        for s, strength in enumerate(STRENGTHS):
            for p, position in enumerate(positions.tolist()):
                random = np.random.default_rng([9, position, zlib.crc32(name.encode())])
                copy = EDITS[name](pictures[position], strength, random)
                query = by_pixels([copy])[0].astype(np.float64) - 127
                scores = {
                    "euclidean": -np.linalg.norm(wide - query, axis=1),
                    "cosine": wide @ query / np.linalg.norm(wide, axis=1) / np.linalg.norm(query),
                    "inner": wide @ query,
                }[metric]
                order = np.argsort(-scores, kind="stable").tolist()
                rank = order.index(position) + 1
                assert report.ranks[e, s, p] == (rank if rank <= 10 else 0)
                assert report.scores[e, s, p] == pytest.approx(scores[position], rel=1e-6)


def test_a_copy_does_not_depend_on_what_else_is_measured(monkeypatch: pytest.MonkeyPatch):
    pictures = textures(30)
    index = ExactIndex(by_pixels(pictures), "cosine")
    everything = measure_copies(pictures.__getitem__, by_pixels, index, np.arange(30))
    part = measure_copies(
        pictures.__getitem__, by_pixels, index, np.array([4, 21]),
        edits=("overprint", "crop"), strengths=("strong",),
    )  # fmt: skip
    names = list(EDITS)
    for row, name in enumerate(("overprint", "crop")):
        np.testing.assert_array_equal(
            part.scores[row, 0], everything.scores[names.index(name), 2, [4, 21]]
        )
    other = measure_copies(pictures.__getitem__, by_pixels, index, np.arange(30), seed=1)
    assert (other.scores != everything.scores).mean() > 0.5

    for constant, value in (("PICTURES_A_BATCH", 7), ("BYTES_A_BATCH", 1)):
        monkeypatch.setattr(copies, constant, value)
        again = measure_copies(pictures.__getitem__, by_pixels, index, np.arange(30))
        np.testing.assert_array_equal(again.ranks, everything.ranks)
        np.testing.assert_array_equal(again.scores, everything.scores)


def test_batches_are_bounded_by_pictures_and_by_bytes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copies, "PICTURES_A_BATCH", 4)
    sizes: list[int] = []

    def embed(pictures: list[np.ndarray]) -> np.ndarray:
        sizes.append(len(pictures))
        return shifted(0)(pictures)

    measure_copies(plain, embed, line(50), np.arange(10), edits=("mirror",), strengths=("light",))
    assert sizes == [4, 4, 2]
    sizes.clear()
    monkeypatch.setattr(copies, "BYTES_A_BATCH", 240)  # two pictures of 12×10
    measure_copies(plain, embed, line(50), np.arange(5), edits=("mirror",), strengths=("light",))
    assert sizes == [2, 2, 1]


def test_a_duplicate_of_the_original_is_the_original():
    # Places 3 and 4 hold one file: ties stand in the gallery's order, so 4 finds 3 first.
    index = ExactIndex(np.array([[0], [1], [2], [3], [3], [9]], np.float32), "euclidean")
    asked = {"edits": ("blur",), "strengths": ("light",)}

    def read(position: int) -> np.ndarray:
        return plain(min(position, 3))

    apart = measure_copies(read, shifted(0), index, np.array([3, 4]), **asked)
    assert apart.ranks.tolist() == [[[1, 2]]]
    same = np.unique(["a", "b", "c", "d", "d", "e"], return_inverse=True)[1]
    together = measure_copies(read, shifted(0), index, np.array([3, 4]), same=same, **asked)
    assert together.ranks.tolist() == [[[1, 1]]]
    assert together.scores.tolist() == [[[0, 0]]]


def test_an_empty_place_among_the_hits_is_no_duplicate():
    found = np.array([[-1, -1, 2], [-1, -1, -1]], np.int64)
    ranks = copies._ranks(found, np.array([2, 2], np.int64), np.array([0, 1, 1, 1], np.int64))
    assert ranks.tolist() == [3, 0]


def test_a_collapsed_encoder_finds_no_more_than_chance():
    index = ExactIndex(np.ones((40, 3), np.float32), "cosine")
    report = measure_copies(
        plain, lambda pictures: np.ones((len(pictures), 3), np.float32), index, np.arange(40)
    )
    np.testing.assert_allclose(report.recall_at_1, 1 / 40)
    np.testing.assert_allclose(report.recall_at_10, 10 / 40)


def test_a_gallery_smaller_than_k_is_found_whole():
    # Missed by two: 0 is embedded at 2, whose nearest are 2, 1, 3 and only then 0.
    for groups in (None, np.arange(4)):
        report = measure_copies(
            plain, shifted(2), line(4), np.arange(4), edits=("blur",), same=groups
        )
        assert (report.recall_at_10 == 1).all()
        assert report.ranks[0, 0].tolist() == [4, 3, 2, 1]


def test_pictures_that_cannot_be_read_are_left_out_and_named():
    def read(position: int) -> np.ndarray:
        if position in (0, 3):
            raise PictureError("cannot read it: the file is gone")
        return plain(position)

    seen: list[Progress] = []
    report = measure_copies(
        read, shifted(0), line(30), np.array([0, 1, 2, 3, 4]), edits=HARMLESS,
        on_progress=seen.append,
    )  # fmt: skip
    assert report.positions.tolist() == [1, 2, 4]
    assert report.left_out == (0, 3)
    assert (report.recall_at_1 == 1).all()
    assert (seen[-1].done, seen[-1].total) == (60, 60)
    with pytest.raises(SettingsError, match="none of the 2 pictures"):
        measure_copies(read, shifted(0), line(30), np.array([0, 3]))


def test_progress_runs_from_nothing_to_every_copy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copies, "PICTURES_A_BATCH", 4)
    seen: list[Progress] = []
    measure_copies(
        plain, shifted(0), line(30), np.arange(10), edits=("blur",), on_progress=seen.append
    )
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 30)
    assert {(progress.stage, progress.total) for progress in seen} == {("copies", 30)}


def test_wrong_arguments_are_named():
    def measure(positions=(1, 2), embed=None, **more):
        places = np.array(positions, np.int64)
        return measure_copies(plain, embed or shifted(0), line(20), places, **more)

    with pytest.raises(SettingsError, match="unknown edit 'melt': wanted one of crop, rotate"):
        measure(edits=("melt",))
    with pytest.raises(SettingsError, match="unknown strength 'mild'"):
        measure(strengths=("mild",))
    with pytest.raises(SettingsError, match="wanted 10 or more"):
        measure(k=5)
    for nothing in ({"positions": ()}, {"edits": ()}, {"strengths": ()}):
        with pytest.raises(SettingsError, match="at least one of each"):
            measure(**nothing)
    for outside in ((1, 20), (-1, 3)):
        with pytest.raises(SettingsError, match="each from 0 to 19"):
            measure(outside)
    with pytest.raises(SettingsError, match=r"same is \(3,\): wanted \(20,\)"):
        measure(same=np.arange(3))
    with pytest.raises(SettingsError, match="2 pictures have embeddings"):
        measure(embed=lambda pictures: np.zeros((1, 1), np.float32))
    with pytest.raises(QueryError, match="wanted"):
        measure(embed=lambda pictures: np.zeros((len(pictures), 7), np.float32))
    with pytest.raises(QueryError, match="NaN"):
        measure(embed=lambda pictures: np.full((len(pictures), 1), np.nan, np.float32))


def test_sampled_positions_are_different_places_in_order():
    drawn = sample_positions(5000)
    assert len(drawn) == len(set(drawn.tolist())) == 1000
    assert (np.diff(drawn) > 0).all()
    assert 0 <= drawn[0] < drawn[-1] < 5000
    np.testing.assert_array_equal(drawn, sample_positions(5000))
    assert sample_positions(5000, seed=1).tolist() != drawn.tolist()
    assert sample_positions(7).tolist() == list(range(7))
    # Every place is as likely: 300 draws of 10 of 20 hold each about 150 times.
    counts = np.bincount(np.concatenate([sample_positions(20, 10, s) for s in range(300)]))
    assert counts.min() > 110
    for wrong in ((0, 10), (10, 0)):
        with pytest.raises(SettingsError, match="at least 1"):
            sample_positions(*wrong)
