"""Command lines: the one that makes an engine again, those that move its duplicates."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.limiting import limits_of
from lookalike.engine.manifest import Manifest
from lookalike.images import IntakeLimits

if TYPE_CHECKING:
    from lookalike.engine.duplicate_groups import Duplicates

__all__ = ["build_command", "move_commands"]


def build_command(manifest: Manifest, directory: Path) -> str:
    """Return the `lookalike build` that makes an engine like this one, quoted for a shell.

    Every option that was chosen is in it; what was left to the preset is not.

    Args:
        manifest: the engine's.
        directory: where the engine is.
    """
    words = ["lookalike", "build", manifest.source, "-o", str(directory.resolve())]
    for name, folder in manifest.folders.items():
        words += ["--add", f"{name}={folder}"]
    chosen = {"preset": manifest.preset, "seed": manifest.seed, **manifest.settings["chosen"]}
    for name, value in chosen.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif (name, value) != ("device", "auto"):
            words += [f"--{option}", str(value)]
    return shlex.join([*words, *_limits(manifest)])


def move_commands(directory: Path, found: Duplicates) -> tuple[str, ...]:
    """Return the commands that move these duplicates away, and back.

    Args:
        directory: the engine's.
        found: what was found, and how.
    """
    asked = ["lookalike", "duplicates", str(directory), "--kind", ",".join(found.kinds)]
    asked += ["--at-least", f"{found.at_least:g}"]
    if found.where is not None:
        asked += ["--where", found.where]
    if found.rule.keep != "best":
        asked += ["--keep", found.rule.keep]
    for folder in found.rule.prefer:
        asked += ["--prefer", folder]
    words = shlex.join(asked)
    return (
        f"{words} --move-to DIR --dry-run",
        f"{words} --move-to DIR",
        "lookalike duplicates --undo DIR/undo.jsonl",
    )


def _limits(manifest: Manifest) -> list[str]:
    """Return the options of the limits that were chosen."""
    chosen, usual = limits_of(manifest), IntakeLimits()
    options = {
        "--max-pixels": (chosen.max_pixels, usual.max_pixels),
        "--max-file-size": (chosen.max_bytes, usual.max_bytes),
        "--time-limit": (chosen.seconds, usual.seconds),
        "--memory-limit": (chosen.memory, usual.memory),
    }
    pairs = ([option, f"{now}"] for option, (now, before) in options.items() if now != before)
    return [word for pair in pairs for word in pair]
