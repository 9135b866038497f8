"""Every error that Lookalike raises on purpose.

The tree::

    LookalikeError
    ├── PictureError        one picture cannot be read
    ├── IntakeError         the processes that decode pictures cannot be had
    ├── CollectionError     a folder, list or IDX file holds nothing usable
    ├── DatasetError        a named data set cannot be had
    ├── SettingsError       a preset, a setting or an argument is wrong
    ├── WeightsError        pretrained weights are missing or not the right ones
    ├── TrainingError       training cannot go on
    │   ├── DivergedError       the loss is no longer a number
    │   └── TrainingStopped     stopped by the user; can be resumed
    ├── ExportError         an encoder cannot be written as an ONNX file
    ├── EngineError         an engine directory is missing, foreign or inconsistent
    ├── GalleryError        the gallery cannot be read, written or filtered
    ├── QueryError          a query cannot be answered
    │   └── UnreadableQueryError  its picture is there and cannot be read
    ├── StorageError        the disk is full or may not be written
    ├── BenchmarkError      a benchmark did not run to its end
    ├── ServiceError        a request to the service is not answered
    └── MissingExtraError   an optional library is not installed

A message is one line: what is wrong, what was got, what was wanted, what to do next.
"""

from __future__ import annotations

__all__ = [
    "BenchmarkError",
    "CollectionError",
    "DatasetError",
    "DivergedError",
    "EngineError",
    "ExportError",
    "GalleryError",
    "IntakeError",
    "LookalikeError",
    "MissingExtraError",
    "PictureError",
    "QueryError",
    "ServiceError",
    "SettingsError",
    "StorageError",
    "TrainingError",
    "TrainingStopped",
    "UnreadableQueryError",
    "WeightsError",
]


class LookalikeError(Exception):
    """Base class of every error that Lookalike raises on purpose."""


class PictureError(LookalikeError):
    """One picture cannot be read."""


class IntakeError(LookalikeError):
    """The processes that decode pictures cannot be started, or were stopped."""


class CollectionError(LookalikeError):
    """A folder, list or IDX file holds nothing that can be used."""


class DatasetError(LookalikeError):
    """A named data set cannot be had."""


class SettingsError(LookalikeError):
    """A preset name, a setting or an argument is wrong."""


class WeightsError(LookalikeError):
    """Pretrained weights are missing, or are not the ones they should be."""


class TrainingError(LookalikeError):
    """Training cannot go on."""


class DivergedError(TrainingError):
    """The loss became NaN or infinite."""


class TrainingStopped(TrainingError):
    """Training was stopped by the user; its checkpoint lets it go on."""


class EngineError(LookalikeError):
    """An engine directory is missing, foreign, of another version or inconsistent."""


class ExportError(LookalikeError):
    """An encoder cannot be written as an ONNX file that gives what torch gives."""


class GalleryError(LookalikeError):
    """The gallery cannot be read, written or filtered."""


class QueryError(LookalikeError):
    """A query cannot be answered."""


class UnreadableQueryError(QueryError):
    """The picture of a query cannot be read.

    Attributes:
        place: of the query among those given, from 0.
    """

    place = 0


class StorageError(LookalikeError):
    """The disk is full, or a file or folder may not be written."""


class BenchmarkError(LookalikeError):
    """A benchmark did not run to its end."""


class ServiceError(LookalikeError):
    """A request to the service is not answered."""


class MissingExtraError(LookalikeError):
    """An optional library is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs a library that is not installed: pip install 'lookalike[{extra}]'"
        )
