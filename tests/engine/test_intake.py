"""Any file a person has: a corpus of hostile files is followed, and every file accounted for."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture
from hostile_files import ODD_BYTES, ODD_NAMES, encode, png, seeds, write_corpus
from typer.testing import CliRunner

import lookalike
from lookalike.cli.commands import app
from lookalike.engine import Engine, comparing, index_engine, sync_engine
from lookalike.engine.looking import picture_thumbnail
from lookalike.engine.syncing import SyncReport
from lookalike.errors import EngineError, QueryError, SettingsError
from lookalike.images import IntakeLimits
from lookalike.images.guarded import Intake
from lookalike.names import name_of_file

LIMITS = IntakeLimits(seconds=20.0, memory=1_500_000_000)
LARGEST_PEAK = LIMITS.memory


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` of 16 pictures and its engine."""
    root = tmp_path_factory.mktemp("built")
    for kind in ("disc", "square"):
        (root / "photos" / kind).mkdir(parents=True)
        for number in range(8):
            draw_picture(kind, number).save(root / "photos" / kind / f"{number}.png")
    lookalike.build(
        root / "photos", root / "e.lookalike", epochs=1, batch_size=8, size=16, report=False,
        device="cpu", limits=LIMITS,
    )  # fmt: skip
    return root


@pytest.fixture
def photos(built: Path, tmp_path: Path) -> Path:
    """The folder of an engine `e.lookalike` beside it, both free to be changed."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    manifest = tmp_path / "e.lookalike" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(built), str(tmp_path)))
    return tmp_path / "photos"


class PeakMemory(threading.Thread):
    """The most that any worker holds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done, self.peak = threading.Event(), 0

    def run(self) -> None:
        while not self.done.wait(0.02):
            for entry in Path("/proc").iterdir():
                try:
                    if b"lookalike.images.worker" not in (entry / "cmdline").read_bytes():
                        continue
                    found = re.search(r"VmHWM:\s+(\d+) kB", (entry / "status").read_text())
                except OSError:
                    continue
                self.peak = max(self.peak, int(found[1]) * 1024 if found else 0)


def test_a_corpus_of_hostile_files_is_followed(photos: Path, monkeypatch: pytest.MonkeyPatch):
    engine, corpus = photos.parent / "e.lookalike", photos / "corpus"
    corpus.mkdir()
    wanted = write_corpus(corpus)
    assert len(wanted) >= 300
    memory = PeakMemory()
    memory.start()
    first = sync_engine(engine)
    memory.done.set()
    check_every_file(engine, wanted)
    assert memory.peak < LARGEST_PEAK

    def never(*_: object) -> None:
        raise AssertionError("read")

    with monkeypatch.context() as patch:  # nothing is read a second time
        patch.setattr(Intake, "decode", never)
        patch.setattr(comparing, "file_digest", never)
        again = sync_engine(engine).as_dict()
    assert again["unchanged"] == again["pictures"] == first.pictures
    assert again["skipped"] == first.as_dict()["skipped"]

    (corpus / "odd" / "text.jpg").write_bytes(encode(draw_picture("stripes", 1), "PNG"))
    (corpus / "odd" / "motion.heic").write_bytes(b"no more")
    mended = sync_engine(engine).as_dict()
    assert (mended["added"], mended["removed"]) == (1, 1)
    assert mended["skipped"] == again["skipped"]


def check_every_file(engine: Path, wanted: dict[str, str | None]) -> None:
    """Every file is searched, or skipped with a plain reason, as it has to be."""
    opened = lookalike.open(engine)
    found = {path.removeprefix("corpus/") for path in opened.gallery.paths}
    reasons = {one.path.removeprefix("corpus/"): one.reason for one in opened.skipped()}
    assert np.isfinite(opened.gallery.embeddings).all()
    assert not [path for path in found if path.startswith("passed over")]
    for file, reason in wanted.items():
        name = name_of_file(file)
        assert (name in found) != (name in reasons), name
        if reason == "":
            assert name in found, (name, reasons.get(name))
        elif reason is not None:
            assert reason in reasons[name], name
    for reason in reasons.values():
        assert reason.isprintable()
        assert 3 < len(reason) < 150
        assert not re.search(r"crashed|took longer|<", reason)
    listed = CliRunner().invoke(app, ["info", str(engine), "--skipped"]).stdout
    summary = listed.partition(f"{len(reasons):,} files, by reason:\n")[2]
    counts = re.findall(r"^ +([\d,]+)  ", summary, re.MULTILINE)
    assert sum(int(count.replace(",", "")) for count in counts) == len(reasons)
    assert "take 20 s and 1.5 GB of memory" in listed
    assert "--time-limit 20.0 --memory-limit 1500000000" in listed
    assert all(f"  corpus/{name}: {reason}\n" in listed for name, reason in reasons.items())
    rows = json.loads(CliRunner().invoke(app, ["info", str(engine), "--skipped", "--json"]).stdout)
    assert len(rows["files skipped"]) == len(reasons) == opened.manifest.counts.skipped


