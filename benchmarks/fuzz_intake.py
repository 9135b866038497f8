"""Fuzzing of the intake: damaged files of every format, decoded as a build or a sync decodes them.

Files are mutated from a small good one of every format. A mutant whose outcome was not seen before
(a reason, or the magnitude of the sides of what was decoded) becomes a seed itself. A finding is
what is not a picture and not skipped with a plain reason either, or a worker above its memory
limit; crashes, hangs and hunger of a codec are counted, and their files kept, though they cost
only themselves.

`--in-process` instead lets Atheris (`pip install atheris`), guided by the coverage of Pillow's
parsers, call the decoding without a process around it.

Run: nice -n 19 python -m benchmarks.fuzz_intake [--minutes 30] [--seed 0] [--keep FOLDER] [--json]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lookalike.images import ImageSpec
from lookalike.images.answers import Answer, decode_file
from lookalike.images.guarded import Intake
from lookalike.images.limits import IntakeLimits

SUPPORT = Path(__file__).parent.parent / "tests" / "support"
BATCH = 100
LARGEST_SEED = 200_000
DEADLY = {
    "crash": "its decoding crashed",
    "killed": "its decoding was killed",
    "hang": "it took longer",
    "memory": "it needs more than",
}
FITS = ("stretch", "crop", "pad")


@dataclass
class Record:
    """What fuzzing has found."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    peak_memory: int = 0
    slowest: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "files": sum(self.outcomes.values()),
            **self.outcomes,
            "different_outcomes": len(self.reasons),
            "findings": self.findings,
            "peak_memory_mb": round(self.peak_memory / 1e6),
            "slowest_batch_seconds": round(self.slowest, 2),
        }


def outcome_of(answer: Answer) -> str:
    if answer.size is not None:
        return "decoded"
    for name, words in DEADLY.items():
        if answer.reason.startswith(words):
            return name
    return "skipped"


def is_plain(reason: str) -> bool:
    return bool(reason) and reason.isprintable() and "<" not in reason and len(reason) < 200


def kind_of(answer: Answer) -> str:
    if answer.size is not None:
        return "decoded {} {}".format(*(side.bit_length() for side in answer.size))
    return re.sub(r"\d+", "#", answer.reason)


def peak_of(intake: Intake) -> int:
    """Return the most bytes that a worker, of those that run now, ever held."""
    peak = 0
    for pid in intake.pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        peak = max(peak, int(found[1]) * 1024 if found else 0)
    return peak


