"""The map of a gallery: kept, followed by what changes, never in the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
from lookalike import Engine
from lookalike.engine import gallery_map, map_file
from lookalike.engine.gallery_map import GalleryMap, fitting_map, map_sign
from lookalike.errors import SettingsError, StorageError
from lookalike.types import Progress


@pytest.fixture
def engine(living: Path) -> Engine:
    return lookalike.open(living.parent / "e.lookalike", device="cpu")


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray | None]:
    """The start of every layout that is made."""
    starts: list[np.ndarray | None] = []
    lay_out = gallery_map.lay_out

    def watched(points: np.ndarray, seed: int, *, start: np.ndarray | None, **rest: object):
        starts.append(start)
        return lay_out(points, seed, start=start, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(gallery_map, "lay_out", watched)
    return starts


def places_of(engine: Engine, found: GalleryMap) -> dict[str, tuple[float, ...]]:
    paths = engine.gallery.paths_at(found.rows)
    return dict(zip(paths, map(tuple, found.places.tolist()), strict=True))


def test_every_picture_has_a_place(engine: Engine):
    told: list[Progress] = []
    found = engine.gallery_map(on_progress=told.append)
    assert sorted(found.ids) == sorted(engine.gallery.ids)
    assert (engine.gallery.ids[found.rows] == found.ids).all()
    assert ((found.places >= 0) & (found.places <= 1)).all()
    assert len(np.unique(found.places, axis=0)) == len(engine)
    assert told[-1].stage == "map"
    assert found.is_kept


def test_it_is_kept_and_read_again(engine: Engine, laid_out: list[object]):
    assert fitting_map(engine) is None
    assert map_sign(engine) is None
    found = engine.gallery_map()
    again = lookalike.open(engine.layout.directory, device="cpu").gallery_map()
    assert len(laid_out) == 1
    assert np.array_equal(found.places, again.places)
    kept = fitting_map(engine)
    assert kept is not None
    assert np.array_equal(kept.ids, found.ids)
    assert map_sign(engine) is not None


def test_after_a_sync_only_what_is_new_is_placed(
    engine: Engine, living: Path, laid_out: list[object]
):
    before = engine.gallery_map()
    where = places_of(engine, before)
    slots = engine.gallery.paths_at(before.rows)
    (living / "disc" / "3.png").unlink()
    (living / "square" / "1.png").unlink()
    draw_picture("square", 50).save(living / "square" / "new.png")
    draw_picture("disc", 4).rotate(90).save(living / "disc" / "4.png")  # known by id, and changed
    engine.sync()
    assert fitting_map(engine) is None
    after = engine.gallery_map()
    assert len(laid_out) == 1
    assert sorted(after.ids) == sorted(engine.gallery.ids)
    now = places_of(engine, after)
    assert now.keys() == where.keys() - {"disc/3.png", "square/1.png"} | {"square/new.png"}
    stayed = now.keys() - {"square/new.png", "disc/4.png"}
    assert all(now[path] == where[path] for path in stayed)
    assert after.placed == 2
    # What stays keeps its slot, but for the last, which fill the gaps.
    same = sum(a == b for a, b in zip(slots, engine.gallery.paths_at(after.rows), strict=False))
    assert same >= len(before) - 5


def test_what_is_new_stands_beside_what_is_most_like_it(engine: Engine, living: Path):
    engine.gallery_map()
    copy = draw_picture("disc", 2)
    copy.putpixel((0, 0), (0, 0, 0))
    copy.save(living / "copy.png")
    engine.sync()
    now = places_of(engine, engine.gallery_map())
    assert np.hypot(*np.subtract(now["copy.png"], now["disc/2.png"])) < 0.05


def test_once_a_fifth_is_new_all_is_laid_out_from_where_it_stood(
    engine: Engine, living: Path, laid_out: list[np.ndarray | None]
):
    before = engine.gallery_map()
    where = places_of(engine, before)
    for number in range(60, 66):
        draw_picture("square", number).save(living / "square" / f"{number}.png")
    engine.sync()
    after = engine.gallery_map()
    assert laid_out[0] is None
    start = laid_out[1]
    assert start is not None
    began = dict(zip(engine.gallery.paths, start.tolist(), strict=True))
    assert all(began[path] == pytest.approx(place) for path, place in where.items())
    assert after.placed == 0
    assert np.isfinite(start).all()


def test_anew_and_another_seed_lay_out_again(engine: Engine, laid_out: list[object]):
    first = engine.gallery_map()
    assert engine.gallery_map(seed=first.seed).seed == first.seed
    assert len(laid_out) == 1
    engine.gallery_map(anew=True)
    assert len(laid_out) == 2
    assert engine.gallery_map(seed=first.seed + 1).seed == first.seed + 1
    assert len(laid_out) == 3
    assert engine.gallery_map().seed == first.seed + 1
    assert len(laid_out) == 3
    assert engine.gallery_map(anew=True).seed == first.seed + 1
    with pytest.raises(SettingsError, match="seed of the map"):
        engine.gallery_map(seed=-1)


def test_a_damaged_file_or_that_of_another_encoder_is_none(engine: Engine):
    engine.gallery_map()
    place = map_file.places_file(engine)
    whole = place.read_bytes()
    for damage in (b"", whole[:100], b"nonsense" * 40):
        place.write_bytes(damage)
        assert fitting_map(engine) is None
    place.write_bytes(whole.replace(engine.manifest.fingerprint.encode(), b"0" * 64))
    assert fitting_map(engine) is None
    engine.gallery_map()
    assert fitting_map(engine) is not None


def test_where_nothing_may_be_written_there_is_a_map_all_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise StorageError("cannot write")

    monkeypatch.setattr(gallery_map, "keep_record", refuse)
    found = engine.gallery_map()
    assert len(found) == len(engine)
    assert not found.is_kept


def test_a_query_stands_among_those_most_like_it(engine: Engine):
    found = engine.gallery_map()
    for slot in (0, 5):
        assert found.place([int(found.ids[slot])]) == tuple(found.places[slot].tolist())
    assert found.place([]) == (0.5, 0.5)
    assert found.place([10**9]) == (0.5, 0.5)
    assert found.place([10**9, int(found.ids[3])]) == tuple(found.places[3].tolist())


@pytest.mark.parametrize(
    ("rows", "new", "slots"),
    [
        ([0, 1, 2], [], [0, 1, 2]),
        ([0, -1, 2], [5], [0, 5, 2]),
        ([0, -1, 2], [], [0, 2]),
        ([-1, -1, 2, 3], [], [2, 3]),
        ([0, 1], [4, 5], [0, 1, 4, 5]),
        ([-1, 1], [4, 5], [4, 1, 5]),
        ([-1, -1], [], []),
        ([], [3], [3]),
    ],
)
def test_slots(rows: list[int], new: list[int], slots: list[int]):
    made = gallery_map._slots(np.array(rows, np.int64), np.array(new, np.int64))
    assert made.tolist() == slots