def test_pictures_of_any_name_are_found_searched_and_drawn(photos: Path):
    engine = photos.parent / "e.lookalike"
    files = [*ODD_NAMES, *map(os.fsdecode, ODD_BYTES)]
    for number, file in enumerate(files):
        picture = encode(draw_picture("stripes", 100 + number), "PNG")
        (photos / "disc" / file).write_bytes(picture)
    assert sync_engine(engine).as_dict()["added"] == len(files)
    opened = lookalike.open(engine)
    for file in files:
        name = f"disc/{name_of_file(file)}"
        for query in (name, photos / "disc" / file, str(photos / "disc" / file)):
            hits = opened.search(query, 1, include_self=True)
            assert (hits.query, hits.paths) == (name, (name,))
        assert len(np.unique(picture_thumbnail(opened, name))) > 10
    names = [f"disc/{name_of_file(file)}" for file in files]
    assert opened.grid(opened.search_many(names, 2)).size[0] > 100
    arguments = ["search", str(engine), *(str(photos / "disc" / file) for file in files), "-k", "2"]
    shown = CliRunner().invoke(app, [*arguments, "--json"])
    assert [json.loads(line)["query"] for line in shown.stdout.splitlines()] == names
    table = CliRunner().invoke(app, arguments).stdout
    assert all(name.split("/")[1][:20] in table for name in names)
    assert "\x1b" not in table


def test_limits_are_remembered_and_what_they_skipped_is_tried_again(photos: Path):
    engine = photos.parent / "e.lookalike"
    (photos / "large.png").write_bytes(png(300, 200))
    small = IntakeLimits(max_pixels=50_000)
    assert summary(sync_engine(engine, limits=small)) == (0, 1, 16)
    assert lookalike.open(engine).limits == small
    assert summary(sync_engine(engine)) == (0, 1, 16)
    (photos / "larger.png").write_bytes(png(400, 200))
    assert summary(sync_engine(engine)) == (0, 2, 16)  # the engine's own limits hold
    assert index_engine(engine, device="cpu").limits == small
    assert summary(sync_engine(engine, limits=IntakeLimits())) == (2, 0, 18)
    assert summary(sync_engine(engine, limits=IntakeLimits(max_pixels=70_000))) == (0, 1, 17)
    assert summary(sync_engine(engine, limits=IntakeLimits())) == (1, 0, 18)
    with pytest.raises(EngineError, match="nothing is changed"):  # no picture is as small
        sync_engine(engine, limits=IntakeLimits(max_bytes=10))
    assert lookalike.open(engine).limits == IntakeLimits()
    assert json.loads((engine / "manifest.json").read_text())["limits"] is None
    again = lookalike.open(engine)
    assert again.intake.limits == IntakeLimits()
    assert len(index_engine(engine, device="cpu", limits=small)) == 16


def summary(report: SyncReport) -> tuple[int, int, int]:
    facts = report.as_dict()
    return facts["added"], facts["skipped"], facts["pictures"]


