"""How a copy differs, in words and in a picture."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from lookalike.engine.duplicate_groups import Copy
from lookalike.serve.differing import differences, draw_difference

DAY = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEPT = Copy("a/b.jpg", None, None, 640, 480, 53_000, DAY, "JPEG", None, "0" * 64)
TAKEN = datetime(2020, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (KEPT, []),
        (replace(KEPT, path="c/b.jpg"), ["in c instead of a"]),
        (replace(KEPT, path="x.jpg"), ["in . instead of a", "called x.jpg"]),
        (replace(KEPT, path="/home/me/b.jpg"), ["in . instead of a"]),
        (
            replace(KEPT, width=320, height=240),
            ["fewer pixels: 320×240 instead of 640×480"],
        ),
        (replace(KEPT, width=800), ["more pixels: 800×480 instead of 640×480"]),
        (replace(KEPT, format="PNG"), ["PNG instead of JPEG"]),
        (replace(KEPT, file_size=2_400_000), ["larger file: 2.4 MB instead of 53 kB"]),
        (replace(KEPT, file_size=900), ["smaller file: 900 bytes instead of 53 kB"]),
        (replace(KEPT, file_size=-1), []),
        (replace(KEPT, modified=DAY + timedelta(seconds=1)), []),
        (replace(KEPT, modified=DAY + timedelta(days=1)), ["newer file: of 2024-05-02 12:00"]),
        (replace(KEPT, modified=DAY - timedelta(days=1)), ["older file: of 2024-04-30 12:00"]),
        (replace(KEPT, taken=TAKEN), ["taken 2020-01-02 03:04"]),
        (replace(KEPT, format=""), ["its file is gone or cannot be read"]),
    ],
)
def test_what_differs_is_said(other: Copy, words: list[str]):
    assert differences(KEPT, other) == words


def test_of_dates_that_a_camera_wrote():
    dated = replace(KEPT, taken=TAKEN)
    assert differences(dated, KEPT) == ["does not say when it was taken"]
    later = replace(KEPT, taken=TAKEN + timedelta(days=1))
    assert differences(dated, later) == ["taken 2020-01-03 03:04 instead of 2020-01-02 03:04"]


def drawn(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(draw_difference(one, other))), int)


def coloured(image: np.ndarray) -> np.ndarray:
    return image[:, :, 0] - image[:, :, 1] > 60


def test_only_what_differs_is_coloured():
    one = np.random.default_rng(0).integers(90, 110, (60, 80, 3), np.uint8)
    other = one.copy()
    other[20:40, 30:50] = 255
    found = coloured(drawn(one, other))
    assert found.shape == (60, 80)
    assert found[24:36, 34:46].all()
    assert not found[:16].any()
    assert not coloured(drawn(one, one)).any()


def test_size_and_channels_may_differ():
    one = np.full((100, 1024, 3), 120, np.uint8)
    assert drawn(one, np.full((10, 100, 1), 120, np.uint8)).shape == (50, 512, 3)
    assert coloured(drawn(one, np.full((10, 100, 1), 250, np.uint8))).all()
