"""What a stopped training needs to go on: safetensors and JSON, no pickle.

A checkpoint is a directory of two files. `checkpoint.json` names the other one, which holds the
tensors; renaming it into place is the one step that makes a new checkpoint count, so that a crash
at any moment leaves the old checkpoint or the new one.

There is no random state to keep: every epoch draws from generators seeded by the run's seed, the
epoch's number and the process's (`runtime.random_seed`), all of which are in the JSON or are
counted again. That holds on every kind of device, and for any number of processes.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from lookalike.errors import TrainingError
from lookalike.storage import storage_errors, sync_directory, write_text
from lookalike.training.record import TrainingRecord

__all__ = ["Checkpoint", "CheckpointKeeper", "pack", "read_checkpoint", "unpack"]

STATE = "checkpoint.json"
FORMAT = "lookalike-checkpoint"
VERSION = 1
# Where epochs are short and the network large, writing after each one would take most of the
# time: writing gets a tenth of it, and the epochs in between wait in memory.
WRITING_SHARE = 0.1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training run at the end of an epoch.

    Attributes:
        fingerprint: of settings, pictures, network and seed.
        record: the epochs so far, at least one.
        step: optimiser steps so far; the learning rate's schedule depends on nothing else.
        groups: the optimiser's settings, one dictionary a parameter group.
        tensors: "model.NAME" and "optimizer.PARAMETER.NAME".
    """

    fingerprint: dict[str, Any]
    record: TrainingRecord
    step: int
    groups: list[dict[str, Any]]
    tensors: dict[str, Tensor]

    @property
    def epoch(self) -> int:
        """The number of the last epoch in it."""
        return len(self.record)

    def write(self, directory: Path) -> None:
        """Write to `directory`; what was there before stays valid until this is complete.

        Raises:
            StorageError: the disk is full or the directory may not be written.
        """
        content = save(self.tensors)
        digest = hashlib.sha256(content).hexdigest()
        # Never the name of another checkpoint's tensors: those stay until this one counts.
        name = f"epoch-{self.epoch:04d}-{digest[:12]}.safetensors"
        state = {
            "format": FORMAT,
            "version": VERSION,
            "epoch": self.epoch,
            "step": self.step,
            "tensors": name,
            "sha256": digest,
            "optimizer": self.groups,
            "record": self.record.as_dict(),
            "fingerprint": self.fingerprint,
        }
        with storage_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            _write_bytes(directory / name, content)
            write_text(directory / STATE, json.dumps(state, indent=2))
            sync_directory(directory)
            for old in directory.glob("epoch-*.safetensors*"):
                if old.name != name:
                    old.unlink(missing_ok=True)


class CheckpointKeeper:
    """Takes a checkpoint after every epoch and writes it as often as is worth the time.

    Args:
        directory: where to; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.written = 0  # the epoch whose checkpoint is on disk; 0 is none
        self._waiting: Checkpoint | None = None
        self._buffers: dict[str, Tensor] = {}
        self._next_write = 0.0

    def keep(self, checkpoint: Checkpoint) -> None:
        """Copy `checkpoint` to memory, and write it if writing is due.

        Raises:
            StorageError: the disk is full or the directory may not be written.
        """
        if self.directory is None:
            return
        self._waiting = None  # an interruption while the buffers change must not write them
        tensors = {name: self._copy(name, value) for name, value in checkpoint.tensors.items()}
        self._waiting = Checkpoint(
            checkpoint.fingerprint, checkpoint.record, checkpoint.step, checkpoint.groups, tensors
        )
        if time.monotonic() >= self._next_write:
            self.flush()

    def flush(self) -> None:
        """Write the checkpoint that waits in memory, if there is one.

        Raises:
            StorageError: the disk is full or the directory may not be written.
        """
        if self.directory is None or self._waiting is None:
            return
        started = time.monotonic()
        self._waiting.write(self.directory)
        self.written = self._waiting.epoch
        self._waiting = None
        ended = time.monotonic()
        self._next_write = ended + (ended - started) / WRITING_SHARE

    def _copy(self, name: str, value: Tensor) -> Tensor:
        # Contiguous whatever the memory format in training: safetensors stores nothing else.
        if name not in self._buffers:
            self._buffers[name] = torch.empty(value.shape, dtype=value.dtype)
        return self._buffers[name].copy_(value.detach())


def read_checkpoint(directory: Path) -> Checkpoint | None:
    """Return the checkpoint in `directory`, or None where there is none.

    Raises:
        TrainingError: it is damaged, or another or a newer program wrote it.
    """
    place = directory / STATE
    if not place.exists():
        return None
    try:
        state = json.loads(place.read_text(encoding="utf-8"))
        _check_version(state, place)
        content = (directory / state["tensors"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != state["sha256"]:
            raise _damaged(directory, f"{state['tensors']} has changed since it was written")
        return Checkpoint(
            fingerprint=state["fingerprint"],
            record=TrainingRecord.from_dict(state["record"]),
            step=state["step"],
            groups=state["optimizer"],
            tensors=load(content),
        )
    except OSError as error:
        raise _damaged(directory, f"{error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(directory, f"{STATE} is not what was written: {error}") from error


def pack(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return all tensors of a network and its optimiser, not copied, by the names they keep."""
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    return tensors


def unpack(checkpoint: Checkpoint, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put a checkpoint's tensors back where `pack` found them."""
    weights: dict[str, Tensor] = {}
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    for key, value in checkpoint.tensors.items():
        owner, _, name = key.partition(".")
        if owner == "model":
            weights[name] = value
        else:
            number, _, name = name.partition(".")
            state.setdefault(int(number), {})[name] = _like(value, parameters[int(number)])
    model.load_state_dict(weights)
    groups = [
        {name: tuple(value) if name == "betas" else value for name, value in group.items()}
        for group in checkpoint.groups
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _like(value: Tensor, parameter: Tensor) -> Tensor:
    # Fused Adam walks through parameter and averages in memory order: the orders must agree.
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter).copy_(value)


def _check_version(state: dict[str, Any], place: Path) -> None:
    if state["format"] != FORMAT:
        raise TrainingError(f"{place} is not a checkpoint of Lookalike: choose another folder")
    if state["version"] > VERSION:
        raise TrainingError(
            f"{place} has version {state['version']}, this Lookalike reads up to {VERSION}: "
            "update Lookalike, or train without --resume to start from scratch"
        )


def _damaged(directory: Path, why: str) -> TrainingError:
    return TrainingError(
        f"the checkpoint in {directory} is damaged ({why}): "
        "train without --resume to start from scratch"
    )


def _write_bytes(place: Path, content: bytes) -> None:
    beside = place.with_name(place.name + ".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(place)
