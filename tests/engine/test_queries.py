"""What a query means: the gallery's own picture, another file, or nothing that can be searched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike import Engine
from lookalike.engine.queries import Cropped
from lookalike.engine.searching import search_engine
from lookalike.errors import CollectionError, QueryError
from lookalike.images import Crop


@pytest.fixture
def moving(photos: Path, tmp_path: Path) -> tuple[Engine, Path]:
    """An engine whose pictures a test may change, and their folder."""
    root = tmp_path / "photos"
    shutil.copytree(photos, root)
    engine = lookalike.build(
        root, tmp_path / "e.lookalike", epochs=1, size=16, device="cpu", report=False
    )
    return engine, root


def test_a_file_that_has_changed_is_looked_at_again(moving: tuple[Engine, Path]):
    engine, root = moving
    file = root / "disc" / "00.png"
    shutil.copy(root / "stripes" / "04.png", file)
    hits = engine.search(file, k=36)
    assert hits.query == "disc/00.png"
    assert hits[0].path == "stripes/04.png"
    assert hits[0].score == pytest.approx(1, abs=1e-5)
    assert "disc/00.png" not in hits.paths
    assert len(hits) == 35
    (embedding,) = engine.embed([file])
    position = engine.gallery.position("stripes/04.png")
    np.testing.assert_allclose(embedding, engine.gallery.embeddings[position], atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"\x89PNG no more"])
def test_a_file_that_went_bad_is_not_answered_from_memory(
    moving: tuple[Engine, Path], content: bytes
):
    engine, root = moving
    (root / "disc" / "00.png").write_bytes(content)
    with pytest.raises(QueryError, match=r"cannot be read.*00\.png"):
        engine.search(root / "disc" / "00.png")
    assert len(engine.search("disc/00.png", k=3)) == 3


@pytest.mark.parametrize("name", ["~nosuch/x.png", "n" * 300, "n" * 300 + "/x.png", "a\0b"])
def test_an_impossible_name_is_one_line(engine_path: Path, name: str):
    engine = lookalike.open(engine_path, device="cpu")
    with pytest.raises(QueryError, match="neither a picture file nor in the gallery"):
        engine.search(name)
    with pytest.raises(QueryError):
        search_engine(engine_path, [name])
    with pytest.raises(QueryError, match="no such file"):
        engine.search(Cropped(name, Crop.parse("0,0,4,4")))
    with pytest.raises(CollectionError, match="no folder, list or data set"):
        engine.evaluate(name)


def test_links_and_pictures_elsewhere_do_not_find_themselves(photos: Path, tmp_path: Path):
    root, outside = tmp_path / "lists", tmp_path / "outside"
    shutil.copytree(photos / "disc", root / "disc")
    shutil.copytree(photos / "square", outside)
    (root / "link.png").symlink_to(outside / "02.png")
    (tmp_path / "door").symlink_to(root)
    names = ["disc/00.png", "disc/02.png", "link.png", "../outside/00.png", f"{outside}/04.png"]
    (root / "list.csv").write_text("".join(f"{name}\n" for name in names))
    engine = lookalike.build(
        root / "list.csv", tmp_path / "e.lookalike", epochs=1, size=16, device="cpu", report=False
    )
    assert engine.gallery.paths == names
    same = {
        root / "link.png": "link.png",
        outside / "02.png": "link.png",
        outside / "00.png": "../outside/00.png",
        outside / "04.png": f"{outside}/04.png",
        tmp_path / "door" / "disc" / "00.png": "disc/00.png",
        tmp_path / "door" / "link.png": "link.png",
        root / "disc" / ".." / "disc" / "00.png": "disc/00.png",
    }
    for query, name in same.items():
        hits = engine.search(query, k=9)
        assert hits.query == name
        assert set(hits.paths) == set(names) - {name}
    copy = tmp_path / "copy.png"
    shutil.copy(outside / "02.png", copy)
    assert engine.search(copy, k=9)[0].path == "link.png"
