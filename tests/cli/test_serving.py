from __future__ import annotations

import subprocess
import sys
import time

import pytest

from lookalike.cli import main

BUSY = """
import threading, time
from lookalike.cli import serving
serving._PATIENCE = 0.2
threading.Thread(target=time.sleep, args=({seconds},)).start()
serving._leave()
print("in peace")
"""


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "in peace\n"), (600, "")])
def test_nobody_waits_for_what_takes_long(seconds, said):
    began = time.monotonic()
    code = BUSY.format(seconds=seconds)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == said
    assert time.monotonic() - began < 60


def test_wrong_words_are_one_line(capsys, monkeypatch, engine_path):
    for words, wrong in (
        (["--host", "0.0.0.0", "--token", "short"], "8 or more letters"),
        (["--token", "short"], "8 or more letters"),
        (["--port", "99999"], "port is 99999"),
        (["--allow-origin", "example.org"], "wanted one as https://example.org"),
        (["--host", "999.1.1.1", "--token", "long-enough"], "cannot listen at 999.1.1.1:8000"),
    ):
        monkeypatch.setattr(sys, "argv", ["lookalike", "serve", str(engine_path), *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 1
        said = capsys.readouterr().err
        assert wrong in said
        assert said.count("\n") == 1


def test_there_must_be_an_engine(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["lookalike", "serve", str(tmp_path / "none.lookalike")])
    with pytest.raises(SystemExit):
        main()
    assert "no engine at" in capsys.readouterr().err
