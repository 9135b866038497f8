"""The commands that draw what only a decoder can show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import lookalike

A, B = "disc/00.png", "stripes/02.png"
COMMANDS = (("oddities",), ("clusters",), ("between", A, B))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-m", "lookalike.cli", *map(str, words)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip


def fails(*words: str | Path) -> str:
    done = run(*words)
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("lookalike: ")]
    assert "Traceback" not in done.stderr
    return line


def words_of(command: tuple[str, ...], engine: Path, *more: str | Path) -> list[str | Path]:
    name, *queries = command
    return [name, engine, *queries, *more, "--device", "cpu"]


@pytest.mark.parametrize(
    ("command", "options", "stage"),
    [
        (COMMANDS[0], ("-n", "5"), "rebuild: 36/36"),
        (COMMANDS[1], ("-n", "4", "--seed", "3"), "average: 4/4"),
        (COMMANDS[2], ("--steps", "3"), "embed: 2/2"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_table_json_and_a_picture(
    engine_path: Path, tmp_path: Path, command: tuple[str, ...], options: tuple, stage: str
):
    place = tmp_path / "deep" / "drawn.webp"
    done = run(*words_of(command, engine_path, *options, "-o", place))
    assert done.returncode == 0, done.stderr
    assert stage in done.stderr.splitlines()
    assert done.stdout.splitlines()[-1] == f"picture: {place}"
    with Image.open(place) as drawn:
        assert drawn.size[0] > 300
    quiet = run(*words_of(command, engine_path, *options, "-o", place, "--json", "--quiet"))
    assert quiet.stderr == ""
    answer = json.loads(quiet.stdout)
    assert answer.pop("picture") == str(place)
    engine = lookalike.open(engine_path, device="cpu")
    expected = {
        "oddities": lambda: engine.oddities(5),
        "clusters": lambda: engine.clusters(4, seed=3),
        "between": lambda: engine.between(A, B, steps=3),
    }[command[0]]()
    expected = json.loads(json.dumps(expected.as_dict()))
    rows = {"oddities": "oddities", "clusters": "clusters", "between": "steps"}[command[0]]
    assert len(answer[rows]) == len(expected[rows]) > 2
    for one, other in zip(answer[rows], expected[rows], strict=True):
        # Another process may add in another order.
        for name, value in other.items():
            assert one[name] == (pytest.approx(value) if isinstance(value, float) else value)
        assert str(one.get("path") or one["members"][0]) in done.stdout


def test_the_picture_goes_to_the_reports(engine_path: Path, tmp_path: Path):
    import shutil

    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    for command in COMMANDS:
        name = place / "reports" / f"{command[0]}.png"
        assert not name.exists()
        assert f"picture: {name}" in run(*words_of(command, place)).stdout
        assert name.stat().st_size > 1000


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_cannot_be_written_does_not_cost_the_answer(
    engine_path: Path, tmp_path: Path, command: tuple[str, ...]
):
    (tmp_path / "file").write_text("no folder")
    done = run(*words_of(command, engine_path, "-o", tmp_path / "file" / "a.png", "--json"))
    assert done.returncode == 1
    assert json.loads(done.stdout)["picture"] is None
    assert "cannot write" in done.stderr
    line = fails(*words_of(command, engine_path, "-o", tmp_path / "a.txt"))
    assert "ends in .png" in line


def test_bad_input_is_one_line(engine_path: Path):
    assert "0 oddities" in fails("oddities", engine_path, "-n", "0")
    assert "0 clusters" in fails("clusters", engine_path, "-n", "0")
    assert "1 steps: wanted 2 to 100" in fails("between", engine_path, A, B, "--steps", "1")
    assert "neither a picture file" in fails("between", engine_path, A, "nowhere.png")
    assert run("between", engine_path, A).returncode == 2


def test_notes_go_to_standard_error(engine_path: Path, tmp_path: Path):
    done = run("clusters", engine_path, "-n", "40", "-o", tmp_path / "a.png", "-q", "--json")
    assert done.stderr == "lookalike: 40 clusters were asked for, 36 found: more would be empty\n"
    assert json.loads(done.stdout)["note"] == done.stderr.removeprefix("lookalike: ").strip()
