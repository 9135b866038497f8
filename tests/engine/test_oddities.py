"""The oddest pictures, beside errors computed one by one."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lookalike
from lookalike import Engine
from lookalike.encoder import Decoder, Encoder
from lookalike.engine import oddities
from lookalike.engine.decoded import cached_gallery
from lookalike.engine.oddities import Oddities, Oddity
from lookalike.errors import EngineError, SettingsError
from lookalike.types import Progress


@pytest.fixture(scope="module")
def engine(engine_path: Path) -> Engine:
    return lookalike.open(engine_path, device="cpu")


@pytest.fixture(scope="module")
def errors(engine: Engine) -> dict[str, float]:
    """The error of every picture of the gallery, from its reconstruction's definition."""
    found = {}
    for path in engine.gallery.paths:
        pixels = engine.cache.pixels[engine.cache.position(path)][None]
        latents = engine.encoder.latents(np.asarray(pixels))
        # From the rounded pixels: what 256 levels cost is far below the errors themselves.
        rebuilt = engine.encoder.decode(latents) / 255
        found[path] = float(np.mean((rebuilt - pixels / 255) ** 2))
    return found


def test_they_are_those_with_the_greatest_errors(engine: Engine, errors: dict[str, float]):
    seen: list[Progress] = []
    found = engine.oddities(7, on_progress=seen.append)
    median = np.median(list(errors.values()))
    assert found.pictures == len(errors) == 36
    assert found.median == pytest.approx(median, rel=0.02)
    assert [one.rank for one in found.oddities] == list(range(1, 8))
    least = min(one.error for one in found.oddities)
    others = errors.keys() - {one.path for one in found.oddities}
    assert all(errors[path] < least * 1.02 for path in others)
    for one in found.oddities:
        assert one.error == pytest.approx(errors[one.path], rel=0.02)
        assert one.ratio == pytest.approx(one.error / found.median)
        assert one.label == one.path.split("/")[0]
    assert (seen[-1].done, seen[-1].total) == (36, 36)


def test_batch_size_does_not_matter(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    whole = engine.oddities(36)
    monkeypatch.setattr("lookalike.encoder.pixels.BATCH", 5)
    monkeypatch.setattr("lookalike.encoder.onnx_runtime.BATCH", 5)
    parts = engine.oddities(99)
    assert [one.path for one in parts.oddities] == [one.path for one in whole.oddities]
    for one, other in zip(parts.oddities, whole.oddities, strict=True):
        assert one.error == pytest.approx(other.error, rel=1e-4)


def test_ties_come_in_the_gallery_s_order(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Decoder, "errors", lambda *_, **__: np.zeros(36))
    found = engine.oddities(3).oddities
    assert [one.path for one in found] == engine.gallery.paths[:3]
    assert [one.ratio for one in found] == [None] * 3
    assert engine.oddities(3).draw().size[0] > 300


def test_each_is_drawn_beside_its_own_reconstruction(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    drawn = []
    monkeypatch.setattr(oddities, "draw_oddities", lambda pictures, **_: drawn.extend(pictures))
    found = engine.oddities(4)
    found.draw()
    assert [one.name for one in drawn] == [one.path.split("/")[1] for one in found.oddities]
    for one, cell in zip(found.oddities, drawn, strict=True):
        pixels = engine.cache.pixels[engine.cache.position(one.path)]
        np.testing.assert_array_equal(cell.original, pixels)
        rebuilt = engine.encoder.reconstruct(np.asarray(pixels)[None]).pixels[0]
        np.testing.assert_allclose(cell.reconstruction.astype(int), rebuilt.astype(int), atol=1)
        assert cell.caption == f"error {one.error:.4f} · {one.ratio:.1f} × median"
    monkeypatch.setattr(oddities, "DRAWN", 2)
    drawn.clear()
    found.draw()
    assert len(drawn) == 2


def test_they_show_themselves_in_a_notebook(engine: Engine):
    assert engine.oddities(2)._repr_png_().startswith(b"\x89PNG")


def test_gallery_places_are_found_among_the_decoded_pictures():
    """A `test` split is decoded too, but it is no part of the gallery."""
    rows = {"a": 0, "query": 1, "b": 2}
    cache = SimpleNamespace(position=rows.get, sha256=["of a", "of query", "of b"])
    engine = SimpleNamespace(
        cache=cache,
        gallery=SimpleNamespace(paths=["b", "a"], sha256=["of b", "of a"]),
        layout=SimpleNamespace(directory=Path("my e.lookalike")),
    )
    assert cached_gallery(engine)[1].tolist() == [2, 0]
    engine.gallery.sha256[0] = "of another"
    with pytest.raises(EngineError, match=r"before its last change: run `lookalike sync"):
        cached_gallery(engine)
    engine.gallery.paths.append("new")
    with pytest.raises(EngineError, match=r"`lookalike index 'my e\.lookalike'`"):
        cached_gallery(engine)


def test_without_the_decoded_pictures_it_says_how_to_bring_them_back(
    engine_path: Path, photos: Path, tmp_path: Path
):
    from lookalike.engine import index_engine

    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    before = lookalike.open(place, device="cpu").oddities(5)
    shutil.rmtree(place / "cache")
    with pytest.raises(EngineError, match=f"`lookalike index {place}`"):
        lookalike.open(place, device="cpu").oddities(5)
    index_engine(place, device="cpu")
    assert lookalike.open(place, device="cpu").oddities(5) == before


def test_without_a_decoder_there_are_none(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Encoder, "decodes", False)
    with pytest.raises(EngineError, match="no decoder, and finding the oddest pictures needs one"):
        engine.oddities()


def test_bad_counts_and_orders_are_refused(engine: Engine):
    with pytest.raises(SettingsError, match="0 oddities: wanted 1 or more"):
        engine.oddities(0)
    low, high = Oddity(1, "a", 0.1, 1.0), Oddity(2, "b", 0.2, 2.0)
    with pytest.raises(SettingsError, match="greatest error first"):
        Oddities((low, high), 0.1, 2, lambda: None)
