"""Work done by several threads comes in order, and not too far ahead of who asks for it."""

from __future__ import annotations

import threading
import time

import pytest

from lookalike.ordered import in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order(workers):
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(in_order(work, range(30), workers)) == [item * item for item in range(30)]
    assert list(in_order(work, [], workers)) == []


def test_no_more_is_begun_than_a_few_ahead():
    begun = []
    results = in_order(lambda item: begun.append(item), iter(range(1000)), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 6
    results.close()


def test_work_goes_on_beside_other_work():
    both = threading.Barrier(2, timeout=20)
    assert len(list(in_order(lambda _: both.wait(), range(4), 2))) == 4


def test_an_error_is_raised_where_its_result_is_asked_for_and_the_rest_is_left():
    begun, stopped = [], []

    def work(item: int) -> int:
        begun.append(item)
        if item == 2:
            raise KeyError(item)
        return item

    results = in_order(work, range(1000), 2, lambda: stopped.append(True))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert stopped == [True]
    assert len(begun) < 10
    assert threading.active_count() < 20
