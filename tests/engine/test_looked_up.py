import numpy as np
import pytest

from lookalike.engine.looked_up import LookedUp
from lookalike.errors import QueryError
from lookalike.gallery import ExactIndex

ROWS = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)


class Counted(ExactIndex):
    def __init__(self):
        super().__init__(ROWS, "cosine")
        self.asked = []

    def search(self, queries, k, *, allowed=None, exclude=None):
        self.asked.append(k)
        return super().search(queries, k, allowed=allowed, exclude=exclude)


def same(found, wanted):
    np.testing.assert_array_equal(found.positions, wanted.positions)
    np.testing.assert_array_equal(found.scores, wanted.scores)


def test_the_second_question_is_answered_by_the_first_look():
    counted, plain = Counted(), ExactIndex(ROWS, "cosine")
    looked_up = LookedUp(counted, 20)
    gone = np.array([3, -1, 7])
    same(looked_up.search(QUERIES, 5, exclude=gone), plain.search(QUERIES, 5, exclude=gone))
    same(looked_up.search(QUERIES, 20, exclude=gone), plain.search(QUERIES, 20, exclude=gone))
    assert counted.asked == [20]


@pytest.mark.parametrize("k", [1, 30, 50, 80])
def test_whatever_is_asked_is_what_the_index_says(k):
    looked_up, plain = LookedUp(Counted(), 20), ExactIndex(ROWS, "cosine")
    same(looked_up.search(QUERIES, 5), plain.search(QUERIES, 5))
    same(looked_up.search(QUERIES, k), plain.search(QUERIES, k))
    same(looked_up.search(QUERIES[1:], k), plain.search(QUERIES[1:], k))
    gone = np.array([3, 4, 5])
    same(looked_up.search(QUERIES, k, exclude=gone), plain.search(QUERIES, k, exclude=gone))
    some = np.array([1, 4, 9, 30])
    same(looked_up.search(QUERIES, k, allowed=some), plain.search(QUERIES, k, allowed=some))


def test_what_makes_no_sense_is_refused_as_ever():
    with pytest.raises(QueryError, match="k is 0"):
        LookedUp(Counted(), 20).search(QUERIES, 0)
