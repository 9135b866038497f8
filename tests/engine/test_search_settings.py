from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.engine.queries import Cropped
from lookalike.engine.searching import Examples, search_engine
from lookalike.errors import QueryError, SettingsError
from lookalike.images import Crop
from lookalike.search import RERANKS, SearchSettings


@pytest.fixture(scope="module")
def engine(engine_path: Path) -> Engine:
    return lookalike.open(engine_path, device="cpu")


@pytest.mark.parametrize("rerank", [None, *RERANKS])
@pytest.mark.parametrize("expand", [0, 3])
def test_settings_reach_the_search(engine: Engine, rerank: str | None, expand: int):
    settings = SearchSettings(expand, rerank=rerank)
    hits = engine.search("disc/00.png", k=40, settings=settings)
    assert len(hits) == 35
    assert "disc/00.png" not in hits.paths
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    plain = engine.search("disc/00.png", k=40)
    assert (scores == [hit.score for hit in plain]) == settings.plain
    few = engine.search("disc/00.png", k=4, settings=settings, where="label = 'square'")
    assert {hit.label for hit in few} == {"square"}


def test_the_spectral_index_is_prepared_once(engine: Engine):
    settings = SearchSettings(rerank="spectral")
    assert engine.spectral(engine.index("cosine"), SearchSettings()) is None
    first = engine.spectral(engine.index("cosine"), settings)
    assert first is not None
    assert engine.spectral(engine.index("cosine"), settings) is first
    with pytest.raises(SettingsError, match="needs the metric cosine"):
        engine.search("disc/00.png", metric="euclidean", settings=settings)


def test_examples(engine: Engine, photos: Path):
    like = ["stripes/00.png", photos / "stripes" / "02.png"]
    single = engine.search("disc/00.png", k=9)
    assert engine.search_examples(["disc/00.png"], k=9).paths == single.paths
    for combine in ("mean", "best"):
        hits = engine.search_examples(like, k=36, combine=combine)
        assert hits.query == "2 examples"
        assert len(hits) == 34
        assert not {"stripes/00.png", "stripes/02.png"} & set(hits.paths)
        away = engine.search_examples(like, k=36, combine=combine, unlike=[single[0].path])
        assert single[0].path not in away.paths
        again = engine.search_examples(
            like, 36, combine=combine, unlike=[single[0].path], include_self=True
        )
        rank, before = (
            found.paths.index(single[0].path)
            for found in (again, engine.search_examples(like, 36, combine=combine))
        )
        assert rank > before
        assert hits._repr_png_() is not None
    with pytest.raises(QueryError, match="P at least 1"):
        engine.search_examples([])


def test_a_crop_is_the_query_that_its_pixels_are(engine: Engine, photos: Path, tmp_path: Path):
    box = Crop(4, 6, 30, 20)
    with Image.open(photos / "square" / "02.png") as image:
        part = image.crop((4, 6, 34, 26))
    part.save(tmp_path / "part.png")
    by_hand = engine.embed([tmp_path / "part.png"])
    file = photos / "square" / "02.png"
    for picture in ("square/02.png", file, file.read_bytes()):
        np.testing.assert_allclose(engine.embed([Cropped(picture, box)]), by_hand, atol=1e-6)
    hits = engine.search(Cropped("square/02.png", box), k=36)
    assert hits.query == "square/02.png"
    assert "square/02.png" not in hits.paths
    assert len(engine.search(Cropped(file.read_bytes(), box), k=36)) == 36
    whole = engine.embed([Cropped(file, Crop(0, 0, 1, 1)), "square/02.png"])
    np.testing.assert_allclose(whole[0], whole[1], atol=1e-5)
    with pytest.raises(QueryError, match="lies outside"):
        engine.search(Cropped(file, Crop(48, 0, 4, 4)))
    with pytest.raises(QueryError, match="no such file"):
        engine.search(Cropped("nowhere.png", box))


def test_all_queries_of_a_command_may_be_one(engine_path: Path, photos: Path):
    asked = ["disc/00.png", "disc/02.png"]
    assert len(search_engine(engine_path, asked, 3).hits) == 2
    (hits,) = search_engine(engine_path, asked, 36, examples=Examples(combine="best")).hits
    assert len(hits) == 34
    (hits,) = search_engine(
        engine_path,
        asked,
        36,
        examples=Examples([str(photos / "disc" / "04.png")], ["disc/06.png"]),
    ).hits
    assert hits.query == "3 examples"
    assert len(hits) == 32
