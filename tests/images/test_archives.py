from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile

import pytest

from lookalike.errors import DatasetError
from lookalike.images.archives import unpack


def keep_all(path):
    return str(path)


def tar_bytes(members, mode="w"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                tar.addfile(info)
    return file.getvalue()


def zip_bytes(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)
    return file.getvalue()


def ar_bytes(members):
    data = b"!<arch>\n"
    for name, content in members.items():
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        data += header.encode() + content + b"\n" * (len(content) % 2)
    return data


FILES = {"set/a.txt": b"one", "set/deep/b.txt": b"two!"}
ARCHIVES = {
    "x.zip": zip_bytes(FILES),
    "x.tar": tar_bytes(FILES),
    "x.tgz": tar_bytes(FILES, "w:gz"),
    "x.tar.xz": tar_bytes(FILES, "w:xz"),
    "gz.deb": ar_bytes({"debian-binary": b"2.0", "data.tar.gz": gzip.compress(tar_bytes(FILES))}),
    "xz.deb": ar_bytes({"debian-binary": b"2.0\n", "data.tar.xz": lzma.compress(tar_bytes(FILES))}),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_unpacks_every_kind_by_its_content(tmp_path, name):
    archive = tmp_path / "archive.bin"
    archive.write_bytes(ARCHIVES[name])
    unpack(archive, tmp_path / "out", keep_all)
    assert (tmp_path / "out/set/a.txt").read_bytes() == b"one"
    assert (tmp_path / "out/set/deep/b.txt").read_bytes() == b"two!"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive.bin", "out"]


def test_keeps_what_is_wanted_under_the_name_that_is_wanted(tmp_path):
    (tmp_path / "x.zip").write_bytes(ARCHIVES["x.zip"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("")
    unpack(tmp_path / "x.zip", tmp_path / "out", lambda p: "c.txt" if p.name == "a.txt" else None)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["c.txt"]


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "..\\evil.txt"])
@pytest.mark.parametrize("make", [zip_bytes, tar_bytes])
def test_nothing_lands_outside(tmp_path, name, make):
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / "x.bin"
    archive.write_bytes(make({"fine.txt": b"x", name: b"evil"}))
    with pytest.raises(DatasetError, match="not safe"):
        unpack(archive, tmp_path / "in" / "out", keep_all)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "x.bin"]


def test_links_and_devices_are_left_out(tmp_path):
    members = {
        "fine.txt": b"x",
        "link": (tarfile.SYMTYPE, "/etc"),
        "hard": (tarfile.LNKTYPE, "/etc/passwd"),
        "pipe": (tarfile.FIFOTYPE, ""),
        "device": (tarfile.CHRTYPE, ""),
    }
    (tmp_path / "x.tar").write_bytes(tar_bytes(members))
    unpack(tmp_path / "x.tar", tmp_path / "out", keep_all)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["fine.txt"]
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "x.zip").write_bytes(zip_bytes({"fine.txt": b"x"}))
    with zipfile.ZipFile(tmp_path / "x.zip", "a") as bundle:
        bundle.writestr(link, "/etc")
    unpack(tmp_path / "x.zip", tmp_path / "zip", keep_all)
    assert [path.name for path in (tmp_path / "zip").iterdir()] == ["fine.txt"]


@pytest.mark.parametrize("name", ["x.zip", "x.tgz", "xz.deb"])
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_cut_archive_leaves_nothing(tmp_path, name, share):
    archive = tmp_path / name
    archive.write_bytes(ARCHIVES[name][: int(len(ARCHIVES[name]) * share)])
    with pytest.raises(DatasetError) as caught:
        unpack(archive, tmp_path / "out", keep_all)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_no_archive_or_holds_nothing(tmp_path):
    (tmp_path / "x").write_text("hello")
    with pytest.raises(DatasetError, match="not an archive"):
        unpack(tmp_path / "x", tmp_path / "out", keep_all)
    (tmp_path / "x").write_bytes(ar_bytes({"debian-binary": b"2.0\n"}))
    with pytest.raises(DatasetError, match=r"no data\.tar"):
        unpack(tmp_path / "x", tmp_path / "out", keep_all)
    (tmp_path / "x").write_bytes(ar_bytes({"data.tar.zst": b"2.0\n"}))
    with pytest.raises(DatasetError, match=r"\.zst"):
        unpack(tmp_path / "x", tmp_path / "out", keep_all)
    (tmp_path / "x").write_bytes(ARCHIVES["x.zip"])
    with pytest.raises(DatasetError, match="none of the files"):
        unpack(tmp_path / "x", tmp_path / "out", lambda path: None)


def test_an_archive_without_end_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("lookalike.images.archives._MOST_BYTES", 5)
    (tmp_path / "x.zip").write_bytes(ARCHIVES["x.zip"])
    with pytest.raises(DatasetError, match="more than"):
        unpack(tmp_path / "x.zip", tmp_path / "out", keep_all)
    assert not (tmp_path / "out").exists()
