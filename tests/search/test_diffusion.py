from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import QueryError, SettingsError
from lookalike.gallery import ExactIndex
from lookalike.search import SpectralIndex, SpectralSettings, diffuse, spectral_axes
from lookalike.search.diffusion import conjugate_gradients, normalised_graph


def dense_graph(rows, neighbours, gamma, regularise=0.0):
    """Iscen et al. (2017), equations 3 to 5, pair by pair."""
    n = len(rows)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    near = [
        sorted((j for j in range(n) if j != i), key=lambda j, i=i: -rows[i] @ rows[j])[:neighbours]
        for i in range(n)
    ]
    graph = np.zeros((n, n))
    for i in range(n):
        for j in near[i]:
            if i in near[j]:
                graph[i, j] = max(rows[i] @ rows[j], 0) ** gamma
    degrees = graph.sum(axis=1) + regularise * graph.sum() / n
    degrees[degrees == 0] = 1
    return graph / np.sqrt(degrees[:, None] * degrees)


def clusters(seed, count=60):
    random = np.random.default_rng(seed)
    centres = 2 * random.normal(size=(4, 5))
    gallery = centres[random.integers(0, 4, count)] + random.normal(size=(count, 5))
    return gallery.astype(np.float32), (centres + random.normal(size=(4, 5))).astype(np.float32)


@pytest.mark.parametrize(
    ("neighbours", "gamma", "damping"), [(8, 3, 0.9), (70, 1, 0.99), (2, 0, 0)]
)
@pytest.mark.parametrize("depth", [25, 60, 99])
def test_it_is_the_dense_solution(neighbours, gamma, damping, depth):
    gallery, queries = clusters(0)
    index = ExactIndex(gallery, "cosine")
    plain = index.search(queries, 60)
    found = diffuse(index, queries, plain, depth=depth, neighbours=neighbours, gamma=gamma,
                    damping=damping, sources=6, original=0.4)  # fmt: skip
    for number in range(len(queries)):
        places, cosines = plain.positions[number, :depth], plain.scores[number, :depth]
        graph = dense_graph(gallery[places].astype(float), neighbours, gamma)
        flow = np.where(np.arange(len(places)) < 6, np.maximum(cosines, 0) ** gamma, 0)
        reached = np.linalg.solve(np.eye(len(places)) - damping * graph, flow)
        scores = 0.4 * cosines + 0.6 * reached / reached.max()
        np.testing.assert_allclose(
            found.scores[number, :depth], np.sort(scores)[::-1], rtol=0, atol=1e-4
        )
        assert (np.diff(found.scores[number]) <= 0).all()
        np.testing.assert_array_equal(
            found.positions[number, depth:], plain.positions[number, depth:]
        )


def test_conjugate_gradients_solve():
    gallery, _ = clusters(1)
    graph = dense_graph(gallery.astype(float), 10, 3)
    flow = np.random.default_rng(0).normal(size=60)
    got = conjugate_gradients(graph, 0.9, flow)
    np.testing.assert_allclose(got, np.linalg.solve(np.eye(60) - 0.9 * graph, flow), atol=1e-4)
    np.testing.assert_array_equal(conjugate_gradients(graph, 0.9, np.zeros(60)), np.zeros(60))


def test_the_graph_reaches_what_the_cosine_does_not():
    """A quarter of a circle: its far end is nearer along the arc than a stray is straight."""
    angles = np.linspace(0, np.pi / 2, 40)
    arc = np.stack([np.cos(angles), np.sin(angles), np.zeros(40)], axis=1)
    stray = np.array([[0.3, 0, -0.95]])
    index = ExactIndex(np.concatenate([stray, arc]).astype(np.float32), "cosine")
    query = arc[:1].astype(np.float32)
    assert index.search(query, 41).positions[0, -1] != 0
    found = diffuse(index, query, index.search(query, 41), neighbours=4, original=0)
    assert found.positions[0, -1] == 0
    spectral = SpectralIndex(index, SpectralSettings(4, rank=5, weight=1)).search(query, 41)
    assert spectral.positions[0, -1] == 0


def test_one_picture_copies_and_empty_places():
    query = np.array([[1, 0]], np.float32)
    one = ExactIndex(np.array([[1, 1]], np.float32), "cosine")
    for found in (diffuse(one, query, one.search(query, 5)), SpectralIndex(one).search(query, 5)):
        assert found.positions.tolist() == [[0]]
    copies = ExactIndex(np.ones((90, 2), np.float32), "cosine")
    few = copies.search(query, 4, allowed=np.array([2, 5]))
    for found in (
        diffuse(copies, query, few),
        SpectralIndex(copies, SpectralSettings(9)).search(query, 4, allowed=np.array([2, 5])),
    ):
        assert sorted(found.positions[0, :2]) == [2, 5]
        assert found.positions[0, 2:].tolist() == [-1, -1]
        assert np.isneginf(found.scores[0, 2:]).all()
    away = ExactIndex(-np.ones((3, 2), np.float32), "cosine")
    assert np.isfinite(diffuse(away, query, away.search(query, 3)).scores).all()
    assert np.isfinite(SpectralIndex(away).search(query, 3).scores).all()


