"""The map at 1, 2, 3, 36 and 2,000 pictures."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import draw_map
from lookalike.pictures.style import CATEGORIES, MUTED


def shade(number):
    return (number % 251, number // 251 * 7 + 3, 201)


def tile(number):
    return np.full((20, 20, 3), shade(number), np.uint8)


def codes(image):
    return np.asarray(image).astype(np.int32) @ (1 << 16, 1 << 8, 1)


def seen(image, count):
    found = set(np.unique(codes(image)).tolist())
    return {i for i in range(count) if np.dot(shade(i), (1 << 16, 1 << 8, 1)) in found}


def places(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 36, 200])
def test_up_to_two_hundred_all_are_drawn_whole(count):
    image = draw_map(places(count), [tile(i) for i in range(count)])
    pixels = codes(image)
    areas = [
        np.count_nonzero(pixels == np.dot(shade(i), (1 << 16, 1 << 8, 1)))
        for i in range(0, count, max(1, count // 20))
    ]
    assert min(areas) > 0.75 * max(areas)


def test_of_two_thousand_each_cell_shows_one_and_only_those_are_asked_for():
    asked = []

    def thumbnail(number):
        asked.append(number)
        return tile(number)

    image = draw_map(places(2000), thumbnail)
    assert len(asked) == len(set(asked))
    assert 300 < len(asked) < 2000
    assert seen(image, 2000) == set(asked)
    assert 2000 <= image.width <= 2600


def test_pictures_stand_where_their_coordinates_are():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    pixels = codes(draw_map(corners, [tile(i) for i in range(4)]))
    middle = [
        np.argwhere(pixels == np.dot(shade(i), (1 << 16, 1 << 8, 1))).mean(axis=0) for i in range(4)
    ]
    assert middle[0][1] == middle[2][1] < middle[1][1] == middle[3][1]
    assert middle[0][0] == middle[1][0] < middle[2][0] == middle[3][0]


def test_a_few_labels_have_a_frame_and_a_legend():
    labels = ["cat", "dog", None, "cat"]
    tiles = [tile(i) for i in range(4)]
    pixels = codes(draw_map(places(4), tiles, labels))
    for colour in CATEGORIES[:2]:
        found = np.argwhere(pixels == np.dot(colour, (1 << 16, 1 << 8, 1)))
        assert np.ptp(found[:, 0]) > 100  # from the legend down to a picture
    third = np.dot(CATEGORIES[2], (1 << 16, 1 << 8, 1))
    assert not (pixels == third).any()


def test_many_labels_have_no_legend():
    labels = [f"label {i}" for i in range(13)]
    tiles = [tile(i) for i in range(13)]
    assert np.array_equal(
        codes(draw_map(places(13), tiles, labels)), codes(draw_map(places(13), tiles))
    )


def test_names_stand_on_a_large_map():
    count = 400
    labels = ["left" if x < 0 else "right" for x, _ in places(count)]
    pixels = codes(draw_map(places(count), tile, labels))
    left, right = (
        np.argwhere(pixels == np.dot(colour, (1 << 16, 1 << 8, 1))) for colour in CATEGORIES[:2]
    )
    assert left[:, 1].mean() < right[:, 1].mean()
    plain = codes(draw_map(places(count), tile))
    assert len(np.unique(plain)) > 100
    assert (pixels == 0xFFFFFF).sum() != (plain == 0xFFFFFF).sum()


def test_a_legend_of_long_names_stays_on_the_page():
    labels = [f"{i} " + "a long name " * 9 for i in range(12)]
    image = draw_map(places(12), [tile(i) for i in range(12)], labels, "title " * 99)
    pixels = np.asarray(image)
    assert (pixels[:, -12:] == 255).all()
    assert (pixels == MUTED).all(axis=2).any()


def test_the_same_map_has_the_same_bytes():
    first, again = (draw_map(places(50), tile, ["a", "b"] * 25, "t").tobytes() for _ in range(2))
    assert first == again


@pytest.mark.parametrize("coordinates", [np.zeros((5, 2)), np.stack([np.arange(5)] * 2, axis=1)])
def test_points_at_one_place_or_on_a_line(coordinates):
    assert seen(draw_map(coordinates, tile), 5) == set(range(5))


@pytest.mark.parametrize(
    ("coordinates", "labels"),
    [(np.zeros((0, 2)), None), (np.full((2, 2), np.nan), None), (np.zeros((2, 2)), ["a"])],
)
def test_bad_input_is_an_error(coordinates, labels):
    with pytest.raises(SettingsError):
        draw_map(coordinates, tile, labels)
