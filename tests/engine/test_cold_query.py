"""What a query of one process imports: the command line is started for a single answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from drawing import draw_picture

# Heavy to import, and no use for an answer.
NEVER = {"torch", "matplotlib", "sklearn", "skimage", "scipy", "pandas", "openTSNE", "onnx"}

CODE = """
import json, sys
import lookalike
engine = lookalike.open(sys.argv[1])
hits = engine.search(sys.argv[2], 3)
print(json.dumps([len(hits), sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def modules_of(engine: Path, query: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(engine), query], capture_output=True, text=True, check=True
    )
    count, names = json.loads(done.stdout)
    assert count == 3
    return set(names)


def search(engine: Path, query: str) -> tuple[str, set[str]]:
    """Return what `lookalike search` prints, and the modules that it imported."""
    code = (
        "import sys; from lookalike.cli import main\n"
        f"sys.argv = ['lookalike', 'search', {str(engine)!r}, {query!r}, '-q']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout, {*done.stderr.split()}


def test_a_picture_file_is_answered_without_what_trains_and_draws(built: Path, tmp_path: Path):
    draw_picture("disc", 99).save(tmp_path / "new.png")
    assert not modules_of(built / "e.lookalike", str(tmp_path / "new.png")) & NEVER


def test_a_picture_of_the_gallery_needs_no_encoder_either(built: Path):
    found = modules_of(built / "e.lookalike", "disc/3.png")
    assert not found & (NEVER | {"onnxruntime"})


@pytest.mark.parametrize("query", ["disc/3.png", "FILE"])
def test_the_command_answers_with_as_little(built: Path, tmp_path: Path, query: str):
    if query == "FILE":
        query = str(tmp_path / "new.png")
        draw_picture("disc", 99).save(query)
    printed, found = search(built / "e.lookalike", query)
    assert "disc" in printed
    assert not {name.partition(".")[0] for name in found} & NEVER
    assert not {"lookalike.pictures", "lookalike.evaluation"} & found


def test_a_judged_answer_of_a_larger_gallery_imports_no_more(tmp_path: Path):
    from lookalike.benchmark.outcome import Effort
    from lookalike.benchmark.start import _make_engine

    engine, picture, _ = _make_engine(tmp_path, Effort(quick=True))
    printed, found = search(engine, str(picture))
    assert "%" in printed  # hits are judged
    assert not {name.partition(".")[0] for name in found} & NEVER
    # Each takes about as long to import as the search, and comes in unseen: with a first search
    # of many rows, with typer, with pyarrow when it is given an array.
    assert not {"faiss", "pydantic", "numpy.ma"} & found
