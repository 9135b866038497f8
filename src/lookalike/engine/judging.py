"""Saying of hits what their scores mean in this gallery."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.queries import Query, Standing
from lookalike.errors import EngineError
from lookalike.search import EVIDENCE_DEPTH, evidence
from lookalike.types import BANDS, Hits, check_metric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookalike.engine.facade import Engine
    from lookalike.gallery import SearchIndex

__all__ = ["judge_all", "judge_examples", "standings"]


def judge_all(
    engine: Engine,
    found: Sequence[Hits],
    queries: Sequence[Query],
    embeddings: NDArray[np.float32],
    *,
    index: SearchIndex | None = None,
    include_self: bool = False,
) -> list[Hits]:
    """Return hits with probability, percentile and band, if the engine has a calibration.

    Whatever ordered the hits (expansion, re-ranking, a balance, a filter), they are judged by the
    plain similarity that was calibrated, and whether anything is like the query is asked of the
    whole gallery.

    Args:
        engine: whose hits they are.
        found: of each query.
        queries: what was searched for.
        embeddings: float32 (Q, D), plain, of the queries.
        index: by the engine's own metric, where the caller has looked things up already.
        include_self: a picture of the gallery may find itself.
    """
    calibration = engine.calibration
    if calibration is None or not len(found):
        return list(found)
    index = index or engine.index(check_metric(engine.manifest.metric))
    stand = standings(engine, queries, embeddings, index=index, include_self=include_self)
    return [
        calibration.judge(
            hits,
            index.score(row[None], _places(engine, hits))[0],
            best=one.best,
            known=one.known,
        )
        for hits, row, one in zip(found, embeddings, stand, strict=True)
    ]


def standings(
    engine: Engine,
    queries: Sequence[Query],
    embeddings: NDArray[np.float32],
    *,
    index: SearchIndex | None = None,
    include_self: bool = False,
) -> list[Standing]:
    """Return how queries stand to the whole gallery; the engine must have a calibration.

    Those that know it are not asked about again.

    Args:
        engine: whose gallery it is.
        queries: what is searched for.
        embeddings: float32 (Q, D), plain, of the queries.
        index: by the engine's own metric; None for the engine's.
        include_self: a picture of the gallery may find itself.

    Raises:
        EngineError: there is no calibration.
    """
    known = [
        query.standing
        if query.standing is not None and query.standing.include_self == include_self
        else None
        for query in queries
    ]
    rows = [number for number, one in enumerate(known) if one is None]
    if rows:
        fresh = [queries[number] for number in rows]
        index = index or engine.index(check_metric(engine.manifest.metric))
        found = iter(_stand(engine, index, fresh, embeddings[rows], include_self))
        return [next(found) if one is None else one for one in known]
    return [one for one in known if one is not None]


def _stand(
    engine: Engine,
    index: SearchIndex,
    queries: Sequence[Query],
    embeddings: NDArray[np.float32],
    include_self: bool,
) -> list[Standing]:
    calibration = engine.calibration
    if calibration is None:
        raise EngineError("the scores of this engine mean nothing yet: run `lookalike report`")
    places = np.array([query.position for query in queries], np.int64)
    near = index.search(embeddings, EVIDENCE_DEPTH, exclude=None if include_self else places)
    known = calibration.familiarity.knows(
        evidence(index, embeddings, near, engine.encoder.widths, _errors(engine, queries))
    )
    return [
        Standing(float(best), bool(one), include_self)
        for best, one in zip(near.scores[:, 0], known, strict=True)
    ]


def judge_examples(
    engine: Engine,
    hits: Hits,
    liked: Sequence[Query],
    embeddings: NDArray[np.float32],
    *,
    include_self: bool = False,
) -> Hits:
    """Return the hits of several examples, each judged by the example that it is most like.

    Args:
        engine: whose hits they are.
        hits: of all examples together.
        liked: the examples that were wanted.
        embeddings: float32 (L, D), plain, of these.
        include_self: an example of the gallery may be found.
    """
    judged = judge_all(engine, [hits] * len(liked), liked, embeddings, include_self=include_self)
    if judged[0].known is None:
        return hits
    best = tuple(
        max(same, key=lambda hit: (BANDS[::-1].index(hit.band), hit.probability, hit.percentile))
        for same in zip(*judged, strict=True)
    )
    return replace(hits, hits=best, known=any(one.known for one in judged))


def _errors(engine: Engine, queries: Sequence[Query]) -> NDArray[np.float64] | None:
    """Return how badly each query is rebuilt; NaN for those of the gallery, None without decoder.

    What is in the gallery is nothing new to the decoder, and its pixels need not be read.
    """
    if not engine.encoder.decodes:
        return None
    errors = np.array([np.nan if query.error is None else query.error for query in queries])
    left = [
        number
        for number, query in enumerate(queries)
        if query.pixels is not None and query.error is None
    ]
    if left:
        pixels = np.stack([p for number in left if (p := queries[number].pixels) is not None])
        errors[left] = engine.encoder.decoder.errors(pixels, np.arange(len(pixels)))
    return errors


def _places(engine: Engine, hits: Hits) -> NDArray[np.int64]:
    """Return the places (1, k) of hits in the gallery."""
    found = engine.gallery.places_of(hits.paths)
    return np.array([[found[path] for path in hits.paths if path in found]], np.int64)
