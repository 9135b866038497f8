from __future__ import annotations

from lookalike.serve.bounded import Bounded


def test_what_is_unused_for_longest_makes_room():
    kept = Bounded[str, bytes](10, len)
    for name in "abc":
        kept.put(name, b"1234")
    assert kept.get("a") is None
    assert (kept.bytes, len(kept)) == (8, 2)
    kept.get("b")
    kept.put("d", b"1234")
    assert kept.get("c") is None
    assert kept.get("b") == kept.get("d") == b"1234"


def test_the_same_again_takes_no_more():
    kept = Bounded[str, bytes](10, len)
    kept.put("a", b"1234")
    kept.put("a", b"12")
    assert kept.bytes == 2


def test_what_is_larger_than_all_room_is_kept_alone():
    kept = Bounded[str, bytes](10, len)
    kept.put("a", b"1")
    kept.put("b", bytes(100))
    assert (len(kept), kept.bytes) == (1, 100)
    kept.put("c", b"1")
    assert (len(kept), kept.bytes) == (1, 1)
