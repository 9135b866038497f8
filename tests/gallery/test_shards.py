"""Codes in several parts find what one part finds."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lookalike.gallery import shards
from lookalike.gallery.shards import CodeShards


def filled(codes, metric, parts):
    made = CodeShards(codes.shape[1], len(codes), metric, parts)
    for start in range(0, len(codes), 7):
        made.add(codes[start : start + 7])
    return made


@pytest.fixture
def codes():
    return np.random.default_rng(0).integers(1, 256, (50, 9), dtype=np.uint8)


@pytest.mark.parametrize("metric", ["euclidean", "inner"])
@pytest.mark.parametrize("parts", [2, 3, 4])
@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("count", [1, 8, 40])
def test_parts_find_what_one_finds(codes, metric, parts, queries, count):
    asked = np.random.default_rng(1).normal(size=(queries, 9)).astype(np.float32)
    for allowed in (None, np.arange(50) % 3 > 0, np.arange(50) < 3):
        values, places = filled(codes, metric, 1).search(asked, count, allowed)
        in_parts = filled(codes, metric, parts).search(asked, count, allowed)
        assert np.array_equal(in_parts[0], values)
        assert np.array_equal(in_parts[1], places)
        assert (places >= 0).sum() == queries * min(
            count, 50 if allowed is None else np.count_nonzero(allowed)
        )


def test_they_are_as_many_as_there_are_rows_and_cores_for(monkeypatch):
    monkeypatch.setattr(shards, "usable_threads", lambda: 16)
    monkeypatch.setattr(shards, "LEAST", 100)
    for rows, parts in ((5, 1), (25, 2), (1_000, 4)):
        codes = np.ones((rows, 9), np.uint8)
        made = CodeShards(9, rows, "inner")
        made.add(codes)
        assert (made.count, len(made._parts)) == (rows, parts)


def test_many_threads_may_search_at_once(codes):
    made = filled(codes, "euclidean", 3)
    asked = np.random.default_rng(1).normal(size=(40, 1, 9)).astype(np.float32)
    wanted = [filled(codes, "euclidean", 1).search(one, 5)[1].tolist() for one in asked]
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda one: made.search(one, 5)[1].tolist(), asked))
    assert found == wanted


FORKED = """
import os, sys
import numpy as np
from lookalike.gallery import shards
from lookalike.gallery.exact import ExactIndex

shards.usable_threads, shards.LEAST = lambda: 2, 100
rows = np.random.default_rng(0).normal(size=(400, 9)).astype(np.float32)
index = ExactIndex(rows, "euclidean")
index.quicken()
wanted = index.search(rows[:1], 3).positions.tolist()  # its threads run now
child = os.fork()
if not child:
    os._exit(0 if index.search(rows[:1], 3).positions.tolist() == wanted else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_finds_too():
    assert subprocess.run([sys.executable, "-c", FORKED], timeout=100, check=False).returncode == 0
