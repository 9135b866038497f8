"""What `lookalike search` does beyond a search: notes, folders, queries that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.engine.searching import search_engine
from lookalike.errors import QueryError, StorageError
from lookalike.pictures import most_rows


def test_at_most_ten_labels_are_named(tmp_path: Path):
    for number in range(13):
        (tmp_path / "photos" / f"kind{number:02}").mkdir(parents=True)
        pixels = np.full((16, 16, 3), number * 19, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"kind{number:02}" / "a.png")
    place = tmp_path / "e.lookalike"
    lookalike.build(tmp_path / "photos", place, epochs=1, size=16, device="cpu", report=False)
    (note,) = search_engine(place, ["kind00/a.png"], where="LABEL = 'none'").notes
    assert note.endswith(
        "; the labels are " + ", ".join(f"kind{n:02}" for n in range(10)) + " and 3 more"
    )


def test_a_grid_of_very_many_queries_is_cut_and_says_so(
    engine_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from lookalike.engine import looking

    drawn = {}
    monkeypatch.setattr(looking, "draw_grid", lambda rows, **texts: drawn.update(texts, rows=rows))
    engine = lookalike.open(engine_path)
    few = engine.search_many(engine.gallery.paths[:3], k=1)
    engine.grid(few)
    assert (len(drawn["rows"]), drawn["note"]) == (3, None)
    engine.grid(few * 50)
    assert len(drawn["rows"]) == most_rows(1)
    assert drawn["note"] == f"The first {most_rows(1)} of 150 queries."


def test_hits_are_kept_where_the_grid_cannot_be_written(
    engine_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Engine, "grid", lambda *_: Image.new("RGB", (8, 16_384)))
    found = search_engine(engine_path, ["disc/00.png"], k=3, grid=tmp_path / "grid.webp")
    assert len(found.hits[0]) == 3
    assert "up to 16,383 a side; choose a name that ends in .png" in str(found.failure)
    assert list(tmp_path.iterdir()) == []
    assert search_engine(engine_path, ["disc/00.png"], grid=tmp_path / "g.png").failure is None
    with pytest.raises(StorageError, match=r"got \.gif"):
        search_engine(engine_path, ["disc/00.png"], grid=tmp_path / "grid.gif")


def test_every_query_and_folder_is_answered_or_an_error(
    engine_path: Path, photos: Path, tmp_path: Path
):
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("a.png", "b.png"):
        (broken / name).write_bytes(b"no picture")
    with pytest.raises(QueryError, match=rf"{broken} holds no picture.*2 tried.*a\.png"):
        search_engine(engine_path, [str(broken)])
    with pytest.raises(QueryError, match=rf"{broken} holds no picture"):
        search_engine(engine_path, ["disc/00.png", str(broken), "disc/02.png"])
    for wrong in ("disc/00.pgn", str(photos / "disc" / "nothing.png"), ""):
        with pytest.raises(QueryError, match=r"neither a picture|a query is empty"):
            search_engine(engine_path, ["disc/00.png", wrong], k=1)
    found = search_engine(engine_path, [str(photos / "disc"), str(broken / "a.png")], k=1)
    assert len(found.hits) == 12
    assert len(found.notes) == 2
    assert all(note.startswith("skipped: ") for note in found.notes)
    with pytest.raises(QueryError, match="none of 2 queries can be read"):
        search_engine(engine_path, [str(broken / "a.png"), str(broken / "b.png")])
    with pytest.raises(QueryError, match="a query is empty"):
        lookalike.open(engine_path).search("")
