"""The networks: seven seed presets, pretrained encoders and the default, each in the registry.

The registry is read without torch; a network imports it when it is built.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lookalike.models.preset import Preset, PresetSummary, TrainingSettings
from lookalike.models.presets import (
    DEFAULT_PRESET,
    PRESETS,
    WEIGHTS_HOME,
    build_model,
    get_preset,
    resolve_image,
    summarise,
)

if TYPE_CHECKING:
    from lookalike.models.autoencoder import Autoencoder, PretrainedEncoder

__all__ = [
    "DEFAULT_PRESET",
    "PRESETS",
    "WEIGHTS_HOME",
    "Autoencoder",
    "Preset",
    "PresetSummary",
    "PretrainedEncoder",
    "TrainingSettings",
    "build_model",
    "get_preset",
    "resolve_image",
    "summarise",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute can be anything
    if name not in ("Autoencoder", "PretrainedEncoder"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("lookalike.models.autoencoder"), name)
