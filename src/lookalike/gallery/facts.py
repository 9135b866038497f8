"""What is known of the index over a gallery: it is kept with the state that it belongs to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from lookalike.types import Metric, check_metric

__all__ = ["INDEX_NAME", "IndexFacts", "names_of_index", "read_facts"]

INDEX_NAME = "nearest"
KEY = "lookalike.index"
# Lengths that differ by no more than this share give all metrics the same order.
EQUAL = 2e-3


@dataclass(frozen=True)
class IndexFacts:
    """An index and how good it is.

    Attributes:
        metric: that it was built for.
        built: the name that Lance gave it: facts of another index, whose replacement was cut short
            before it was measured, do not count.
        rows: pictures when it was last built anew.
        held: pictures when it was last brought up to date.
        changed: pictures added, changed or removed since it was built anew.
        partitions: of the gallery; each has a graph of its own.
        probes: partitions that a search looks into.
        refine: candidates for each hit wanted, put in order by their stored embeddings.
        recall: share of the true 10 nearest that it finds, measured on pictures of the gallery
            other than those that `probes` and `refine` were chosen on.
        target: the recall that was wanted.
        sample: pictures it was measured with.
        shortest: length of the shortest embedding.
        longest: length of the longest.
        seconds: that building it took.
    """

    metric: Metric
    built: str
    rows: int
    held: int
    changed: int
    partitions: int
    probes: int
    refine: int
    recall: float
    target: float
    sample: int
    shortest: float
    longest: float
    seconds: float

    def serves(self, metric: Metric) -> bool:
        """Return whether the index gives the nearest by a metric.

        Embeddings of one length are in the same order by every metric.
        """
        return metric == self.metric or self.longest <= self.shortest * (1 + EQUAL)

    def as_config(self) -> dict[str, str]:
        """Return what is kept in the dataset's configuration."""
        return {KEY: json.dumps(asdict(self))}


def read_facts(dataset: Any) -> IndexFacts | None:  # noqa: ANN401 - untyped library
    """Return the facts of a dataset's index; None where there is none, or none that can be read."""
    text, present = dataset.config().get(KEY), names_of_index(dataset)
    if not text or not present:
        return None
    try:
        values = json.loads(text)
        check_metric(values["metric"])
        facts = IndexFacts(**{field.name: values[field.name] for field in fields(IndexFacts)})
    except (ValueError, KeyError, TypeError):
        return None
    return facts if facts.built in present else None


def names_of_index(dataset: Any) -> list[str]:  # noqa: ANN401 - untyped library
    """Return the names that Lance gave the parts of the index, the first built first."""
    parts = [one.segments for one in dataset.describe_indices() if one.name == INDEX_NAME]
    return [str(part.uuid) for segments in parts for part in segments]
