from lookalike.benchmark import Effort, training


def test_training_is_measured(monkeypatch):
    monkeypatch.setattr(training, "has_keras", lambda: False)
    outcome = training.measure(Effort(quick=True))
    *steps, alone, dense = outcome.contests
    assert len(steps) == len(training.BATCHES)
    assert all([way.name for way in one.ways] == [training.OURS] for one in steps)
    for contest in (alone, dense):
        assert [way.name for way in contest.ways] == [training.OURS, training.DECODING]
    assert outcome.absent == ("TensorFlow and Keras",)
    assert len(outcome.bars) == 2


def test_losses_are_held_against_each_other():
    bar = training._loss_bar({"a": 0.011, "b": 0.01, "c": 0.02, "d": 0.01})
    assert (bar.got, bar.met) == ("2.000", False)
