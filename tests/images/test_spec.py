from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookalike.errors import SettingsError
from lookalike.images import ImageSpec


@given(
    height=st.integers(1, 999),
    width=st.integers(1, 999),
    channels=st.sampled_from([1, 3]),
    fit=st.sampled_from(["stretch", "crop", "pad"]),
    background=st.tuples(*[st.integers(0, 255)] * 3),
    mean=st.floats(-1, 1),
    std=st.floats(0.01, 2),
)
def test_comes_back_from_json(height, width, channels, fit, background, mean, std):
    spec = ImageSpec(height, width, channels, (mean,) * channels, (std,), fit, background)
    assert ImageSpec.from_dict(json.loads(json.dumps(spec.as_dict()))) == spec


def test_shape_is_as_networks_count():
    assert ImageSpec(20, 30, 3).shape == (3, 20, 30)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"height": 0}, "height"),
        ({"width": 1.5}, "width"),
        ({"channels": 4}, "channels"),
        ({"mean": (0.1, 0.2)}, "mean"),
        ({"std": (0.0,)}, "std"),
        ({"fit": "squash"}, "squash"),
        ({"background": (0, 0, 256)}, "background"),
    ],
)
def test_refuses_what_makes_no_sense(changes, word):
    with pytest.raises(SettingsError, match=word):
        ImageSpec(**{"height": 8, "width": 8, "channels": 3, **changes})


def test_names_unknown_and_missing_keys():
    with pytest.raises(SettingsError, match=r"'size'.*height"):
        ImageSpec.from_dict({"size": 3})
    with pytest.raises(SettingsError, match="'channels' is missing"):
        ImageSpec.from_dict({"height": 3, "width": 3})
