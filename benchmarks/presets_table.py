"""Train every preset on the public data sets, measure it; write docs/presets.md and the README.

    python -m benchmarks.presets_table --work DIR

Engines and figures are kept in DIR: a second run does only what is missing, `--write` alone writes
the page from the figures that are there. Everything is measured with seed 0.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lookalike.cli.progress import show_progress
from lookalike.engine import BuildSettings, index_engine, open_engine, open_source, train_engine
from lookalike.engine.measure import evaluate
from lookalike.errors import WeightsError
from lookalike.types import OnProgress

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "presets.md"
README = ROOT / "README.md"
MARKS = ("<!-- results -->\n", "<!-- /results -->")


@dataclass(frozen=True)
class Run:
    """One row: a preset on a data set, and where it departs from the preset's own settings."""

    data: str
    preset: str
    size: int | None = None
    channels: int | None = None
    epochs: int | None = None

    @property
    def name(self) -> str:
        """Name of the run's files."""
        return f"{self.data}.{self.preset}"


RUNS = (
    Run("fashion-mnist", "digits-conv16"),
    Run("fashion-mnist", "animals-conv16", size=28, channels=1, epochs=5),
    Run("fashion-mnist", "animals-linear512", size=32, channels=1),
    Run("fashion-mnist", "tiny-conv8x8x8", size=16, channels=1, epochs=1),
    Run("fashion-mnist", "food-dense128", size=28, channels=1),
    Run("fashion-mnist", "food-conv13x13x8", size=28, channels=1, epochs=5),
    Run("fashion-mnist", "vgg19", size=32),
    Run("fashion-mnist", "efficientnet-lite0", size=64),
    Run("fashion-mnist", "conv128"),
    Run("fashion-mnist", "twin"),
    Run("fashion-mnist", "efficientnet-lite0-twin"),
    Run("stamps", "digits-conv16"),
    Run("stamps", "animals-conv16", size=128, epochs=5),
    Run("stamps", "animals-linear512", epochs=10),
    Run("stamps", "tiny-conv8x8x8"),
    Run("stamps", "food-dense128"),
    Run("stamps", "food-conv13x13x8", epochs=50),
    Run("stamps", "vgg19"),
    Run("stamps", "efficientnet-lite0"),
    Run("stamps", "conv128"),
    Run("stamps", "twin"),
    Run("stamps", "efficientnet-lite0-twin"),
)
COLUMNS = {
    "fashion-mnist": ("P@1", "P@10", "mAP@1000"),
    "stamps": ("P@1", "P@10", "MAP@R"),
}
HEADINGS = {
    "fashion-mnist": "Fashion-MNIST: 60,000 gallery, 10,000 queries (the test split)",
    "stamps": "Tux Paint stamps: leave-one-out, label = top folder",
}
# Whose reconstruction the column *error* measures.
ERRORS = {
    "fashion-mnist": "*Error* is of the first 2,000 test pictures: no network was trained on them.",
    "stamps": "There is no test split: *error* is of the gallery's own pictures, most of which the "
    "networks were trained on. It says how well they fit, not how they do on new pictures, and "
    "does not compare with the errors above.",
}
# Pictures whose reconstruction is measured: enough for three digits.
RECONSTRUCTED = 2_000


