"""The training loop: one loop for a laptop's CPU, one GPU or several processes.

Everything random is drawn from generators seeded by the run's seed and the epoch's number, so the
same seed gives the same weights, and an epoch that was cut short is repeated exactly.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import Tensor, nn

from lookalike.errors import DivergedError, TrainingError, TrainingStopped
from lookalike.models.preset import TrainingSettings
from lookalike.training.batches import batches, share, shuffled
from lookalike.training.checkpoint import (
    Checkpoint,
    CheckpointKeeper,
    pack,
    read_checkpoint,
    unpack,
)
from lookalike.training.fingerprint import differences
from lookalike.training.record import Epoch, TrainingRecord, has_converged
from lookalike.training.runtime import local_randomness, random_seed, repeatable
from lookalike.training.task import Task
from lookalike.types import OnProgress, Progress, silent

__all__ = ["Run"]

SECONDS_BETWEEN_REPORTS = 0.25
# Looking at the loss makes a GPU wait for it: there it is looked at only now and then.
STEPS_BETWEEN_LOOKS = 50


class Run:
    """One training run: what the loop changes as it goes.

    Attributes:
        task: what is minimised, and what goes into it.
    """

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        seed: int,
        accelerator: Accelerator,
        identity: dict[str, object],
        checkpoint: Path | None,
        on_progress: OnProgress,
    ) -> None:
        self.task = task
        self.model = model = task.model
        self.settings = settings
        self.seed = seed
        self.accelerator = accelerator
        self.identity = identity
        self.keeper = CheckpointKeeper(checkpoint if accelerator.is_main_process else None)
        self.on_progress = on_progress if accelerator.is_main_process else silent
        self.optimizer = _optimizer(model, settings)
        # Accelerate adds mixed precision and the exchange of gradients to this wrapper, so that
        # nothing has to be taken off the model afterwards. It would add nothing to the optimiser.
        self.losses: nn.Module = accelerator.prepare_model(task.losses)
        self.epochs: list[Epoch] = []
        self.step = 0
        self.steps = 1  # of the whole training; known when the pictures are
        self.next_report = 0.0

    def restore(self, directory: Path) -> None:
        """Go on from the checkpoint in `directory`, if there is one."""
        kept = read_checkpoint(directory)
        if kept is None:
            return
        if changes := differences(kept.fingerprint, self.identity):
            raise TrainingError(
                f"the checkpoint in {directory} was made with {', '.join(changes)}: resume with "
                "what it was made with, or train without --resume to start from scratch"
            )
        if kept.epoch > self.settings.epochs:
            raise TrainingError(
                f"the checkpoint in {directory} has {kept.epoch} epochs, {self.settings.epochs} "
                "were asked for: ask for as many or more, or train without --resume"
            )
        unpack(kept, self.model, self.optimizer)
        self.epochs, self.step = list(kept.record.epochs), kept.step
        self.keeper.written = kept.epoch

    def train(self, rows: NDArray[np.int64], val_rows: NDArray[np.int64]) -> TrainingRecord:
        """Train until the last epoch or early stopping; return the record."""
        pictures = min(len(rows), self.settings.epoch_pictures or len(rows))
        self.steps = self.settings.epochs * math.ceil(pictures / self.settings.batch_size)
        try:
            while len(self.epochs) < self.settings.epochs and not self.converged:
                number = len(self.epochs) + 1
                self.epochs.append(self._epoch(number, rows, val_rows))
                self.keeper.keep(self._checkpoint())
                self._report(pictures, self.epochs[-1])
        except KeyboardInterrupt:
            self.keeper.flush()
            raise TrainingStopped(self._how_to_go_on()) from None
        finally:
            self.keeper.flush()
        self.accelerator.wait_for_everyone()
        return self.record

    @property
    def record(self) -> TrainingRecord:
        """The epochs so far."""
        early = self.converged and len(self.epochs) < self.settings.epochs
        return TrainingRecord(tuple(self.epochs), stopped_early=early)

    @property
    def converged(self) -> bool:
        """Whether early stopping ends the run here."""
        on_training = self.settings.monitor == "loss"
        losses = [epoch.train_loss if on_training else epoch.val_loss for epoch in self.epochs]
        return has_converged([loss for loss in losses if loss is not None], self.settings.patience)

    def _epoch(self, number: int, rows: NDArray[np.int64], val_rows: NDArray[np.int64]) -> Epoch:
        started = time.perf_counter()
        train_loss = self._pass(number, rows)
        self._agree()
        trained = time.perf_counter()
        self._check_weights(number)
        val_loss = self._validate(number, val_rows) if len(val_rows) else None
        return Epoch(
            epoch=number,
            train_loss=train_loss,
            val_loss=val_loss,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
            images_per_second=min(len(rows), self.settings.epoch_pictures or len(rows))
            / (trained - started),
        )

    def _pass(self, number: int, rows: NDArray[np.int64]) -> float:
        """Go through the training pictures once; return their mean loss."""
        device, process = self.accelerator.device, self.accelerator.process_index
        generator = torch.Generator().manual_seed(random_seed(self.seed, number))
        order = shuffled(rows, generator)[: self.settings.epoch_pictures]
        smallest = self.accelerator.num_processes * min(2, self.settings.batch_size)
        total, seen, started = _zero(device), 0, time.perf_counter()
        self.losses.train()
        with local_randomness(device, random_seed(self.seed, number, process)), repeatable(device):
            for batch in batches(order, self.settings.batch_size, smallest):
                total += self.take_step(batch)
                seen += len(batch)
                if self._looks():
                    self._check_loss(total, number)
                if self._reports():
                    self._report_step(number, seen, len(order), total, started)
        total = self.accelerator.reduce(total, reduction="sum")
        self._check_loss(total, number)
        return float(total.item()) / len(order)

    def take_step(self, batch: NDArray[np.int64]) -> Tensor:
        """Take one optimiser step; return the sum of this process's losses, one a picture."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate(self.step, self.steps)
        processes = self.accelerator.num_processes
        mine = share(batch, self.accelerator.process_index, processes)
        loss = self.losses(*self.task.inputs(mine))
        self.optimizer.zero_grad()
        # Processes' gradients are averaged: this weight makes every picture count the same.
        self.accelerator.backward(loss * (len(mine) * processes / len(batch)))
        self.optimizer.step()
        self.step += 1
        summed: Tensor = loss.detach() * len(mine)
        return summed

    def _validate(self, number: int, rows: NDArray[np.int64]) -> float:
        """Return the mean loss of `rows`, the model in evaluation mode and unchanged."""
        loss_of = self.accelerator.unwrap_model(self.losses).eval()
        mine = share(rows, self.accelerator.process_index, self.accelerator.num_processes)
        device = self.accelerator.device
        total, seed = _zero(device), random_seed(self.seed, 0)  # the same views in every epoch
        with torch.inference_mode(), local_randomness(device, seed):
            for batch in batches(mine, self.settings.batch_size):
                total += loss_of(*self.task.inputs(batch)) * len(batch)
        total = self.accelerator.reduce(total, reduction="sum")
        self._check_loss(total, number)
        return float(total.item()) / len(rows)

    def _agree(self) -> None:
        """Give all processes the first one's running statistics: each has kept its own."""
        if self.accelerator.num_processes > 1:
            for buffer in self.model.buffers():
                broadcast(buffer)

    def _looks(self) -> bool:
        """Whether this step's loss is looked at.

        Never by one process of several: were it to give up alone, the others would wait for it.
        """
        if self.accelerator.num_processes > 1:
            return False
        return self.accelerator.device.type == "cpu" or self.step % STEPS_BETWEEN_LOOKS == 0

    def _check_loss(self, total: Tensor, epoch: int) -> None:
        if not math.isfinite(total.item()):
            raise DivergedError(self._diverged("the loss is no longer a number", epoch))

    def _check_weights(self, epoch: int) -> None:
        """Refuse an epoch whose last step ruined the weights: its loss was taken before."""
        for name, value in self.model.state_dict().items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise DivergedError(self._diverged(f"{name} is no longer finite", epoch))

    def _diverged(self, what: str, epoch: int) -> str:
        rate = self.optimizer.param_groups[0]["lr"]
        self.keeper.flush()
        kept = (
            f"the checkpoint of epoch {self.keeper.written} in {self.keeper.directory} is good"
            if self.keeper.written
            else "there is no earlier checkpoint"
        )
        return (
            f"{what} in epoch {epoch}, step {self.step}, learning rate {rate:.2g}; {kept}: "
            "train again with a lower --learning-rate or another --seed"
        )

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            fingerprint=self.identity,
            record=TrainingRecord(tuple(self.epochs)),
            step=self.step,
            groups=self.optimizer.state_dict()["param_groups"],
            tensors=pack(self.model, self.optimizer),
        )

    def _how_to_go_on(self) -> str:
        done, wanted = len(self.epochs), self.settings.epochs
        if self.keeper.written:
            return (
                f"training stopped after epoch {self.keeper.written} of {wanted}, which is kept in "
                f"{self.keeper.directory}: run the same command with --resume to go on"
            )
        return f"training stopped after epoch {done} of {wanted}; no checkpoint was kept"

    def _reports(self) -> bool:
        """Whether it is time to tell how far the epoch is."""
        due = time.perf_counter() >= self.next_report
        if due:
            self.next_report = time.perf_counter() + SECONDS_BETWEEN_REPORTS
        return due

    def _report(self, pictures: int, epoch: Epoch) -> None:
        """Tell how an epoch ended, whenever the last report was."""
        loss = f"loss {epoch.train_loss:.4f}"
        if epoch.val_loss is not None:
            loss += f" · validation {epoch.val_loss:.4f}"
        self._tell(epoch.epoch, pictures, pictures, loss, epoch.images_per_second)

    def _report_step(
        self, number: int, seen: int, pictures: int, total: Tensor, started: float
    ) -> None:
        # `total` is this process's part of what all have seen.
        loss = total.item() * self.accelerator.num_processes / seen
        rate = seen / (time.perf_counter() - started)
        self._tell(number, seen, pictures, f"loss {loss:.4f}", rate)

    def _tell(self, number: int, seen: int, pictures: int, loss: str, rate: float) -> None:
        epochs = self.settings.epochs
        message = f"epoch {number}/{epochs} · {loss} · {rate:,.0f} images/s"
        done = (number - 1) * pictures + seen
        self.on_progress(Progress("train", done, epochs * pictures, message))


def _optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(
            weights,
            lr=settings.learning_rate,
            eps=settings.epsilon,
            weight_decay=settings.weight_decay,
            fused=True,
        )
    return torch.optim.Adam(weights, lr=settings.learning_rate, eps=settings.epsilon, fused=True)


def _zero(device: torch.device) -> Tensor:
    # Apple's GPUs have no float64.
    dtype = torch.float32 if device.type == "mps" else torch.float64
    return torch.zeros((), dtype=dtype, device=device)
