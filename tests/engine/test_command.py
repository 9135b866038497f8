"""The command in the report makes the same engine again: the command line reads it back."""

from __future__ import annotations

import html
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

import lookalike
from lookalike.cli.commands import app
from lookalike.cli.limits import chosen_limits
from lookalike.engine.command import build_command
from lookalike.engine.limiting import written_limits
from lookalike.engine.manifest import Manifest
from lookalike.engine.settings import BuildSettings
from lookalike.images import IntakeLimits


def read_back(command: str) -> dict[str, Any]:
    program, name, *words = shlex.split(command)
    assert (program, name) == ("lookalike", "build")
    build = typer.main.get_command(app).commands["build"]
    found = build.make_context("build", words).params
    # Versions of typer differ in when a path becomes one.
    paths = {name: Path(found[name]) for name in ("output", "weights") if found[name] is not None}
    return {**found, **paths}


def manifest_of(engine: Path, settings: BuildSettings, source: str) -> Manifest:
    manifest = lookalike.open(engine).manifest
    return replace(
        manifest,
        preset=settings.preset,
        seed=settings.seed,
        source=source,
        settings={**manifest.settings, "chosen": settings.chosen()},
    )


def test_every_chosen_option_is_read_back(engine_path: Path, tmp_path: Path):
    settings = BuildSettings(
        preset="animals-linear512", size=40, channels=1, latent=64, epochs=7, batch_size=9,
        learning_rate=0.0005, whiten=False, metric="inner", seed=11, device="cpu",
        weights=Path("my weights.pth"),
    )  # fmt: skip
    source, place = "/home/ann/my cats & dogs' $photos", tmp_path / "an engine.lookalike"
    found = read_back(build_command(manifest_of(engine_path, settings, source), place))
    assert found["source"] == source
    assert found["output"] == place
    again = BuildSettings(**{name: found[name] for name in BuildSettings.__dataclass_fields__})
    assert again == settings


def test_what_was_left_to_the_preset_is_left_out(engine_path: Path):
    manifest = manifest_of(engine_path, BuildSettings(whiten=True), "stamps")
    found = read_back(build_command(manifest, engine_path))
    assert found["whiten"] is True
    assert found["device"] == "auto"
    assert {found[name] for name in ("size", "epochs", "latent", "metric", "weights")} == {None}


def test_limits_that_were_chosen_are_read_back(engine_path: Path):
    limits = IntakeLimits(50_000_000, 10**8, 12.5, 10**9)
    manifest = replace(
        manifest_of(engine_path, BuildSettings(), "stamps"), limits=written_limits(limits)
    )
    found = read_back(build_command(manifest, engine_path))
    names = ("max_pixels", "max_file_size", "time_limit", "memory_limit")
    assert chosen_limits(None, *(found[name] for name in names)) == limits


def test_the_report_shows_it(engine_path: Path, photos: Path):
    page = html.unescape((engine_path / "reports" / "report.html").read_text(encoding="utf-8"))
    command = build_command(lookalike.open(engine_path).manifest, engine_path)
    assert command in page
    found = read_back(command)
    assert (found["epochs"], found["batch_size"], found["size"]) == (2, 8, 32)
    assert (found["source"], found["output"]) == (str(photos), engine_path)
