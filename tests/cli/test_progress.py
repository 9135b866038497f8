"""Bars fit the terminal: at 80 columns nothing of a training's message is cut off."""

from __future__ import annotations

import io
import re

import pytest

from lookalike.cli.progress import WIDE, show_progress
from lookalike.types import Progress

LOSSES = "epoch 190/300 · loss 0.1234 · validation 0.1234"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch):
    def lines(columns: int, *steps: Progress) -> list[str]:
        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm-256color")
        with show_progress() as on_progress:
            for step in steps:
                on_progress(step)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())  # colours
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\n", plain)  # moves of the cursor
        return [line.rstrip() for line in re.split(r"[\r\n]+", plain) if line.strip()]

    return lines


def training(rate: str) -> Progress:
    return Progress("train", 9_000_000, 18_000_000, f"{LOSSES} · {rate} images/s")


@pytest.mark.parametrize("columns", [80, 109])
def test_a_narrow_terminal_shows_the_losses_whole_without_the_rate(draw, columns: int):
    text = "\n".join(lines := draw(columns, training("12,345")))
    assert LOSSES in text
    assert "images/s" not in text
    assert " 50%" in text
    assert max(map(len, lines)) <= columns
    assert len(re.findall(r"\d:\d\d|-:--", lines[-1])) <= 1


def test_a_wide_terminal_shows_everything(draw):
    text = "\n".join(lines := draw(WIDE, training("12,345")))
    assert f"{LOSSES} · 12,345 images/s" in text
    assert "9000000/18000000" in text
    assert max(map(len, lines)) <= WIDE


def test_a_job_of_unknown_length_claims_no_total(draw):
    assert "/100" not in "".join(draw(WIDE, Progress("fetch", 5, 0)))
    assert "%" not in "".join(draw(80, Progress("fetch", 5, 0)))
