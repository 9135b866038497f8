"""t-SNE: any number of pictures, repeatable, neighbours stay neighbours, silent."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import tsne


def blobs(count, groups=3, dimensions=16, seed=0):
    generator = np.random.default_rng(seed)
    group = np.arange(count) % groups
    middles = generator.normal(size=(groups, dimensions)) * 10
    return (middles[group] + generator.normal(size=(count, dimensions))).astype(np.float32), group


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 10, 36])
def test_any_number_of_pictures_has_places(count):
    places = tsne(blobs(count)[0])
    assert places.shape == (count, 2)
    assert places.dtype == np.float32
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == count


def test_the_same_seed_gives_the_same_places():
    embeddings = blobs(60)[0]
    again = tsne(embeddings, 7)
    assert np.array_equal(tsne(embeddings, 7), again)
    assert not np.array_equal(tsne(embeddings, 8), again)


def test_groups_stay_together():
    embeddings, group = blobs(90)
    places = tsne(embeddings)
    distance = np.linalg.norm(places[:, None] - places[None, :], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).all()


@pytest.mark.parametrize(
    "embeddings",
    [np.zeros((12, 8)), np.arange(12.0)[:, None], np.repeat(np.eye(6), 5, axis=0), np.eye(5, 900)],
    ids=["identical", "one dimension", "duplicates", "wide"],
)
def test_awkward_embeddings_have_finite_places(embeddings):
    assert np.isfinite(tsne(embeddings)).all()


def test_the_global_random_state_is_left_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the one to watch
    tsne(blobs(20)[0], 3)
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_progress_is_told_and_nothing_is_printed(capfd):
    told = []
    tsne(blobs(20)[0], on_progress=told.append)
    assert [step.done for step in told] == sorted(step.done for step in told)
    assert (told[-1].done, told[-1].total, told[-1].stage) == (750, 750, "map")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("embeddings", [np.zeros(4), np.zeros((3, 0)), np.full((5, 2), np.nan)])
def test_bad_embeddings_are_an_error(embeddings):
    with pytest.raises(SettingsError, match="a map needs"):
        tsne(embeddings)
