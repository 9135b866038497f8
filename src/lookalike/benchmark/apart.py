"""A benchmark, or a part of one, in a process of its own."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

from lookalike.benchmark.outcome import Effort, Outcome
from lookalike.errors import BenchmarkError

__all__ = ["SAID", "run_apart"]

# What a process ends with that has said, in its last line, which part of a benchmark failed.
SAID = 3


def run_apart(name: str, effort: Effort, part: str | None = None) -> Outcome:
    """Run a benchmark in a new process: the threads and memory of one must not weigh on the next.

    Args:
        name: one of `BENCHMARKS`.
        effort: what it may cost.
        part: of those that have parts, which one; None for the whole.

    Raises:
        BenchmarkError: it failed.
    """
    words = ["-m", "lookalike.benchmark", name, json.dumps(vars(effort))]
    words += [] if part is None else [part]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    if done.returncode == 0:
        return Outcome.from_dict(json.loads(done.stdout.splitlines()[-1]))
    reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
    if done.returncode == SAID:
        raise BenchmarkError(reason)
    what = name if part is None else f"{name} of {part}"
    raise BenchmarkError(
        f"the benchmark {what} failed ({reason}): "
        f"`{shlex.join(['python', *words])}` shows the whole"
    )
