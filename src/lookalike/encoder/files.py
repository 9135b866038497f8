"""A trained encoder on disk: JSON and safetensors, no pickle.

This module alone knows the names of the files inside an engine's `encoder/` directory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from lookalike.errors import EngineError, SettingsError, StorageError
from lookalike.images.spec import ImageSpec
from lookalike.models import get_preset
from lookalike.models.autoencoder import Network
from lookalike.parts import PartedWhitening
from lookalike.storage import recover, replace_directory, storage_errors, sync_tree, write_text
from lookalike.whitening import Whitening

__all__ = ["SavedEncoder", "read_encoder", "write_encoder"]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WHITENING = "whitening.safetensors"
FORMAT = "lookalike-encoder"
VERSION = 1
# What the readers of JSON, safetensors and torch raise on files that are not what they should be.
_DAMAGES = (OSError, RuntimeError, SafetensorError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class SavedEncoder:
    """What a directory holds of an encoder; `Encoder` takes each by the same name.

    Attributes:
        model: the network with its weights, on the CPU.
        preset: the preset's name.
        image: how pictures are prepared.
        latent: latent width that was asked for, None for the preset's own.
        whitening: None for the bare latent.
        mirrors: a picture and its mirror image have one embedding.
        balance: how much the meaning counts; None where it was left to the gallery.
    """

    model: Network
    preset: str
    image: ImageSpec
    latent: int | None
    whitening: Whitening | PartedWhitening | None
    mirrors: bool = False
    balance: float | None = None


def write_encoder(
    directory: Path,
    model: Network,
    whitening: Mapping[str, NDArray[np.float32]],
    config: Mapping[str, Any],
) -> None:
    """Write an encoder's files beside `directory` and rename them into place.

    Args:
        directory: the encoder's directory; what is there is replaced.
        model: its network.
        whitening: the whitening's arrays by name; none for the bare latent.
        config: what `config.json` holds, but for the format's own fields.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    beside = directory.with_name(directory.name + ".new")
    with storage_errors(directory):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    try:
        save_file(weights, str(beside / WEIGHTS))
        if whitening:
            save_arrays(dict(whitening), str(beside / WHITENING))
    except (OSError, SafetensorError) as error:  # safetensors says so of a full disk
        shutil.rmtree(beside, ignore_errors=True)
        raise StorageError(f"cannot write the encoder to {directory}: {error}") from error
    values = {"format": FORMAT, "version": VERSION, **config}
    write_text(beside / CONFIG, json.dumps(values, indent=2) + "\n")
    sync_tree(beside)
    replace_directory(beside, directory)


def read_encoder(directory: Path) -> SavedEncoder:
    """Read what `write_encoder` wrote.

    Raises:
        EngineError: files are missing, damaged or of another format version.
    """
    recover(directory)
    config = _read_config(directory / CONFIG)
    try:
        preset = get_preset(config["preset"])
        image = ImageSpec.from_dict(config["image"])
        model = preset.build(image, config["latent"])
        model.load_state_dict(load_file(str(directory / WEIGHTS)), strict=True)
        whitening = _load_whitening(directory / WHITENING, model, config)
    except (SettingsError, *_DAMAGES) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineError(
            f"the encoder in {directory} is damaged ({reason}): train it again"
        ) from error
    mirrors = config.get("mirrors", False)
    balance = config.get("balance")
    return SavedEncoder(model, preset.name, image, config["latent"], whitening, mirrors, balance)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        raise EngineError(f"no encoder in {path.parent}: make one with `lookalike train`") from None
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read ({error}): train the encoder again") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise EngineError(f"{path} is not a Lookalike encoder")
    if config.get("version") != VERSION:
        raise EngineError(
            f"{path} has format version {config.get('version')!r}, this Lookalike reads {VERSION}: "
            "use the Lookalike that wrote it, or train again"
        )
    return config


def _load_whitening(
    path: Path, model: Network, config: dict[str, Any]
) -> Whitening | PartedWhitening | None:
    if not path.exists():
        return None
    arrays = load_arrays(str(path))
    if model.parts:
        return PartedWhitening.from_arrays(arrays, model.parts, config["balance"])
    return Whitening(**arrays)
