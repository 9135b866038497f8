from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import CollectionError, StorageError
from lookalike.images import (
    ImageSpec,
    decode,
    decode_collection,
    find_pictures,
    open_cache,
    write_idx,
)
from lookalike.images import cache as cache_module

SPEC = ImageSpec(16, 24, 3)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "engine" / "cache"


def age(path, seconds):
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + int(seconds * 1e9)))


@pytest.mark.parametrize("workers", [1, 3])
def test_every_picture_is_decoded_once_and_in_order(folder, place, workers):
    found = find_pictures(folder)
    seen = []
    cache = decode_collection(found, SPEC, place, workers=workers, on_progress=seen.append)
    assert cache.pixels.shape == (5, 16, 24, 3)
    assert cache.pixels.dtype == np.uint8
    assert isinstance(cache.pixels, np.memmap)
    for position, picture in enumerate(found.pictures):
        assert (cache.pixels[position] == decode(found.read(position), SPEC).pixels).all()
        assert cache.paths[position] == picture.path
        data = (folder / picture.path).read_bytes()
        assert cache.sha256[position] == hashlib.sha256(data).hexdigest()
    assert cache.labels == found.labels
    assert set(cache.widths) == {48}
    assert set(cache.heights) == {32}
    assert cache.widths.dtype == np.int32
    assert (seen[0].stage, seen[0].done, seen[-1].done, seen[-1].total) == ("decode", 0, 5, 5)
    assert cache.source == str(folder)


def test_a_large_collection_needs_many_blocks(tmp_path, place):
    for number in range(150):
        Image.new("L", (4, 4), number).save(tmp_path / f"{number:03}.png")
    cache = decode_collection(find_pictures(tmp_path), ImageSpec(4, 4, 1), place, workers=4)
    assert cache.pixels[:, 0, 0, 0].tolist() == list(range(150))


def test_the_pictures_are_seen_in_order_while_they_are_decoded(tmp_path, place):
    for number in range(70):
        Image.new("L", (4, 4), number).save(tmp_path / f"{number:03}.png")
    (tmp_path / "035.png").write_bytes(b"none")
    seen = []
    found = find_pictures(tmp_path)
    cache = decode_collection(found, ImageSpec(4, 4, 1), place, on_pixels=seen.append)
    assert len(seen) == 2
    assert (np.concatenate(seen) == cache.pixels).all()
    decode_collection(found, ImageSpec(4, 4, 1), place, on_pixels=seen.append)
    assert len(seen) == 2  # nothing is decoded again


def test_open_gives_the_same(folder, place):
    made = decode_collection(find_pictures(folder), SPEC, place)
    back = open_cache(place)
    assert (back.pixels == made.pixels).all()
    for name in ("spec", "paths", "labels", "splits", "sha256", "skipped", "source"):
        assert getattr(back, name) == getattr(made, name)