def test_a_query_over_the_limits_is_an_error_of_one_line(photos: Path, tmp_path: Path):
    engine = photos.parent / "e.lookalike"
    (tmp_path / "large.png").write_bytes(png(300, 200))
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000, data=b""))
    os.mkfifo(tmp_path / "pipe.png")
    opened = lookalike.open(engine)
    for name, reason in [("bomb.png", "too many pixels"), ("pipe.png", "nor in the gallery")]:
        with pytest.raises(QueryError, match=reason) as caught:
            opened.search(tmp_path / name)
        assert "\n" not in str(caught.value)
    limited = lookalike.open(engine, limits=IntakeLimits(max_pixels=50_000))
    with pytest.raises(QueryError, match="300×200 pixels, up to 50,000 are read"):
        limited.search(tmp_path / "large.png")
    with pytest.raises(QueryError, match="300×200 pixels, up to 50,000 are read"):
        limited.search(lookalike.engine.queries.Cropped(
            tmp_path / "large.png", lookalike.images.Crop(0, 0, 10, 10)))  # fmt: skip
    assert opened.search(tmp_path / "large.png").hits


def test_many_queries_are_decoded_as_few_are(photos: Path, tmp_path: Path):
    opened = lookalike.open(photos.parent / "e.lookalike")
    files = [tmp_path / name for name in seeds()]
    for file, data in zip(files, seeds().values(), strict=True):
        file.write_bytes(data)
    (tmp_path / "bad.png").write_bytes(b"words")
    unreadable: list[Exception] = []
    many = opened.search_many([*files, tmp_path / "bad.png"], on_unreadable=unreadable.append)
    few = [opened.search(file) for file in files]
    assert [hits.query for hits in many] == [hits.query for hits in few]
    for some, others in zip(many, few, strict=True):
        assert [one.score for one in some] == pytest.approx([one.score for one in others], abs=1e-4)
    assert [str(error) for error in unreadable] == [
        f"the query cannot be read: cannot read {tmp_path}/bad.png: "
        "it is not a picture of a known format"
    ]


def test_limits_on_the_command_line(photos: Path):
    engine = photos.parent / "e.lookalike"
    (photos / "large.png").write_bytes(png(300, 200) + bytes(60_000))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["sync", str(engine), *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "1 skipped" in run("--max-pixels", "50K", "--time-limit", "25")
    assert lookalike.open(engine).limits == IntakeLimits(
        50_000, LIMITS.max_bytes, 25.0, LIMITS.memory
    )
    assert "1 skipped" in run("--max-pixels", "1M", "--max-file-size", "50K")
    assert "1 added" in run("--max-file-size", "1G", "--memory-limit", "1G")
    assert lookalike.open(engine).limits == IntakeLimits(1_000_000, 10**9, 25.0, 10**9)
    with pytest.raises(SettingsError, match="'lots' is no amount"):
        CliRunner().invoke(
            app, ["sync", str(engine), "--max-pixels", "lots"], catch_exceptions=False
        )
    manifest = engine / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"max_pixels"', '"most_pixels"'))
    with pytest.raises(EngineError, match="manifest is damaged"):
        _ = Engine(engine).limits


def test_a_folder_of_any_name_is_built_synced_and_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / os.fsdecode(b"caf\xe9\nx") / "a"
    folder.mkdir(parents=True)
    for number in range(8):
        draw_picture("disc", number).save(folder / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    engine = lookalike.build(folder.parent, epochs=1, size=16, report=False, device="cpu")
    assert engine.layout.directory.name == r"caf\xe9\x0ax.lookalike"
    draw_picture("disc", 9).save(folder / "9.png")
    assert engine.sync().as_dict()["added"] == 1
    assert engine.search(folder / "3.png", 1, include_self=True).paths == ("a/3.png",)
    assert len(index_engine(engine.layout.directory, device="cpu")) == 9
    shown = CliRunner().invoke(app, ["info", str(engine.layout.directory), "--json"]).stdout
    assert json.loads(shown)["counts"]["gallery"] == 9
    with pytest.raises(EngineError, match="not UTF-8"):
        lookalike.build(folder.parent, folder.with_suffix(".lookalike"), epochs=1, device="cpu")


def test_a_build_of_only_bad_files_is_an_error_of_one_line(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(b"words")
    started = time.monotonic()
    with pytest.raises(
        lookalike.LookalikeError, match="not one of its 3 pictures can be read"
    ) as e:
        lookalike.build(tmp_path / "photos", tmp_path / "e", epochs=1, device="cpu")
    assert "\n" not in str(e.value)
    assert time.monotonic() - started < 60