def main() -> None:
    """Do the runs that are missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="where engines are kept")
    parser.add_argument("--data-home", type=Path, help="where data sets are kept")
    parser.add_argument("--only", default="", help="only runs whose name contains this")
    parser.add_argument("--train-only", action="store_true", help="train, measure another time")
    parser.add_argument("--write", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    runs = [] if arguments.write else [run for run in RUNS if arguments.only in run.name]
    with show_progress() as on_progress:
        for run in runs:
            _train(run, arguments.work, arguments.data_home, on_progress)
            if not arguments.train_only:
                _measure(run, arguments.work, arguments.data_home, on_progress)
    if not arguments.train_only:
        PAGE.write_text(_page(arguments.work), encoding="utf-8")
        before, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        table = "\n".join(_table(arguments.work, "fashion-mnist"))
        README.write_text(f"{before}{MARKS[0]}{table}\n{MARKS[1]}{after}", encoding="utf-8")


def _train(run: Run, work: Path, home: Path | None, on_progress: OnProgress) -> None:
    place = work / f"{run.name}.lookalike"
    if place.exists() or (work / f"{run.name}.json").exists():
        return
    print(f"{time.strftime('%H:%M:%S')} {run.name}", file=sys.stderr)
    settings = BuildSettings(
        preset=run.preset, size=run.size, channels=run.channels, epochs=run.epochs
    )
    try:
        train_engine(
            open_source(run.data, home=home), place, settings, resume=True, on_progress=on_progress
        )
    except WeightsError as error:
        _keep(work, run, {"missing": str(error)})


def _measure(run: Run, work: Path, home: Path | None, on_progress: OnProgress) -> None:
    place = work / f"{run.name}.lookalike"
    if (work / f"{run.name}.json").exists() or not place.exists():
        return
    engine = open_engine(place)
    if not len(engine):
        engine = index_engine(place, data_home=home, on_progress=on_progress)
    beside = work / f"{run.data}.baselines.json"
    result = evaluate(engine, None, baselines=not beside.exists(), home=home)
    if not beside.exists():
        rows = [{"name": row.name, **row.values} for row in result.rows[1:]]
        beside.write_text(json.dumps(rows), encoding="utf-8")
    training = engine.manifest.settings["training"]
    history = engine.history()
    _keep(
        work,
        run,
        {
            **result.rows[0].values,
            "input": list(engine.image.shape),
            "latent": int(np.prod(engine.encoder.model.latent_shape)),
            "epochs": len(history) if history else 0,
            "own_epochs": training["epochs"] if training else 0,
            "seconds": history.seconds if history else None,
            "error": _reconstruction_error(engine),
        },
    )


def _reconstruction_error(engine) -> float | None:  # noqa: ANN001 - an Engine
    if not engine.encoder.decodes:
        return None
    cache = engine.cache
    rows = cache.rows("test")
    rows = (rows if len(rows) else np.arange(len(cache)))[:RECONSTRUCTED]
    return float(engine.encoder.reconstruct(np.asarray(cache.pixels[rows])).errors.mean())


def _keep(work: Path, run: Run, values: dict) -> None:
    values = {"run": asdict(run), **values}
    (work / f"{run.name}.json").write_text(json.dumps(values, indent=1), encoding="utf-8")


def _page(work: Path) -> str:
    lines = [
        "# Presets and what they reach",
        "",
        "Every figure of this page comes from one command, with seed 0:",
        "",
        "```",
        "python -m benchmarks.presets_table --work DIR",
        "```",
        "",
        f"Machine: {platform.machine()}, 2 cores, Python {platform.python_version()}. Labels are "
        "used to measure, never to train. Metrics are defined in [metrics.md](metrics.md). "
        "*Error* is the mean squared error of the reconstruction per value, pixels in [0, 1]. "
        "*Seconds* are of the epochs of training; what "
        "`efficientnet-lite0-twin` does before the first, embedding its pictures, takes longer. "
        "Size and epochs are the preset's own unless marked †.",
    ]
    for data, heading in HEADINGS.items():
        lines += ["", f"## {heading}", "", ERRORS[data], "", *_table(work, data)]
    lines += ["", *_notes(work)]
    return "\n".join(lines) + "\n"


def _table(work: Path, data: str) -> list[str]:
    columns = COLUMNS[data]
    lines = [
        f"| preset | input | latent | {' | '.join(columns)} | error | epochs | seconds |",
        "|---" * (6 + len(columns)) + "|",
    ]
    for run in (run for run in RUNS if run.data == data):
        file = work / f"{run.name}.json"
        if file.exists():
            lines.append(_row(run, json.loads(file.read_text()), columns))
    file = work / f"{data}.baselines.json"
    for row in json.loads(file.read_text()) if file.exists() else ():
        values = " | ".join(_figure(row[column]) for column in columns)
        lines.append(f"| *{row['name']}* | | | {values} | | | |")
    return lines


def _row(run: Run, values: dict, columns: tuple[str, ...]) -> str:
    if "missing" in values:
        return f"| `{run.preset}` | not measured here: its weights could not be fetched |" + (
            " |" * (4 + len(columns))
        )
    channels, height, width = values["input"]
    size = f"{height}×{width}×{channels}" + ("†" if run.size or run.channels else "")
    epochs = f"{values['epochs']}" + ("†" if run.epochs else "") if values["epochs"] else "–"
    seconds = "–" if values["seconds"] is None else f"{values['seconds']:.0f}"
    error = "–" if values["error"] is None else f"{values['error']:.4f}"
    figures = " | ".join(_figure(values[column]) for column in columns)
    return (
        f"| `{run.preset}` | {size} | {values['latent']:,} | {figures} | {error} | {epochs} "
        f"| {seconds} |"
    )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _notes(work: Path) -> list[str]:
    missing = [run for run in RUNS if not (work / f"{run.name}.json").exists()]
    notes = [
        "† another size, fewer channels or fewer epochs than the preset's own, to keep the whole "
        "table within two hours of two cores; the row states what was run. Seconds were taken with "
        "one thread beside other work: on an idle machine they are fewer.",
        "",
        "`vgg19` needs weights from the internet (or `--weights FILE`); where they could not be "
        "fetched its row says so.",
    ]
    if missing:
        names = ", ".join(f"`{run.name}`" for run in missing)
        notes += ["", f"Not run yet: {names}."]
    return notes


if __name__ == "__main__":
    main()
