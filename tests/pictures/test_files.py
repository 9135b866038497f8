"""PNG bytes and picture files."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import StorageError
from lookalike.pictures import save, to_png


@pytest.fixture
def image():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))


def test_png_bytes_are_the_image_and_repeat(image):
    content = to_png(image)
    assert content == to_png(image)
    with Image.open(io.BytesIO(content)) as read:
        assert read.format == "PNG"
        assert read.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.png", "PNG"), ("a.JPG", "JPEG"), ("b/c/a.jpeg", "JPEG"), ("a.webp", "WEBP")],
)
def test_the_extension_decides_the_format(image, tmp_path, name, kind):
    save(image, tmp_path / name)
    with Image.open(tmp_path / name) as read:
        assert read.format == kind
        assert read.size == image.size
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [Path(name).name]


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt"])
def test_other_extensions_are_one_clear_line(image, tmp_path, name):
    with pytest.raises(StorageError, match=r"ends in \.png, \.jpg") as caught:
        save(image, tmp_path / name)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_full_or_forbidden_disk_is_one_clear_line(image, tmp_path, monkeypatch, number):
    place = tmp_path / "a.png"
    place.write_bytes(b"old")

    def fail(self, content):
        raise OSError(number, "no", str(self))

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(StorageError, match="cannot write") as caught:
        save(image, place)
    assert "\n" not in str(caught.value)
    assert place.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_file_where_a_folder_should_be_is_an_error(image, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        save(image, tmp_path / "file" / "a.png")


def test_a_folder_in_the_way_is_an_error(image, tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        save(image, tmp_path / "a.png")


@pytest.mark.parametrize(("name", "most"), [("a.webp", 16_383), ("a.jpg", 65_500)])
def test_a_format_takes_only_so_many_pixels_a_side(tmp_path: Path, name: str, most: int):
    save(Image.new("RGB", (4, most)), tmp_path / name)
    (tmp_path / name).unlink()
    with pytest.raises(StorageError, match=rf"up to {most:,} a side; .*\.png"):
        save(Image.new("RGB", (most + 1, 4)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
