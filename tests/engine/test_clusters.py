"""Clusters of the gallery, beside what they are made from."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import lookalike
from lookalike import Engine
from lookalike.encoder import Encoder
from lookalike.engine import clusters
from lookalike.engine.clusters import Cluster
from lookalike.errors import SettingsError
from lookalike.gallery import k_means


@pytest.fixture(scope="module")
def engine(engine_path: Path) -> Engine:
    return lookalike.open(engine_path, device="cpu")


@pytest.fixture(scope="module")
def groups(engine: Engine) -> list[list[str]]:
    """The paths of each of four clusters, by the definition of cosine k-means."""
    vectors = engine.gallery.embeddings.astype(np.float64)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return [
        [engine.gallery.paths[place] for place in group]
        for group in k_means(unit, 4, seed=engine.manifest.seed).groups
    ]


def latents_one_by_one(engine: Engine, paths: list[str]) -> np.ndarray:
    rows = [engine.cache.position(path) for path in paths]
    return np.concatenate([engine.encoder.latents(engine.cache.pixels[row][None]) for row in rows])


def test_clusters_hold_every_picture_once(engine: Engine, groups: list[list[str]]):
    found = engine.clusters(4)
    assert found.note is None
    assert found.pictures == sum(one.size for one in found.clusters) == 36
    assert [one.rank for one in found.clusters] == [1, 2, 3, 4]
    assert [one.size for one in found.clusters] == [len(group) for group in groups]
    assert [list(one.members) for one in found.clusters] == [group[:8] for group in groups]


def test_the_label_is_the_most_frequent_one(engine: Engine, groups: list[list[str]]):
    for one, group in zip(engine.clusters(4).clusters, groups, strict=True):
        counts = Counter(path.split("/")[0] for path in group)
        most = max(counts.values())
        assert one.label == min(label for label, count in counts.items() if count == most)
        assert one.share == pytest.approx(most / len(group))


def test_the_average_is_the_decoded_mean_of_the_latents(engine: Engine, groups: list[list[str]]):
    found = engine.clusters(4).clusters
    for one, group in zip(found, groups, strict=True):
        mean = latents_one_by_one(engine, group).mean(axis=0, keepdims=True)
        expected = engine.encoder.decode(mean)[0]
        np.testing.assert_allclose(one.average.astype(int), expected.astype(int), atol=1)
    assert len({one.average.tobytes() for one in found}) == 4


def test_large_clusters_are_averaged_over_some(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    whole, taken = engine.clusters(2), []
    latents = Encoder.latents

    def counted(self, pixels, rows=None, **others):
        taken.append(rows)
        return latents(self, pixels, rows, **others)

    monkeypatch.setattr(Encoder, "latents", counted)
    monkeypatch.setattr(clusters, "AVERAGED", 3)
    some = engine.clusters(2)
    assert [len(rows) for rows in taken] == [3, 3]
    for one, rows in zip(some.clusters, taken, strict=True):
        mean = latents(engine.encoder, engine.cache.pixels, rows).mean(axis=0, keepdims=True)
        expected = engine.encoder.decode(mean)[0]
        np.testing.assert_allclose(one.average.astype(int), expected.astype(int), atol=1)
    assert some == whole  # all but the averages


def test_they_are_repeatable_and_the_seed_is_a_choice(engine: Engine):
    first, again = engine.clusters(6, seed=5), engine.clusters(6, seed=5)
    assert first == again
    for one, other in zip(first.clusters, again.clusters, strict=True):
        np.testing.assert_array_equal(one.average, other.average)
    assert engine.clusters(6).seed == engine.manifest.seed
    assert engine.clusters(6, seed=5).seed == 5


def test_more_clusters_than_pictures_is_a_note(engine: Engine):
    found = engine.clusters(50)
    assert len(found.clusters) == 36
    assert found.note == "50 clusters were asked for, 36 found: more would be empty"
    assert found.draw().size[0] > 300


def test_without_decoder_or_decoded_pictures_the_rest_is_there(
    engine_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    whole = lookalike.open(place, device="cpu").clusters(3)
    shutil.rmtree(place / "cache")
    gone = lookalike.open(place, device="cpu").clusters(3)
    assert f"no averages: the decoded pictures of {place} are gone" in gone.note
    assert f"`lookalike index {place}`" in gone.note
    monkeypatch.setattr(Encoder, "decodes", False)
    bare = lookalike.open(place, device="cpu").clusters(3)
    assert bare.note == "no averages: preset twin has no decoder"
    for found in (gone, bare):
        assert found.clusters == whole.clusters
        assert all(one.average is None for one in found.clusters)
        assert found.draw().size[0] > 300


def test_what_is_drawn(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(clusters, "draw_clusters", lambda rows, **_: drawn.extend(rows))
    monkeypatch.setattr(clusters, "DRAWN", 3)
    found = engine.clusters(4)
    found.draw()
    assert len(drawn) == 3
    for one, row in zip(found.clusters, drawn, strict=False):
        np.testing.assert_array_equal(row.average, one.average)
        assert [cell.caption for cell in row.members] == [p.split("/")[0] for p in one.members]
        assert row.texts[0] == f"{one.size} pictures"
        assert row.texts[2] == f"{one.share:.0%} {one.label}"


def test_bad_settings_are_refused(engine: Engine):
    with pytest.raises(SettingsError, match="0 clusters"):
        engine.clusters(0)
    with pytest.raises(SettingsError, match="seed of the clusters is -1"):
        engine.clusters(3, seed=-1)
    with pytest.raises(SettingsError, match="1 pictures has 2 central ones"):
        Cluster(1, 1, ("a", "b"))
