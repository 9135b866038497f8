from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import tarfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookalike.errors import DatasetError, StorageError
from lookalike.images import DATASETS, load_dataset, write_idx
from lookalike.images import fetching as fetching_module
from lookalike.images import folder_sets as folder_sets_module
from lookalike.images.fetching import ONLINE, Fetcher, fetch, file_digest
from lookalike.images.folder_sets import AFHQ, IMAGENETTE, load_folders
from lookalike.images.idx_sets import FASHION_MNIST, MNIST, load_idx


def offline(url, target, on_progress):
    raise OSError("no route to host")


def no_package(name, folder):
    return None


@pytest.fixture
def outside(tmp_path):
    """No network, no apt, nothing installed."""
    return Fetcher(offline, no_package, tmp_path / "system")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def digits(folder):
    """Four tiny IDX files with MNIST's names."""
    folder.mkdir(parents=True)
    for name, count in (("train", 12), ("t10k", 5)):
        pictures = np.random.default_rng(count).integers(0, 256, (count, 4, 4), np.uint8)
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", pictures)
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", np.arange(count, dtype=np.uint8) % 10)
    return folder


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """MNIST and Fashion-MNIST as published are seventeen pictures of 4×4 for once."""
    folder = digits(tmp_path / "published")
    sha256 = {
        path.stem: hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        for path in sorted(folder.iterdir(), reverse=True)
    }
    for original in (MNIST, FASHION_MNIST):
        small = dataclasses.replace(original, sha256=sha256)
        dataset = dataclasses.replace(DATASETS[original.name], load=partial(load_idx, small))
        monkeypatch.setitem(DATASETS, original.name, dataset)
    return folder


def serving(folder, calls):
    def download(url, target, on_progress):
        calls.append(url)
        target.write_bytes((folder / url.rpartition("/")[2]).read_bytes())

    return download


def zipped(folder, target):
    with zipfile.ZipFile(target, "w") as bundle:
        for path in sorted(folder.rglob("*")):
            bundle.write(path, Path("wrapped") / path.relative_to(folder))
    return target


def test_the_shipped_pictures(home, outside):
    found = load_dataset("fashion-mnist-10k", home, fetcher=outside)
    assert len(found) == 10_000
    assert found.splits == ("train",) * 8000 + ("test",) * 2000
    assert found.labels[:3] == ("Ankle boot", "Pullover", "Trouser")
    assert len(set(found.labels)) == 10
    assert found.source == "fashion-mnist-10k"
    assert found.read(0).shape == (28, 28)
    assert not home.exists()
    for name, sha256 in FASHION_MNIST.sha256.items():
        if name.startswith("t10k"):
            data = gzip.decompress((found.root / f"{name}.gz").read_bytes())
            assert hashlib.sha256(data).hexdigest() == sha256
    assert "Zalando" in (found.root / "LICENSE-fashion-mnist.txt").read_text()


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_every_data_set_says_what_it_is(dataset):
    assert DATASETS[dataset.name] is dataset
    assert dataset.summary
    assert dataset.licence
    assert dataset.how
    assert dataset.home_url.startswith("http")
    assert dataset.pictures > 0
    assert dataset.size_mb >= 0


