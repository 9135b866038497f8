"""Products of bytes are those of whole numbers, however the rows are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lookalike.gallery import codes as module
from lookalike.gallery.codes import GROUP, LARGEST, Codes


def made_up(count=50, width=9, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(-LARGEST, LARGEST + 1, (count, width), dtype=np.int8)


def asked_for(count, width=9, seed=1):
    return made_up(count, width, seed)


def filled(rows, at_once=7):
    made = Codes(rows.shape[1], len(rows))
    for start in range(0, len(rows), at_once):
        made.add(rows[start : start + at_once])
    return made


def expected(rows, queries, less):
    """The scores in whole numbers and float64."""
    squares = np.square(rows.astype(np.int64)).sum(axis=1)
    return queries.astype(np.int64) @ rows.T.astype(np.int64) - less[:, None] * squares


@pytest.fixture(params=["signed", "unsigned"])
def kept(request, monkeypatch):
    """Rows as processors with and without products of signed bytes have them."""
    monkeypatch.setattr(module, "_signed_is_exact", lambda: request.param == "signed")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("part", [1, 9 * 20, 9 * 50, 10**6])
@pytest.mark.parametrize("queries", [1, 2, 5])
def test_scores_are_those_of_whole_numbers(part, queries, monkeypatch):
    monkeypatch.setattr(module, "PART", part)
    rows, asked = made_up(), asked_for(queries)
    less = np.linspace(0, 3, queries).astype(np.float32)
    found = filled(rows).compare(asked, less).values
    assert found.shape[1] % GROUP == 0
    np.testing.assert_allclose(found[:, :50], expected(rows, asked, less), rtol=1e-6, atol=8)
    assert (found[:, 50:] == -np.inf).all()


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("width", [1, 64, 1_500])
def test_the_largest_numbers_do_not_overflow(width):
    rows = np.full((5, width), LARGEST, np.int8)
    rows[1] = -LARGEST
    asked = np.full((2, width), LARGEST, np.int8)
    asked[1] *= -1
    made = filled(rows)
    none = np.zeros(2, np.float32)
    np.testing.assert_allclose(
        made.compare(asked, none).values[:, :5], expected(rows, asked, none), rtol=1e-6
    )
    assert made.longest == pytest.approx(LARGEST * np.sqrt(width), rel=1e-6)


@pytest.mark.parametrize("count", [1, 3, 127, 128, 129, 1_000])
def test_rows_from_a_score_on_and_the_highest(count):
    rows = made_up(count, 3)
    barred = np.random.default_rng(3).random(count) < 0.4
    barred[0] = False
    scores = filled(rows, 100).compare(asked_for(2, 3), np.zeros(2, np.float32), barred)
    for number in range(2):
        values = np.where(barred, -np.inf, scores.values[number, :count])
        np.testing.assert_array_equal(scores.values[number, :count], values)
        for low in np.quantile(values[~barred], [0, 0.5, 0.99, 1]).astype(np.float32):
            np.testing.assert_array_equal(scores.from_(number, low), np.flatnonzero(values >= low))
        for some in {1, 2, 60, int((~barred).sum())}:
            if some <= (~barred).sum():
                places = scores.highest(number, some)
                assert values[places].min() > -np.inf
                assert len(places) >= some
                assert (values >= values[places].min()).sum() == len(places)


def test_loss_in_signed_products_is_seen(monkeypatch):
    """A processor that adds two products in 16 bits, made up."""

    monkeypatch.setattr(
        module._Part,
        "products",
        lambda _self, queries: np.full((len(queries), 64), 32 * 32_767, np.int32),
    )
    module._signed_is_exact.cache_clear()
    try:
        assert not module._signed_is_exact()
    finally:
        module._signed_is_exact.cache_clear()


@pytest.mark.usefixtures("kept")
def test_rows_are_not_kept_twice():
    (part,) = filled(made_up())._parts
    assert part._columns is None


@pytest.mark.usefixtures("kept")
def test_rows_are_kept_as_long_as_they_are_read_where_they_were_given(monkeypatch):
    class Reading:
        """A session that reads what it was given at each run."""

        def __init__(self, _model, _threads, apart):
            self.columns = apart["columns"]

        def run(self, _outputs, inputs):
            columns = self.columns.astype(np.int32)
            if self.columns.dtype == np.uint8:
                columns -= 128
            return ((inputs["queries"].astype(np.int32) - 128) @ columns,)

    monkeypatch.setattr(module, "cpu_session", Reading)
    rows, asked, none = made_up(), asked_for(2), np.zeros(2, np.float32)
    made = filled(rows)
    (part,) = made._parts
    assert part._columns is part._session.columns
    found = made.compare(asked, none).values[:, :50]
    np.testing.assert_array_equal(found, expected(rows, asked, none))


def test_many_threads_may_compare_at_once():
    rows = made_up(4_000, 64)
    made, none = filled(rows, 1_000), np.zeros(1, np.float32)
    asked = asked_for(40, 64)[:, None]
    wanted = [made.compare(one, none).values for one in asked]
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda one: made.compare(one, none).values, asked))
    np.testing.assert_array_equal(found, wanted)


FORKED = """
import os, sys
os.environ["OMP_NUM_THREADS"] = "2"
import numpy as np
from lookalike.gallery import exact, rounding

exact.ENOUGH, rounding.PATIENCE = 100, 2
rows = np.random.default_rng(0).normal(size=(60_000, 64)).astype(np.float32)
index = exact.ExactIndex(rows, "euclidean")
index.quicken()
wanted = index.search(rows[:1], 3).positions.tolist()  # its threads run now
for quicken in (False, True):
    index._rounding._kept.making.acquire()  # as if it were being made
    child = os.fork()
    if not child:
        right = not index.packed
        if quicken:
            index.quicken()
            right = right and index.packed
        right = right and index.search(rows[:1], 3).positions.tolist() == wanted
        right = right and index.packed == quicken
        right = right and index.search(rows[:1], 3).positions.tolist() == wanted
        right = right and index.packed
        del index
        os._exit(not right)  # as children of multiprocessing end
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit("quickened" if quicken else "searched")
    index._rounding._kept.making.release()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_rounds_anew_and_finds_the_same():
    subprocess.run([sys.executable, "-c", FORKED], timeout=60, check=True)
