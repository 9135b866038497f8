import pytest

from lookalike.benchmark import Contest, Spread, Way, compete
from lookalike.errors import SettingsError


def contest(**ways: tuple[float, ...]) -> Contest:
    return Contest("work", "images", 10, "ours", tuple(Way(*one) for one in ways.items()))


def test_ratios_are_taken_round_by_round():
    found = contest(ours=(1.0, 2.0, 4.0), peer=(2.0, 2.0, 12.0))
    assert found.ratio("peer") == Spread(2.0, 1.0, 3.0)
    assert found.ratio("ours", "peer") == Spread(0.5, 1 / 3, 1.0)
    assert found.rate("ours") == Spread(5.0, 2.5, 10.0)


def test_every_way_is_timed_as_often_and_none_always_follows_the_same():
    calls = []
    found = compete(
        "work",
        {name: lambda name=name: calls.append(name) for name in ("ours", "one", "two")},
        ours="ours",
        unit="images",
        amount=1,
        rounds=3,
    )
    assert {len(way.seconds) for way in found.ways} == {3}
    assert calls[:3] == ["ours", "one", "two"]  # they warm up
    assert calls[3:] == ["ours", "one", "two", "one", "two", "ours", "two", "ours", "one"]


def test_of_the_repeats_in_a_round_the_quickest_counts():
    calls = []
    compete(
        "work", {"ours": lambda: calls.append(1)}, ours="ours", unit="images", amount=1, rounds=2,
        warm=0, repeats=5,
    )  # fmt: skip
    assert len(calls) == 10


@pytest.mark.parametrize(
    "ways", [{"peer": (1.0,)}, {"ours": (), "peer": ()}, {"ours": (1.0,), "peer": (1.0, 2.0)}]
)
def test_a_contest_needs_ours_and_as_many_rounds_of_each(ways):
    with pytest.raises(SettingsError, match="as many rounds"):
        contest(**ways)


def test_a_spread_reads_as_a_person_writes_it():
    assert str(Spread(2.123, 1.0, 12.34)) == "2.12 (1.00 to 12.3)"
    assert str(Spread(12345.6, 100, 99999)) == "12,346 (100 to 99,999)"
