from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lookalike.errors import CollectionError
from lookalike.images import find_pictures, read_idx, write_idx
from lookalike.images.idx import idx_digest, is_idx

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))


@given(array=ARRAYS, zipped=st.booleans())
def test_what_is_written_comes_back(array, zipped, tmp_path_factory):
    path = tmp_path_factory.mktemp("idx") / ("x-idx-ubyte.gz" if zipped else "x-idx-ubyte")
    write_idx(path, array)
    back = read_idx(path)
    assert back.shape == array.shape
    assert (back == array).all()
    assert is_idx(path)


def test_the_digest_looks_below_gzip(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    write_idx(tmp_path / "a.gz", array)
    write_idx(tmp_path / "a", array)
    assert idx_digest(tmp_path / "a.gz") == idx_digest(tmp_path / "a")


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_idx(tmp_path / "a", np.array([[1, 2, 3]], np.uint8))
    wanted = bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3])
    assert (tmp_path / "a").read_bytes() == wanted


def test_only_bytes_are_written(tmp_path):
    with pytest.raises(CollectionError, match="float64"):
        write_idx(tmp_path / "a", np.zeros(3))


GOOD = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8, 7, 6])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an IDX file"),
        (GOOD[:10], "header"),
        (GOOD[:-1], "promises"),
        (GOOD + b"\0", "promises"),
        (b"\0\0\x0d\3" + GOOD[4:], "not an IDX file"),
        (gzip.compress(GOOD, mtime=0)[:-9], "cannot read"),
        (b"\x1f\x8b\x08 not gzip", "cannot read"),
    ],
)
def test_damage_is_one_line(data, reason, tmp_path):
    path = tmp_path / "bad-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(CollectionError, match=reason) as caught:
        read_idx(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_pictures_with_labels_beside(tmp_path, zipped):
    end = ".gz" if zipped else ""
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    write_idx(tmp_path / f"some-images-idx3-ubyte{end}", pictures)
    write_idx(tmp_path / "some-labels-idx1-ubyte.gz", np.array([3, 1, 4, 1, 5], np.uint8))
    found = find_pictures(tmp_path / f"some-images-idx3-ubyte{end}")
    assert found.kind == "idx"
    assert found.labels == ("3", "1", "4", "1", "5")
    assert found.pictures[2].path == f"some-images-idx3-ubyte{end}#2"
    assert found.pictures[2].split is None
    assert (found.read(2) == pictures[2]).all()
    assert found.stat(0)[0] == (tmp_path / f"some-images-idx3-ubyte{end}").stat().st_size


def test_colour_pictures_without_labels(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 3), np.uint8)
    write_idx(tmp_path / "images.idx4-ubyte", pictures)
    found = find_pictures(tmp_path / "images.idx4-ubyte")
    assert found.labels == (None, None)
    assert (found.read(1) == pictures[1]).all()


def test_a_folder_of_mnist_files(tmp_path):
    for name, count in (("train", 4), ("t10k", 2)):
        write_idx(tmp_path / f"{name}-images-idx3-ubyte.gz", np.zeros((count, 5, 5), np.uint8))
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8))
    found = find_pictures(tmp_path)
    assert found.splits == ("train",) * 4 + ("test",) * 2
    assert [picture.path for picture in found.select("test").pictures] == [
        "t10k-images-idx3-ubyte.gz#0",
        "t10k-images-idx3-ubyte.gz#1",
    ]


def test_what_does_not_fit_together(tmp_path):
    images = tmp_path / "train-images-idx3-ubyte"
    write_idx(images, np.zeros((3, 5, 5), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(4, np.uint8))
    with pytest.raises(CollectionError, match=r"\(4,\).*3 pictures"):
        find_pictures(images)
    with pytest.raises(CollectionError, match="wanted pictures"):
        find_pictures(tmp_path / "train-labels-idx1-ubyte")
