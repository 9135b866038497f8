"""Everything there is to see of an engine, gathered in its `reports/` folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookalike.engine.baselines import fit_baselines
from lookalike.engine.card import Card, CopyBench, reopen_quietly
from lookalike.engine.command import build_command
from lookalike.engine.copies_section import copies_section
from lookalike.engine.looking import (
    LOSS_NAMES,
    draw_curve,
    draw_engine_reconstructions,
    draw_gallery_map,
    draw_hits,
    sample_queries,
)
from lookalike.engine.measure import Evaluation, evaluate
from lookalike.engine.verdict import Made, sentence
from lookalike.evaluation import DEFINITIONS
from lookalike.pictures import (
    MetricRow,
    Report,
    ReportPicture,
    ReportSection,
    SkippedFile,
    save,
    to_png,
    write_report,
)
from lookalike.storage import write_text
from lookalike.types import OnProgress, Progress

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.facade import Engine

__all__ = ["EngineReport", "write_engine_report"]

# Rows and hits of the report's neighbour grid: what fits a page.
GRID_QUERIES = 8
GRID_HITS = 10
SKIPPED_SHOWN = 50


class EngineReport:
    """The report of one engine; a notebook shows the page.

    Attributes:
        path: the page.
        evaluation: the metrics; None where there are no labels to measure by.
        card: how well edited copies are found.
        sentence: what the engine is good at, what it is not, what would help.
    """

    def __init__(
        self, path: Path, evaluation: Evaluation | None, card: Card, sentence: str
    ) -> None:
        self.path = path
        self.evaluation = evaluation
        self.card = card
        self.sentence = sentence

    def __repr__(self) -> str:
        return f"EngineReport({str(self.path)!r})"

    def _repr_html_(self) -> str:
        from html import escape

        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:80vh;border:0"></iframe>'


def write_engine_report(
    engine: Engine,
    baselines: bool,
    home: Path | None,
    archive: Path | None,
    on_progress: OnProgress,
) -> EngineReport:
    """Write grids, reconstructions, loss curve, map, metrics and the page that gathers them.

    Raises:
        StorageError: the disk is full or may not be written.
    """
    place = engine.layout.reports
    collection = reopen_quietly(engine, home, archive)
    bench = CopyBench.of(engine, collection, on_progress)
    evaluation = None
    if _labels_pair(engine):
        evaluation = evaluate(
            engine,
            None,
            baselines=baselines,
            home=home,
            archive=archive,
            collection=collection,
            on_baseline=bench.measure_beside,
            on_progress=on_progress,
        )
    elif baselines and collection is not None:
        for baseline in fit_baselines(engine, collection, on_progress):
            bench.measure_beside(baseline)
    card = bench.measure_engine()
    engine.forget_calibration()
    words = sentence(card, evaluation, Made.of(engine))
    _keep_figures(place, evaluation, card, words)
    sections = [copies_section(card)]
    steps = (_neighbours, _reconstructions, _loss, _map)
    for number, make in enumerate(steps, start=1):
        section = make(engine, on_progress)
        if section is not None:
            sections.append(section)
        on_progress(Progress("report", number, len(steps)))
    page = place / "report.html"
    write_report(_page(engine, evaluation, tuple(sections), words), page)
    return EngineReport(page, evaluation, card, words)


def _keep_figures(place: Path, evaluation: Evaluation | None, card: Card, words: str) -> None:
    """Write the figures for programs; those of labels go where there are none."""
    if evaluation is None:
        (place / "metrics.json").unlink(missing_ok=True)  # another gallery's
    else:
        write_text(place / "metrics.json", json.dumps(evaluation.as_dict(), indent=2) + "\n")
    figures = {"sentence": words, **card.as_dict()}
    write_text(place / "card.json", json.dumps(figures, indent=2) + "\n")


def _labels_pair(engine: Engine) -> bool:
    """Whether the pictures have labels that pair some of them, so that there is a measure."""
    labels = [label for label in engine.gallery.labels if label is not None]
    return 2 <= len(set(labels)) < len(labels)


def _neighbours(engine: Engine, on_progress: OnProgress) -> ReportSection:
    queries = sample_queries(engine, GRID_QUERIES)
    hits = engine.search_many(queries, min(engine.manifest.k, GRID_HITS))
    return _section(
        engine,
        "Neighbours",
        "Each framed picture was searched for; beside it what was found, closest first.",
        draw_hits(engine, hits),
        "neighbours.png",
        f"{len(hits)} pictures, each with its {len(hits[0])} closest",
    )


def _reconstructions(engine: Engine, on_progress: OnProgress) -> ReportSection | None:
    if not engine.encoder.decodes or engine.cache is None:
        return None
    return _section(
        engine,
        "Reconstructions",
        "Above, pictures as the network saw them; below, what it rebuilt from the latent alone. "
        "The figure is the mean squared error per value, pixels in [0, 1].",
        draw_engine_reconstructions(engine),
        "reconstructions.png",
        "ten pictures above their reconstructions",
    )


def _loss(engine: Engine, on_progress: OnProgress) -> ReportSection | None:
    history = engine.history()
    if history is None:
        return None
    loss = engine.manifest.settings["training"]["loss"]
    name = LOSS_NAMES.get(loss, loss)
    return _section(
        engine,
        "Training",
        f"Loss ({name}) after each of {len(history)} epochs, {history.seconds:,.0f} seconds.",
        draw_curve(engine),
        "loss.png",
        "loss curve",
    )


def _map(engine: Engine, on_progress: OnProgress) -> ReportSection:
    return _section(
        engine,
        "Map",
        "t-SNE of the embeddings: pictures that the engine finds alike stand close together.",
        draw_gallery_map(engine, on_progress=on_progress),
        "map.png",
        "map of the gallery",
    )


def _section(
    engine: Engine, title: str, text: str, image: Image, name: str, alt: str
) -> ReportSection:
    save(image, engine.layout.reports / name)
    return ReportSection(title, text, (ReportPicture(title, to_png(image), alt=alt),))


def _page(
    engine: Engine,
    evaluation: Evaluation | None,
    sections: tuple[ReportSection, ...],
    words: str,
) -> Report:
    manifest = engine.manifest
    skipped = engine.skipped()
    return Report(
        title=engine.layout.directory.name,
        headline=f"A search engine over {len(engine):,} pictures. {words}",
        facts=_facts(engine),
        metrics=_metric_rows(evaluation),
        definitions=DEFINITIONS if evaluation else {},
        protocol=f"Measured: {evaluation.protocol}." if evaluation else "",
        sections=sections,
        settings=_flat(manifest.settings),
        skipped=tuple(SkippedFile(s.path, s.reason) for s in skipped[:SKIPPED_SHOWN]),
        skipped_count=len(skipped),
        versions=manifest.versions,
        command=build_command(manifest, engine.layout.directory),
    )


def _facts(engine: Engine) -> dict[str, str]:
    manifest, counts = engine.manifest, engine.manifest.counts
    channels, height, width = engine.image.shape
    facts = {
        "Pictures searched": f"{counts.gallery:,}",
        "Trained on": f"{counts.train:,}" if counts.train else "nothing (pretrained)",
        "Preset": manifest.preset,
        "Picture size": f"{height} × {width}, {'grey' if channels == 1 else 'colour'}",
        "Numbers in an embedding": f"{engine.gallery.width:,}",
        "Metric": manifest.metric,
        "Seed": str(manifest.seed),
        "Device": str(manifest.settings.get("device", "")),
    }
    if history := engine.history():
        facts["Training"] = f"{history.seconds:,.0f} s"
    return facts


def _metric_rows(evaluation: Evaluation | None) -> tuple[MetricRow, ...]:
    if evaluation is None:
        return ()
    return tuple(
        MetricRow(row.name, row.values, is_engine=number == 0)
        for number, row in enumerate(evaluation.rows)
    )


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = str(value)
    return flat
