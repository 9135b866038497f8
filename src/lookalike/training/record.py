"""What a training run left behind: one row per epoch, kept as `history.csv`. Imports no torch."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lookalike.errors import StorageError, TrainingError

__all__ = ["Epoch", "TrainingRecord", "has_converged"]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pictures.

    Attributes:
        epoch: its number; the first is 1.
        train_loss: mean loss of the epoch's batches while the weights were changing, every
            picture weighing the same.
        val_loss: mean loss over the validation pictures after the epoch; None without any.
        learning_rate: of the epoch's last step.
        seconds: training and validation together.
        images_per_second: training pictures per second of training, validation left out.
    """

    epoch: int
    train_loss: float
    val_loss: float | None
    learning_rate: float
    seconds: float
    images_per_second: float

    def __post_init__(self) -> None:
        losses = [self.train_loss] if self.val_loss is None else [self.train_loss, self.val_loss]
        if not all(math.isfinite(loss) for loss in losses):
            raise TrainingError(f"epoch {self.epoch} has a loss that is not a number: {losses}")
        if self.seconds < 0 or self.images_per_second < 0:
            raise TrainingError(f"epoch {self.epoch} has a negative time or speed")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Epoch))


@dataclass(frozen=True)
class TrainingRecord:
    """The epochs of a training run, in order.

    Attributes:
        epochs: numbered 1 to n without gaps; at least one.
        stopped_early: the monitored loss stopped falling before the last epoch asked for.
    """

    epochs: tuple[Epoch, ...]
    stopped_early: bool = False

    def __post_init__(self) -> None:
        numbers = [epoch.epoch for epoch in self.epochs]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise TrainingError(f"a record holds epochs 1, 2, 3, ... in order, got {numbers}")

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def seconds(self) -> float:
        """Seconds of all epochs together."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def last(self) -> Epoch:
        """The last epoch, whose weights the model has."""
        return self.epochs[-1]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "epochs": [epoch.as_dict() for epoch in self.epochs],
            "stopped_early": self.stopped_early,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingRecord:
        """Return the record that `as_dict` gave.

        Raises:
            TrainingError: a key is missing or unknown, or the epochs are not in order.
        """
        try:
            epochs = tuple(Epoch(**epoch) for epoch in values["epochs"])
            return cls(epochs, bool(values["stopped_early"]))
        except (KeyError, TypeError) as error:
            raise TrainingError(f"this is not a training record: {error}") from None

    def write_csv(self, path: Path) -> None:
        """Write one line per epoch; numbers keep every digit.

        Raises:
            StorageError: the file cannot be written.
        """
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(epoch.as_dict() for epoch in self.epochs)
        except OSError as error:
            raise StorageError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def read_csv(cls, path: Path, *, stopped_early: bool = False) -> TrainingRecord:
        """Read what `write_csv` wrote; the file does not say whether training stopped early.

        Raises:
            TrainingError: the file is missing or is not such a record.
        """
        try:
            with path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                if tuple(reader.fieldnames or ()) != COLUMNS:
                    raise TrainingError(
                        f"{path} is not a training record: its columns are {reader.fieldnames}, "
                        f"wanted {', '.join(COLUMNS)}"
                    )
                epochs = tuple(_parse(row) for row in reader)
        except OSError as error:
            raise TrainingError(f"cannot read {path}: {error.strerror}") from error
        except (TypeError, ValueError) as error:
            raise TrainingError(f"{path} is not a training record: {error}") from None
        return cls(epochs, stopped_early)


def _parse(row: dict[str, str]) -> Epoch:
    return Epoch(
        epoch=int(row["epoch"]),
        train_loss=float(row["train_loss"]),
        val_loss=float(row["val_loss"]) if row["val_loss"] else None,
        learning_rate=float(row["learning_rate"]),
        seconds=float(row["seconds"]),
        images_per_second=float(row["images_per_second"]),
    )


def has_converged(losses: list[float], patience: int | None) -> bool:
    """Whether the last `patience` epochs brought no loss below the best one before them.

    As Keras' EarlyStopping with `min_delta` 0: an equal loss is no better.

    >>> has_converged([0.3, 0.2, 0.25, 0.2], patience=2)
    True
    >>> has_converged([0.3, 0.2, 0.25], patience=2)
    False
    """
    if patience is None or not losses:
        return False
    return len(losses) - 1 - losses.index(min(losses)) >= patience
