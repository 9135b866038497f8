"""Whether there may be a GPU, asked without torch: importing it takes longer than a query."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

__all__ = ["may_have_accelerator"]

# What the drivers of NVIDIA, of AMD and of a GPU under WSL make.
_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def may_have_accelerator() -> bool:
    """Return whether torch may find a GPU here; if not, it surely finds none."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform != "win32" and not any(Path(device).exists() for device in _DEVICES):
        return False
    from importlib.metadata import PackageNotFoundError, version  # most machines end before

    try:
        return not version("torch").endswith("+cpu")
    except PackageNotFoundError:
        return False
