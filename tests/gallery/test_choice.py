from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from lookalike.errors import SettingsError
from lookalike.gallery import Gallery, IndexFacts, check_search, choose_search

FACTS = IndexFacts(
    metric="cosine", built="b", rows=1000, held=1000, changed=0, partitions=1, probes=1, refine=2,
    recall=0.97, target=0.98, sample=400, shortest=1.0, longest=2.0, seconds=1.0,
)  # fmt: skip


@dataclass
class Sized:
    """As much of a gallery as the choice looks at: 1 MB of embeddings."""

    index_facts: IndexFacts | None = None
    width: int = 250

    def __len__(self) -> int:
        return 1000


def choose(facts, metric, wanted, megabytes):
    return choose_search(cast(Gallery, Sized(facts)), metric, wanted, megabytes)


@pytest.mark.parametrize(
    ("facts", "metric", "wanted", "megabytes", "chosen", "note"),
    [
        (None, "cosine", "auto", 1.0, "exact", None),
        (FACTS, "cosine", "auto", 1.0, "exact", None),
        (FACTS, "cosine", "auto", 0.9, "indexed", None),
        (FACTS, "inner", "auto", 0.9, "streamed", "the index is for cosine, not inner"),
        (None, "cosine", "auto", 0.9, "streamed", "there is no index"),
        (None, "cosine", "exact", 0.0, "exact", None),
        (FACTS, "cosine", "indexed", 9.0, "indexed", None),
        (FACTS, "cosine", "streamed", 9.0, "streamed", None),
    ],
)
def test_exact_while_it_fits_then_the_index_then_the_disk(
    facts, metric, wanted, megabytes, chosen, note
):
    choice = choose(facts, metric, wanted, megabytes)
    assert choice.search == chosen
    assert (choice.note is None) if note is None else (note in str(choice.note))


def test_a_poor_index_is_said_to_be_one():
    poor = IndexFacts(**{**FACTS.__dict__, "recall": 0.9})
    assert "finds 90.0% of the true nearest, 98.0% were wanted" in str(
        choose(poor, "cosine", "auto", 0).note
    )


def test_the_index_that_is_not_there_is_not_used():
    for facts, metric in ((None, "cosine"), (FACTS, "euclidean")):
        with pytest.raises(SettingsError, match="make one with `lookalike accelerate`"):
            choose(facts, metric, "indexed", 9)
    with pytest.raises(SettingsError, match="unknown search 'fast'"):
        check_search("fast")
