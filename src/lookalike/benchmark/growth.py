"""Cost against size: build, sync, search and memory, and how fast each grows.

Pictures are those that come with the package, moved by a few pixels and mirrored, as PNG files.
Every command is a process of its own, as a person starts it. Beyond that size, searches alone are
measured, in galleries of made-up embeddings.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.benchmark.outcome import Bar, Effort, Outcome
from lookalike.errors import BenchmarkError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["measure"]

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (60, 120)
SEARCHED, QUICK_SEARCHED = (1_000, 10_000, 100_000, 1_000_000), (500, 1_000)
ADDED = 100
FOLDER_HOLDS = 1_000
# Cost may grow by so much more than the pictures: a tenfold gallery at most 10 ** STEEPEST times.
STEEPEST = 1.1
BUILT = ("build s", "build peak MB", "engine MB", "unchanged sync s", "sync of 100 new s")
HELD = ("exact p50 ms", "exact resident MB", "index p50 ms", "index resident MB")

Row = dict[str, float | int | str]


def measure(effort: Effort) -> Outcome:
    """Build, sync and search galleries of growing size."""
    sizes = QUICK_SIZES if effort.quick else SIZES
    searched = QUICK_SEARCHED if effort.quick else SEARCHED
    rows: dict[int, Row] = {size: {"pictures": size} for size in sorted({*sizes, *searched})}
    with tempfile.TemporaryDirectory() as work:
        for size in sizes:
            rows[size] |= _built(Path(work) / str(size), size, effort)
        for size in searched:
            rows[size] |= _searched(Path(work) / f"searched-{size}", size, effort)
    columns = ("pictures", *BUILT, "answer, cold, processor s", *HELD)
    table = tuple({name: row.get(name, "") for name in columns} for row in rows.values())
    bars = tuple(_bar(list(rows.values()), name) for name in (*BUILT, *HELD))
    return Outcome(bars=tuple(bar for bar in bars if bar is not None), rows=table)


def _bar(rows: Sequence[Row], name: str) -> Bar | None:
    """Return how steeply a cost grows between the two largest sizes that have it."""
    known = [(float(row["pictures"]), float(row[name])) for row in rows if name in row]
    if len(known) < 2:
        return None
    (small, before), (large, after) = known[-2:]
    steepness = math.log(after / max(before, 1e-9)) / math.log(large / small)
    wanted = f"n^{STEEPEST} or less"
    what = f"{name}: from {small:,.0f} to {large:,.0f}"
    return Bar(what, wanted, f"n^{steepness:.2f}", steepness <= STEEPEST)


def _built(work: Path, size: int, effort: Effort) -> Row:
    pictures, engine = work / "pictures", work / "engine"
    for number, place in enumerate(_places(pictures, size)):
        _draw(number, place)
    words = ["build", str(pictures), "-o", str(engine), "--epochs", "1", "--no-report"]
    build = _command(*words, "--seed", str(effort.seed))
    row: Row = {"build s": build.seconds, "build peak MB": build.peak, "engine MB": _size(engine)}
    _command("sync", str(engine))
    row["unchanged sync s"] = _command("sync", str(engine)).seconds
    for number in range(ADDED):
        _draw(size + number, pictures / "new" / f"{number}.png")
    row["sync of 100 new s"] = _command("sync", str(engine)).seconds
    query = pictures / "new" / "0.png"
    row["answer, cold, processor s"] = _command("search", str(engine), str(query)).processor
    shutil.rmtree(work)
    return row


@dataclass(frozen=True)
class _Ran:
    seconds: float
    processor: float
    peak: float


def _command(*words: str) -> _Ran:
    """Run one command; its time, its processor time and its largest memory, in MB of 10**6."""
    line = [sys.executable, "-m", "lookalike.cli", *words, "--quiet"]
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            said.seek(0)
            raise BenchmarkError(f"lookalike {words[0]}: {said.read().decode(errors='replace')}")
    unit = 1 if sys.platform == "darwin" else 1024
    return _Ran(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6)


def _places(folder: Path, count: int) -> Iterator[Path]:
    for number in range(count):
        yield folder / f"{number // FOLDER_HOLDS:03}" / f"{number:06}.png"


def _draw(number: int, place: Path) -> None:
    """Write picture `number`: of the shipped ones, each time round moved in another way."""
    import numpy as np
    from PIL import Image

    turn, which = divmod(number, len(_shipped()))
    pixels = _shipped()[which][:, :: -1 if turn % 2 else 1]
    down, across = divmod(turn // 2, 5)
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.roll(pixels, (down, across), (0, 1))).save(place)


@cache
def _shipped() -> NDArray[np.uint8]:
    from lookalike.images import load_dataset

    (array,) = load_dataset("fashion-mnist-10k", Path()).arrays.values()
    return array


def _size(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _searched(work: Path, size: int, effort: Effort) -> Row:
    """Measure searches of one size, each way in a process of its own."""
    row: Row = {}
    for step in ("make", "exact", "index"):
        line = [sys.executable, "-m", "lookalike.benchmark.held", step, str(work)]
        done = subprocess.run([*line, str(size), str(effort.seed)], capture_output=True, text=True)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or [""])[-1]
            raise BenchmarkError(f"search of {size:,} embeddings, {step}: {reason}")
        row |= json.loads(done.stdout.splitlines()[-1])
    shutil.rmtree(work)
    return row
