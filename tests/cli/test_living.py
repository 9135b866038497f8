from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawing import draw_picture

from lookalike.cli import main

# Lets Ctrl-C interrupt the program although the tests were started where it is ignored.
HEEDS_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from lookalike.cli import main; main()"
)


@pytest.fixture
def place(photos: Path, engine_path: Path, tmp_path: Path) -> Path:
    """An engine and its folder `photos` beside it, both free to be changed."""
    shutil.copytree(photos, tmp_path / "photos")
    made = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, made, ignore=shutil.ignore_patterns("spectral"))
    manifest = made / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(photos), str(tmp_path / "photos")))
    return made


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[str, str]:
    """Run the command line here; return what it prints to people and to the error stream."""
    before = sys.argv
    sys.argv = ["lookalike", *map(str, words)]
    try:
        with pytest.raises(SystemExit) as end:
            main()
    finally:
        sys.argv = before
    printed = capsys.readouterr()
    assert end.value.code in (0, None), printed.err
    return printed.out, printed.err


def test_sync_history_restore(place: Path, capsys: pytest.CaptureFixture[str]):
    photos = place.parent / "photos"
    draw_picture("disc", 90).save(photos / "new.png")
    (photos / "disc" / "00.png").rename(photos / "disc" / "moved.png")
    out, _ = run(capsys, "sync", place, "--dry-run", "-q")
    assert out.startswith(f"{place}: would be 1 added, 1 moved, 35 unchanged, 1 skipped; 1 ")
    out, err = run(capsys, "sync", place)
    assert out.startswith(f"{place}: 1 added, 1 moved, 35 unchanged, 1 skipped; 37 pictures")
    assert "pictures/s" in err
    out, _ = run(capsys, "sync", place, "--json", "-q")
    facts = json.loads(out)
    assert (facts["unchanged"], facts["skipped"], facts["pictures"]) == (37, 1, 37)
    out, _ = run(capsys, "info", place)
    assert "37 to search" in out
    out, _ = run(capsys, "info", place, "--skipped")
    assert "broken.jpg" in out
    states = json.loads(run(capsys, "history", place, "--json")[0])
    assert [states[0]["pictures"], states[-1]["pictures"]] == [36, 37]
    out, _ = run(capsys, "history", place)
    assert "go back: lookalike restore" in out
    out, _ = run(capsys, "restore", place, states[0]["version"])
    assert "36 pictures to search" in out
    out, _ = run(capsys, "search", place, "disc/00.png", "-k", "1", "-q")
    assert "disc/" in out


def test_watching_follows_the_folder_until_stopped(place: Path):
    photos = place.parent / "photos"
    words = [sys.executable, "-c", HEEDS_CTRL_C, "sync", str(place), "--watch", "--every", "0.2",
             "--json", "-q"]  # fmt: skip
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    ) as job:
        assert job.stdout is not None
        assert json.loads(job.stdout.readline())["unchanged"] == 36
        draw_picture("disc", 91).save(photos / "half.tmp", "PNG")
        (photos / "half.tmp").rename(photos / "new.png")
        facts = json.loads(job.stdout.readline())
        assert (facts["added"], facts["pictures"]) == (1, 37)
        photos.rename(photos.with_name("away"))
        time.sleep(1)
        photos.with_name("away").rename(photos)
        (photos / "new.png").unlink()
        assert json.loads(job.stdout.readline())["removed"] == 1
        job.send_signal(signal.SIGINT)
        _, err = job.communicate(timeout=60)
        assert job.returncode == 0, err
        assert "is not there" in err
        assert "Traceback" not in err


def test_settings_that_do_not_go_together(place: Path, capsys: pytest.CaptureFixture[str]):
    for words, message in (
        (("--watch", "--dry-run"), "dry-run once: leave one out"),
        (("--watch", "--every", "0"), "wanted above 0"),
    ):
        sys.argv = ["lookalike", "sync", str(place), *words]
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 1
        assert message in capsys.readouterr().err


def test_further_folders(place: Path, capsys: pytest.CaptureFixture[str]):
    archive = place.parent / "archive"
    archive.mkdir()
    for number in range(3):
        draw_picture("stripes", 80 + number).save(archive / f"{number}.png")
    out, _ = run(capsys, "sync", place, "--add", archive, "-q")
    assert "3 added" in out
    out, _ = run(capsys, "search", place, "@archive/1.png", "-k", "40", "-q")
    assert "@archive/2.png" in out
    out, _ = run(capsys, "info", place)
    assert f"{archive} as @archive\n" in out
    shutil.rmtree(archive)
    out, _ = run(capsys, "sync", place, "-q")
    assert "3 kept" in out
    assert "  @archive: the folder is not there; is its disk mounted?\n" in out
    out, _ = run(capsys, "info", place)
    assert "away      @archive: the folder is not there; is its disk mounted?" in out
    out, _ = run(capsys, "sync", place, "--drop", "@archive", "-q")
    assert "3 removed" in out


def test_accelerate_and_what_info_says(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lookalike.gallery.indexing.FEWEST", 10)
    printed, _ = run(capsys, "info", place)
    assert "all embeddings in memory, exactly; no index" in printed
    assert "1 kept" in printed
    printed, _ = run(capsys, "accelerate", place, "-q")
    assert "finds 100.0% of the true 10 nearest (98.0% wanted)" in printed
    assert "--search-with indexed" in printed
    plain, _ = run(capsys, "search", place, "disc/00.png", "-q", "--json")
    found, _ = run(
        capsys, "search", place, "disc/00.png", "-q", "--json", "--search-with", "indexed"
    )
    assert json.loads(found) == json.loads(plain)
    printed, _ = run(capsys, "accelerate", place, "--memory", "0", "--json", "-q")
    assert json.loads(printed)["search"] == "indexed"
    facts = json.loads(run(capsys, "info", place, "--json")[0])["gallery"]
    assert facts["index"]["recall"] == 1
    assert facts["versions"] >= 3
    printed, _ = run(capsys, "accelerate", place, "--remove")
    assert "no index" in printed
    _, errors = run(capsys, "search", place, "disc/00.png", "-q")
    assert "read from the disk for every search" in errors
