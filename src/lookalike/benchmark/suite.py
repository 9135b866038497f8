"""The suite: every benchmark of speed by its name, and how they are run."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module, metadata

from lookalike.benchmark.outcome import Effort, Outcome
from lookalike.errors import SettingsError
from lookalike.ordered import usable_cores

__all__ = ["BENCHMARKS", "Machine", "machine", "run_benchmark", "select"]

BENCHMARKS = {
    "decode": "pictures decoded small, against a full decode; a folder to embeddings",
    "inference": "embedding by ONNX Runtime, against torch, preset by preset",
    "search": "exact search, against faiss, usearch, numpy, torch.cdist and scikit-learn",
    "training": "training steps, against Keras; epochs from the cache, against decoding each time",
    "start": "processor time from a cold start to help and to an answer",
    "growth": "build, sync, search and memory against the size of the gallery",
}
"""Name -> what it compares; each is the module of that name beside this one."""

_LIBRARIES = (
    *("torch", "onnxruntime", "faiss-cpu", "numpy", "pillow", "pylance"),
    *("usearch", "scikit-learn", "tensorflow-cpu", "keras", "simplejpeg"),
)


@dataclass(frozen=True)
class Machine:
    """What the figures were measured on.

    Attributes:
        cores: that this process may use.
        processor: its architecture.
        python: version of Python.
        libraries: name -> version, of those that are installed.
    """

    cores: int
    processor: str
    python: str
    libraries: dict[str, str]


def machine() -> Machine:
    """Return what this machine and its libraries are."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Machine(usable_cores(), platform.machine(), platform.python_version(), versions)


def select(names: Sequence[str]) -> tuple[str, ...]:
    """Return the benchmarks of these names in the suite's order; all without any.

    Raises:
        SettingsError: there is no such benchmark.
    """
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SettingsError(f"no benchmark {unknown[0]!r}: choose among {', '.join(BENCHMARKS)}")
    return tuple(name for name in BENCHMARKS if not names or name in names)


def run_benchmark(name: str, effort: Effort, part: str | None = None) -> Outcome:
    """Run one benchmark; of one that has parts, only one of them if it is named.

    Raises:
        SettingsError: there is no such benchmark, or no such part of it.
    """
    (name,) = select([name])
    module = import_module(f"lookalike.benchmark.{name}")
    if part is not None and not hasattr(module, "measure_part"):
        raise SettingsError(f"the benchmark {name} has no parts, got {part!r}")
    found: Outcome = module.measure(effort) if part is None else module.measure_part(effort, part)
    return found
