from lookalike.benchmark import Effort, decode


def test_decoding_is_measured():
    outcome = decode.measure(Effort(quick=True))
    decoded, folder = outcome.contests
    assert {decode.OURS, decode.FULL, decode.DRAFT} <= {way.name for way in decoded.ways}
    assert [way.name for way in folder.ways] == [decode.BOTH, decode.DECODING, decode.EMBEDDING]
    assert [bar.wanted for bar in outcome.bars] == ["≥ 5", "≥ 0.8"]
    assert outcome.figures["mean JPEG bytes"] > 10_000