def test_unknown_names(home, outside):
    with pytest.raises(DatasetError, match="did you mean fashion-mnist"):
        load_dataset("fashion-mnits", home, fetcher=outside)
    with pytest.raises(DatasetError, match="no such archive"):
        load_dataset("mnist", home, archive=home / "gone.zip", fetcher=outside)


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "fashion-mnist-10k"])
def test_offline_says_what_where_and_what_to_do(home, outside, name):
    with pytest.raises(DatasetError) as caught:
        load_dataset(name, home, fetcher=outside)
    message = str(caught.value)
    assert "\n" not in message
    assert f"cannot fetch {name}" in message
    assert "https://" in message
    assert "no route to host" in message
    assert "--archive FILE" in message
    assert ("apt-get install" in message) == (name in ("fashion-mnist", "stamps"))
    assert [path for path in home.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_idx_sets_are_fetched_once(home, outside, tiny, name):
    calls = []
    online = dataclasses.replace(outside, download=serving(tiny, calls))
    found = load_dataset(name, home, fetcher=online)
    assert len(calls) == 4
    assert found.splits == ("train",) * 12 + ("test",) * 5
    assert found.labels[9] == {"mnist": "9", "fashion-mnist": "Ankle boot"}[name]
    assert found.root == home / name
    again = load_dataset(name, home, fetcher=outside)
    assert again.pictures == found.pictures


def test_a_wrong_file_is_not_believed(home, outside, tiny):
    calls = []

    def lying(url, target, on_progress):
        calls.append(url)
        target.write_bytes(gzip.compress(b"wrong"))

    with pytest.raises(DatasetError, match="SHA-256"):
        load_dataset("mnist", home, fetcher=dataclasses.replace(outside, download=lying))
    assert len(calls) == len(MNIST.urls) > 1
    assert list((home / "mnist").iterdir()) == []


def test_a_damaged_copy_at_home_is_fetched_again(home, outside, tiny):
    calls = []
    online = dataclasses.replace(outside, download=serving(tiny, calls))
    load_dataset("mnist", home, fetcher=online)
    write_idx(home / "mnist" / "t10k-images-idx3-ubyte.gz", np.zeros((5, 4, 4), np.uint8))
    found = load_dataset("mnist", home, fetcher=online)
    assert len(calls) == 5
    assert found.read(12).any()


def test_an_installed_copy_wins_unless_it_is_wrong(home, outside, tiny):
    place = outside.installed / "usr/share/datasets/fashion-mnist"
    place.parent.mkdir(parents=True)
    tiny.rename(place)
    found = load_dataset("fashion-mnist", home, fetcher=outside)
    assert found.root == place
    assert not home.exists()
    (place / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DatasetError, match="cannot fetch"):
        load_dataset("fashion-mnist", home, fetcher=outside)


def debian_package(files, target):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz") as bundle:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            bundle.addfile(info, io.BytesIO(data))
    data = tar.getvalue()
    header = f"{'data.tar.xz':<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n"
    target.write_bytes(b"!<arch>\n" + header.encode() + data)
    return target


def test_a_debian_package_is_unpacked_without_root(home, outside, tiny):
    files = {f"usr/share/datasets/fashion-mnist/{p.name}": p.read_bytes() for p in tiny.iterdir()}
    apt = dataclasses.replace(
        outside, package=lambda name, folder: debian_package(files, folder / f"{name}.deb")
    )
    found = load_dataset("fashion-mnist", home, fetcher=apt)
    assert found.root == home / "fashion-mnist"
    assert sorted(path.name for path in home.iterdir()) == ["fashion-mnist"]


@pytest.mark.parametrize("kind", ["folder", "zip", "plain"])
def test_idx_sets_from_what_the_user_has(home, outside, tiny, tmp_path, kind):
    archive = tiny
    if kind == "zip":
        archive = zipped(tiny, tmp_path / "mnist.zip")
    elif kind == "plain":
        for path in list(tiny.iterdir()):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    assert len(load_dataset("mnist", home, archive=archive, fetcher=outside)) == 17
    assert len(load_dataset("mnist", home, fetcher=outside)) == 17


def test_another_set_of_digits_is_not_mnist(home, outside, tmp_path):
    archive = zipped(digits(tmp_path / "mine"), tmp_path / "mine.zip")
    with pytest.raises(DatasetError, match=r"mine\.zip is not mnist: .*SHA-256"):
        load_dataset("mnist", home, archive=archive, fetcher=outside)
    assert list(home.iterdir()) == []


def png(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def write_tree(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png("red"))
    return root


ANIMALS = ["train/cat/a.png", "train/dog/b.png", "val/cat/c.png", "val/wild/d.png"]


def test_afhq_from_an_archive(home, outside, tmp_path):
    archive = zipped(write_tree(tmp_path / "tree", [*ANIMALS, "readme/x.png"]), tmp_path / "a.zip")
    found = load_dataset("afhq", home, archive=archive, fetcher=outside)
    assert [(p.path, p.label, p.split) for p in found.pictures] == [
        ("train/cat/a.png", "cat", "train"),
        ("train/dog/b.png", "dog", "train"),
        ("val/cat/c.png", "cat", "test"),
        ("val/wild/d.png", "wild", "test"),
    ]
    assert load_dataset("afhq", home, fetcher=outside).pictures == found.pictures


def test_imagenette_has_names_people_read(home, outside, tmp_path):
    tree = write_tree(tmp_path / "tree", ["train/n01440764/a.JPEG", "val/n03888257/b.JPEG"])
    with tarfile.open(tmp_path / "i.tgz", "w:gz") as tar:
        tar.add(tree, "imagenette2-320")
    found = load_dataset("imagenette", home, archive=tmp_path / "i.tgz", fetcher=outside)
    assert found.labels == ("tench", "parachute")
    assert found.splits == ("train", "test")
    unpacked = load_dataset("imagenette", home, archive=tree, fetcher=outside)
    assert unpacked.pictures == found.pictures


def test_folder_sets_are_fetched_checked_and_kept(home, outside, tmp_path):
    archive = zipped(write_tree(tmp_path / "tree", ANIMALS), tmp_path / "afhq.zip")
    calls = []

    def download(url, target, on_progress):
        calls.append(url)
        target.write_bytes(archive.read_bytes())

    online = dataclasses.replace(outside, download=download)
    small = dataclasses.replace(AFHQ, sha256=file_digest(archive))
    for _ in range(2):
        assert len(load_folders(small, home, None, online, print)) == 4
    assert calls == list(AFHQ.urls)
    assert sorted(path.name for path in home.iterdir()) == ["afhq"]
    with pytest.raises(DatasetError, match="SHA-256"):
        load_folders(IMAGENETTE, home, None, online, print)


def test_an_archive_of_something_else(home, outside, tmp_path):
    archive = zipped(write_tree(tmp_path / "tree", ["cats/a.png"]), tmp_path / "x.zip")
    with pytest.raises(DatasetError, match="none of the files"):
        load_dataset("afhq", home, archive=archive, fetcher=outside)
    with pytest.raises(DatasetError, match="no folders train and val"):
        load_dataset("afhq", home, archive=tmp_path / "tree", fetcher=outside)
    with pytest.raises(DatasetError, match="comes with"):
        load_dataset("fashion-mnist-10k", home, archive=archive, fetcher=outside)


STAMPS = ["animals/cat.png", "animals/dogs/rex.png", "food/pie.png", "food/pie_mirror.png"]


def test_stamps_leave_mirrored_copies_out(home, outside):
    place = write_tree(outside.installed / "usr/share/tuxpaint/stamps", [*STAMPS, "food/x.svg"])
    found = load_dataset("stamps", home, fetcher=outside)
    assert [picture.path for picture in found.pictures] == STAMPS[:3]
    assert found.labels == ("animals", "animals", "food")
    assert found.root == place


def test_stamps_from_a_package(home, outside, tmp_path, monkeypatch):
    files = {f"usr/share/tuxpaint/stamps/{name}": png("red") for name in STAMPS}
    package = debian_package(files, tmp_path / "stamps.deb")
    found = load_dataset("stamps", home / "one", archive=package, fetcher=outside)
    monkeypatch.setattr(folder_sets_module, "_STAMPS_SHA256", file_digest(package))

    def download(url, target, on_progress):
        target.write_bytes(package.read_bytes())

    online = dataclasses.replace(outside, download=download)
    fetched = load_dataset("stamps", home / "two", fetcher=online)
    assert found.pictures == fetched.pictures
    assert len(found) == 3
    assert [path.name for path in (home / "two").iterdir()] == ["stamps"]


def test_downloading_from_an_address(tmp_path):
    source = tmp_path / "source.bin"
    source.write_bytes(bytes(3_000_000))
    seen = []
    target = tmp_path / "new" / "target.bin"
    digest = file_digest(source)
    fetch((source.as_uri(),), target, file_digest, digest, ONLINE, seen.append)
    assert target.read_bytes() == source.read_bytes()
    assert (seen[-1].stage, seen[-1].done, seen[-1].total) == (
        "fetch target.bin",
        3_000_000,
        3_000_000,
    )
    assert [path.name for path in target.parent.iterdir()] == ["target.bin"]
    with pytest.raises(DatasetError, match="gone"):
        fetch(((tmp_path / "gone").as_uri(),), target, file_digest, None, ONLINE, seen.append)


def test_without_apt_there_is_no_package(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching_module.shutil, "which", lambda name: None)
    assert ONLINE.package("anything", tmp_path) is None


def test_apt_fails_quietly_and_leaves_nothing(tmp_path, monkeypatch):
    def failing(command, **options):
        raise fetching_module.subprocess.CalledProcessError(100, command)

    monkeypatch.setattr(fetching_module.shutil, "which", lambda name: "/usr/bin/apt-get")
    monkeypatch.setattr(fetching_module.subprocess, "run", failing)
    assert ONLINE.package("anything", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_apt_gives_the_file(tmp_path, monkeypatch):
    def working(command, cwd, **options):
        assert command == ["apt-get", "download", "some-package"]
        (Path(cwd) / "some-package_1.0_all.deb").write_bytes(b"deb")

    monkeypatch.setattr(fetching_module.shutil, "which", lambda name: "/usr/bin/apt-get")
    monkeypatch.setattr(fetching_module.subprocess, "run", working)
    assert ONLINE.package("some-package", tmp_path).read_bytes() == b"deb"


def test_a_full_disk_is_not_a_network_error(tmp_path, home):
    def full(url, target, on_progress):
        raise OSError(28, "No space left on device")

    fetcher = Fetcher(full, no_package, tmp_path / "system")
    with pytest.raises(StorageError, match="no space"):
        load_dataset("mnist", home, fetcher=fetcher)
