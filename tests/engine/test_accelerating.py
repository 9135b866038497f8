from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

from lookalike.engine import Engine, index_engine, open_engine, sync_engine
from lookalike.engine.accelerating import accelerate_engine
from lookalike.engine.memory import keep_memory, read_memory
from lookalike.engine.searching import search_engine
from lookalike.errors import EngineError, SettingsError
from lookalike.gallery import GraphIndex, StreamedIndex, open_gallery
from lookalike.search import SearchSettings


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of as few pictures as tests have."""
    monkeypatch.setattr("lookalike.gallery.indexing.FEWEST", 10)
    monkeypatch.setattr("lookalike.engine.accelerating.FEWEST", 10)


@pytest.fixture
def place(photos: Path, engine_path: Path, tmp_path: Path) -> Path:
    """An engine and its folder `photos` beside it, both free to be changed."""
    shutil.copytree(photos, tmp_path / "photos")
    made = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, made, ignore=shutil.ignore_patterns("spectral"))
    manifest = made / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(photos), str(tmp_path / "photos")))
    return made


def test_on_request_and_when_memory_is_small(place: Path):
    made = accelerate_engine(place)
    assert made.built
    index = made.footprint.index
    assert index is not None
    assert index.recall == 1
    assert made.footprint.search == "exact"  # it fits: the index is there for who wants it
    assert made.footprint.index_bytes > 0
    json.dumps(made.as_dict())
    exact = open_engine(place)
    query = exact.gallery.paths[3]
    expected = exact.search(query, 5)
    indexed = open_engine(place, search_with="indexed")
    assert isinstance(indexed.index("cosine"), GraphIndex)
    assert indexed.search(query, 5).paths == expected.paths
    accelerate_engine(place, memory=0)
    assert isinstance(open_engine(place).index("cosine"), GraphIndex)
    assert not accelerate_engine(place, memory=500).built
    assert read_memory(exact.layout) == 500


def test_without_an_index_the_disk_is_read_and_a_note_says_so(place: Path):
    plain = search_engine(place, ["disc/00.png"], 3)
    keep_memory(open_engine(place).layout, 0)
    assert isinstance(open_engine(place).index("cosine"), StreamedIndex)
    found = search_engine(place, ["disc/00.png"], 3)
    assert found.hits[0].paths == plain.hits[0].paths
    assert any("`lookalike accelerate`" in note for note in found.notes)
    assert not any("accelerate" in note for note in plain.notes)


@pytest.mark.parametrize("way", ["streamed", "indexed"])
@pytest.mark.parametrize(
    "settings",
    [
        SearchSettings(),
        SearchSettings(expand=3),
        SearchSettings(rerank="k-reciprocal"),
        SearchSettings(rerank="diffusion"),
        SearchSettings(balance=0.2),
        SearchSettings(balance=0.8, expand=3),
    ],
    ids=["plain", "expand", "k-reciprocal", "diffusion", "balance", "balance and expand"],
)
def test_every_setting_finds_what_it_finds_in_memory(place: Path, way: str, settings):
    accelerate_engine(place)
    exact = open_engine(place)
    query = exact.gallery.paths[7]
    wanted = exact.search(query, 6, settings=settings)
    other = open_engine(place, search_with=way)
    found = other.search(query, 6, settings=settings)
    assert found.paths == wanted.paths
    np.testing.assert_allclose([h.score for h in found], [h.score for h in wanted], atol=1e-6)
    assert [hit.band for hit in found] == [hit.band for hit in wanted]


ASKED = {
    "clusters": lambda engine: engine.clusters(3),
    "evaluate": lambda engine: engine.evaluate(baselines=False),
    "report": lambda engine: engine.report(baselines=False),
    "spectral": lambda engine: engine.search(
        engine.gallery.paths[0], settings=SearchSettings(rerank="spectral")
    ),
}


@pytest.mark.parametrize("what", list(ASKED))
def test_what_needs_all_embeddings_says_so(place: Path, what: str):
    engine: Engine = open_engine(place)
    keep_memory(engine.layout, 0)
    with pytest.raises(EngineError, match=r"needs all embeddings in memory.*\(--memory\)"):
        ASKED[what](engine)
    assert open_engine(place, search_with="exact").clusters(2).clusters


def test_a_sync_takes_the_index_with_it(place: Path):
    accelerate_engine(place)
    before = open_gallery(place / "gallery").index_facts
    assert before is not None
    photos = place.parent / "photos"
    draw_picture("disc", 99).save(photos / "disc" / "new.png")
    (photos / "square" / "00.png").unlink()
    sync_engine(place)
    gallery = open_gallery(place / "gallery")
    assert gallery.index_facts is not None
    assert gallery.index_facts.held == len(gallery) == before.rows
    engine = open_engine(place, search_with="indexed")
    assert engine.search("disc/new.png", 1, include_self=True).paths == ("disc/new.png",)
    assert "square/00.png" not in engine.search("disc/new.png", 100).paths


def test_past_the_size_a_sync_builds_one(place: Path):
    keep_memory(open_engine(place).layout, 0)
    draw_picture("disc", 99).save(place.parent / "photos" / "disc" / "new.png")
    sync_engine(place)
    assert open_gallery(place / "gallery").index_facts is not None


def test_indexing_anew_keeps_the_index_and_how_embeddings_are_stored(place: Path):
    accelerate_engine(place)
    index_engine(place, store="float16")
    gallery = open_gallery(place / "gallery")
    assert gallery.store == "float16"
    assert gallery.index_facts is not None
    index_engine(place)
    assert open_gallery(place / "gallery").store == "float16"
    accelerate_engine(place, remove=True)
    assert open_gallery(place / "gallery").index_facts is None
    index_engine(place, store="float32")
    gallery = open_gallery(place / "gallery")
    assert (gallery.store, gallery.index_facts) == ("float32", None)


def test_what_cannot_be(place: Path):
    with pytest.raises(SettingsError, match="search is indexed, but there is no index"):
        open_engine(place, search_with="indexed").index("cosine")
    with pytest.raises(SettingsError, match="unknown search 'quick'"):
        open_engine(place, search_with="quick")
    with pytest.raises(SettingsError, match="leave one out"):
        accelerate_engine(place, memory=3, remove=True)
    with pytest.raises(SettingsError, match="memory is -1"):
        accelerate_engine(place, memory=-1)
    with pytest.raises(SettingsError, match="recall is 2"):
        accelerate_engine(place, recall=2)
    (place / "memory.json").write_text("{")
    assert read_memory(open_engine(place).layout) == 1000
