"""`lookalike duplicates`: what it prints, writes, moves, and puts back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from drawing import draw_picture

import lookalike
from lookalike.cli import main


def run_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path
) -> tuple[int, str, str]:
    """Run the command within this process, which is much quicker; return code and streams."""
    monkeypatch.setattr(sys, "argv", ["lookalike", "duplicates", *map(str, words)])
    with pytest.raises(SystemExit) as exit_:
        main()
    streams = capsys.readouterr()
    return int(exit_.value.code or 0), streams.out, streams.err


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lookalike.cli", "duplicates", *map(str, words)],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli")
    photos = root / "photos"
    (photos / "copies").mkdir(parents=True)
    for number in range(5):
        draw_picture("square", number).save(photos / f"{number}.png")
        os.utime(photos / f"{number}.png", (1_500_000_000, 1_500_000_000))
    shutil.copyfile(photos / "0.png", photos / "copies" / "[red]0.png")
    draw_picture("square", 1).save(photos / "copies" / "1.bmp")
    lookalike.build(
        photos, root / "e.lookalike", epochs=1, batch_size=4, size=16, report=False, device="cpu"
    )
    return root / "e.lookalike"


def test_a_table_with_reasons(engine: Path):
    done = run(engine, "--kind", "exact,same-pixels", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0].startswith("2 pictures are there more than once, in 2 groups: ")
    assert "copies/[red]0.png" in done.stdout  # no markup
    assert "same-pixels" in done.stdout
    assert "kept: the oldest, of 2017-07-1" in done.stdout
    short = run(engine, "--kind", "exact,same-pixels", "-n", "1", "-q").stdout
    assert "1 more groups: -n 0 prints all" in short
    assert "1.bmp" not in short


def test_json_and_a_page(engine: Path, tmp_path: Path):
    page = tmp_path / "d.html"
    done = run(engine, "--kind", "exact", "--page", page, "--json", "-q")
    answer = json.loads(done.stdout)
    assert answer["pages"] == [str(page)]
    assert answer["groups"][0]["others"][0]["path"] == "copies/[red]0.png"
    assert "[red]0.png" in page.read_text(encoding="utf-8")
    assert "moved" not in answer


def test_there_and_back(engine: Path, tmp_path: Path):
    away = tmp_path / "away"
    photos = engine.parent / "photos"
    dry = run(engine, "--move-to", away, "--dry-run", "-q")
    assert "2 files, " in dry.stdout
    assert f"would be moved to {away}" in dry.stdout
    assert not away.exists()
    done = run(engine, "--move-to", away, "-q")
    assert done.returncode == 0, done.stderr
    assert f"lookalike duplicates --undo {away / 'undo.jsonl'}" in done.stdout
    assert f"lookalike sync {engine}" in done.stdout
    assert sorted(file.name for file in (away / "copies").iterdir()) == ["1.bmp", "[red]0.png"]
    back = run("--undo", away / "undo.jsonl", "--json", "-q")
    assert json.loads(back.stdout)["files"] == 2
    assert (photos / "copies" / "1.bmp").is_file()
    assert run("--undo", away / "undo.jsonl", "-q").stdout.startswith("0 files put back")


def test_only_what_is_certain_is_moved_unless_named(
    engine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    words = (engine, "--move-to", tmp_path / "a", "--dry-run", "--json", "-q")
    moved = run_here(monkeypatch, capsys, *words)[1]
    assert json.loads(moved)["kinds"] == ["exact", "same-pixels"]
    named = run_here(monkeypatch, capsys, *words, "--kind", "edited")[1]
    assert json.loads(named)["kinds"] == ["edited"]


def test_bad_input_is_one_line(
    engine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    for words, why in (
        ((engine, "--kind", "all"), "unknown kind 'all'"),
        ((engine, "--at-least", "2"), "no probability"),
        ((engine, "--keep", "all"), "unknown rule 'all'"),
        ((engine, "--page", tmp_path / "a.png"), "ends in .html"),
        ((engine, "--move-to", engine.parent / "photos" / "d"), "where the pictures are"),
        ((tmp_path / "none",), "no engine"),
        (("--undo", tmp_path / "none"), "no undo file"),
    ):
        code, _, errors = run_here(monkeypatch, capsys, *words, "-q")
        assert code == 1
        (line,) = errors.splitlines()
        assert line.startswith("lookalike: ")
        assert why in line


@pytest.mark.parametrize(
    "words", [(), ("E", "--undo", "u"), ("E", "--dry-run"), ("--undo", "u", "--move-to", "d")]
)
def test_wrong_usage(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert run_here(monkeypatch, capsys, *words)[0] == 2


def test_a_page_that_cannot_be_written_does_not_cost_the_answer(
    engine: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    (tmp_path / "file").write_text("no folder")
    page = tmp_path / "file" / "a.html"
    code, out, errors = run_here(
        monkeypatch, capsys, engine, "--kind", "exact", "--page", page, "--json", "-q"
    )
    assert code == 1
    assert len(json.loads(out)["groups"]) == 1
    assert "cannot write" in errors
