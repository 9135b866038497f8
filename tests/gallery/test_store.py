from __future__ import annotations

import errno
import shutil
from pathlib import Path

import lance
import numpy as np
import pytest

from lookalike.errors import GalleryError, StorageError
from lookalike.gallery import Gallery, GalleryRows, open_gallery, write_gallery


def rows(count: int = 6, width: int = 3, **changes) -> GalleryRows:
    values = {
        "paths": [f"a/{number}.png" for number in range(count)],
        "labels": ["cat", "dog", "it's", None, "cat", "über"][:count],
        "splits": ["train", "train", "val", None, "train", "train"][:count],
        "widths": np.arange(10, 10 + count, dtype=np.int32),
        "heights": np.full(count, 7, np.int32),
        "sha256": [f"{number:064x}" for number in range(count)],
        "embeddings": np.arange(count * width, dtype=np.float32).reshape(count, width),
    }
    return GalleryRows(**{**values, **changes})


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return write_gallery(tmp_path / "gallery", rows(), fingerprint="abc")


def test_what_is_written_is_read(gallery: Gallery):
    opened = open_gallery(gallery.directory)
    assert opened.paths == [f"a/{number}.png" for number in range(6)]
    assert opened.labels == ["cat", "dog", "it's", None, "cat", "über"]
    assert opened.fingerprint == "abc"
    np.testing.assert_array_equal(opened.embeddings, rows().embeddings)
    assert opened.embeddings.flags.c_contiguous
    assert opened.position("a/4.png") == 4
    assert opened.position("b.png") is None
    assert len(opened) == 6


def test_many_rows_keep_their_order(tmp_path: Path):
    random = np.random.default_rng(0)
    count = 5000
    many = rows(
        1,
        paths=[f"{number}.png" for number in range(count)],
        labels=[None] * count,
        splits=[None] * count,
        widths=np.arange(count, dtype=np.int32),
        heights=np.ones(count, np.int32),
        sha256=[""] * count,
        embeddings=random.normal(size=(count, 4)).astype(np.float32),
    )
    opened = write_gallery(tmp_path / "g", many, fingerprint="x")
    np.testing.assert_array_equal(opened.embeddings, many.embeddings)
    np.testing.assert_array_equal(opened.positions("width >= 4990"), np.arange(4990, 5000))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("label = 'cat'", [0, 4]),
        ("label = 'it''s'", [2]),
        ("label = 'über'", [5]),
        ("label IS NULL", [3]),
        ("label IN ('dog', 'it''s')", [1, 2]),
        ("path LIKE 'a/%' AND width > 13", [4, 5]),
        ("label = 'dog' OR height < 7", [1]),
        ("split = 'val'", [2]),
        ("label = 'embedding'", []),
        ("\"label\" = 'dog'", [1]),
        ('"Width" > 13', [4, 5]),
        ('label = "dog"', [1]),
        ("label = 'a; b -- c /* d )'", []),
        ("(width > 14) OR (width < 11)", [0, 5]),
    ],
)
def test_filters(gallery: Gallery, where: str, expected: list[int]):
    assert gallery.positions(where).tolist() == expected


def test_no_filter_is_none(gallery: Gallery):
    assert gallery.positions(None) is None


@pytest.mark.parametrize(
    "where",
    [
        *("nothing = 3", "label = = 3", "", "embedding IS NULL", "width", "width / 0 > 1"),
        *("label = $1", "label = 'cat", '\'"\' = label AND "embedding" IS NULL'),
        *("width > 10 label = 'dog'", "width > 10, label = 'dog'", "label = 'dog' 'cat'"),
        *("label = 'cat' ; path = 'x'", "label = 'cat' WHERE 1 = 0", "label = 'cat' -- more"),
        *("label = 'cat' ORDER BY path", "label = 'cat' LIMIT 1", "label = 'cat' /* more */"),
        *("width > 10) OR (width < 100", "width > 10) , (1 = 1", "\"colour\" = 'red'"),
    ],
)
def test_a_bad_filter_is_one_line_that_helps(gallery: Gallery, where: str):
    with pytest.raises(GalleryError) as caught:
        gallery.positions(where)
    message = str(caught.value)
    assert "path, label, split, width, height" in message
    assert "\n" not in message
    assert ".rs" not in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paths": ["a"] * 6}, "each path once, got a twice"),
        ({"labels": ["cat"]}, "equally long"),
        ({"embeddings": np.full((6, 3), np.nan, np.float32)}, r"NaN.*a/0\.png"),
        ({"embeddings": np.full((6, 3), np.inf, np.float32)}, "infinity"),
        ({"embeddings": np.zeros((6, 3))}, "float64"),
        ({"embeddings": np.zeros((6, 0), np.float32)}, "D above 0"),
    ],
)
def test_bad_rows_are_refused(changes: dict, message: str):
    with pytest.raises(GalleryError, match=message):
        rows(**changes)


