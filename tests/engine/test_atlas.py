"""Pages of small pictures: each where it belongs, in its proportion, whatever it is made from."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.engine.atlas import ACROSS, PAGE, TILE, MapPages
from lookalike.errors import SettingsError
from lookalike.types import Progress


@pytest.fixture
def engine(living: Path) -> Engine:
    draw_picture("disc", 70, 60).resize((60, 15)).save(living / "wide.png")
    engine = lookalike.open(living.parent / "e.lookalike", device="cpu")
    engine.sync()
    return engine


def tiles(data: bytes) -> np.ndarray:
    """uint8 (slots, TILE, TILE, 4) of a page."""
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    assert image.size == (PAGE, PAGE)
    whole = np.asarray(image).reshape(ACROSS, TILE, ACROSS, TILE, 4)
    return whole.transpose(0, 2, 1, 3, 4).reshape(-1, TILE, TILE, 4)


def pages_of(engine: Engine) -> MapPages:
    return engine.map_pages(engine.gallery_map())


def apart(engine: Engine, pages: MapPages) -> float:
    """How far the tiles are from their files, at most, on average over a tile."""
    found, worst = tiles(pages.page(0)), 0.0
    for slot, path in enumerate(engine.gallery.paths_at(pages.map.rows)):
        width, height = (int(side) for side in pages.sizes[slot])
        left, top = (TILE - width) // 2, (TILE - height) // 2
        tile = found[slot, top : top + height, left : left + width, :3].astype(float)
        file = Image.open(engine.file(path)).convert("RGB").resize((width, height))
        worst = max(worst, float(np.abs(tile - np.asarray(file, float)).mean()))
    return worst


def test_each_picture_is_in_the_tile_of_its_slot(engine: Engine):
    pages = pages_of(engine)
    assert len(pages) == 1
    assert apart(engine, pages) < 30
    assert (tiles(pages.page(0))[len(pages.map) :, :, :, 3] == 0).all()


def test_a_picture_keeps_its_proportion(engine: Engine):
    pages = pages_of(engine)
    slot = engine.gallery.paths_at(pages.map.rows).index("wide.png")
    assert pages.sizes[slot].tolist() == [32, 8]
    seen = tiles(pages.page(0))[slot, :, :, 3] > 0
    assert seen.any(axis=1).tolist() == [False] * 12 + [True] * 8 + [False] * 12


def test_without_decoded_pictures_the_files_are_read(engine: Engine):
    cached = apart(engine, pages_of(engine))
    shutil.rmtree(engine.layout.cache)
    shutil.rmtree(engine.layout.map)
    fresh = lookalike.open(engine.layout.directory, device="cpu")
    told: list[Progress] = []
    pages = pages_of(fresh)
    pages.page(0, on_progress=told.append)
    assert told[-1] == Progress("thumbnails", 17, 17)
    assert apart(fresh, pages) <= cached + 5


def test_what_is_gone_is_grey_and_its_page_is_not_kept(engine: Engine, living: Path):
    shutil.rmtree(engine.layout.cache)
    (living / "wide.png").unlink()
    fresh = lookalike.open(engine.layout.directory, device="cpu")
    pages = pages_of(fresh)
    slot = fresh.gallery.paths_at(pages.map.rows).index("wide.png")
    assert np.abs(tiles(pages.page(0))[slot, 14:18, 4:28, :3].astype(int) - 224).max() < 8
    assert not list(engine.layout.map.glob("page-*"))


def test_nothing_behind_a_link_that_leads_elsewhere_is_shown(
    engine: Engine, living: Path, tmp_path_factory: pytest.TempPathFactory
):
    shutil.rmtree(engine.layout.cache)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    shutil.move(living / "wide.png", elsewhere)
    (living / "wide.png").symlink_to(elsewhere)
    fresh = lookalike.open(engine.layout.directory, device="cpu")
    pages = pages_of(fresh)
    slot = fresh.gallery.paths_at(pages.map.rows).index("wide.png")
    assert np.abs(tiles(pages.page(0))[slot, 14:18, 4:28, :3].astype(int) - 224).max() < 8


def test_pages_are_kept_by_what_they_show(engine: Engine, living: Path):
    pages = pages_of(engine)
    told: list[Progress] = []
    pages.make(on_progress=told.append)
    assert told == [Progress("thumbnails", 1, 1)]
    (kept,) = engine.layout.map.glob("page-*")
    kept.write_bytes(b"as it was")
    assert pages_of(engine).page(0) == b"as it was"
    (living / "disc" / "3.png").unlink()
    engine.sync()
    changed = pages_of(engine)
    assert changed.page(0) != b"as it was"
    changed.make()
    assert kept not in list(engine.layout.map.glob("page-*"))


def test_there_is_no_page_beyond_the_last(engine: Engine):
    with pytest.raises(SettingsError, match="no page 1: wanted 0 to 0"):
        pages_of(engine).page(1)
