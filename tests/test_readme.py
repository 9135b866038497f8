"""The README's commands and code do what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = {"disc": "cats", "square": "dogs", "stripes": "fish"}


@pytest.fixture(scope="module")
def place(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README's reader has it: `photos` and a query."""
    root = tmp_path_factory.mktemp("reader")
    for kind, name in NAMES.items():
        shutil.copytree(photos / kind, root / "photos" / name)
    shutil.copy(root / "photos" / "dogs" / "03.jpg", root / "query.jpg")
    return root


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_commands_run_in_their_order(place: Path):
    lines = [
        shlex.split(line, comments=True)
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("lookalike ")
    ]
    after = ["serve", "evaluate", "sync", "duplicates", "info"]
    assert [words[1] for words in lines] == ["build", *["search"] * 3, *after]
    for words in lines:
        if words[1] == "serve":
            assert "stopped" in serve_and_stop(words, place)
            continue
        quick = ["--epochs", "1", "--size", "16", "--no-report"] if words[1] == "build" else []
        done = subprocess.run(
            [sys.executable, "-m", "lookalike.cli", *words[1:], *quick],
            cwd=place, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.stderr}"
        assert done.stdout
    assert (place / "hits.png").stat().st_size > 1000


def serve_and_stop(words: list[str], place: Path) -> str:
    """Start a service, ask it for its page, press Ctrl-C; return what it said."""
    # Lets Ctrl-C interrupt it although the tests were started where it is ignored.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lookalike.cli import main; main()"
    )
    command = [sys.executable, "-c", program, *words[1:], "--port", "0"]
    with subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        (address,) = re.findall(r"http://\S+", said)
        with urlopen(address) as answer:
            assert "<title>" in answer.read().decode()
        process.send_signal(signal.SIGINT)
        return said + process.stderr.read()


def test_the_python_runs(place: Path):
    (code,) = blocks("python")
    shutil.rmtree(place / "photos.lookalike", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    paths, precision = done.stdout.splitlines()
    assert paths.count("'") == 6
    assert 0 <= float(precision) <= 1


def test_what_it_names_exists():
    for target in re.findall(r"\]\(((?:docs|src)/[^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"^  ([a-z_]+(?:/|\.py)) ", README, re.MULTILINE):
        assert (ROOT / "src" / "lookalike" / path).exists(), path
    assert len(README.splitlines()) < 150


def test_every_command_is_documented():
    from lookalike.cli.commands import app

    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    missing = {name for name in names if not re.search(rf"`?(lookalike )?{name}\b", README)}
    assert not missing
