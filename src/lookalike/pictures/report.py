"""The report: one HTML file that holds all there is to see about an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import SettingsError
from lookalike.pictures.page import page
from lookalike.storage import write_text

__all__ = [
    "MetricRow",
    "Report",
    "ReportPicture",
    "ReportSection",
    "ReportTable",
    "SkippedFile",
    "render_report",
    "write_report",
]

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = 33  # bytes up to the end of the chunk that holds width and height


@dataclass(frozen=True)
class MetricRow:
    """One line of the metrics table: the engine or a baseline; higher values are better.

    Attributes:
        name: what was measured.
        values: column name to value; None or a missing column shows a dash.
        is_engine: whether this is the engine's line, which is highlighted and comes first.
    """

    name: str
    values: Mapping[str, float | None]
    is_engine: bool = False


@dataclass(frozen=True)
class ReportPicture:
    """A picture of the report.

    Attributes:
        title: what it is.
        png: the bytes of a PNG file, as `to_png` gives them.
        caption: what is written beneath it.
        alt: what it shows, for those who cannot see it; the title, if empty.
    """

    title: str
    png: bytes
    caption: str = ""
    alt: str = ""

    def __post_init__(self) -> None:
        if not self.png.startswith(_PNG) or len(self.png) < _PNG_HEADER:
            raise SettingsError(f"picture {self.title!r} of the report is not a PNG; use to_png()")


@dataclass(frozen=True)
class ReportTable:
    """A table of texts.

    Attributes:
        title: what it shows.
        heads: of the columns.
        rows: as many texts each; the first names the row.
        words: the other texts are words, not figures.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False

    def __post_init__(self) -> None:
        if any(len(row) != len(self.heads) for row in self.rows):
            raise SettingsError(f"table {self.title!r} has rows that do not fit its heads")


@dataclass(frozen=True)
class ReportSection:
    """A heading, a sentence, tables and pictures."""

    title: str
    text: str = ""
    pictures: tuple[ReportPicture, ...] = ()
    tables: tuple[ReportTable, ...] = ()


@dataclass(frozen=True)
class SkippedFile:
    """A file that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What the report page holds.

    Attributes:
        title: the engine's name.
        headline: the one sentence to remember.
        facts: key facts, name to value (pictures, preset, seed, device, training time).
        metrics: the engine and its baselines; empty leaves the table out.
        definitions: what each column of the metrics table means.
        protocol: one sentence on how the metrics were measured.
        sections: pictures under headings, in order.
        settings: every setting, name to value.
        skipped: files that could not be read.
        skipped_count: how many there were, where `skipped` holds only the first.
        versions: library to version.
        command: the command that made the engine.
        lang: language of the texts.
    """

    title: str
    headline: str
    facts: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[MetricRow, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    protocol: str = ""
    sections: tuple[ReportSection, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[SkippedFile, ...] = ()
    skipped_count: int | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    lang: str = "en"


def render_report(report: Report) -> str:
    """Return the report as one HTML page that needs nothing from outside and runs no script."""
    return page(report)


def write_report(report: Report, path: Path) -> None:
    """Write the report to `path`.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    write_text(path, render_report(report))
