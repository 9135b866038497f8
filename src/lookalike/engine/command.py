"""The command line that makes an engine again."""

from __future__ import annotations

import shlex
from pathlib import Path

from lookalike.engine.limiting import limits_of
from lookalike.engine.manifest import Manifest
from lookalike.images import IntakeLimits

__all__ = ["build_command"]


def build_command(manifest: Manifest, directory: Path) -> str:
    """Return the `lookalike build` that makes an engine like this one, quoted for a shell.

    Every option that was chosen is in it; what was left to the preset is not.

    Args:
        manifest: the engine's.
        directory: where the engine is.
    """
    words = ["lookalike", "build", manifest.source, "-o", str(directory.resolve())]
    chosen = {"preset": manifest.preset, "seed": manifest.seed, **manifest.settings["chosen"]}
    for name, value in chosen.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        elif (name, value) != ("device", "auto"):
            words += [f"--{option}", str(value)]
    return shlex.join([*words, *_limits(manifest)])


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
