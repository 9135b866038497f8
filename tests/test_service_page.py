"""The commands and the code of docs/service.md do what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn

PAGE = (Path(__file__).parent.parent / "docs" / "service.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def address(engine_path: Path, tmp_path_factory: pytest.TempPathFactory):
    """A service of the engine in which the page's reader searches, and which it syncs."""
    from lookalike.serve import ServeSettings, create_app

    engine = tmp_path_factory.mktemp("served") / "photos.lookalike"
    shutil.copytree(engine_path, engine)
    config = uvicorn.Config(create_app(engine, ServeSettings()), port=0, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def place(photos: Path, tmp_path: Path) -> Path:
    shutil.copy(photos / "square" / "03.jpg", tmp_path / "query.jpg")
    return tmp_path


def test_the_commands_to_serve_are_understood():
    from typer.main import get_command

    from lookalike.cli.commands import app

    (block,) = (one for one in blocks("") if one.startswith("lookalike "))
    for line in block.splitlines():
        words = shlex.split(line)[1:]
        command = get_command(app).commands[words[0]]  # type: ignore[attr-defined]
        command.make_context(words[0], words[1:])


def answers_of(block: str, address: str, place: Path) -> list[str]:
    """Run commands one after the other; return what each prints."""
    answers = []
    for command in block.replace("\\\n", "").splitlines():
        words = shlex.split(command.replace("127.0.0.1:8000", address))
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, check=True)
        answers.append(done.stdout)
    return answers


def run(code: str, address: str, place: Path) -> list[str]:
    """Run a program; return the lines that it prints."""
    code = code.replace("127.0.0.1:8000", address)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.server
def test_the_curl_commands(address: str, place: Path):
    answers = [answer for block in blocks("sh") for answer in answers_of(block, address, place)]
    assert all(answer.startswith('{"hits":[{"rank":1,') for answer in answers[:3])
    assert not any('"error":{' in answer for answer in answers)
    assert (place / "hits.csv").read_text(encoding="utf-8-sig").startswith("rank,score,")


@pytest.mark.server
def test_the_python(address: str, place: Path):
    lines = run(blocks("python")[0].replace("dogs", "square"), address, place)
    assert len(lines) == 3
    assert all(" square/" in line for line in lines)


@pytest.mark.server
def test_the_python_of_a_job(address: str, place: Path):
    assert run(blocks("python")[1], address, place)[-1].startswith("done {")


@pytest.mark.server
def test_the_python_of_the_map(address: str, place: Path):
    assert run(blocks("python")[2], address, place) == ["36 (2048, 2048)"]


def test_the_settings_are_those_that_there_are(engine_path: Path):
    code = blocks("python")[-1]
    assert "ServeSettings(" in code
    exec(code.replace("photos.lookalike", str(engine_path)), found := {})
    found["app"].state.lookalike.close()


def test_the_table_of_operations_names_some_that_there_are(engine_path: Path):
    from lookalike.serve import ServeSettings, create_app

    app = create_app(engine_path, ServeSettings())
    paths = {re.sub(r"\{\w+\}", "{id}", path) for path in app.openapi()["paths"]}
    app.state.lookalike.close()
    for row in re.findall(r"^\| (`(?:GET|POST) [^|]*) \|", PAGE, re.MULTILINE):
        prefix = ""
        for named in re.findall(r"`(?:GET |POST )?(/[^`]*)`", row):
            name = re.sub(r"\{\w+\}", "{id}", named)
            full = f"/api/v1{name}"
            beside = f"{prefix.rpartition('/')[0]}{name}"
            assert full in paths or beside in paths, name
            prefix = full if full in paths else beside
