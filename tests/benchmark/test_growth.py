import math

from lookalike.benchmark import Effort, growth
from lookalike.benchmark.growth_plot import draw_growth


def test_growth_is_measured_and_drawn(monkeypatch):
    monkeypatch.setattr(growth, "QUICK_SIZES", (60,))
    outcome = growth.measure(Effort(quick=True))
    assert [row["pictures"] for row in outcome.rows] == [60, 500, 1_000]
    assert all(float(outcome.rows[0][name]) > 0 for name in growth.BUILT)
    assert outcome.rows[0]["exact p50 ms"] == ""
    assert float(outcome.rows[2]["index p50 ms"]) > 0
    assert {bar.what.partition(":")[0] for bar in outcome.bars} == {
        "exact p50 ms",
        "exact resident MB",
    }
    assert draw_growth(outcome.rows).size == (1200, 552)


def test_a_cost_that_grows_faster_than_the_pictures_is_told():
    rows = [{"pictures": 100, "build s": 1.0}, {"pictures": 1_000, "build s": 10.0**1.5}]
    bar = growth._bar(rows, "build s")
    assert bar is not None
    assert (bar.got, bar.met) == ("n^1.50", False)
    rows[1]["build s"] = 10.0
    assert growth._bar(rows, "build s").met
    assert growth._bar(rows[:1], "build s") is None
    assert math.isclose(growth.STEEPEST, 1.1)
