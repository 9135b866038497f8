"""Time from a cold start to help and to an answer, and of an answer once the engine is open.

The engine is trained for a moment on pictures that come with the package; its gallery is then
made as large as asked for by embeddings near theirs. Each cold command is a process of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.benchmark.contest import Contest, compete
from lookalike.benchmark.outcome import Bar, Effort, Outcome
from lookalike.errors import BenchmarkError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.search import Calibration

__all__ = ["measure"]

TRAINED, QUICK_TRAINED = 600, 60
GALLERY, QUICK_GALLERY = 60_000, 2_000
SEARCHES, QUICK_SEARCHES = 60, 20
OURS = "search by file"
# Where it is set, a package installed in place is compiled anew at each start.
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
# What a query's evidence is made of; see `lookalike.search.evidence`.
EVIDENCE_COLUMNS, PART_COLUMNS = 4, 2
HELP_SECONDS, COLD_SECONDS, WARM_MS = 0.3, 1.5, 15.0

# The seeds' way: torch for the network, a dictionary of embeddings, a loop over all of them. That
# they keep it by pickle is measured too; nothing of ours reads one.
WRITE = """
import pickle, sys
import numpy as np
rows = np.load(sys.argv[1])
with open(sys.argv[2], "wb") as file:
    pickle.dump({f"{place}.png": row for place, row in enumerate(rows)}, file)
"""
SEARCH = """
import pickle, sys
import numpy as np
import torch
with open(sys.argv[1], "rb") as file:
    database = pickle.load(file)
query = next(iter(database.values()))
found = sorted((float(np.linalg.norm(query - row)), path) for path, row in database.items())
print(*found[:10], sep="\\n")
"""


@dataclass
class _Cold:
    """Commands in processes of their own, and the processor time of each run."""

    commands: Mapping[str, list[str]]
    processor: dict[str, list[float]] = field(default_factory=dict)

    def ways(self) -> dict[str, Callable[[], object]]:
        return {name: self._way(name) for name in self.commands}

    def seconds(self, name: str) -> float:
        """Return the median processor time, without the first run: files were cold then."""
        every = self.processor[name]
        return statistics.median(every[1:] or every)

    def _way(self, name: str) -> Callable[[], object]:
        def run() -> None:
            line = [sys.executable, *self.commands[name]]
            with tempfile.TemporaryFile() as said:
                child = subprocess.Popen(
                    line, stdout=subprocess.DEVNULL, stderr=said, env=_with_bytecode()
                )
                _, status, used = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                if child.returncode != 0:
                    said.seek(0)
                    reason = said.read().decode(errors="replace")
                    raise BenchmarkError(f"{name}: {reason}")
            self.processor.setdefault(name, []).append(used.ru_utime + used.ru_stime)

        return run


def _with_bytecode() -> dict[str, str]:
    """Return the environment in which the first run writes bytecode, as an installation does."""
    return {name: value for name, value in os.environ.items() if name != NO_BYTECODE}


def measure(effort: Effort) -> Outcome:
    """Start commands cold, then search an open engine again and again."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        engine, picture, path = _make_engine(work, effort)
        ours = ["-m", "lookalike.cli"]
        asked = ["search", str(engine), "-q"]
        cold = _Cold(
            {
                "python, nothing": ["-c", "pass"],
                "--help": [*ours, "--help"],
                OURS: [*ours, *asked, str(picture)],
                "search by gallery path": [*ours, *asked, path],
                "the seeds' way": ["-c", SEARCH, str(work / "database")],
            }
        )
        contest = compete(
            f"an answer from a cold start, gallery of {_size(effort):,}",
            cold.ways(),
            ours=OURS,
            unit="answers",
            amount=1,
            rounds=1 if effort.quick else 7,
            warm=0 if effort.quick else 1,
        )
        warm = _warm(engine, picture, path, effort)
    figures = {f"{name}, cold, processor s": round(cold.seconds(name), 3) for name in cold.commands}
    return Outcome((contest,), _bars(contest, cold, warm), {**figures, **warm})


def _bars(contest: Contest, cold: _Cold, warm: Mapping[str, float]) -> tuple[Bar, ...]:
    shown = statistics.median(contest.way("--help").seconds)
    answer, again = cold.seconds(OURS), warm["search of a file, warm, ms"]
    return (
        Bar("--help, s", f"≤ {HELP_SECONDS}", f"{shown:.2f}", shown <= HELP_SECONDS),
        Bar(
            "a search by file, cold, s of processor time",
            f"≤ {COLD_SECONDS}",
            f"{answer:.2f}",
            answer <= COLD_SECONDS,
        ),
        Bar("Engine.search of a file, warm, ms", f"≤ {WARM_MS}", f"{again:.1f}", again <= WARM_MS),
    )


