from __future__ import annotations

import json

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.evaluation import CopiesReport


def report_of(ranks, **changed) -> CopiesReport:
    ranks = np.array(ranks)
    given = {
        "edits": ("crop", "blur"),
        "strengths": ("light",),
        "positions": np.arange(ranks.shape[-1]),
        "ranks": ranks,
        "scores": ranks / 8,
        "k": 20,
        "gallery": 50,
    }
    return CopiesReport(**{**given, **changed})


def test_a_report_by_hand():
    report = report_of([[[1, 2, 0, 11]], [[1, 1, 1, 10]]])
    assert report.recall_at_1.tolist() == [[0.25], [0.75]]
    assert report.recall_at_10.tolist() == [[0.5], [1]]
    assert report.recall_at(20).tolist() == [[0.75], [1]]
    assert report.row("crop", "light").score == 14 / 8 / 4
    mean = report.mean("light")
    assert (mean.edit, mean.recall_at_1, mean.recall_at_10) == ("mean", 0.5, 0.75)
    plain_values = json.loads(json.dumps(report.as_dict()))
    assert (plain_values["pictures"], plain_values["gallery"]) == (4, 50)
    assert plain_values["rows"][1] == {
        "edit": "blur",
        "strength": "light",
        "recall_at_1": 0.75,
        "recall_at_10": 1.0,
        "score": 13 / 8 / 4,
    }
    assert plain_values["means"] == [mean.as_dict()]


def test_a_report_that_contradicts_itself_is_refused():
    ranks = [[[1, 2]], [[1, 1]]]
    with pytest.raises(SettingsError, match="wanted 0 to k"):
        report_of([[[1, 21]], [[1, 1]]])
    with pytest.raises(SettingsError, match="wanted 0 to k"):
        report_of(ranks, k=5)
    with pytest.raises(SettingsError, match=r"wanted \(1, 1, 2\)"):
        report_of(ranks, edits=("crop",))
    with pytest.raises(SettingsError, match="scores"):
        report_of(ranks, scores=np.zeros((2, 1, 3)))
    report = report_of(ranks)
    for k in (0, 21):
        with pytest.raises(SettingsError, match="wanted 1 to 20"):
            report.recall_at(k)
    with pytest.raises(SettingsError, match="unknown strength 'strong': wanted one of light"):
        report.mean("strong")
    with pytest.raises(SettingsError, match="unknown edit 'frame': wanted one of crop, blur"):
        report.row("frame", "light")
