"""Published weights: fetched once, checked by their hash, read without running code."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lookalike.errors import WeightsError
from lookalike.types import OnProgress, Progress

__all__ = [
    "Download",
    "PublishedWeights",
    "download_file",
    "fetch_weights",
    "fill",
    "read_weights",
]

_BLOCK = 1 << 20
_TIMEOUT_SECONDS = 30

Download = Callable[[str, Path, OnProgress], None]
"""(address, file to write, progress); raises OSError when it cannot."""


@dataclass(frozen=True)
class PublishedWeights:
    """A file of weights with a public home.

    Attributes:
        preset: the preset that it fills.
        file: its name.
        url: its public home.
        sha256_prefix: how the SHA-256 of its bytes begins, in hexadecimal.
        size_mb: its size in MiB.
    """

    preset: str
    file: str
    url: str
    sha256_prefix: str
    size_mb: int


def download_file(url: str, path: Path, on_progress: OnProgress) -> None:
    """Write what `url` gives to `path`.

    Raises:
        OSError: no connection, a refusal by the server, or a full disk.
    """
    with (
        urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,
        path.open("wb") as file,
    ):
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(_BLOCK):
            file.write(block)
            done += len(block)
            on_progress(Progress("download", done, total))
    if done < total:  # the connection was closed early, which urllib does not report
        raise OSError(f"{done} of {total} bytes arrived")


def fetch_weights(
    published: PublishedWeights,
    home: Path,
    on_progress: OnProgress,
    *,
    download: Download = download_file,
) -> Path:
    """Return the published file inside `home`, downloaded if it is not there.

    Raises:
        WeightsError: it cannot be fetched, or what was fetched has another hash.
    """
    path = home / published.file
    if path.exists():
        _check_hash(published, path)
        return path
    part = home / f"{published.file}.part"
    try:
        home.mkdir(parents=True, exist_ok=True)
        download(published.url, part, on_progress)
        _check_hash(published, part)
        part.replace(path)
    except OSError as error:
        raise WeightsError(_cannot_fetch(published, str(error))) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors or a PyTorch file, by name; runs no code of the file.

    Raises:
        WeightsError: the file is missing, damaged, or holds more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"no weights at {path}: give a .pth or .safetensors file")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load's failures share no class; each is passed on
        line = str(error).strip().split("\n")[0]
        raise WeightsError(f"weights {path} cannot be read ({line}): get the file again") from error
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"weights {path} must hold named tensors and nothing else")
    return dict(state)


def fill(
    module: nn.Module, state: Mapping[str, Tensor], path: Path, *, ignore: tuple[str, ...] = ()
) -> None:
    """Copy `state` into `module`, name by name.

    Args:
        module: what is filled.
        state: tensors by name.
        path: where they are from, for the error.
        ignore: names that begin so are not used.

    Raises:
        WeightsError: a name is missing or too many, or a shape differs.
    """
    used = {name: tensor for name, tensor in state.items() if not name.startswith(ignore)}
    wanted = module.state_dict()
    for name, tensor in wanted.items():
        if name not in used:
            raise WeightsError(f"weights {path} lack {name!r}: they are of another network")
        if used[name].shape != tensor.shape:
            raise WeightsError(
                f"weights {path} have {name!r} of shape {tuple(used[name].shape)}, wanted "
                f"{tuple(tensor.shape)}: they are of another network"
            )
    unknown = sorted(set(used) - set(wanted))
    if unknown:
        raise WeightsError(f"weights {path} have an unknown {unknown[0]!r}: of another network")
    module.load_state_dict(used)


def _check_hash(published: PublishedWeights, path: Path) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if not digest.hexdigest().startswith(published.sha256_prefix):
        raise WeightsError(
            f"weights {path} have SHA-256 {digest.hexdigest()[:8]}..., wanted "
            f"{published.sha256_prefix}...: delete the file and run again, or get "
            f"{published.url} another way and give it as weights (--weights FILE)"
        )


def _cannot_fetch(published: PublishedWeights, reason: str) -> str:
    return (
        f"the weights of {published.preset} ({published.size_mb} MB) could not be fetched from "
        f"{published.url} ({reason}): get that file another way "
        "and give it as weights (--weights FILE)"
    )