def _size(effort: Effort) -> int:
    return QUICK_GALLERY if effort.quick else GALLERY


def _make_engine(work: Path, effort: Effort) -> tuple[Path, Path, str]:
    """Return an engine's directory, a picture that its gallery has not, and a path that it has."""
    import numpy as np
    from PIL import Image

    from lookalike.engine import build
    from lookalike.images import load_dataset

    (pixels,) = load_dataset("fashion-mnist-10k", Path()).arrays.values()
    (work / "pictures").mkdir()
    count = QUICK_TRAINED if effort.quick else TRAINED
    for number in range(count):
        Image.fromarray(pixels[number]).save(work / "pictures" / f"{number}.png")
    Image.fromarray(pixels[count]).save(work / "new.png")
    engine = build(
        work / "pictures", work / "made.lookalike", epochs=1, seed=effort.seed, report=False
    )
    random = np.random.default_rng(effort.seed)
    few = engine.gallery.embeddings
    rows = few[random.integers(0, len(few), _size(effort))]
    rows = rows + 0.3 * few.std() * random.standard_normal(rows.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    np.save(work / "rows.npy", rows)
    subprocess.run(
        [sys.executable, "-c", WRITE, str(work / "rows.npy"), str(work / "database")], check=True
    )
    _enlarge(engine.layout.directory, rows)
    return engine.layout.directory, work / "new.png", "7.png"


def _enlarge(directory: Path, rows: NDArray[np.float32]) -> None:
    """Put a gallery of these embeddings in an engine, with a calibration that knows nothing."""
    import numpy as np

    from lookalike.engine import open_engine
    from lookalike.engine.calibration_file import keep_calibration
    from lookalike.engine.manifest import Counts, write_manifest
    from lookalike.gallery import GalleryRows, write_gallery

    engine, count = open_engine(directory), len(rows)
    gallery = GalleryRows(
        paths=[f"{number}.png" for number in range(count)],
        labels=[f"kind {number % 10}" for number in range(count)],
        splits=[None] * count,
        widths=np.full(count, 28, np.int32),
        heights=np.full(count, 28, np.int32),
        sha256=[f"{number:064x}" for number in range(count)],
        embeddings=rows,
    )
    manifest = replace(engine.manifest, counts=Counts(gallery=count))
    write_gallery(engine.layout.gallery, gallery, fingerprint=manifest.fingerprint)
    write_manifest(engine.layout.manifest, manifest)
    engine.refresh()
    keep_calibration(engine, _calibration(len(engine.encoder.widths)))


def _calibration(parts: int) -> Calibration:
    """Return one of the usual size, so that hits are judged as in a finished engine."""
    import numpy as np

    from lookalike.search import Calibration
    from lookalike.search.calibration import Curve, Familiarity, Judge

    def judge(columns: int) -> Judge:
        weights = np.zeros(columns + columns * (columns + 1) // 2)
        return Judge(np.zeros(columns), np.ones(columns), weights, np.linspace(-1, 1, 1_001))

    curve = Curve(np.linspace(-1, 1, 100), np.linspace(0, 1, 100))
    columns = EVIDENCE_COLUMNS + PART_COLUMNS * parts
    familiarity = Familiarity(judge(columns), judge(columns + 1), 0.1)
    return Calibration(np.linspace(-1, 1, 20_000), curve, curve, familiarity)


def _warm(engine: Path, picture: Path, path: str, effort: Effort) -> dict[str, float]:
    """Return what a search of an open engine takes, in milliseconds, and parts of it."""
    from lookalike.engine import open_engine

    opened = open_engine(engine)
    (embedding,) = opened.embed([picture])
    index = opened.index("cosine")
    parts: dict[str, Callable[[], object]] = {
        "search of a file, warm, ms": lambda: opened.search(picture),
        "search of a gallery path, warm, ms": lambda: opened.search(path),
        "reading and embedding the file, warm, ms": lambda: opened.embed([picture]),
        "comparing with the gallery once, warm, ms": lambda: index.search(embedding[None], 10),
    }
    count = QUICK_SEARCHES if effort.quick else SEARCHES
    found = {}
    for name, work in parts.items():
        seconds = []
        for _ in range(count):
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
        # The first searches still find out what is worth keeping.
        found[name] = round(1000 * statistics.median(seconds[count // 3 :]), 2)
    return found
