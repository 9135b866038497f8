"""The commands and the code of docs/export.md do what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike

PAGE = (Path(__file__).parent.parent / "docs" / "export.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(engine_path: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("exported")
    (root / "photos.lookalike").symlink_to(engine_path)
    Image.open(photos / "disc" / "01.jpg").save(root / "query.jpg")
    return root


def run(words: list[str], place: Path) -> str:
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_and_then_the_code(place: Path, engine_path: Path):
    for line in blocks("")[0].splitlines():
        words = shlex.split(line, comments=True)
        run([sys.executable, "-m", "lookalike.cli", *words[1:]], place)
    engine = lookalike.open(engine_path)
    files = {name: (place / name).read_bytes() for name in ("photos.onnx", "encoder.onnx")}
    assert len(set(files.values())) == 1
    (code,) = blocks("python")
    assert "lookalike" not in code
    printed = run([sys.executable, "-c", code], place)
    assert printed == f"(1, {sum(engine.encoder.widths)})\n"


def test_the_code_embeds_as_the_engine_does(place: Path, engine_path: Path):
    engine = lookalike.open(engine_path)
    engine.export(place / "photos.onnx")
    before = Path.cwd()
    names: dict[str, np.ndarray] = {}
    os.chdir(place)
    try:
        exec(blocks("python")[0], names)
    finally:
        os.chdir(before)
    (wanted,) = engine.embed([place / "query.jpg"])
    assert float(names["embedding"][0] @ wanted) > 0.99  # decoding differs by a little


def test_what_is_written_is_told(engine_path: Path, tmp_path: Path):
    engine = lookalike.open(engine_path)
    made = engine.export(tmp_path / "e.onnx")
    assert made.megabytes == round(made.file.stat().st_size / 1e6, 2)
    assert made.difference <= 1e-4
    assert made.pictures == 19
    assert made.as_dict()["fingerprint"] == engine.manifest.fingerprint
    assert made.lines()[2] == f'gives "embedding": float32 (N, {made.numbers})'
