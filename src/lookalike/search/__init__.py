"""From embeddings to hits; and making the most of the gallery on the way.

`search` finds what is closest. `SearchSettings` adds to it: query expansion and re-ranking by
k-reciprocal neighbours, by diffusion among a query's candidates or over the whole gallery
("spectral"). `search_examples` takes several pictures, wanted and unwanted, as one query. Each
step is a function, or a class, of arrays alone.
"""

from __future__ import annotations

from lookalike.search.calibration import Calibration, Familiarity
from lookalike.search.diffusion import diffuse
from lookalike.search.evidence import EVIDENCE_DEPTH, evidence
from lookalike.search.examples import best_match, mean_query
from lookalike.search.expansion import expand_queries
from lookalike.search.hits import search, search_examples
from lookalike.search.kept import kept_spectral
from lookalike.search.nearest import nearest
from lookalike.search.rerank import k_reciprocal, reorder
from lookalike.search.settings import (
    ALPHA,
    COMBINES,
    RERANKS,
    Combine,
    Rerank,
    SearchSettings,
    check_combine,
    check_rerank,
)
from lookalike.search.spectral import SpectralIndex, SpectralSettings, spectral_axes

__all__ = [
    "ALPHA",
    "COMBINES",
    "EVIDENCE_DEPTH",
    "RERANKS",
    "Calibration",
    "Combine",
    "Familiarity",
    "Rerank",
    "SearchSettings",
    "SpectralIndex",
    "SpectralSettings",
    "best_match",
    "check_combine",
    "check_rerank",
    "diffuse",
    "evidence",
    "expand_queries",
    "k_reciprocal",
    "kept_spectral",
    "mean_query",
    "nearest",
    "reorder",
    "search",
    "search_examples",
    "spectral_axes",
]
