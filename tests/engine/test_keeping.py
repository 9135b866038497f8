"""Which of several copies is kept, and the words for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from lookalike.engine.keeping import Candidate, KeepRule, size_of
from lookalike.errors import SettingsError
from lookalike.images.content import FileFacts

JPEG, PNG = FileFacts("JPEG", False, 8, 1), FileFacts("PNG", True, 8, 1)
TAKEN = replace(JPEG, taken=datetime(2019, 7, 14))
ONE = Candidate(0, "2019/a.jpg", 4000, 3000, 3_000_000, 1_600_000_000.0, JPEG)


def chosen(*candidates: Candidate, edited: bool = False, rule: KeepRule | None = None) -> tuple:
    rule = rule or KeepRule()
    kept = min(candidates, key=lambda one: rule.key(one, edited=edited))
    others = [one for one in candidates if one is not kept]
    return kept, rule.reason(kept, others, edited=edited)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(ONE, width=1600, height=1200), "4000×3000, the other is 1600×1200"),
        (replace(ONE, file_size=900_000), "3 MB, the other has 900 kB"),
        (replace(ONE, modified=1_700_000_000.0), "the oldest, of 2020-09-13"),
        (replace(ONE, path="2019/a (1).jpg"), "not a copy by its name"),
        (replace(ONE, path="2019/a - Copy.jpg"), "not a copy by its name"),
        (replace(ONE, path="2019/deep/a.jpg"), "in the fewest folders"),
        (replace(ONE, path="2019/aa.jpg"), "the shortest path"),
        (replace(ONE, path="2019/b.jpg"), "first by name"),
    ],
)
def test_edited_copies_one_criterion_after_the_other(other: Candidate, reason: str):
    kept, why = chosen(replace(other, place=1), ONE, edited=True)
    assert kept is ONE
    assert why.startswith(reason)


def test_format_comes_after_pixels_and_before_bytes():
    png = replace(ONE, place=1, facts=PNG, file_size=10)
    kept, why = chosen(ONE, png, edited=True)
    assert kept is png
    assert why == "PNG keeps every pixel, JPEG does not"
    kept, _ = chosen(replace(ONE, width=4001), png, edited=True)
    assert kept is not png
    deep = replace(png, facts=replace(PNG, depth=16), path="z.png")
    assert chosen(png, deep, edited=True)[1] == "16 bits a channel, the other has 8"


def test_of_the_same_pixels_the_origin_is_kept():
    png = replace(ONE, place=1, path="a.png", facts=PNG, file_size=9_000_000)
    kept, why = chosen(ONE, png)
    assert kept is ONE
    assert why == "JPEG: what keeps every pixel of it was made from it"
    dated = replace(png, facts=replace(PNG, taken=TAKEN.taken))
    kept, why = chosen(ONE, dated)
    assert kept is dated
    assert why == "says when it was taken, the other has lost it"


def test_several_others():
    small = replace(ONE, place=1, width=800, height=600)
    smaller = replace(ONE, place=2, width=400, height=300)
    assert chosen(small, ONE, smaller, edited=True)[1] == "4000×3000, the others at most 800×600"


def test_what_most_are_copies_of_may_be_the_smaller_one():
    small = replace(ONE, place=1, width=800, height=600)
    assert KeepRule().reason(small, [ONE], edited=True) == "all the others are copies of it"


def test_rules_and_folders():
    old = replace(ONE, place=1, path="x/y/z.jpg", modified=1_000_000_000.0, file_size=10)
    assert chosen(ONE, old, edited=True)[0] is ONE
    assert chosen(ONE, old, edited=True, rule=KeepRule("oldest"))[0] is old
    assert chosen(ONE, old, rule=KeepRule("newest"))[0] is ONE
    assert chosen(ONE, old, rule=KeepRule("largest"))[0] is ONE
    kept, why = chosen(ONE, old, edited=True, rule=KeepRule("best", ("x/y", "2019")))
    assert kept is old
    assert why == "in x/y, which is preferred"
    beside = replace(old, path="x/yy/z.jpg")
    assert chosen(ONE, beside, edited=True, rule=KeepRule("best", ("x/y",)))[0] is ONE
    with pytest.raises(SettingsError, match="unknown rule 'all'"):
        KeepRule("all")  # type: ignore[arg-type]


def test_what_is_gone_is_not_kept():
    gone = replace(ONE, place=1, path="a.jpg", width=8000, facts=FileFacts())
    assert chosen(ONE, gone, edited=True) == (ONE, "the only one to be read")


def test_when_it_was_taken_says_more_than_when_the_file_was_written():
    copied = replace(ONE, place=1, path="b.jpg", facts=TAKEN, modified=1_700_000_000.0)
    later = replace(copied, facts=replace(JPEG, taken=datetime(2019, 7, 15)), modified=1.0)
    assert chosen(copied, later)[0] is copied


def test_sizes_in_words():
    assert [size_of(n) for n in (0, 999, 1000, 15_000, 1_500_000, 2_000_000_000)] == [
        "0 bytes", "999 bytes", "1 kB", "15 kB", "1.5 MB", "2 GB",
    ]  # fmt: skip
