from lookalike.benchmark import Effort, search


def test_every_way_finds_the_same_and_every_bar_is_told():
    outcome = search.measure(Effort(quick=True))
    one, batch = outcome.contests[:2]
    assert {"ours", "faiss flat", "numpy", "scikit-learn"} <= {way.name for way in one.ways}
    assert "torch.cdist + topk" in {way.name for way in one.ways}
    assert batch.amount == search.QUICK_BATCH
    assert len(outcome.contests) == 3 + 3 + len(search.SHARES)
    for name in ("ours", "ours, in float32 alone", "faiss flat", "numpy", "scikit-learn"):
        assert outcome.figures[f"recall@10 of {name}"] == 1
    assert 0 < outcome.figures["recall@10 of faiss HNSW"] <= 1
    assert [bar.wanted for bar in outcome.bars] == ["≤ 1.1", "≤ 0.6", "1.00", "≥ 20", "≥ 1.0"]


def test_a_library_that_is_not_there_is_named(monkeypatch):
    import sys

    import numpy as np

    from lookalike.benchmark.search_ways import NearestWays

    monkeypatch.setitem(sys.modules, "usearch.index", None)
    ways = NearestWays(np.eye(20, dtype=np.float32))
    assert "usearch exact" not in ways.exact()
    assert ways.absent == ("usearch",)
