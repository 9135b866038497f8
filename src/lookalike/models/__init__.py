"""The networks: seven seed presets, pretrained encoders and the default, each in the registry."""

from lookalike.models.autoencoder import Autoencoder, PretrainedEncoder
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
