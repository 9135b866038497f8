"""The second look: copies agree however they were edited, other pictures do not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lookalike.evaluation import EDITS
from lookalike.images.agreement import LookedAt, agreement, look_at


def scene(seed: int, width: int = 128, height: int = 96) -> np.ndarray:
    """Shapes of all sizes and colours, as different from one another as photographs are."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(90, 160, (height, width, 3), np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        left, top = rng.integers(-10, width), rng.integers(-10, height)
        wide, high = rng.integers(5, 45, 2)
        box = (int(left), int(top), int(left + wide), int(top + high))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)(box, fill=colour)
    return np.asarray(image)


@pytest.fixture(scope="module")
def others() -> list[LookedAt]:
    return [look_at(scene(seed)) for seed in range(1, 9)]


@pytest.mark.parametrize("strength", ["light", "medium"])
@pytest.mark.parametrize("edit", list(EDITS))
def test_an_edited_copy_agrees_more_than_any_other_picture(
    edit: str, strength: str, others: list[LookedAt]
):
    original = look_at(scene(0))
    copy = look_at(EDITS[edit](scene(0), strength, np.random.default_rng(3)))
    found = agreement(original, copy)
    assert 0.7 < found.score <= 1
    assert max(agreement(copy, other).score for other in others) < found.score - 0.1
    if edit == "mirror":
        assert found.way == "mirrored"


def test_turned_by_right_angles_and_upside_down():
    original = look_at(scene(0))
    for turn in range(1, 4):
        assert agreement(original, look_at(np.rot90(scene(0), turn))).score > 0.95
    flipped = agreement(original, look_at(np.flipud(scene(0))))
    assert flipped.score > 0.95
    assert flipped.way == "mirrored"


def test_the_order_does_not_matter_and_a_picture_agrees_with_itself(others: list[LookedAt]):
    one, other = others[:2]
    assert agreement(one, other) == agreement(other, one)
    assert agreement(one, one).score == pytest.approx(1, abs=1e-4)
    assert agreement(one, one).way == "as it is"


def test_other_sizes_colours_and_shapes():
    whole = scene(0, 256, 192)
    small = np.asarray(Image.fromarray(whole).resize((60, 45)).convert("L"))[:, :, None]
    assert agreement(look_at(whole), look_at(small)).score > 0.9
    for height, width in ((1, 1), (3, 200), (200, 3), (28, 28)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        assert -1 <= agreement(look_at(pixels), look_at(whole)).score <= 1


def test_without_structure_nothing_agrees():
    plain = look_at(np.full((40, 60, 3), 200, np.uint8))
    assert plain.plain
    assert agreement(plain, plain).score == 0
    assert agreement(plain, look_at(scene(0))).score == 0