@pytest.fixture
def decodes(monkeypatch):
    """Counts how often a collection is decoded."""
    calls = []
    original = cache_module.decode_in_order

    def counted(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(cache_module, "decode_in_order", counted)
    return calls


def test_a_fresh_cache_is_used_again(folder, place, decodes):
    for _ in range(3):
        decode_collection(find_pictures(folder), SPEC, place)
    assert len(decodes) == 1


def change_time(folder):
    age(folder / "e.gif", 5)


def change_size(folder):
    path = folder / "e.gif"
    status = path.stat()
    path.write_bytes(path.read_bytes() + b"\0")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def add(folder):
    shutil.copy(folder / "e.gif", folder / "f.gif")


def remove(folder):
    (folder / "e.gif").unlink()


def rename_label(folder):
    (folder / "cats").rename(folder / "felines")


@pytest.mark.parametrize("change", [change_time, change_size, add, remove, rename_label])
def test_a_changed_collection_is_decoded_again(folder, place, decodes, change):
    decode_collection(find_pictures(folder), SPEC, place)
    change(folder)
    found = find_pictures(folder)
    cache = decode_collection(found, SPEC, place)
    assert len(decodes) == 2
    assert cache.paths == tuple(picture.path for picture in found.pictures)
    assert cache.labels == found.labels


def test_another_spec_is_decoded_again(folder, place, decodes):
    decode_collection(find_pictures(folder), SPEC, place)
    cache = decode_collection(find_pictures(folder), ImageSpec(16, 24, 1), place)
    assert len(decodes) == 2
    assert cache.pixels.shape == (5, 16, 24, 1)


@pytest.mark.parametrize("name", ["cache.json", "pixels.npy", "pictures.parquet"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_damaged_cache_is_an_error_to_open_and_is_made_anew(folder, place, decodes, name, how):
    decode_collection(find_pictures(folder), SPEC, place)
    if how == "gone":
        (place / name).unlink()
    else:
        os.truncate(place / name, (place / name).stat().st_size // 2)
    with pytest.raises(CollectionError, match="cache"):
        open_cache(place)
    if (name, how) == ("cache.json", "gone"):
        with pytest.raises(StorageError, match="not a picture cache"):
            decode_collection(find_pictures(folder), SPEC, place)
    else:
        assert len(decode_collection(find_pictures(folder), SPEC, place)) == 5
        assert len(decodes) == 2


def test_another_format_version(folder, place):
    decode_collection(find_pictures(folder), SPEC, place)
    header = json.loads((place / "cache.json").read_text())
    (place / "cache.json").write_text(json.dumps({**header, "format_version": 99}))
    with pytest.raises(CollectionError, match="version 99"):
        open_cache(place)


def test_broken_files_have_no_row_and_are_named(folder, place):
    (folder / "cats" / "a.jpg").write_bytes((folder / "cats" / "a.jpg").read_bytes()[:300])
    (folder / "dogs" / "c.webp").write_bytes(b"")
    (folder / "note.png").write_text("hello")
    (folder / "gone.png").symlink_to(folder / "nowhere")
    cache = decode_collection(find_pictures(folder), SPEC, place)
    assert cache.paths == ("cats/b.png", "dogs/x/d.bmp", "e.gif")
    assert cache.pixels.shape == (3, 16, 24, 3)
    assert len(np.load(place / "pixels.npy")) == 3
    assert (place / "pixels.npy").stat().st_size == 128 + 3 * 16 * 24 * 3
    assert [(item.path, item.reason) for item in cache.skipped] == [
        ("gone.png", "the link leads nowhere"),
        ("cats/a.jpg", "the file is cut short"),
        ("dogs/c.webp", "the file is empty"),
        ("note.png", "it is not a picture of a known format"),
    ]
    assert (cache.pixels[2] == decode(folder / "e.gif", SPEC).pixels).all()


def test_nothing_readable(tmp_path, place):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("hello")
    with pytest.raises(CollectionError, match=r"not one of its 2.*2 skipped.*a\.jpg") as caught:
        decode_collection(find_pictures(tmp_path), SPEC, place)
    assert "\n" not in str(caught.value)
    assert not place.exists()
    assert list(place.parent.iterdir()) == []


def test_rows_of_splits(folder, place):
    (folder / "train").mkdir()
    (folder / "cats").rename(folder / "train" / "cats")
    (folder / "dogs").rename(folder / "test")
    cache = decode_collection(find_pictures(folder), SPEC, place)
    assert [cache.splits[row] for row in cache.rows("train")] == ["train"] * 2
    assert len(cache.rows("train", "test")) == 4
    assert [cache.paths[row] for row in cache.rows(None)] == ["e.gif"]
    assert cache.rows().tolist() == list(range(5))
    assert cache.rows("val").dtype == np.int64
    assert len(cache.rows("val")) == 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_or_closed_disk(folder, place, monkeypatch, number):
    def full(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(cache_module, "write_table", full)
    with pytest.raises(StorageError, match="cannot write"):
        decode_collection(find_pictures(folder), SPEC, place)
    assert list(place.parent.iterdir()) == []


def test_a_crash_leaves_the_old_cache(folder, place, monkeypatch):
    decode_collection(find_pictures(folder), SPEC, place)
    change_time(folder)
    monkeypatch.setattr(cache_module, "write_header", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        decode_collection(find_pictures(folder), SPEC, place)
    assert len(open_cache(place)) == 5


def test_somebody_elses_folder_is_not_replaced(folder):
    with pytest.raises(StorageError, match="not a picture cache"):
        decode_collection(find_pictures(folder), SPEC, folder)
    assert (folder / "e.gif").exists()


@pytest.fixture
def idx(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (9000, 6, 5), np.uint8)
    for name, part in (("train", pictures[:8500]), ("t10k", pictures[8500:])):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", part)
    return tmp_path, pictures


def test_idx_pictures_of_the_right_size_are_copied_exactly(idx, place):
    root, pictures = idx
    cache = decode_collection(find_pictures(root), ImageSpec(6, 5, 1), place)
    assert (cache.pixels[..., 0] == pictures).all()
    assert cache.sha256[8700] == hashlib.sha256(pictures[8700].tobytes()).hexdigest()
    assert cache.splits[8499:8501] == ("train", "test")
    assert (cache.widths[0], cache.heights[0]) == (5, 6)


def test_the_fast_path_equals_decoding_one_by_one(idx, place):
    root, _ = idx
    found = find_pictures(root).select("test")
    for spec in (ImageSpec(6, 5, 3), ImageSpec(6, 5, 1), ImageSpec(9, 4, 3)):
        cache = decode_collection(found, spec, place)
        slow = np.stack([decode(found.read(i), spec).pixels for i in range(len(found))])
        assert (cache.pixels == slow).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_idx_files_of_one_size_go_together(tmp_path, place, channels):
    random = np.random.default_rng(0)
    for name, shape in (("train", (4, 6, 5)), ("t10k", (3, 6, 5, 3))):
        write_idx(
            tmp_path / f"{name}-images-idx3-ubyte.gz", random.integers(0, 256, shape, np.uint8)
        )
    found, spec = find_pictures(tmp_path), ImageSpec(6, 5, channels)
    cache = decode_collection(found, spec, place)
    slow = np.stack([decode(found.read(i), spec).pixels for i in range(7)])
    assert (cache.pixels == slow).all()
    assert cache.sha256 == tuple(
        hashlib.sha256(found.read(i).tobytes()).hexdigest() for i in range(7)
    )


def test_shuffled_idx_pictures_keep_their_order(idx, place):
    root, pictures = idx
    found = find_pictures(root)
    order = [8999, 3, 8600, 0]
    found = found.with_pictures(found.pictures[row] for row in order)
    cache = decode_collection(found, ImageSpec(6, 5, 1), place)
    assert (cache.pixels[..., 0] == pictures[order]).all()
