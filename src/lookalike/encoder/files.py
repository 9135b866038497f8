"""A trained encoder on disk: JSON, safetensors and ONNX, no pickle.

This module alone knows the names of the files inside an engine's `encoder/` directory. Reading
them imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from lookalike.encoder.outline import Outline
from lookalike.errors import EngineError, SettingsError, StorageError
from lookalike.images.spec import ImageSpec
from lookalike.models import Preset, get_preset
from lookalike.parts import PartedWhitening
from lookalike.storage import recover, replace_directory, storage_errors, sync_tree, write_text
from lookalike.whitening import Whitening

__all__ = ["DECODER", "ENCODER", "StoredEncoder", "fingerprint_of", "read_encoder", "write_encoder"]

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WHITENING = "whitening.safetensors"
ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"
FORMAT = "lookalike-encoder"
VERSION = 1
# What the readers of JSON and safetensors raise on files that are not what they should be.
_DAMAGES = (OSError, RuntimeError, SafetensorError, KeyError, TypeError, ValueError)

# Settings that older directories may lack; the fingerprint is of those that are there.
_LATER = ("balance", "mirrors")

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class StoredEncoder:
    """What a directory holds of an encoder, read whole: another may take its place meanwhile.

    Attributes:
        preset: the preset's name.
        image: how pictures are prepared.
        latent: latent width that was asked for, None for the preset's own.
        whitening: None for the bare latent.
        mirrors: a picture and its mirror image have one embedding.
        balance: how much the meaning counts; None where it was left to the gallery.
        weights: of the network, by name.
        outline: of the network.
        onnx: the ONNX files that belong to all of this, by name; none in older directories.
    """

    preset: str
    image: ImageSpec
    latent: int | None
    whitening: Whitening | PartedWhitening | None
    mirrors: bool
    balance: float | None
    weights: Arrays
    outline: Outline
    onnx: Mapping[str, bytes] = field(default_factory=dict)


def fingerprint_of(config: Mapping[str, Any], weights: Arrays, whitening: Arrays) -> str:
    """Return the SHA-256 (hex) of settings, weights and whitening."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for arrays in (weights, whitening):
        for name, array in sorted(arrays.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_encoder(
    directory: Path,
    weights: Arrays,
    whitening: Arrays,
    config: Mapping[str, Any],
    outline: Outline,
    onnx: Mapping[str, bytes],
) -> None:
    """Write an encoder's files beside `directory` and rename them into place.

    Args:
        directory: the encoder's directory; what is there is replaced.
        weights: its network's arrays by name.
        whitening: the whitening's arrays by name; none for the bare latent.
        config: the settings, which the fingerprint is of.
        outline: of the network.
        onnx: ONNX files of all this by their names, `ENCODER` and `DECODER`.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    beside = directory.with_name(directory.name + ".new")
    with storage_errors(directory):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    try:
        save_file(weights, str(beside / WEIGHTS))
        if whitening:
            save_file(whitening, str(beside / WHITENING))
        for name, data in onnx.items():
            (beside / name).write_bytes(data)
    except (OSError, SafetensorError) as error:  # safetensors says so of a full disk
        shutil.rmtree(beside, ignore_errors=True)
        raise StorageError(f"cannot write the encoder to {directory}: {error}") from error
    values = {
        "format": FORMAT,
        "version": VERSION,
        **config,
        "outline": outline.as_dict(),
        "fingerprint": fingerprint_of(config, weights, whitening),
        "onnx": {name: hashlib.sha256(data).hexdigest() for name, data in onnx.items()},
    }
    write_text(beside / CONFIG, json.dumps(values, indent=2) + "\n")
    sync_tree(beside)
    replace_directory(beside, directory)


def read_encoder(directory: Path) -> StoredEncoder:
    """Read what `write_encoder` wrote.

    Raises:
        EngineError: files are missing, damaged or of another format version.
    """
    recover(directory)
    config = _read_config(directory / CONFIG)
    try:
        return _read(directory, config)
    except (SettingsError, *_DAMAGES) as error:
        raise damaged(directory, error) from error


def damaged(directory: Path, error: Exception) -> EngineError:
    """Return the error that says that what is in a directory is no encoder any more."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return EngineError(f"the encoder in {directory} is damaged ({reason}): train it again")


def _read(directory: Path, config: dict[str, Any]) -> StoredEncoder:
    preset = get_preset(config["preset"])
    image = ImageSpec.from_dict(config["image"])
    weights = load_file(str(directory / WEIGHTS))
    kept = directory / WHITENING
    arrays = load_file(str(kept)) if kept.exists() else {}
    settings = {name: config[name] for name in ("preset", "latent", *_LATER) if name in config}
    settings["image"] = image.as_dict()
    known = config.get("fingerprint")
    if known is not None and known != fingerprint_of(settings, weights, arrays):
        raise ValueError("its files do not belong together")
    if "outline" in config:
        outline = Outline.from_dict(config["outline"])
    else:
        outline = _sketch(preset, image, config["latent"])
    return StoredEncoder(
        preset.name,
        image,
        config["latent"],
        _whitening(arrays, outline, config),
        config.get("mirrors", False),
        config.get("balance"),
        weights,
        outline,
        _read_onnx(directory, config.get("onnx", {})),
    )


def _read_onnx(directory: Path, digests: Mapping[str, str]) -> dict[str, bytes]:
    """Return the ONNX files that were written with the config; all of them or none."""
    files = {}
    for name in (ENCODER, DECODER):
        place = directory / name
        if name not in digests:
            continue
        data = place.read_bytes() if place.is_file() else b""
        if hashlib.sha256(data).hexdigest() != digests[name]:
            return {}  # torch gives the same from the weights, more slowly
        files[name] = data
    return files if ENCODER in files else {}


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


def _whitening(
    arrays: Arrays, outline: Outline, config: Mapping[str, Any]
) -> Whitening | PartedWhitening | None:
    if not arrays:
        return None
    if outline.parts:
        return PartedWhitening.from_arrays(arrays, outline.parts, config["balance"])
    return Whitening(**arrays)


def _sketch(preset: Preset, image: ImageSpec, latent: int | None) -> Outline:
    """Return the outline of a network whose directory is older than outlines."""
    import torch

    with torch.device("meta"):
        return Outline.of(preset.build(image, latent))
