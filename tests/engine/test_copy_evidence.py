"""Searches for duplicates with what others have found out: quicker, and the same."""

from __future__ import annotations

import shutil
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from calibrating import calibrate
from PIL import Image

import lookalike
from lookalike.engine import Engine, copy_evidence, sync_engine
from lookalike.engine.copy_evidence import CopyEvidence
from lookalike.engine.copy_pairs import Pair
from lookalike.engine.duplicates import find_duplicates
from lookalike.engine.files import picture_file
from lookalike.engine.second_look import SecondLook

ALL = ("exact", "same-pixels", "edited", "near")
SETTINGS = tuple(product((ALL, ALL[:3], ALL[2:], ALL[:2], ("exact", "edited")), (0.05, 0.5, 0.95)))


@pytest.fixture
def engine(living: Path) -> Engine:
    """An engine with copies of three kinds, and likes that are none."""
    shutil.copyfile(living / "disc" / "0.png", living / "again.png")
    Image.open(living / "disc" / "1.png").save(living / "same.bmp")
    Image.open(living / "disc" / "2.png").resize((36, 36)).save(living / "small.jpg")
    place = living.parent / "e.lookalike"
    sync_engine(place, device="cpu")
    return lookalike.open(place, device="cpu")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The second looks that are taken."""
    taken: list[tuple[int, int]] = []
    look = SecondLook.__call__

    def noted(self: SecondLook, one: int, other: int) -> float | None:
        taken.append((one, other))
        return look(self, one, other)

    monkeypatch.setattr(SecondLook, "__call__", noted)
    return taken


def compare(engine: Engine, evidence: CopyEvidence, kinds: tuple[str, ...], least: float) -> None:
    """Check that a search finds the same with evidence as without."""
    fresh = find_duplicates(engine, kinds=kinds, at_least=least)
    found = find_duplicates(engine, kinds=kinds, at_least=least, evidence=evidence)
    assert found.as_dict() == fresh.as_dict()


@pytest.mark.parametrize("calibrated", [False, True])
def test_with_evidence_the_same_is_found(engine: Engine, calibrated: bool):
    if calibrated:
        calibrate(engine, 0.2, 0.99)
    fresh = {
        (kinds, least): find_duplicates(engine, kinds=kinds, at_least=least)
        for kinds, least in SETTINGS
    }
    for order in (SETTINGS, SETTINGS[::-1]):
        evidence = CopyEvidence(engine)
        for kinds, least in order:
            found = find_duplicates(engine, kinds=kinds, at_least=least, evidence=evidence)
            assert found.as_dict() == fresh[kinds, least].as_dict()
    kinds_found = {kind for found in fresh.values() for kind in found.kinds if found.count(kind)}
    assert kinds_found == set(ALL)


def test_nothing_is_looked_at_twice(
    engine: Engine, looks: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
):
    evidence = CopyEvidence(engine)
    find_duplicates(engine, kinds=ALL[:3], evidence=evidence)
    count = len(looks)
    assert count > 0
    with monkeypatch.context() as patched:
        for name in ("likely_pairs", "find_same_pixels", "file_facts"):
            patched.setattr(copy_evidence, name, lambda *_, **__: pytest.fail("done again"))
        for least in (0.05, 0.9):
            find_duplicates(engine, kinds=ALL[:3], at_least=least, evidence=evidence)
            find_duplicates(engine, kinds=ALL, at_least=least, evidence=evidence)
    assert len(looks) == count
    for kinds, least in SETTINGS:  # of which some compare other pictures
        find_duplicates(engine, kinds=kinds, at_least=least, evidence=evidence)
    assert len(set(looks)) == len(looks) > count


def test_a_search_without_evidence_keeps_nothing(engine: Engine, looks: list[tuple[int, int]]):
    engine.duplicates()
    count = len(looks)
    engine.duplicates(at_least=0.9)
    assert len(looks) == 2 * count


def test_files_that_change_are_looked_at_again(engine: Engine, looks: list[tuple[int, int]]):
    evidence = CopyEvidence(engine)
    find_duplicates(engine, kinds=ALL, evidence=evidence)
    before = set(looks)
    changed = engine.gallery.position("small.jpg")
    (engine.root / "small.jpg").unlink()
    looks.clear()
    find_duplicates(engine, kinds=ALL, evidence=evidence)
    assert set(looks) == {pair for pair in before if changed in pair}
    compare(engine, evidence, ALL, 0.5)
    (engine.root / "same.bmp").write_bytes((engine.root / "disc" / "3.png").read_bytes())
    (engine.root / "again.png").unlink()
    for kinds, least in SETTINGS[::4]:
        compare(engine, evidence, kinds, least)


def test_what_could_not_be_read_is_tried_again(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    evidence = CopyEvidence(engine)
    with monkeypatch.context() as patched:
        patched.setattr(SecondLook, "__call__", lambda *_: None)
        patched.setattr(copy_evidence, "file_facts", lambda _: copy_evidence.FileFacts())
        find_duplicates(engine, kinds=ALL, evidence=evidence)
    compare(engine, evidence, ALL, 0.5)


def test_only_so_much_is_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(copy_evidence, "KEPT", 3)
    evidence = CopyEvidence(engine)
    for kinds, least in SETTINGS[::4]:
        compare(engine, evidence, kinds, least)
    assert len(evidence._agreed) == len(evidence._facts) == 3


def test_a_look_at_a_file_that_was_replaced_meanwhile_is_not_kept_for_the_new_one(engine: Engine):
    evidence, looks = CopyEvidence(engine), list[tuple[int, int]]()

    def look(one: int, other: int) -> float:
        looks.append((one, other))
        return 0.5

    during = cache(evidence.seen)
    evidence.agreed(Pair(0, 1, 0.5), look, during)
    picture_file(engine, engine.gallery.paths[0]).write_bytes(b"another")
    evidence.agreed(Pair(0, 2, 0.5), look, during)  # this search still has what it has read
    evidence.agreed(Pair(0, 2, 0.5), look, cache(evidence.seen))
    assert looks == [(0, 1), (0, 2), (0, 2)]
