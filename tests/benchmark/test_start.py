from lookalike.benchmark import Effort, start


def test_every_start_is_measured():
    outcome = start.measure(Effort(quick=True))
    (contest,) = outcome.contests
    assert [way.name for way in contest.ways][1:4] == [
        "--help",
        "search by file",
        "search by gallery path",
    ]
    assert all(float(figure) > 0 for figure in outcome.figures.values())
    assert "search by file, cold, processor s" in outcome.figures
    assert [bar.wanted for bar in outcome.bars] == ["≤ 0.3", "≤ 1.5", "≤ 15.0"]
