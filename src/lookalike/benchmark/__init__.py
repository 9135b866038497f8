"""Benchmarks of speed: ours beside the seeds' ways and the field's libraries, in one run."""

from __future__ import annotations

from lookalike.benchmark.contest import Contest, Spread, Way, compete
from lookalike.benchmark.outcome import Bar, Effort, Outcome

__all__ = ["Bar", "Contest", "Effort", "Outcome", "Spread", "Way", "compete"]
