"""Reading the bytes of a file that may be none, or another one a moment later."""

from __future__ import annotations

import os

import pytest

from lookalike.errors import PictureError
from lookalike.images import ImageSpec, IntakeLimits
from lookalike.images.answers import UNREAD, decode_file
from lookalike.images.reading import file_digest, read_bytes, read_file

LIMITS = IntakeLimits(max_bytes=100_000)


def test_a_file_is_read_with_its_size_and_time(tmp_path):
    path = tmp_path / "x"
    for size in (1, 70_000, 100_000):
        path.write_bytes(bytes(range(250)) * 400)
        os.truncate(path, size)
        found = read_file(path, LIMITS)
        assert found.data == path.read_bytes()
        assert found.file == (size, path.stat().st_mtime_ns)
        assert (found.changed, found.problem) == (False, "")
        assert read_bytes(path, LIMITS) == found.data
    assert file_digest(path) == __import__("hashlib").sha256(found.data).hexdigest()


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "zeros.jpg").symlink_to("/dev/zero")
    for name, reason in [
        ("pipe.jpg", "it is not a regular file"),
        ("zeros.jpg", "it is not a regular file"),
        ("folder.jpg", "it is a directory"),
    ]:
        assert read_file(tmp_path / name, LIMITS).problem == reason
        with pytest.raises(PictureError, match=reason):
            read_bytes(tmp_path / name)
    with pytest.raises(OSError, match="not a regular file"):
        file_digest(tmp_path / "pipe.jpg")


def test_a_large_file_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(10**12)
    monkeypatch.setattr(os, "read", lambda *_: pytest.fail("read"))
    found = read_file(tmp_path / "sparse.png", LIMITS)
    assert found.problem == "it is 1 TB large, up to 100 KB are read"
    assert found.file[0] == 10**12


def test_a_file_that_grows_without_end_is_read_to_the_limit(tmp_path, monkeypatch):
    (tmp_path / "x.png").write_bytes(b"x")
    monkeypatch.setattr(os, "read", lambda _, count: bytes(min(count, 4096)))
    assert "up to 100 KB are read" in read_file(tmp_path / "x.png", LIMITS).problem


def test_a_file_that_changes_while_it_is_read_is_tried_again(tmp_path, photo, monkeypatch):
    path, read = tmp_path / "x.png", os.read
    path.write_bytes(b"half of a picture")

    def read_and_change(handle: int, count: int) -> bytes:
        data = read(handle, count)
        if data:
            path.write_bytes(b"another one, and longer than it")
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    answer, pixels = decode_file(path, ImageSpec(8, 8, 3), LIMITS)
    assert pixels is None
    assert (answer.file, answer.reason) == (UNREAD, "it changed while it was read")


def test_a_file_that_is_gone_is_tried_again(tmp_path):
    answer, _ = decode_file(tmp_path / "gone.png", ImageSpec(8, 8, 3), LIMITS)
    assert (answer.file, answer.reason) == (UNREAD, "no such file or directory")


def test_what_a_mac_keeps_beside_a_file_is_named(tmp_path):
    path = tmp_path / "fork.jpg"
    path.write_bytes(b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ")
    assert "Mac" in read_file(path, LIMITS).problem
