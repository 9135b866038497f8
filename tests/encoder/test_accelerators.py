from __future__ import annotations

import importlib.metadata
import sys

import pytest

from lookalike.encoder import accelerators


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the devices of Linux")
@pytest.mark.parametrize(
    ("device", "torch", "wanted"),
    [
        (False, "2.13.0+cu130", False),
        (True, "2.13.0+cu130", True),
        (True, "2.13.0+cpu", False),
        (True, None, False),
    ],
)
def test_it_takes_a_device_and_a_torch_that_can_use_it(
    device: bool, torch: str | None, wanted: bool, tmp_path, monkeypatch
):
    there = tmp_path / "nvidia0"
    if device:
        there.touch()

    def version(name: str) -> str:
        if torch is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return torch

    monkeypatch.setattr(accelerators, "_DEVICES", (str(there),))
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert accelerators.may_have_accelerator() == wanted