def test_a_new_gallery_replaces_the_old_one_whole(gallery: Gallery):
    write_gallery(gallery.directory, rows(2), fingerprint="new")
    opened = open_gallery(gallery.directory)
    assert (len(opened), opened.fingerprint) == (2, "new")
    assert [path.name for path in gallery.directory.parent.iterdir()] == ["gallery"]


def test_a_failed_write_leaves_the_old_gallery(gallery: Gallery, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "LanceError(IO): No space left on device, /x/y/io.rs:3:9")

    monkeypatch.setattr(lance, "write_dataset", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        write_gallery(gallery.directory, rows(2), fingerprint="new")
    assert ".rs" not in str(caught.value)
    assert open_gallery(gallery.directory).fingerprint == "abc"


def test_a_crash_between_the_renames_is_undone(gallery: Gallery):
    gallery.directory.rename(gallery.directory.with_name("gallery.old"))
    assert len(open_gallery(gallery.directory)) == 6


def test_missing_foreign_newer_and_damaged(gallery: Gallery, tmp_path: Path):
    with pytest.raises(GalleryError, match="no gallery at"):
        open_gallery(tmp_path / "none")
    foreign = tmp_path / "foreign"
    lance.write_dataset(lance.dataset(str(gallery.directory)).to_table(["path"]), str(foreign))
    with pytest.raises(GalleryError, match=r"not a Lookalike gallery|damaged|format version"):
        open_gallery(foreign)
    newer = tmp_path / "newer"
    table = lance.dataset(str(gallery.directory)).to_table()
    facts = {**table.schema.metadata, b"version": b"7"}
    lance.write_dataset(table.replace_schema_metadata(facts), str(newer))
    with pytest.raises(GalleryError, match="format version 7"):
        open_gallery(newer)
    for name in ("data", "_versions"):
        copy = tmp_path / f"damaged-{name}"
        shutil.copytree(gallery.directory, copy)
        for file in (copy / name).iterdir():
            file.write_bytes(file.read_bytes()[:8])
        with pytest.raises(GalleryError, match=r"damaged.*lookalike index") as caught:
            open_gallery(copy)
        assert "\n" not in str(caught.value)


def test_the_schema_is_the_format(gallery: Gallery):
    schema = lance.dataset(str(gallery.directory)).schema
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "id": "int64",
        "path": "string",
        "label": "string",
        "split": "string",
        "width": "int32",
        "height": "int32",
        "sha256": "string",
        "file_size": "int64",
        "modified": "int64",
        "embedding": "fixed_size_list<item: float>[3]",
    }
    assert schema.metadata == {
        b"format": b"lookalike-gallery",
        b"version": b"2",
        b"fingerprint": b"abc",
        b"lineage": gallery.lineage.encode(),
    }


def test_float16_is_half_the_disk_and_read_as_what_was_stored(tmp_path: Path):
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(6, 3)).astype(np.float32)
    embeddings[0] = [6e-8, 65504, -0.0]
    opened = write_gallery(
        tmp_path / "g", rows(embeddings=embeddings), fingerprint="f", store="float16"
    )
    assert opened.store == "float16"
    wanted = embeddings.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(opened.embeddings, wanted)
    again = open_gallery(opened.directory)
    np.testing.assert_array_equal(again.rows(np.array([4, 1])), wanted[[4, 1]])
    with pytest.raises(GalleryError, match="more than float16 can: store them as float32"):
        write_gallery(
            tmp_path / "h", rows(embeddings=embeddings * 2), fingerprint="f", store="float16"
        )
    assert not (tmp_path / "h").exists()


def test_many_pictures_are_looked_up_on_the_disk(gallery: Gallery, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lookalike.gallery.columns.FEW", 0)
    opened = open_gallery(gallery.directory)
    assert opened.paths_at([4, 0]) == ["a/4.png", "a/0.png"]
    assert opened.labels_at(np.array([2, 3])) == ["it's", None]
    assert opened.position("a/5.png") == 5
    assert opened.position("it's not there") is None
    assert opened.places_of(["a/3.png", "b", "a/1.png"]) == {"a/3.png": 3, "a/1.png": 1}
    assert opened.sha256_at(2) == f"{2:064x}"
    assert opened.positions_of(f"{2:064x}") == [2]
    assert opened.positions_of("?") == []
    assert not {"paths", "labels", "sha256", "embeddings"} & set(opened.__dict__)


def test_look_ups_are_the_same_before_and_after_lists_are_made(gallery: Gallery):
    opened = open_gallery(gallery.directory)
    for _ in range(30):  # somewhere on the way they are
        assert opened.paths_at([4, 0]) == ["a/4.png", "a/0.png"]
        assert opened.labels_at([3, 2]) == [None, "it's"]
        assert opened.sha256_at(5) == f"{5:064x}"
        assert opened.position("a/3.png") == 3
        assert opened.position("it's not there") is None
        assert opened.positions_of(f"{2:064x}") == [2]
        assert opened.positions_of("ff") == []
    assert "paths" in opened.__dict__
