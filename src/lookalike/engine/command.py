"""The command line that makes an engine again."""

from __future__ import annotations

import shlex
from pathlib import Path

from lookalike.engine.manifest import Manifest

__all__ = ["build_command"]


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
    return shlex.join(words)
