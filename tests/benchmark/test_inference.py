import pytest

from lookalike.benchmark import Effort, inference


def test_presets_are_timed_and_find_the_same(monkeypatch: pytest.MonkeyPatch):
    # One in a process of its own, as all are; the other here.
    monkeypatch.setattr(inference, "QUICK", ("conv128",))
    effort = Effort(quick=True)
    apart, here = inference.measure(effort), inference.measure_part(effort, "twin")
    for name, outcome in (("conv128", apart), ("twin", here)):
        (row,) = outcome.rows
        assert row["preset"] == name
        assert row["same hits"] == "1.000"
        assert str(row["of a product's speed"]).endswith("%")
        asked = {bar.what: bar.met for bar in outcome.bars}
        assert set(asked) == {f"{name}: times torch eager", f"{name}: same hits as torch"}
        assert asked[f"{name}: same hits as torch"]
        ways = [[way.name for way in contest.ways] for contest in outcome.contests]
        ours, eager = inference.OURS, inference.EAGER
        assert ways == [[ours, eager, inference.SMALL], [ours, eager], [ours, inference.KEPT]]
        assert all(contest.ours == ours for contest in outcome.contests)
        assert set(outcome.figures) == {"threads", "products of matrices, GFLOP/s"}


def test_every_preset_but_the_dense_one_has_a_bar():
    asked = {name for name, wanted in inference.WANTED.items() if wanted is None}
    assert asked == {"food-dense128"}
    assert inference.WANTED["efficientnet-lite0"] == 3
