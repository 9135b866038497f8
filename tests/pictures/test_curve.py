"""The loss curve: both lines, the best epoch, one epoch, one decade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import draw_loss
from lookalike.pictures.style import ACCENT, INK, OTHER


@dataclass(frozen=True)
class Point:
    epoch: int
    train_loss: float
    val_loss: float | None


def points(losses, val_losses=None):
    val_losses = val_losses or [None] * len(losses)
    return [Point(i + 1, a, b) for i, (a, b) in enumerate(zip(losses, val_losses, strict=True))]


def where(image, colour):
    return np.argwhere((np.asarray(image) == colour).all(axis=2))


def ring_x(image):
    """Where the dotted line of the best epoch stands."""
    ink = where(image, INK)
    columns, counts = np.unique(ink[:, 1], return_counts=True)
    return columns[counts.argmax()] / image.width


@pytest.mark.parametrize("validation", [None, 0.2])
def test_one_epoch_is_a_dot(validation):
    image = draw_loss([Point(1, 0.3, validation)], "One epoch")
    assert len(where(image, ACCENT)) > 20
    assert bool(len(where(image, OTHER))) == (validation is not None)


def test_training_alone_has_one_line():
    assert len(where(draw_loss(points([3.0, 2.0, 1.0])), OTHER)) == 0


def test_the_best_epoch_is_that_of_the_validation_loss():
    early = draw_loss(points([4.0, 3.0, 2.0, 1.0], [2.0, 1.0, 2.0, 3.0]))
    late = draw_loss(points([4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.5]))
    assert ring_x(early) < 0.5 < ring_x(late)


def height_of(image, colour, share):
    """Height of a line, 0 to 1 of its own range, at a share of its width."""
    found = where(image, colour)
    found = found[found[:, 1] < image.width * 0.83]  # without the name beside the line
    x = found[:, 1].min() + share * np.ptp(found[:, 1])
    here = found[np.abs(found[:, 1] - x) < 4][:, 0].mean()
    return (found[:, 0].max() - here) / np.ptp(found[:, 0])


def test_more_than_a_decade_is_logarithmic():
    falling = draw_loss(points([10.0 ** -(i / 10) for i in range(31)]))
    assert height_of(falling, ACCENT, 0.5) == pytest.approx(0.5, abs=0.05)
    gentle = draw_loss(points([0.9 ** (i / 2) for i in range(31)]))
    assert height_of(gentle, ACCENT, 0.5) < 0.4


def test_a_loss_of_zero_is_drawn():
    assert len(where(draw_loss(points([1.0, 0.0])), ACCENT)) > 50


def test_a_dollar_in_a_title_is_no_formula():
    draw_loss(points([1.0, 0.5]), "from $5 to $\\frac", loss_name="cost $^")


def test_long_titles_keep_the_size_and_the_bytes_repeat():
    short, long = (draw_loss(points([1.0, 0.5]), "name " * n) for n in (1, 200))
    assert short.size == long.size
    assert long.tobytes() == draw_loss(points([1.0, 0.5]), "name " * 200).tobytes()


def test_no_epoch_is_an_error():
    with pytest.raises(SettingsError, match="got no epochs"):
        draw_loss([])
