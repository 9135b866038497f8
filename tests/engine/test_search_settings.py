from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.engine.queries import Cropped
from lookalike.engine.searching import Examples, search_engine
from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex, GalleryRows, write_gallery
from lookalike.images import Crop
from lookalike.search import RERANKS, SearchSettings, SpectralIndex, kept, nearest
from lookalike.types import Hits


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
    assert engine.spectral(engine.index("cosine", 0.2), settings) is not first
    with pytest.raises(SettingsError, match="needs the metric cosine"):
        engine.search("disc/00.png", metric="euclidean", settings=settings)


@pytest.fixture
def own_engine(engine_path: Path, tmp_path: Path) -> Path:
    """An engine that a test may change."""
    place = tmp_path / "own.lookalike"
    shutil.copytree(engine_path, place, ignore=shutil.ignore_patterns("spectral"))
    return place


def spectral_hits(place: Path, balance: float | None = None) -> Hits:
    settings = SearchSettings(rerank="spectral", balance=balance)
    return lookalike.open(place, device="cpu").search("disc/00.png", k=36, settings=settings)


def test_the_next_process_finds_what_was_prepared(
    own_engine: Path, monkeypatch: pytest.MonkeyPatch
):
    first, other = spectral_hits(own_engine), spectral_hits(own_engine, 0.2)
    assert len(list((own_engine / "spectral").iterdir())) == 2

    def never(*_: object) -> None:
        raise AssertionError("prepared again")

    monkeypatch.setattr(kept, "spectral_axes", never)
    for again, wanted in (
        (spectral_hits(own_engine), first),
        (spectral_hits(own_engine, 0.2), other),
    ):
        assert again.hits == wanted.hits
    with pytest.raises(AssertionError, match="prepared again"):
        spectral_hits(own_engine, 0.7)


def test_a_changed_gallery_is_prepared_anew(own_engine: Path):
    spectral_hits(own_engine)
    gallery = lookalike.open(own_engine).gallery
    kept_rows = np.flatnonzero(np.array(gallery.labels) != "square")
    write_gallery(
        own_engine / "gallery",
        GalleryRows(
            *([getattr(gallery, name)[row] for row in kept_rows] for name in ("paths", "labels")),
            [None] * len(kept_rows), *([np.full(len(kept_rows), 48, np.int32)] * 2),
            [gallery.sha256[row] for row in kept_rows], gallery.embeddings[kept_rows],
        ),
        fingerprint=gallery.fingerprint,
    )  # fmt: skip
    engine = lookalike.open(own_engine, device="cpu")
    found = spectral_hits(own_engine)
    fresh = SpectralIndex(ExactIndex(gallery.embeddings[kept_rows], "cosine"))
    place = engine.gallery.paths.index("disc/00.png")
    wanted = fresh.search(engine.gallery.embeddings[[place]], 36, exclude=np.array([place]))
    assert found.paths == tuple(engine.gallery.paths[p] for p in wanted.positions[0] if p >= 0)


def test_an_engine_that_may_not_be_written_still_searches(own_engine: Path):
    wanted = spectral_hits(own_engine).hits
    shutil.rmtree(own_engine / "spectral")
    (own_engine / "spectral").write_text("in the way")
    assert spectral_hits(own_engine).hits == wanted
    (own_engine / "spectral").unlink()
    own_engine.chmod(0o555)  # root may write all the same
    try:
        assert spectral_hits(own_engine).hits == wanted
    finally:
        own_engine.chmod(0o755)


def balanced_by_hand(engine: Engine, balance: float) -> np.ndarray:
    """The gallery's embeddings as this balance weighs their parts, each brought to length 1."""
    whitening = engine.encoder.whitening
    shares = {"appearance": 1 - balance, "meaning": balance}
    totals = {
        role: sum(part.share for part in whitening.parts if part.role == role) for role in shares
    }
    pieces, start = [], 0
    for part, one in zip(whitening.parts, whitening.whitenings, strict=True):
        piece = engine.gallery.embeddings[:, start : start + len(one.scale)].astype(float)
        lengths = np.linalg.norm(piece, axis=1, keepdims=True)
        weight = shares[part.role] * part.share / totals[part.role]
        pieces.append(piece / np.where(lengths > 0, lengths, 1) * np.sqrt(weight))
        start += len(one.scale)
    return np.concatenate(pieces, axis=1).astype(np.float32)


@pytest.mark.parametrize("balance", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("rerank", [None, *RERANKS])
@pytest.mark.parametrize("expand", [0, 3])
def test_a_balance_goes_with_everything(
    engine: Engine, balance: float, rerank: str | None, expand: int
):
    """As if the gallery had been made with this balance, and searched without any."""
    rows = balanced_by_hand(engine, balance)
    place = engine.gallery.paths.index("disc/00.png")
    wanted = nearest(
        ExactIndex(rows, "cosine"), rows[[place]], 35, SearchSettings(expand, rerank=rerank),
        exclude=np.array([place]),
    )  # fmt: skip
    settings = SearchSettings(expand, rerank=rerank, balance=balance)
    hits = engine.search("disc/00.png", k=35, settings=settings)
    np.testing.assert_allclose([hit.score for hit in hits], wanted.scores[0], atol=1e-4)
    assert hits.metric == ("inner" if settings.plain else "cosine")
    if rerank is None:
        assert hits.paths == tuple(engine.gallery.paths[p] for p in wanted.positions[0])


def test_a_plain_balanced_search_copies_no_gallery(engine_path: Path):
    engine = lookalike.open(engine_path, device="cpu")
    settings = SearchSettings(balance=0.2)
    plain = engine.search("disc/00.png", k=35, settings=settings)
    mean = engine.search_examples(["disc/00.png"], k=35, settings=settings)
    assert mean.paths == plain.paths
    rows = engine.gallery.embeddings
    assert all(np.shares_memory(index.embeddings, rows) for index in engine._indexes.values())
    cosine = engine.search("disc/00.png", k=35, settings=settings, metric="cosine")
    assert (plain.metric, cosine.metric) == ("inner", "cosine")
    assert cosine.paths == plain.paths
    np.testing.assert_allclose(
        [hit.score for hit in cosine], [hit.score for hit in plain], atol=1e-5
    )
    far = engine.search("disc/00.png", k=35, settings=settings, metric="euclidean")
    np.testing.assert_allclose(
        [hit.score for hit in far], [-np.sqrt(2 - 2 * hit.score) for hit in cosine], atol=1e-3
    )
    assert engine.index("cosine", 0.2) is engine.index("cosine", 0.2)
    engine.index("cosine", 0.3)
    balances = {balance for _, balance in engine._indexes}
    assert balances == {None, 0.3}


def test_nothing_to_balance_is_one_error(engine_path: Path, monkeypatch: pytest.MonkeyPatch):
    engine = lookalike.open(engine_path, device="cpu")
    monkeypatch.setattr(engine.encoder, "whitening", None)
    for settings in (SearchSettings(balance=0.2), SearchSettings(3, balance=0.2)):
        with pytest.raises(SettingsError, match="nothing to balance"):
            engine.search("disc/00.png", settings=settings)
    with pytest.raises(SettingsError, match="needs the metric cosine or euclidean, got inner"):
        engine.search(
            "disc/00.png",
            metric="inner",
            settings=SearchSettings(rerank="k-reciprocal", balance=0.2),
        )


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
