import importlib
import json
import subprocess
import sys

import pytest

from lookalike.benchmark import Bar, Effort, Outcome, apart, running
from lookalike.benchmark.__main__ import main
from lookalike.benchmark.running import run_suite
from lookalike.benchmark.suite import BENCHMARKS, machine, select
from lookalike.errors import BenchmarkError, SettingsError


def test_names_are_run_in_the_suites_order_and_all_without_any():
    names = tuple(BENCHMARKS)
    assert select(names[::-1]) == names
    assert select([]) == tuple(BENCHMARKS)
    with pytest.raises(SettingsError, match="choose among "):
        select(["decoding"])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_of_the_list_is_there(name):
    assert callable(importlib.import_module(f"lookalike.benchmark.{name}").measure)


def test_the_machine_is_described_without_its_name():
    found = vars(machine())
    assert set(found) == {"cores", "processor", "python", "libraries"}
    assert found["cores"] >= 1
    assert "torch" in found["libraries"]


def test_what_is_done_is_written_before_the_next_begins(monkeypatch, tmp_path):
    def one(name: str, effort: Effort) -> Outcome:
        if name == "start":
            raise BenchmarkError("the benchmark start failed")
        return Outcome(bars=(Bar("b", "1", "2", True),), figures={"seed": effort.seed})

    monkeypatch.setattr(running, "run_apart", one)
    monkeypatch.setattr(running, "select", tuple)
    save, page = tmp_path / "figures.json", tmp_path / "page.md"
    with pytest.raises(BenchmarkError, match="start failed"):
        run_suite(["search", "start"], Effort(seed=3), save=save, page=page)
    assert json.loads(save.read_text())["benchmarks"]["search"]["figures"] == {"seed": 3}
    assert "| b | 1 | 2 | yes |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("status", "part", "said"),
    [
        (1, None, r"growth failed \(ValueError: odd\): `python -m lookalike.benchmark growth '{"),
        (1, "twin", r"growth of twin failed \(ValueError: odd\): `python -m .* twin` shows"),
        (-9, None, r"growth failed \(ValueError: odd\)"),
        (apart.SAID, None, r"^ValueError: odd$"),
    ],
)
def test_a_benchmark_that_fails_names_its_reason(monkeypatch, status, part, said):
    done = subprocess.CompletedProcess([], status, "", "Trace\nValueError: odd\n")
    monkeypatch.setattr(apart.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(BenchmarkError, match=said):
        apart.run_apart("growth", Effort(), part)


def test_a_part_that_fails_is_told_once(monkeypatch, capsys):
    def fail(*_):
        raise BenchmarkError("the benchmark growth of twin failed")

    monkeypatch.setattr("lookalike.benchmark.__main__.run_benchmark", fail)
    monkeypatch.setattr(sys, "argv", ["lookalike.benchmark", "growth"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == apart.SAID
    assert capsys.readouterr().err == "the benchmark growth of twin failed\n"


def test_an_unknown_name_is_one_line_of_the_command():
    command = [sys.executable, "-m", "lookalike.cli", "benchmark", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "choose among " in done.stderr
