"""What keeps an engine up to date with its folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.views import EngineViews
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from lookalike.engine.drift import Drift
    from lookalike.engine.syncing import SyncReport
    from lookalike.images import IntakeLimits

__all__ = ["LivingEngine"]


class LivingEngine(EngineViews):
    """An engine that follows its folders."""

    def sync(
        self,
        source: str | Path | None = None,
        *,
        add: Sequence[str | Path] = (),
        drop: Sequence[str] = (),
        verify: bool = False,
        dry_run: bool = False,
        data_home: Path | None = None,
        limits: IntakeLimits | None = None,
        on_progress: OnProgress = silent,
    ) -> SyncReport:
        """Make the gallery hold what its folders hold now, and take that up.

        Args:
            source: where the pictures have moved to; None for where they were.
            add: further folders from now on; `@name=folder` names one, or says where it is now.
            drop: names of further folders that are given up.
            verify: read every file, whatever its size and time of change say.
            dry_run: say what would change, and change nothing.
            data_home: where data sets are kept.
            limits: what one picture may cost from now on; None for what it was.
            on_progress: told how far each stage is.

        Raises:
            EngineError: the pictures are gone altogether, a folder makes no sense, or another
                process changes the engine.
            StorageError: the disk is full or may not be written; what was committed stays.
        """
        from lookalike.engine.syncing import sync_engine

        report = sync_engine(
            self.layout.directory,
            source,
            add=add,
            drop=drop,
            verify=verify,
            dry_run=dry_run,
            device=self.device,
            data_home=data_home,
            limits=limits,
            on_progress=on_progress,
        )
        self.refresh()
        return report

    def retrain(
        self,
        *,
        epochs: int | None = None,
        minutes: float | None = None,
        seed: int | None = None,
        archive: Path | None = None,
        data_home: Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        report: bool = True,
        on_progress: OnProgress = silent,
    ) -> None:
        """Train the encoder further, on all pictures there are now, embed them anew, take that up.

        Args:
            epochs: passes over the pictures; None for a third of those of a training from scratch.
            minutes: train about so long instead.
            seed: of shuffling and samples; None for the engine's own.
            archive: an archive of the named data set that is already at hand.
            data_home: where data sets are kept.
            resume: go on where an interrupted retraining stopped.
            overwrite: discard an interrupted training.
            report: measure the engine anew; without it scores are not calibrated.
            on_progress: told how far each stage is.

        Raises:
            EngineError: pictures of the engine are away.
            SettingsError: its preset comes trained.
            TrainingStopped: Ctrl-C; the engine is as it was, and `resume` goes on.
        """
        from lookalike.engine.retraining import retrain_engine

        retrain_engine(
            self.layout.directory,
            epochs=epochs,
            minutes=minutes,
            seed=seed,
            device=self.device,
            archive=archive,
            data_home=data_home,
            resume=resume,
            overwrite=overwrite,
            report=report,
            on_progress=on_progress,
        )
        self.refresh()

    def away(self) -> dict[str, str]:
        """Return the folders whose pictures are kept although nothing can be said of them now.

        Each with its reason, as the last sync found it, or because it is not there now; "." is
        what the engine was made from.
        """
        from lookalike.engine.folders import away_now

        return away_now(self)

    def drift(self) -> Drift | None:
        """Return how new pictures compare with those that were trained on; None where none came."""
        from lookalike.engine.drift import read_drift

        return read_drift(self)
