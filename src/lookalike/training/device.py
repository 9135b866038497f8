"""Choosing where to compute."""

from __future__ import annotations

import torch

from lookalike.errors import SettingsError

__all__ = ["resolve_device"]

CHOICES = "auto, cpu, cuda, cuda:0, mps"


def resolve_device(name: str = "auto") -> torch.device:
    """Return the device called `name`.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto": CUDA where there is one, else the Apple
            GPU, else the CPU.

    Raises:
        SettingsError: there is no such device, here or at all.
    """
    if name == "auto":
        return torch.device(_best())
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"unknown device {name!r}: wanted one of {CHOICES}") from None
    check = {"cpu": _check_cpu, "cuda": _check_cuda, "mps": _check_mps}.get(device.type)
    if check is None:
        raise SettingsError(f"device {name!r} is not supported: wanted one of {CHOICES}")
    check(device)
    return device


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_cpu(device: torch.device) -> None:
    if device.index not in (None, 0):
        raise SettingsError(f"there is no device '{device}': the CPU is one device, called cpu")


def _check_cuda(device: torch.device) -> None:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise SettingsError(
            f"device '{device}' was asked for, but torch {torch.__version__} sees no CUDA GPU "
            "here: use --device auto or cpu, or install a CUDA build of torch"
        )
    if (device.index or 0) >= count:
        raise SettingsError(
            f"there is no device '{device}': the GPUs here are cuda:0 to cuda:{count - 1}"
        )


def _check_mps(device: torch.device) -> None:
    if not torch.backends.mps.is_available():
        raise SettingsError(
            f"device '{device}' was asked for, but torch {torch.__version__} sees no Apple GPU "
            "here: use --device auto or cpu"
        )
