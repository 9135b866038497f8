"""Are duplicates found, and nothing else? And what does it cost for very many pictures?

    python -m benchmarks.duplicates --work DIR [--source stamps] [--engine ENGINE] [--data-home DIR]
    python -m benchmarks.duplicates --scale [--pictures 100000]
    python -m benchmarks.duplicates --cells ENGINE
    python -m benchmarks.duplicates --again ENGINE

The first takes the pictures of a source, and copies of 72 % of them (`benchmarks/_copies.py`): of
the same bytes, of the same pixels in another format, or edited, by the edits of
`lookalike.evaluation` at three strengths and by four that nothing was calibrated on; one copy of
a picture at most. An engine is built for all of them, or the encoder of another one is used
(`--engine`). Printed are, for each kind:

- decisions: pictures said to be a copy of the one that is kept; precision: the share of them that
  are; recall: the share of copies, made or there before, that share a group with their original;
- groups: precision: the share of groups found all of whose pictures are one; recall: the share of
  true groups that are found whole.

What is of the same bytes and of the same pixels is found out by reading all files, and decoding
all of them, one by one; what is an edited copy only by who made it: the collection's own pictures
count as different, even where they are copies. `false.html` in DIR shows those decisions.

The second groups made-up embeddings, each process by itself, and prints its seconds and memory.
The third says how many of the nearest others in an engine's gallery are found by cells, as for more
than 20,000 pictures, and what that costs beside comparing all with all. The fourth times searches
one after the other, as a service makes them: each with what those before it have found out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks._copies import Made, make_folder
from benchmarks._made_up import MadeUpEngine
from lookalike.engine import Engine, build, index_engine, open_engine
from lookalike.engine.copy_evidence import LOOKED_AT, CopyEvidence
from lookalike.engine.copy_pairs import likely_pairs
from lookalike.engine.duplicate_groups import DuplicateGroup, Duplicates
from lookalike.engine.duplicates import find_duplicates
from lookalike.engine.second_look import SecondLook, with_second_look
from lookalike.gallery import close_neighbours
from lookalike.images.decode import upright
from lookalike.types import check_metric

THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
KINDS = ("exact", "same-pixels", "edited")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("duplicates"))
    parser.add_argument("--source", default="stamps")
    parser.add_argument("--engine", type=Path, help="one whose encoder is used; not changed")
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-least", type=float, default=0.5)
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--one-scale", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=Path, metavar="ENGINE")
    parser.add_argument("--again", type=Path, metavar="ENGINE")
    parser.add_argument("--pictures", type=int, default=100_000)
    arguments = parser.parse_args()
    if arguments.one_scale:
        _one_scale(arguments.one_scale)
    elif arguments.cells:
        _cells(open_engine(arguments.cells))
    elif arguments.again:
        _again(open_engine(arguments.again))
    elif arguments.scale:
        for count in (arguments.pictures // 4, arguments.pictures // 2, arguments.pictures):
            command = [sys.executable, "-m", "benchmarks.duplicates", "--one-scale", str(count)]
            subprocess.run(command, check=True)
    else:
        _quality(arguments)


def _quality(arguments: argparse.Namespace) -> None:
    folder = arguments.work / "pictures"
    made = make_folder(arguments.source, folder, arguments.data_home, arguments.seed)
    engine = _engine(arguments, folder)
    truth = _Truth(folder, made, engine)
    print(f"{len(engine):,} pictures: {truth.counts()}")
    started = time.perf_counter()
    found = engine.duplicates(KINDS, at_least=arguments.at_least)
    print(f"found in {time.perf_counter() - started:.1f} s, copies by {arguments.at_least:g}")
    # What is certain is asked for alone: in a group of edited copies it is not said of each.
    certain = engine.duplicates(KINDS[:2])
    for kind, result in zip(KINDS, (certain, certain, found), strict=True):
        _print_kind(kind, result, truth)
    _print_edits(found, made)
    _print_curve(engine, truth)
    false = _false(found, truth)
    pages = engine.duplicates_page(false, arguments.work / "false.html")
    print(f"{false.others} decisions that the script holds for false: {pages[0]}")


def _engine(arguments: argparse.Namespace, folder: Path) -> Engine:
    place = arguments.work / "pictures.lookalike"
    if place.exists():
        return open_engine(place)
    if arguments.engine is None:
        return build(folder, place)
    shutil.copytree(arguments.engine, place, ignore=shutil.ignore_patterns("cache", "spectral"))
    engine = index_engine(place, folder)
    engine.report(baselines=False)
    return open_engine(place)


class _Truth:
    """What is a copy of what, found out without the engine."""

    def __init__(self, folder: Path, made: list[Made], engine: Engine) -> None:
        self.paths = list(engine.gallery.paths)
        self.bytes = {path: _digest((folder / path).read_bytes()) for path in self.paths}
        self.pixels = {path: _pixels(folder / path) for path in self.paths}
        original = {one.path: one.original for one in made if one.band == "edited"}
        self.family = {path: self.pixels[original.get(path, path)] for path in self.paths}
        self.of_kind: dict[str, Mapping[str, str]] = {
            "exact": self.bytes,
            "same-pixels": self.pixels,
            "edited": self.family,
        }

    def counts(self) -> str:
        """Say how many pictures there are more than once, at each kind."""
        return ", ".join(f"{self.redundant(kind)} {kind}" for kind in KINDS)

    def redundant(self, kind: str) -> int:
        """Return how many copies there are that no stronger kind has."""
        stronger = {"exact": None, "same-pixels": "exact", "edited": "same-pixels"}[kind]
        classes = len(set(self.of_kind[kind].values()))
        before = len(self.paths) if stronger is None else len(set(self.of_kind[stronger].values()))
        return before - classes

    def is_copy(self, kind: str, one: str, other: str) -> bool:
        """Whether two pictures are copies, of this kind or a stronger one."""
        return self.of_kind[kind][one] == self.of_kind[kind][other]

    def groups(self, kind: str) -> list[set[str]]:
        """Return the true groups: copies of this kind or a stronger one."""
        groups: dict[str, set[str]] = defaultdict(set)
        for path, key in self.of_kind[kind].items():
            groups[key].add(path)
        return [group for group in groups.values() if len(group) > 1]


def _print_kind(kind: str, found: Duplicates, truth: _Truth) -> None:
    decisions = [
        (group.kept.path, one.path)
        for group in found.groups
        for one in group.others
        if one.kind == kind
    ]
    right = sum(truth.is_copy(kind, *pair) for pair in decisions)
    classes = _joined(found, kind)
    left = sum(len({classes.get(path, path) for path in group}) - 1 for group in truth.groups(kind))
    total = sum(len(group) - 1 for group in truth.groups(kind))
    groups = _found_groups(found, kind)
    pure = sum(len({truth.of_kind[kind][path] for path in group}) == 1 for group in groups)
    whole = sum(len({classes.get(path, path) for path in group}) == 1
                for group in truth.groups(kind))  # fmt: skip
    print(
        f"{kind:12} decisions: {right}/{len(decisions)} right (precision "
        f"{_share(right, len(decisions))}); copies found, this kind or stronger: "
        f"{total - left}/{total} (recall {_share(total - left, total)}); groups: {pure}/"
        f"{len(groups)} pure ({_share(pure, len(groups))}), {whole}/{len(truth.groups(kind))} "
        f"whole ({_share(whole, len(truth.groups(kind)))})"
    )


def _joined(found: Duplicates, kind: str) -> dict[str, str]:
    """Return for each path in a group what it is joined to by this kind or a stronger one."""
    joined = {}
    for group in _found_groups(found, kind):
        joined.update(dict.fromkeys(group, group[0]))
    return joined


def _found_groups(found: Duplicates, kind: str) -> list[list[str]]:
    """Return the groups as they are without what is weaker than `kind`.

    A group of the same bytes within a group of edited copies is one of its own.
    """
    groups = []
    for group in found.groups:
        strong = [one for one in group.others if KINDS.index(str(one.kind)) <= KINDS.index(kind)]
        if strong:
            groups.append([group.kept.path, *(one.path for one in strong)])
        weak: dict[str, list[str]] = defaultdict(list)
        for one in group.others:
            if one not in strong:
                weak[one.sha256].append(one.path)
        groups += [paths for paths in weak.values() if len(paths) > 1]
    return groups


def _print_edits(found: Duplicates, made: list[Made]) -> None:
    classes = _joined(found, "edited")
    shares: dict[str, list[bool]] = defaultdict(list)
    for one in made:
        if one.band == "edited":
            there = classes.get(one.path) is not None
            shares[one.how].append(there and classes[one.path] == classes.get(one.original))
    words = (f"{how} {sum(right)}/{len(right)}" for how, right in sorted(shares.items()))
    print("edited copies found: " + ", ".join(words))


def _print_curve(engine: Engine, truth: _Truth) -> None:
    """Print precision and recall of pairs of different pixels, with and without a second look."""
    _, first = np.unique([truth.pixels[path] for path in truth.paths], return_index=True)
    places = np.sort(first).astype(np.int64)
    pairs = likely_pairs(engine, places, LOOKED_AT)
    look = SecondLook(engine)
    started = time.perf_counter()
    looked = [with_second_look(one.probability, look(one.one, one.other)) for one in pairs]
    each = (time.perf_counter() - started) / max(1, len(pairs)) * 1000
    print(f"{len(pairs):,} pairs looked at twice, {each:.1f} ms each, pictures read included")
    right = np.array(
        [truth.is_copy("edited", truth.paths[one.one], truth.paths[one.other]) for one in pairs]
    )
    total = sum(
        len(keys) * (len(keys) - 1) // 2
        for keys in _grouped((truth.paths[place] for place in places.tolist()), truth)
    )
    for name, values in (
        ("embeddings alone", np.array([one.probability for one in pairs])),
        ("with the second look", np.array(looked)),
    ):
        for least in THRESHOLDS:
            said = values >= least
            hits = int((said & right).sum())
            print(
                f"pairs, {name}, at least {least}: precision {_share(hits, int(said.sum()))}, "
                f"recall {_share(hits, total)}"
            )


def _grouped(paths: Iterable[str], truth: _Truth) -> list[list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[truth.family[path]].append(path)
    return list(groups.values())


def _false(found: Duplicates, truth: _Truth) -> Duplicates:
    """Return the groups with nothing but what is held for false in them, the surest first."""
    wrong: list[DuplicateGroup] = []
    for group in found.groups:
        others = tuple(
            one for one in group.others if not truth.is_copy("edited", group.kept.path, one.path)
        )
        if others:
            kind = max((str(one.kind) for one in others), key=KINDS.index)
            wrong.append(replace(group, others=others, kind=kind))  # type: ignore[arg-type]
    wrong.sort(key=lambda group: -(group.others[0].probability or 1))
    ranked = tuple(replace(group, rank=rank) for rank, group in enumerate(wrong, start=1))
    return replace(found, groups=ranked)


def _pixels(file: Path) -> str:
    pixels = np.array(upright(file).convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return _digest(str(pixels.shape).encode() + pixels.tobytes())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def _cells(engine: Engine) -> None:
    embeddings, metric = engine.gallery.embeddings, check_metric(engine.manifest.metric)
    found = {}
    for name, exact in (("all with all", len(embeddings)), ("by cells", 0)):
        started = time.perf_counter()
        blocks = [near for _, near in close_neighbours(embeddings, metric, 16, exact=exact)]
        found[name] = np.concatenate([near.positions for near in blocks])
        print(f"{len(embeddings):,} pictures {name}: {time.perf_counter() - started:.1f} s")
    right, cells = found["all with all"], found["by cells"]
    for depth in (1, 4, 16):
        hits = [np.isin(cells[row], right[row, :depth]).sum() for row in range(len(right))]
        print(f"of the nearest {depth}, cells find {np.sum(hits) / (depth * len(right)):.4f}")


def _again(engine: Engine) -> None:
    evidence = CopyEvidence(engine)
    for kinds, least in (
        (KINDS, 0.5),
        (KINDS, 0.7),
        ((*KINDS, "near"), 0.7),
        (KINDS[1:], 0.7),
        (KINDS[2:], 0.7),
    ):
        started = time.perf_counter()
        found = find_duplicates(engine, kinds=kinds, at_least=least, evidence=evidence)
        seconds = time.perf_counter() - started
        print(f"{','.join(kinds)} at least {least:g}: {len(found):,} groups in {seconds:.2f} s")


def _one_scale(count: int) -> None:
    engine = MadeUpEngine(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    found = find_duplicates(engine, kinds=("exact", "edited"))  # type: ignore[arg-type]
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    embeddings = engine.gallery.embeddings
    right = sum(
        engine.source_of(group.kept.path) == engine.source_of(one.path)
        for group in found.groups
        for one in group.others
    )
    print(
        json.dumps(
            {
                "pictures": count,
                "width": embeddings.shape[1],
                "seconds": round(seconds, 1),
                "peak_mb": round(peak / 1024),
                "before_mb": round(before / 1024),
                "embeddings_mb": round(embeddings.nbytes / 2**20),
                "groups": len(found),
                "right": round(right / max(1, found.others), 4),
                "found": round(right / engine.copies, 4),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