class Fuzzer:
    """Makes files, has them decoded, and notes what becomes of them."""

    def __init__(self, seed: int, keep: Path | None, limits: IntakeLimits) -> None:
        sys.path.insert(0, str(SUPPORT))
        import hostile_files

        self.hostile = hostile_files
        self.random = np.random.default_rng(seed)
        self.good = list(hostile_files.seeds().values())
        self.found: list[bytes] = []
        self.record, self.keep = Record(), keep
        self.intake = Intake(limits)

    def mutant(self) -> bytes:
        """Return a seed, damaged a few times."""
        random, mutations = self.random, self.hostile.MUTATIONS
        data = self.any_seed()
        for _ in range(int(random.integers(1, 5))):
            data = mutations[int(random.integers(len(mutations)))](data, random) or b"\0"
        if random.random() < 0.05:
            data = self.hostile.splice(data, self.any_seed(), random) or b"\0"
        return data[:LARGEST_SEED]

    def any_seed(self) -> bytes:
        """Return a good file, or half of the time one of those that were new."""
        of_these = self.found if self.found and self.random.random() < 0.5 else self.good
        return of_these[int(self.random.integers(len(of_these)))]

    def spec(self) -> ImageSpec:
        """Return any size and fit."""
        height, width = (int(side) for side in self.random.integers(1, 200, 2))
        channels = int(self.random.choice([1, 3]))
        return ImageSpec(height, width, channels, fit=FITS[int(self.random.integers(3))])

    def batch(self, folder: Path) -> None:
        """Have some files decoded."""
        data = [self.mutant() for _ in range(BATCH)]
        files = [folder / f"{number}.jpg" for number in range(BATCH)]
        for file, mutant in zip(files, data, strict=True):
            file.write_bytes(mutant)
        spec = self.spec()
        pixels = np.empty((BATCH, spec.height, spec.width, spec.channels), np.uint8)
        start = time.perf_counter()
        answers = self.intake.decode(files, spec, pixels)
        self.record.slowest = max(self.record.slowest, time.perf_counter() - start)
        for mutant, answer in zip(data, answers, strict=True):
            self.note(mutant, answer)
        self.record.peak_memory = max(self.record.peak_memory, peak_of(self.intake))
        if self.record.peak_memory > self.intake.limits.memory:
            self.finding("a worker held more than its limit", b"")

    def note(self, mutant: bytes, answer: Answer) -> None:
        """Count what became of a file; what is new becomes a seed."""
        record, outcome = self.record, outcome_of(answer)
        record.outcomes[outcome] += 1
        kind = kind_of(answer)
        record.reasons[kind] += 1
        if record.reasons[kind] == 1 and outcome not in DEADLY:
            self.found.append(mutant)
        if outcome in DEADLY:
            self.save(outcome, mutant)
        if outcome == "skipped" and not is_plain(answer.reason):
            self.finding(f"a reason that is not plain: {answer.reason!r}", mutant)

    def finding(self, what: str, mutant: bytes) -> None:
        """Note what must not be."""
        self.record.findings.append(what)
        self.save("finding", mutant)

    def save(self, what: str, mutant: bytes) -> None:
        """Keep a file, to be looked at."""
        if self.keep is not None:
            self.keep.mkdir(parents=True, exist_ok=True)
            (self.keep / f"{what}-{sum(self.record.outcomes.values()):07}").write_bytes(mutant)


def fuzz(arguments: argparse.Namespace) -> Record:
    fuzzer = Fuzzer(arguments.seed, arguments.keep, IntakeLimits(seconds=10.0))
    end, told = time.monotonic() + 60 * arguments.minutes, time.monotonic()
    with fuzzer.intake, tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            fuzzer.batch(Path(folder))
            if time.monotonic() > told + 60:
                told = time.monotonic()
                print(json.dumps(fuzzer.record.as_dict()), file=sys.stderr, flush=True)
    return fuzzer.record


def fuzz_in_process(arguments: argparse.Namespace) -> None:
    """Run Atheris, which ends the process; whatever it reports as a crash is a finding."""
    import atheris

    with atheris.instrument_imports(include=["PIL"]):
        from PIL import Image

        Image.init()
    sys.path.insert(0, str(SUPPORT))
    import hostile_files

    corpus = arguments.keep or Path(tempfile.mkdtemp())
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in hostile_files.seeds().items():
        (corpus / name).write_bytes(data)
    limits, spec = IntakeLimits(max_pixels=4_000_000), ImageSpec(24, 32, 3)
    file = Path(tempfile.mkdtemp()) / "picture.jpg"

    def one(data: bytes) -> None:
        file.write_bytes(data)
        answer, _ = decode_file(file, spec, limits)
        if answer.size is None and not is_plain(answer.reason):
            raise RuntimeError(f"a reason that is not plain: {answer.reason!r}")

    options = [f"-max_total_time={round(60 * arguments.minutes)}", f"-seed={arguments.seed + 1}"]
    options += ["-timeout=30", "-rss_limit_mb=4000", "-max_len=20000", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(corpus), *options], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where files that killed a worker are kept")
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.in_process:
        fuzz_in_process(arguments)
        return
    record = fuzz(arguments)
    if arguments.json:
        print(json.dumps(record.as_dict()))
        return
    for name, value in record.as_dict().items():
        print(f"{name.replace('_', ' '):24} {value}")


if __name__ == "__main__":
    main()
