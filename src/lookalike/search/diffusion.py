"""Diffusion: similarity flows from the query along the graph of its candidates.

Iscen, Tolias, Avrithis, Furon and Chum, "Efficient Diffusion on Region Manifolds: Recovering Small
Objects with Compact CNN Representations" (2017), https://arxiv.org/abs/1611.05113; equation
numbers are this paper's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lookalike.errors import SettingsError
from lookalike.gallery import Neighbours, SearchIndex
from lookalike.search.expansion import unit_rows
from lookalike.search.rerank import first_places, reorder
from lookalike.search.settings import SearchSettings

__all__ = ["DIFFUSION_DEPTH", "conjugate_gradients", "diffuse", "normalised_graph"]

DIFFUSION_DEPTH = 1000
ROUNDS = 50
TOLERANCE = 1e-6


def diffuse(
    index: SearchIndex,
    queries: NDArray[np.float32],
    found: Neighbours,
    *,
    depth: int = DIFFUSION_DEPTH,
    neighbours: int = 50,
    gamma: float = 3.0,
    damping: float = 0.99,
    sources: int = 10,
    original: float = 0.5,
) -> Neighbours:
    """Put each query's first `depth` neighbours into the order in which diffusion reaches them.

    Solves (I - damping · S) f = y (equation 9), S the normalised graph of the candidates
    (`normalised_graph`), y = max(cos, 0)^gamma for the first `sources` neighbours, 0 for others.
    What is approximated (the paper's section 3.4): the graph is that of the query's candidates
    alone, made anew for each query, so that nothing flows through the rest of the gallery. With
    depth ≥ N it is the whole. Costs depth² · D for the graph: 10 to 25 ms a query for 1,000.

    Args:
        index: over the gallery; "cosine".
        queries: float32 (Q, D).
        found: neighbours (Q, k) of the queries, closest first.
        depth: how many of them are put into a new order; those after keep theirs.
        neighbours: of each candidate in the graph.
        gamma: power of the similarities.
        damping: α, how far similarity flows; 0 ≤ damping < 1.
        sources: neighbours of the query from which it flows.
        original: weight of the query's own cosine against f, which is divided by its largest.

    Returns:
        Neighbours (Q, k), scores original · cos + (1 - original) · f / max f; see
        `lookalike.search.reorder` for those after `depth`.

    Raises:
        SettingsError: the metric is not "cosine", or a number is out of range.
    """
    SearchSettings(rerank="diffusion", depth=depth).check_metric(index.metric)
    check_graph(neighbours, gamma, damping, sources)
    if not 0 <= original <= 1:
        raise SettingsError(f"original is {original}: wanted between 0 and 1")
    scores = []
    for cosines, places in zip(found.scores, first_places(found, depth), strict=True):
        own = cosines[: len(places)]
        rows = unit_rows(index.rows(places).astype(np.float64)).astype(np.float32)
        graph = normalised_graph(*_nearest(rows, neighbours), gamma=gamma)
        flow = np.maximum(own, 0) ** gamma
        flow[sources:] = 0
        reached = conjugate_gradients(graph, damping, flow)
        largest = reached.max(initial=0)
        scores.append(original * own + (1 - original) * reached / (largest if largest > 0 else 1))
    return reorder(found, scores)


def check_graph(neighbours: int, gamma: float, damping: float, sources: int) -> None:
    """Make sure that a graph can be made and solved.

    Raises:
        SettingsError: a number is out of range.
    """
    if neighbours < 1 or sources < 1 or gamma < 0 or not 0 <= damping < 1:
        raise SettingsError(
            f"neighbours is {neighbours}, sources is {sources}, gamma is {gamma}, damping is "
            f"{damping}: wanted both counts at least 1, gamma at least 0, damping from 0 to below 1"
        )


def normalised_graph(
    similarities: NDArray[np.float32],
    places: NDArray[np.int64],
    *,
    gamma: float,
    regularise: float = 0.0,
) -> Any:  # noqa: ANN401 - scipy's matrices are untyped
    """Return the mutual neighbour graph S = D^-½ W D^-½ (equations 3 to 5).

    W holds max(s, 0)^gamma where each is among the other's neighbours, D its row sums plus
    `regularise` times their mean: above 0 it keeps cliques that nothing connects from counting as
    much as the large parts (Amini et al., "Pseudo-likelihood methods for community detection in
    large sparse networks", 2013).

    Args:
        similarities: (N, k), of each member to its neighbours.
        places: (N, k), who they are; neither itself nor anyone twice.
        gamma: power of the similarities.
        regularise: share of the mean degree that is added to every degree.

    Returns:
        scipy.sparse.csr_matrix (N, N) of float64, symmetric.
    """
    from scipy import sparse

    count, width = places.shape
    weights = np.maximum(similarities, 0).astype(np.float64) ** gamma
    starts = np.repeat(np.arange(count), width)
    directed = sparse.csr_matrix((weights.ravel(), (starts, places.ravel())), (count, count))
    mutual = directed.minimum(directed.T)
    degrees = np.asarray(mutual.sum(axis=1)).ravel()
    degrees = degrees + regularise * degrees.mean()
    roots = sparse.diags(np.where(degrees > 0, degrees, 1) ** -0.5)
    return (roots @ mutual @ roots).tocsr()


def conjugate_gradients(
    graph: Any,  # noqa: ANN401 - scipy's matrices are untyped
    damping: float,
    flow: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Solve (I - damping · graph) f = flow.

    Args:
        graph: (N, N), symmetric, eigenvalues within -1 and 1.
        damping: from 0 to below 1.
        flow: (N,).

    Returns:
        float64 (N,), the residual's length at most `TOLERANCE` of the flow's, or what `ROUNDS`
        rounds have reached.
    """
    solution = np.zeros(len(flow))
    residual, direction = flow.astype(np.float64), flow.astype(np.float64)
    square = float(residual @ residual)
    enough = TOLERANCE**2 * square
    for _ in range(ROUNDS):
        if square <= enough:
            break
        image = direction - damping * (graph @ direction)
        step = square / float(direction @ image)
        solution += step * direction
        residual -= step * image
        before, square = square, float(residual @ residual)
        direction = residual + square / before * direction
    return solution


def _nearest(
    rows: NDArray[np.float32], neighbours: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return cosines and places (n, k) of each row's nearest others."""
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    count = min(neighbours, len(rows) - 1)
    if count < 1:
        return np.zeros((len(rows), 0), np.float32), np.zeros((len(rows), 0), np.int64)
    places = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
    return np.take_along_axis(cosines, places, axis=1), places
