"""A benchmark, or a part of one, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from lookalike.benchmark.outcome import Effort, Outcome
from lookalike.errors import BenchmarkError

__all__ = ["run_apart"]


def run_apart(name: str, effort: Effort, part: str | None = None) -> Outcome:
    """Run a benchmark in a new process: the threads and memory of one must not weigh on the next.

    Args:
        name: one of `BENCHMARKS`.
        effort: what it may cost.
        part: of those that have parts, which one; None for the whole.

    Raises:
        BenchmarkError: it failed.
    """
    words = [name, json.dumps(vars(effort)), *([] if part is None else [part])]
    command = [sys.executable, "-m", "lookalike.benchmark", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
        raise BenchmarkError(
            f"the benchmark {' '.join(filter(None, (name, part)))} failed ({reason}): "
            f"`python -m lookalike.benchmark {name}` shows the whole"
        )
    return Outcome.from_dict(json.loads(done.stdout.splitlines()[-1]))