@pytest.mark.parametrize("wrong", [
    {"neighbours": 0}, {"sources": 0}, {"gamma": -1}, {"damping": 1}, {"damping": -0.1},
])  # fmt: skip
def test_settings_are_checked(wrong):
    index = ExactIndex(np.eye(2, dtype=np.float32), "cosine")
    query = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="wanted"):
        diffuse(index, query, index.search(query, 2), **wrong)
    with pytest.raises(SettingsError, match="wanted"):
        SpectralSettings(**wrong)


def test_other_metrics_are_refused():
    index = ExactIndex(np.eye(2, dtype=np.float32), "euclidean")
    query = np.eye(2, dtype=np.float32)
    with pytest.raises(SettingsError, match="needs the metric cosine, got euclidean"):
        diffuse(index, query, index.search(query, 2))
    with pytest.raises(SettingsError, match="needs the metric cosine, got euclidean"):
        SpectralIndex(index)
    cosine = ExactIndex(np.eye(2, dtype=np.float32), "cosine")
    with pytest.raises(SettingsError, match="original is 2"):
        diffuse(cosine, query, cosine.search(query, 2), original=2)
    for wrong in ({"rank": 0}, {"weight": -1}):
        with pytest.raises(SettingsError, match="wanted rank"):
            SpectralSettings(**wrong)
    with pytest.raises(QueryError, match="k is 0"):
        SpectralIndex(cosine).search(query, 0)


def spectral_reference(gallery, query, neighbours, rank, sources, weight, own=None):
    graph = dense_graph(gallery.astype(float), neighbours, 3, regularise=0.1)
    values, vectors = np.linalg.eigh(graph)
    values, vectors = values[-rank:], vectors[:, -rank:]
    axes = vectors / np.sqrt(1 - 0.99 * values / values[-1])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    unit = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    cosines = unit @ (query / np.linalg.norm(query))
    near = [place for place in np.argsort(-cosines) if place != own][:sources]
    asked = sum(max(cosines[place], 0) ** 3 * axes[place] for place in near)
    return (1 - weight) * cosines + weight * axes @ asked / np.linalg.norm(asked)


@pytest.mark.parametrize("count", [60, 700])  # all eigenvectors; only those kept
def test_spectral_is_its_definition(count):
    gallery, queries = clusters(2, count)
    index = SpectralIndex(ExactIndex(gallery, "cosine"), SpectralSettings(20, rank=6))
    exclude = np.array([-1, -1, 7, -1])
    queries[2] = gallery[7]
    found = index.search(queries, count + 5, exclude=exclude)
    assert len(index) == count
    for number, query in enumerate(queries):
        own = None if exclude[number] < 0 else exclude[number]
        scores = spectral_reference(gallery, query, 20, 6, 5, 0.6, own)
        places = found.positions[number][found.positions[number] >= 0]
        assert sorted(places) == [place for place in range(count) if place != own]
        np.testing.assert_allclose(found.scores[number, : len(places)], scores[places], atol=2e-3)
        assert (np.diff(found.scores[number, : len(places)]) <= 0).all()


def test_axes_may_be_given_and_must_be_of_this_gallery():
    gallery, queries = clusters(2)
    index, settings = ExactIndex(gallery, "cosine"), SpectralSettings(20, rank=6)
    axes = spectral_axes(index, settings)
    assert axes.shape == (60, 6)
    given, made = SpectralIndex(index, settings, axes=axes), SpectralIndex(index, settings)
    np.testing.assert_array_equal(given.search(queries, 9).scores, made.search(queries, 9).scores)
    with pytest.raises(SettingsError, match=r"wanted \(60, R\)"):
        SpectralIndex(index, settings, axes=axes[:-1])


def test_regularising_adds_to_every_degree():
    gallery, _ = clusters(3)
    rows = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -2)
    places = np.argsort(-cosines, axis=1)[:, :7]
    near = np.take_along_axis(cosines, places, axis=1)
    got = normalised_graph(near, places, gamma=2, regularise=0.5).toarray()
    np.testing.assert_allclose(got, dense_graph(gallery.astype(float), 7, 2, 0.5), atol=1e-5)
    np.testing.assert_allclose(got, got.T)
