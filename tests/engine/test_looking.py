"""What the grids of an engine are drawn from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike.engine import looking
from lookalike.engine.looking import picture_thumbnail
from lookalike.pictures import GridRow


@pytest.mark.parametrize("side", [5, 28, 40, 52, 79, 80, 150, 160])
def test_a_small_picture_comes_as_it_is(engine_path: Path, tmp_path: Path, side: int):
    engine = lookalike.open(engine_path)
    pixels = np.random.default_rng(side).integers(0, 256, (side, side - 2, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = picture_thumbnail(engine, "a.png", picture=tmp_path / "a.png")
    np.testing.assert_array_equal(found, pixels)


def test_transparent_pixels_take_the_colour_of_the_card(engine_path: Path, tmp_path: Path):
    engine = lookalike.open(engine_path)
    Image.new("RGBA", (60, 90), (9, 9, 9, 0)).save(tmp_path / "a.png")
    found = picture_thumbnail(engine, "a.png", picture=tmp_path / "a.png")
    assert (found == looking.PAGE).all()


def test_a_picture_of_an_idx_file_is_named_by_its_number():
    names = {"a/t10k-images-idx3-ubyte.gz#2460": "#2460", "cats/no#1.png": "no#1.png"}
    assert {path: looking.short_name(path) for path in names} == names


def test_a_cell_names_label_and_file(
    engine_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = []
    monkeypatch.setattr(looking, "draw_grid", lambda drawn, **_: rows.extend(drawn))
    engine = lookalike.open(engine_path, device="cpu")
    foreign = photos / "disc" / "02.png"
    engine.grid([engine.search("disc/00.png", k=2)])
    engine.grid([engine.search(Image.open(foreign), k=1)])
    assert (rows[0].query.caption, rows[0].query.name) == ("disc", "00.png")
    assert (rows[1].query.caption, rows[1].query.name) == ("query 1", "")
    for row in rows:
        for cell in row.hits:
            assert cell.detail in ("disc", "square", "stripes")
            assert cell.name[:2].isdigit()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[GridRow]:
    rows: list[GridRow] = []
    monkeypatch.setattr(looking, "draw_grid", lambda drawn, **_: rows.extend(drawn))
    return rows


def test_the_query_that_was_searched_is_drawn(
    engine_path: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: list
):
    place = tmp_path / "disc" / "00.png"
    place.parent.mkdir()
    pixels, other_pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3), dtype=np.uint8)
    Image.fromarray(other_pixels).save(place)
    engine = lookalike.open(engine_path, device="cpu")
    own = engine.search("disc/00.png", k=1)
    monkeypatch.chdir(tmp_path)
    other = engine.search("disc/00.png", k=1)
    monkeypatch.chdir(photos)
    engine.grid([own, other, engine.search(pixels, k=1), engine.search(place.read_bytes(), k=1)])
    original = np.asarray(Image.open(photos / "disc" / "00.png").convert("RGB"))
    assert [row.query.caption for row in drawn] == ["disc", "00.png", "query 1", "query 1"]
    assert drawn[1].hits[0].tone is None
    for row, expected in zip(drawn, (original, other_pixels, pixels, other_pixels), strict=True):
        np.testing.assert_array_equal(row.query.thumbnail, expected)


def test_several_examples_are_drawn_as_the_first(engine_path: Path, photos: Path, drawn: list):
    engine = lookalike.open(engine_path, device="cpu")
    same = engine.search_examples(["disc/00.png", "disc/02.png"], k=1)
    mixed = engine.search_examples(["disc/00.png", "square/02.png"], k=1)
    engine.grid([same, mixed])
    original = np.asarray(Image.open(photos / "disc" / "00.png").convert("RGB"))
    assert [row.query.caption for row in drawn] == ["disc", "2 examples"]
    for row in drawn:
        np.testing.assert_array_equal(row.query.thumbnail, original)


@pytest.mark.parametrize(("channels", "size"), [(1, (30, 90)), (3, (90, 30)), (3, (30, 31))])
def test_a_stretched_picture_gets_its_proportion_back(
    engine_path: Path, channels: int, size: tuple[int, int]
):
    engine = lookalike.open(engine_path)
    original = np.zeros((*size, channels), np.uint8)
    original[: size[0] // 2] = 200
    stretched = np.zeros((20, 20, channels), np.uint8)
    stretched[:10] = 200
    found = looking.unstretched(engine, stretched, looking.proportion(original))
    assert min(found.shape[:2]) == 20
    assert found.shape[1] / found.shape[0] == pytest.approx(size[1] / size[0], rel=0.05)
    assert found.shape[2] == channels
    assert (found[: found.shape[0] // 4] > 190).all()
    assert (found[-found.shape[0] // 4 :] < 10).all()
    square = looking.unstretched(engine, stretched, 0.0)
    assert square is stretched
    engine.image = replace(engine.image, fit="pad")
    assert looking.unstretched(engine, stretched, 1.0) is stretched
