import pytest

from lookalike.benchmark import Effort, Outcome, inference
from lookalike.benchmark.suite import run_benchmark
from lookalike.errors import SettingsError

OURS, EAGER = inference.OURS, inference.EAGER


def test_presets_are_timed_and_find_the_same(monkeypatch: pytest.MonkeyPatch):
    apart = inference.run_apart
    ran: dict[str, Outcome] = {}

    def run(name: str, effort: Effort, part: str) -> Outcome:
        # One in a process of its own, as all are; the other here.
        ran[part] = (run_benchmark if ran else apart)(name, effort, part)
        return ran[part]

    monkeypatch.setattr(inference, "run_apart", run)
    outcome = run_benchmark("inference", Effort(quick=True))
    assert list(ran) == [row["preset"] for row in outcome.rows] == list(inference.QUICK)
    assert [row["same hits"] for row in outcome.rows] == ["1.000"] * 2
    assert all(str(row["of a product's speed"]).endswith("%") for row in outcome.rows)
    asked = [bar.what for bar in outcome.bars]
    assert asked == [
        f"{name}: {what}"
        for name in inference.QUICK
        for what in ("times torch eager", "same hits as torch")
    ]
    assert all(bar.met for bar in outcome.bars if "same hits" in bar.what)
    ways = [[way.name for way in contest.ways] for contest in outcome.contests]
    assert ways == 2 * [[OURS, EAGER, inference.SMALL], [OURS, EAGER], [OURS, inference.KEPT]]
    assert all(contest.ours == OURS for contest in outcome.contests)
    assert set(outcome.figures) == {"threads", "products of matrices, GFLOP/s"}
    assert Outcome.from_dict(outcome.as_dict()) == outcome


def test_what_this_machine_cannot_keep_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")
    outcome = inference.measure_part(Effort(quick=True), "conv128")
    assert outcome.absent == (inference.KEPT,)
    assert len(outcome.contests) == 2


def test_parts_that_are_not_there_are_one_line():
    with pytest.raises(SettingsError, match="conv129"):
        run_benchmark("inference", Effort(quick=True), "conv129")
    with pytest.raises(SettingsError, match="decode has no parts, got 'conv128'"):
        run_benchmark("decode", Effort(quick=True), "conv128")


def test_every_preset_but_the_dense_one_has_a_bar():
    asked = {name for name, wanted in inference.WANTED.items() if wanted is None}
    assert asked == {"food-dense128"}
    assert inference.WANTED["efficientnet-lite0"] == 3
