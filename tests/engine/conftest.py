"""An engine whose folder may be changed."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_picture

import lookalike
from lookalike.encoder import Embedded, Encoder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `photos` and its engine `e.lookalike`, to be copied together."""
    root = tmp_path_factory.mktemp("built")
    for kind in ("disc", "square"):
        (root / "photos" / kind).mkdir(parents=True)
        for number in range(8):
            draw_picture(kind, number).save(root / "photos" / kind / f"{number}.png")
    lookalike.build(
        root / "photos", root / "e.lookalike", epochs=1, batch_size=8, size=16, report=False,
        device="cpu",
    )  # fmt: skip
    return root


@pytest.fixture
def living(built: Path, tmp_path: Path) -> Path:
    """The folder of an engine `e.lookalike` beside it, both free to be changed."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)  # times of change are copied too
    manifest = tmp_path / "e.lookalike" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(built), str(tmp_path)))
    return tmp_path / "photos"


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each call of the encoder embeds."""
    counts: list[int] = []
    embed, with_errors = Encoder.embed, Encoder.embed_with_errors
    begin = Encoder.begin_embeddings

    def count(self: Encoder, pixels: np.ndarray, *rest: object, **named: object) -> np.ndarray:
        found = embed(self, pixels, *rest, **named)  # type: ignore[arg-type]
        counts.append(len(found))
        return found

    def count_both(self: Encoder, pixels: np.ndarray, **named: object) -> Embedded:
        before = len(counts)
        found = with_errors(self, pixels, **named)  # type: ignore[arg-type]
        counts[before:] = [len(found.embeddings)]  # it may have called the other
        return found

    def count_begun(self: Encoder, pixels: np.ndarray) -> list[Future[np.ndarray]]:
        before = len(counts)
        begun = begin(self, pixels)
        counts[before:] = [len(pixels)]
        return begun

    monkeypatch.setattr(Encoder, "begin_embeddings", count_begun)
    monkeypatch.setattr(Encoder, "embed", count)
    monkeypatch.setattr(Encoder, "embed_with_errors", count_both)
    return counts
