from lookalike.benchmark import Effort, inference


def test_presets_are_timed_and_find_the_same():
    outcome = inference.measure(Effort(quick=True))
    assert [row["preset"] for row in outcome.rows] == list(inference.QUICK)
    assert [row["same hits"] for row in outcome.rows] == ["1.000"] * len(outcome.rows)
    assert {way.name for way in outcome.contests[0].ways} == {
        inference.OURS,
        inference.EAGER,
        inference.SMALL,
    }
    assert all(contest.ours == inference.OURS for contest in outcome.contests)
    asked = [bar.what for bar in outcome.bars]
    assert "conv128: times torch eager" in asked
    assert all(bar.met for bar in outcome.bars if "same hits" in bar.what)
    assert set(outcome.figures) == {"threads", "products of matrices, GFLOP/s"}
    assert all(row["of a product's speed"].endswith("%") for row in outcome.rows)


def test_every_preset_but_the_dense_one_has_a_bar():
    asked = {name for name, wanted in inference.WANTED.items() if wanted is None}
    assert asked == {"food-dense128"}
    assert inference.WANTED["efficientnet-lite0"] == 3
