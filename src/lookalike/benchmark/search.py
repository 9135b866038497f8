"""Exact search: ours beside the field's libraries, with filters, and against the memory's speed.

A gallery's embeddings are made up: numbers drawn from a normal distribution, which have no
structure that a search could profit from; or clusters of such, as real embeddings are.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from lookalike.benchmark.contest import Contest, compete
from lookalike.benchmark.outcome import Bar, Effort, Outcome

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lookalike.benchmark.search_ways import Asking, NearestWays

__all__ = ["measure"]

ROWS, QUICK_ROWS = 100_000, 9_000
WIDTH, WIDE = 128, 512
BATCH, QUICK_BATCH = 1_000, 40
SHARES = (0.001, 0.01, 0.1, 0.5)
CLUSTERS, SPREAD = 1_000, 0.3
# Bytes that are copied to see how fast the memory is: far more than a cache holds.
COPIED, QUICK_COPIED = 400_000_000, 40_000_000
REPEATS = 5

Figures = dict[str, float | int | str]


def measure(effort: Effort) -> Outcome:
    """Search made-up galleries by every way."""
    import numpy as np

    from lookalike.benchmark.search_ways import NearestWays

    random = np.random.default_rng(effort.seed)
    count = QUICK_ROWS if effort.quick else ROWS
    ways = NearestWays(_normal(random, count, WIDTH))
    queries = _normal(random, QUICK_BATCH if effort.quick else BATCH, WIDTH)
    what = f"top 10 of {count:,} × {WIDTH}"
    exact = ways.exact()
    one = _race(what, {**exact, "torch.cdist + topk": ways.cdist()}, queries[:1], effort)
    batch = _race(what, exact, queries, effort)
    graphs = ways.approximate()
    near = _race(
        f"{what}, ours exact, graphs approximate",
        {"ours": exact["ours"], **graphs},
        queries[:1],
        effort,
    )
    others = (*_further(random, count, effort), *_filtered(random, ways, queries[:1], effort))
    truth = _truth(ways.rows, queries)
    figures = _speeds(ways.rows, one, effort)
    for name, way in {**exact, **graphs}.items():
        figures[f"recall@10 of {name}"] = _recall(way(queries), truth)
    bars = _bars(one, batch, figures)
    return Outcome((one, batch, near, *others), bars, figures, ways.absent)


def _race(
    what: str, ways: Mapping[str, Asking], queries: NDArray[np.float32], effort: Effort
) -> Contest:
    many = len(queries) > 1
    asked = f"{len(queries):,} queries" if many else "one query"
    return compete(
        f"{what}, {asked}",
        {name: partial(way, queries) for name, way in ways.items()},
        ours="ours",
        unit="queries",
        amount=len(queries),
        rounds=2 if effort.quick else (5 if many else 15),
        repeats=1 if many or effort.quick else REPEATS,
    )


def _further(random: np.random.Generator, count: int, effort: Effort) -> list[Contest]:
    """Race against faiss flat over wider embeddings, over clusters, and by inner product."""
    import faiss

    from lookalike.benchmark.search_ways import K
    from lookalike.gallery import ExactIndex

    centres = _normal(random, CLUSTERS, WIDTH)
    clusters = centres[random.integers(0, CLUSTERS, count)] + SPREAD * _normal(random, count, WIDTH)
    contests = []
    for what, rows in (
        (f"top 10 of {count:,} × {WIDE}, inner product", _normal(random, count, WIDE)),
        (f"top 10 of {count:,} × {WIDTH}, inner product", _normal(random, count, WIDTH)),
        (f"top 10 of {count:,} × {WIDTH} in {CLUSTERS:,} clusters, inner product", clusters),
    ):
        index = ExactIndex(rows, "inner")
        index.quicken()
        flat: Any = faiss.IndexFlatIP(rows.shape[1])
        flat.add(rows)
        query = rows[:1] + SPREAD * _normal(random, 1, rows.shape[1])
        ways: dict[str, Asking] = {
            "ours": lambda asked, index=index: index.search(asked, K).positions,  # type: ignore[misc]
            "faiss flat": lambda asked, flat=flat: flat.search(asked, K)[1],  # type: ignore[misc]
        }
        contests.append(_race(what, ways, query, effort))
    return contests


def _filtered(
    random: np.random.Generator, ways: NearestWays, query: NDArray[np.float32], effort: Effort
) -> list[Contest]:
    """Race with filters that leave different shares of the gallery."""
    import faiss
    import numpy as np

    from lookalike.benchmark.search_ways import K

    library: Any = faiss
    flat: Any = faiss.IndexFlatL2(ways.rows.shape[1])
    flat.add(ways.rows)
    contests = []
    for share in SHARES:
        mask = random.random(len(ways.rows)) < share
        places = np.flatnonzero(mask)
        bits = np.packbits(mask, bitorder="little")
        only = library.SearchParameters(sel=library.IDSelectorBitmap(bits))

        def ours(asked: NDArray[np.float32], places: NDArray[np.int64] = places) -> Any:  # noqa: ANN401
            return ways.index.search(asked, K, allowed=places).positions

        def theirs(asked: NDArray[np.float32], only: Any = only) -> Any:  # noqa: ANN401
            return flat.search(asked, K, params=only)[1]

        what = f"top 10 of the {share:.1%} that a filter leaves of {len(ways.rows):,} × {WIDTH}"
        contests.append(_race(what, {"ours": ours, "faiss flat": theirs}, query, effort))
    return contests


def _speeds(rows: NDArray[np.float32], one: Contest, effort: Effort) -> Figures:
    """Return what moves through the memory in a second, in copying and in searching."""
    import numpy as np

    source = np.ones((QUICK_COPIED if effort.quick else COPIED) // 4, np.float32)
    target = np.empty_like(source)
    copied = compete(
        "copying memory",
        {"numpy": lambda: np.copyto(target, source)},
        ours="numpy",
        unit="bytes",
        amount=2 * source.nbytes,
        rounds=2 if effort.quick else 10,
    )
    ours, flat = (statistics.median(one.way(name).seconds) for name in ("ours", "faiss flat"))
    return {
        "copying, GB read and written a second": round(copied.rate("numpy").median / 1e9, 1),
        "ours, GB of 8-bit rows read a second": round(rows.size / ours / 1e9, 1),
        "faiss flat, GB of float32 rows read a second": round(rows.nbytes / flat / 1e9, 1),
    }


def _bars(
    one: Contest, batch: Contest, figures: Mapping[str, float | int | str]
) -> tuple[Bar, ...]:
    plain = one.ratio("ours, in float32 alone", to="faiss flat")
    ours = one.ratio("ours", to="faiss flat")
    cdist = one.ratio("torch.cdist + topk")
    peers = [way.name for way in batch.ways if not way.name.startswith("ours")]
    best = min(peers, key=lambda name: statistics.median(batch.way(name).seconds))
    speed = batch.ratio(best)
    recall = float(figures["recall@10 of ours"])
    return (
        Bar("one query in float32, times faiss flat", "≤ 1.1", str(plain), plain.median <= 1.1),
        Bar("one query, times faiss flat", "≤ 0.6", str(ours), ours.median <= 0.6),
        Bar("recall@10 of ours", "1.00", f"{recall:.4f}", recall == 1),
        Bar("one query, times as fast as torch.cdist", "≥ 20", str(cdist), cdist.median >= 20),
        Bar(
            f"{int(batch.amount):,} queries, times as fast as the best peer ({best})",
            "≥ 1.0",
            str(speed),
            speed.median >= 1,
        ),
    )


def _truth(rows: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the ten nearest (Q, 10) by a brute force in float64."""
    import numpy as np

    from lookalike.benchmark.search_ways import K

    wide = rows.astype(np.float64)
    squares = np.square(wide).sum(axis=1)
    found = []
    for query in queries.astype(np.float64):
        far = squares - 2 * (wide @ query)
        few = np.argpartition(far, 4 * K)[: 4 * K]
        exact = np.square(wide[few] - query).sum(axis=1)
        found.append(few[np.lexsort((few, exact))[:K]])
    return np.array(found)


def _recall(found: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    shared = sum(len(set(mine) & set(true)) for mine, true in zip(found, truth, strict=True))
    return shared / truth.size


def _normal(random: np.random.Generator, count: int, width: int) -> NDArray[np.float32]:
    import numpy as np

    return random.standard_normal((count, width), dtype=np.float32)
