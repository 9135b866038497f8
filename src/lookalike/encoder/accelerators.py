"""Whether there may be a GPU, asked without torch: importing it takes longer than a query."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["may_have_accelerator"]

# What the drivers of NVIDIA, of AMD and of a GPU under WSL make.
_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")


def may_have_accelerator() -> bool:
    """Return whether torch may find a GPU here; if not, it surely finds none."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        if version("torch").endswith("+cpu"):
            return False
    except PackageNotFoundError:
        return False
    return sys.platform == "win32" or any(Path(device).exists() for device in _DEVICES)
