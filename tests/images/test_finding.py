from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lookalike.errors import CollectionError
from lookalike.images import ImageSpec, Picture, decode, find_pictures


def paths(found):
    return [picture.path for picture in found.pictures]


def test_a_folder_is_searched_in_order_with_folders_as_labels(folder):
    found = find_pictures(folder)
    assert found.pictures == (
        Picture("cats/a.jpg", "cats"),
        Picture("cats/b.png", "cats"),
        Picture("dogs/c.webp", "dogs"),
        Picture("dogs/x/d.bmp", "dogs"),
        Picture("e.gif"),
    )
    assert found.labels == ("cats", "cats", "dogs", "dogs", None)
    assert found.read(3) == folder / "dogs" / "x" / "d.bmp"
    assert found.stat(0) == (
        (folder / "cats/a.jpg").stat().st_size,
        (folder / "cats/a.jpg").stat().st_mtime_ns,
    )
    assert (found.source, found.kind, len(found)) == (str(folder), "folder", 5)


def test_what_is_passed_over_in_silence(folder):
    (folder / "notes.txt").write_text("no picture")
    for name in (
        *(".hidden.jpg", ".git/a.jpg", "photos.lookalike/reports/loss.png", "._e.gif"),
        *("__MACOSX/._e.gif", "__MACOSX/e.gif", "@eaDir/e.gif/SYNOPHOTO_THUMB_XL.jpg"),
        *("$RECYCLE.BIN/x.jpg", "#recycle/x.jpg", "cats/Thumbs.db", ".DS_Store"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    found = find_pictures(folder)
    assert len(found) == 5
    assert found.skipped == ()


def test_links_are_followed_but_not_for_ever(folder, tmp_path):
    (folder / "cats" / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (folder / "my.photos").symlink_to(tmp_path / "disk")
    (folder / "circle.jpg").symlink_to(folder / "circle.jpg")
    other = tmp_path / "other"
    other.mkdir()
    (other / "z.png").write_bytes((folder / "cats/b.png").read_bytes())
    (folder / "linked").symlink_to(other)
    found = find_pictures(folder)
    assert paths(found)[-1] == "linked/z.png"
    assert len(found) == 6
    assert {(item.path, item.reason) for item in found.skipped} == {
        ("gone.jpg", "the link leads nowhere"),
        ("circle.jpg", "the link leads nowhere"),
        ("self", "the link leads nowhere"),  # these may have been folders of pictures
        ("my.photos", "the link leads nowhere"),
    }


def test_odd_files_are_skipped_and_named(folder):
    os.mkfifo(folder / "pipe.jpg")
    os.mkfifo(folder / "cats" / "manifest.json")  # an engine has one: it must not be waited for
    (folder / "zeros.png").symlink_to("/dev/zero")
    (folder / "device").symlink_to("/dev/zero")
    found = find_pictures(folder)
    assert len(found) == 5
    assert {(item.path, item.reason) for item in found.skipped} == {
        ("pipe.jpg", "it is not a regular file"),
        ("zeros.png", "it is not a regular file"),
    }


def test_names_in_any_script_and_with_number_signs(folder):
    for name in ("katze 猫.png", "a#1.png", "Ä.PNG"):
        (folder / name).write_bytes((folder / "cats/b.png").read_bytes())
    found = find_pictures(folder)
    for name in ("katze 猫.png", "a#1.png", "Ä.PNG"):
        position = paths(found).index(name)
        assert decode(found.read(position), ImageSpec(8, 8, 3)).width == 48


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_closed_folder_is_skipped(folder):
    (folder / "dogs").chmod(0)
    try:
        found = find_pictures(folder)
    finally:
        (folder / "dogs").chmod(0o755)
    assert len(found) == 3
    assert [(item.path, item.reason) for item in found.skipped] == [("dogs", "permission denied")]


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_the_layout_of_splits(folder, validation):
    (folder / "train").mkdir()
    (folder / "cats").rename(folder / "train" / "cats")
    (folder / "dogs").rename(folder / validation)
    (folder / "test").mkdir()
    (folder / "e.gif").rename(folder / "test" / "e.gif")
    found = find_pictures(folder)
    assert set(found.pictures) == {
        Picture("train/cats/a.jpg", "cats", "train"),
        Picture("train/cats/b.png", "cats", "train"),
        Picture(f"{validation}/c.webp", None, "val"),
        Picture(f"{validation}/x/d.bmp", "x", "val"),
        Picture("test/e.gif", None, "test"),
    }
    assert paths(found.select("test")) == ["test/e.gif"]
    assert len(found.select("train", "val")) == 4
    with pytest.raises(CollectionError, match="split None"):
        found.select(None)


def test_a_folder_train_alone_is_a_label(folder):
    (folder / "cats").rename(folder / "train")
    found = find_pictures(folder)
    assert found.splits == (None,) * 5
    assert "train" in found.labels


def test_nothing_to_find(tmp_path):
    with pytest.raises(CollectionError, match="no such file or folder"):
        find_pictures(tmp_path / "gone")
    with pytest.raises(CollectionError, match="holds no picture"):
        find_pictures(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(CollectionError, match="neither a picture"):
        find_pictures(tmp_path / "notes.txt")
    (tmp_path / "x.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CollectionError, match=r"1 skipped, the first is x\.jpg \(the link"):
        find_pictures(tmp_path)


def test_one_picture(folder):
    found = find_pictures(folder / "cats" / "a.jpg")
    assert found.pictures == (Picture("a.jpg"),)
    assert found.read(0) == folder / "cats" / "a.jpg"


@pytest.mark.parametrize(
    "text",
    [
        "path,label\ncats/a.jpg,tom\ndogs/c.webp,\n",
        "\ufeffLabel,Path\ntom,cats/a.jpg\n,dogs/c.webp\n",
        "path, label, split\ncats/a.jpg, tom , \ndogs/c.webp,  ,\n",
        "cats/a.jpg,tom\r\n\r\ndogs/../dogs/c.webp\r\n",
    ],
)
def test_csv_lists(folder, text):
    (folder / "list.csv").write_text(text, encoding="utf-8")
    found = find_pictures(folder / "list.csv")
    assert found.pictures == (Picture("cats/a.jpg", "tom"), Picture("dogs/c.webp"))
    assert found.read(1) == folder / "dogs" / "c.webp"
    assert found.kind == "list"


def test_json_lists(folder, tmp_path):
    rows = [
        {"path": "photos/cats/a.jpg", "label": 7, "split": "train"},
        {"path": str(folder / "e.gif"), "label": " "},
        {"path": "photos/none.jpg"},
        {"path": "photos/cats/../cats/a.jpg"},
        {"path": "bad \ud800.jpg"},
    ]
    text = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "list.jsonl").write_text(text)
    found = find_pictures(tmp_path / "list.jsonl")
    assert found.pictures == (Picture("photos/cats/a.jpg", "7", "train"), Picture("photos/e.gif"))
    assert [(item.path, item.reason) for item in found.skipped] == [
        ("photos/none.jpg", "line 5: there is no such file"),
        ("photos/cats/a.jpg", "it is listed twice"),
        ("bad \\ud800.jpg", "line 9: its name is not valid"),
    ]


def test_a_list_may_name_pictures_elsewhere(folder, tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "list.csv").write_text(f"../photos/e.gif\n{folder / 'cats/a.jpg'}\n")
    found = find_pictures(lists / "list.csv")
    assert [decode(found.read(i), ImageSpec(8, 8, 3)).width for i in range(2)] == [48, 48]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jsonl", b'{"path": "x.jpg"}\nnot json\n', "cannot read the list"),
        ("a.jsonl", b'["x.jpg"]\n', "line 1 is not an object"),
        ("a.jsonl", b'{"path": "x.jpg"}\n' + b"[" * 100_000, "line 2 is nested too deeply"),
        ("a.csv", b"\xff\xfe\x00", "cannot read the list"),
        ("a.csv", b"path,split\na.jpg,holdout\n", "holdout"),
        ("a.csv", b"path,label\n", "holds no picture"),
        ("a.csv", b"gone.jpg\n", "1 skipped"),
    ],
)
def test_bad_lists(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "x.jpg").write_bytes(b"x")
    with pytest.raises(CollectionError, match=reason) as caught:
        find_pictures(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_engines_of_any_name_are_passed_over(tmp_path: Path):
    manifests = {"mine": '{"format": "lookalike-engine"}', "shop": '{"format": "x"}', "bad": "{"}
    for name in ("a.lookalike", "a.lookalike.partial", "deep/a.lookalike.old", *manifests):
        place = tmp_path / name / "reports" / "map.png"
        place.parent.mkdir(parents=True)
        place.write_bytes(b"")
        if name in manifests:
            (tmp_path / name / "manifest.json").write_text(manifests[name])
    found = find_pictures(tmp_path)
    assert [one.path for one in found.pictures] == ["bad/reports/map.png", "shop/reports/map.png"]
    assert len(find_pictures(tmp_path / "mine")) == 1  # named by itself, it is what was asked for
