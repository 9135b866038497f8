"""The report card and the judged hits, where the right answer is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.engine.card import CopyBench
from lookalike.types import BANDS

SETTINGS = {"size": 16, "epochs": 2, "seed": 1, "device": "cpu"}


def mosaic(number: int) -> Image.Image:
    """A picture that resembles no other: four times four random colours."""
    colours = np.random.default_rng(number).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(colours.repeat(12, axis=0).repeat(12, axis=1))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    root = tmp_path_factory.mktemp("mosaics")
    for number in range(64):
        mosaic(number).save(root / f"{number:02}.png")
    place = tmp_path_factory.mktemp("engines") / "mosaics.lookalike"
    return lookalike.build(root, place, report=True, **SETTINGS)


def test_copies_of_pictures_that_resemble_no_other_are_found(engine: Engine):
    card = json.loads((engine.layout.reports / "card.json").read_text())
    rows = {(row["edit"], row["strength"]): row for row in card["copies"]["rows"]}
    for edit in ("recompress", "blur", "recolour"):
        assert rows[edit, "light"]["recall_at_1"] == 1
    beside = card["medium_recall_at_1"]
    assert beside["twin (this engine)"] > 0.9
    assert beside["colour-histogram"] < beside["twin (this engine)"]
    assert card["sentence"] == engine.sentence()
    assert card["sentence"].startswith("Finds ")
    assert "no labels" in card["sentence"]
    assert "Recall by edit and strength" in (engine.layout.reports / "report.html").read_text()


def test_a_copy_is_a_duplicate_and_a_random_neighbour_is_not(engine: Engine):
    copy = mosaic(7).resize((40, 40))
    hits = engine.search(copy, k=5)
    assert hits.known
    assert hits[0].path == "07.png"
    assert hits[0].band == "duplicate"
    assert hits[0].probability > 0.9
    assert hits[0].percentile > 99
    assert hits[4].band in BANDS[1:]
    assert hits[4].probability < 0.5


def test_pictures_of_another_kind_are_told_that_nothing_is_like_them(engine: Engine):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (48, 48, 3), np.uint8) for _ in range(10)]
    answers = engine.search_many(noise, k=3)
    assert sum(hits.known is False for hits in answers) >= 9
    assert {hit.band for hits in answers if not hits.known for hit in hits} == {"nothing"}


def test_judgement_does_not_depend_on_how_hits_were_found(engine: Engine):
    from lookalike.search import SearchSettings

    plain = {hit.path: hit.probability for hit in engine.search("03.png", k=63)}
    for settings in (SearchSettings(expand=3), SearchSettings(balance=0.1)):
        hits = engine.search("03.png", k=10, settings=settings)
        assert {hit.path: hit.probability for hit in hits} == {
            path: pytest.approx(plain[path]) for path in hits.paths
        }


def test_what_was_prepared_is_judged_the_same(engine: Engine):
    paths = engine.gallery.paths
    pixels = np.asarray(mosaic(3).rotate(90))
    for include_self in (False, True):
        plain = engine.search_many([paths[0], pixels], 9, include_self=include_self)
        prepared = engine.prepare([paths[0], pixels], include_self=include_self)
        assert all(query.standing is not None for query in prepared)
        known = [replace(query, pixels=None) for query in prepared]
        assert engine.search_many(known, 9, include_self=include_self) == plain
        # What was prepared for another question is asked again.
        other = engine.search_many(prepared, 9, include_self=not include_self)
        assert other == engine.search_many([paths[0], pixels], 9, include_self=not include_self)
    both = engine.search_examples([paths[0], pixels], 9)
    assert engine.search_examples(engine.prepare([paths[0], pixels]), 9) == both


def test_an_engine_without_a_report_has_nothing_to_say(tmp_path: Path, photos: Path):
    made = lookalike.build(photos, tmp_path / "e.lookalike", report=False, **SETTINGS)
    hits = made.search("disc/00.png", k=2)
    assert hits.known is None
    assert hits[0].probability is None
    assert hits[0].band is None
    assert made.sentence() is None


def test_a_new_gallery_forgets_what_the_old_one_s_scores_meant(tmp_path: Path):
    """Also where nothing but the pictures differs: as many, and no whitening fitted on them."""
    from lookalike.engine import index_engine

    for folder, first in (("old", 0), ("new", 100)):
        (tmp_path / folder).mkdir()
        for number in range(50):
            mosaic(first + number).save(tmp_path / folder / f"{number:02}.png")
    place = tmp_path / "e.lookalike"
    made = lookalike.build(tmp_path / "old", place, report=False, whiten=False, **SETTINGS)
    CopyBench.of(made, None).measure_engine()
    assert lookalike.open(place).calibration is not None
    assert index_engine(place, tmp_path / "new").calibration is None


def test_examples_are_judged_by_the_one_a_hit_is_most_like(engine: Engine):
    one, other = mosaic(7).resize((40, 40)), mosaic(9).resize((44, 44))
    alone = {hits[0].path: hits[0] for hits in engine.search_many([one, other], k=1)}
    for combine in ("mean", "best"):
        hits = engine.search_examples([one, other], k=4, unlike=["00.png"], combine=combine)
        assert hits.known
        assert set(hits.paths[:2]) == set(alone) == {"07.png", "09.png"}
        for hit in hits[:2]:
            assert hit.probability == pytest.approx(alone[hit.path].probability)
            assert hit.band == "duplicate"
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    assert engine.search_examples([noise, noise[::-1]], k=3).known is False


@pytest.mark.parametrize("different", [1, 2, 49])
def test_too_few_different_pictures_are_not_calibrated(different: int, tmp_path: Path):
    root = tmp_path / "pictures"
    root.mkdir()
    for number in range(60):
        mosaic(number % different).save(root / f"{number:02}.png")
    made = lookalike.build(root, tmp_path / "e.lookalike", **SETTINGS)
    assert made.calibration is None
    card = json.loads((made.layout.reports / "card.json").read_text())
    assert card["calibration"] is None
    assert "too small to say" in (made.layout.reports / "report.html").read_text()


def test_many_files_of_one_content_beside_others(tmp_path: Path):
    """All hits of a copy are its original: what it finds without that is searched for apart."""
    root = tmp_path / "pictures"
    root.mkdir()
    for number in range(85):
        mosaic(max(0, number - 30)).save(root / f"{number:02}.png")
    made = lookalike.build(root, tmp_path / "e.lookalike", report=False, **SETTINGS)
    card = CopyBench.of(made, None).measure_engine()
    assert card.check is not None
    assert card.check.error < 0.2


def test_copies_are_made_of_decoded_pictures_where_the_originals_are_gone(engine: Engine):
    card = CopyBench.of(engine, None).measure_engine()
    assert card.copies.pictures == 64
    assert card.check is not None
    assert 0 <= card.check.error < 0.2


def test_the_same_picture_in_another_size_counts_as_the_original(tmp_path: Path):
    root = tmp_path / "pictures"
    root.mkdir()
    for number in range(24):
        mosaic(number).save(root / f"{number:02}.png")
        mosaic(number).resize((96, 96)).save(root / f"{number:02} large.png")
    made = lookalike.build(root, tmp_path / "e.lookalike", report=False, **SETTINGS)
    card = CopyBench.of(made, None).measure_engine()
    assert card.copies.row("recompress", "light").recall_at_1 == 1
