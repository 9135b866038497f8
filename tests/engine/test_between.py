"""The way between two pictures, beside its definition."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lookalike
from lookalike import Engine
from lookalike.encoder import Encoder
from lookalike.engine import between, index_engine
from lookalike.engine.between import Between, Step
from lookalike.errors import EngineError, QueryError, SettingsError

A, B = "disc/00.png", "stripes/02.png"


@pytest.fixture(scope="module")
def engine(engine_path: Path) -> Engine:
    return lookalike.open(engine_path, device="cpu")


def pixels_of(engine: Engine, path: str) -> np.ndarray:
    return np.asarray(engine.cache.pixels[engine.cache.position(path)])[None]


def same(one: np.ndarray, other: np.ndarray) -> None:
    # Another order of the same sums may round to the next of 256 levels.
    np.testing.assert_allclose(one.astype(int), other.astype(int), atol=1)


def test_the_ends_are_the_reconstructions(engine: Engine):
    found = engine.between(A, B)
    assert (found.a, found.b, len(found.steps)) == (A, B, 7)
    for path, step in ((A, found.steps[0]), (B, found.steps[-1])):
        same(step.decoded, engine.encoder.reconstruct(pixels_of(engine, path)).pixels[0])
    assert found.steps[0].decoded.tobytes() != found.steps[-1].decoded.tobytes()


def test_every_step_is_the_decoded_mixture_of_the_latents(engine: Engine):
    first, last = (engine.encoder.latents(pixels_of(engine, path)) for path in (A, B))
    found = engine.between(A, B, steps=5)
    assert [step.share for step in found.steps] == [0, 0.25, 0.5, 0.75, 1]
    for step in found.steps:
        mixed = first + np.float32(step.share) * (last - first)
        same(step.decoded, engine.encoder.decode(mixed)[0])


@pytest.mark.parametrize("mirrors", [False, True])
def test_the_nearest_is_neither_of_the_two(engine_path: Path, mirrors: bool):
    engine = lookalike.open(engine_path, device="cpu")
    engine.encoder.mirrors = mirrors
    pixels = np.concatenate([pixels_of(engine, path) for path in (A, B)])
    whitening, sides = engine.encoder.whitening, [pixels, pixels[:, :, ::-1]]
    latents = [engine.encoder.latents(side) for side in sides[: 1 + mirrors]]
    vectors = engine.gallery.embeddings.astype(np.float64)
    steps = engine.between(A, B, steps=9).steps
    for step in steps:
        share = np.float32(step.share)
        both = [whitening.apply(((1 - share) * first + share * last)[None])
                for first, last in latents]  # fmt: skip
        mixed = (whitening.mean(*both) if mirrors else both[0])[0]
        cosine = vectors @ mixed / np.linalg.norm(vectors, axis=1) / np.linalg.norm(mixed)
        for path in (A, B):
            cosine[engine.gallery.position(path)] = -np.inf
        assert step.score == pytest.approx(cosine.max(), abs=1e-5)
        assert cosine[engine.gallery.position(step.path)] == pytest.approx(cosine.max(), abs=1e-5)
        assert step.label == step.path.split("/")[0]
        assert step.path not in (A, B)
    # The ends are searched as the pictures themselves are.
    for query, step in zip(engine.encoder.embed(pixels), (steps[0], steps[-1]), strict=True):
        nearest = vectors[engine.gallery.position(step.path)]
        cosine = nearest @ query / np.linalg.norm(nearest) / np.linalg.norm(query)
        assert step.score == pytest.approx(cosine, abs=1e-5)


def test_any_query_will_do(engine: Engine, photos: Path, tmp_path: Path):
    foreign = tmp_path / "foreign.png"
    shutil.copy(photos / A, foreign)
    picture = Image.open(photos / B).convert("RGB")
    whole = engine.between(A, B, steps=3)
    file = engine.between(photos / A, photos / B, steps=3)
    assert file == whole
    for a, b in ((foreign, picture), ((photos / A).read_bytes(), np.asarray(picture))):
        found = engine.between(a, b, steps=3)
        for step, other in zip(found.steps, whole.steps, strict=True):
            same(step.decoded, other.decoded)
        # Unknown pictures leave nothing out: the nearest are the gallery's own copies.
        assert (found.steps[0].path, found.steps[-1].path) == (A, B)
        assert found.draw().size[0] > 300
    to_itself = engine.between(A, A, steps=2)
    assert to_itself.steps[0].path == to_itself.steps[1].path != A


def test_originals_stand_in_for_decoded_copies(engine_path: Path, tmp_path: Path, photos: Path):
    root, place = tmp_path / "photos", tmp_path / "e.lookalike"
    shutil.copytree(photos, root)
    shutil.copytree(engine_path, place)
    index_engine(place, root, device="cpu")
    whole = lookalike.open(place, device="cpu").between(A, B)
    shutil.rmtree(place / "cache")
    found = lookalike.open(place, device="cpu").between(A, B)
    assert found == whole
    for step, other in zip(found.steps, whole.steps, strict=True):
        same(step.decoded, other.decoded)
    shutil.rmtree(root)
    with pytest.raises(QueryError, match=f"{A} is known, but its picture is gone") as caught:
        lookalike.open(place, device="cpu").between(A, B)
    assert f"`lookalike index {place}`" in str(caught.value)


def test_a_gallery_of_these_two_has_nothing_between(
    engine_path: Path, tmp_path: Path, photos: Path
):
    place, two = tmp_path / "e.lookalike", tmp_path / "two"
    shutil.copytree(engine_path, place)
    two.mkdir()
    for number, path in enumerate((A, B)):
        shutil.copy(photos / path, two / f"{number}.png")
    engine = index_engine(place, two, device="cpu")
    with pytest.raises(QueryError, match="no picture but these two"):
        engine.between("0.png", "1.png")
    assert engine.between("0.png", "0.png", steps=2).steps[0].path == "1.png"


def test_what_is_drawn(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(between, "draw_between", lambda *parts, **_: drawn.extend(parts))
    found = engine.between(A, B, steps=3)
    found.draw()
    a, b, decoded, nearest, shares = drawn
    assert (a.caption, a.name, b.caption, b.name) == ("disc", "00.png", "stripes", "02.png")
    assert [one.tobytes() for one in decoded] == [step.decoded.tobytes() for step in found.steps]
    assert [one.caption for one in nearest] == [f"{step.score:.3f}" for step in found.steps]
    assert shares == [0, 0.5, 1]


def test_it_shows_itself_and_speaks_json(engine: Engine):
    found = engine.between(A, B, steps=2)
    assert found._repr_png_().startswith(b"\x89PNG")
    assert found.as_dict()["metric"] == "cosine"
    assert set(found.as_dict()["steps"][0]) == {"share", "path", "score", "label"}


def test_bad_questions_are_one_line(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for steps in (1, 101):
        with pytest.raises(SettingsError, match=f"{steps} steps: wanted 2 to 100"):
            engine.between(A, B, steps=steps)
    with pytest.raises(QueryError, match="neither a picture file nor in the gallery"):
        engine.between(A, "nowhere.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no")
    with pytest.raises(QueryError, match="cannot be read"):
        engine.between(tmp_path / "broken.jpg", B)
    step = Step(0.5, "a", 1.0, None, np.zeros((1, 1, 1), np.uint8))
    with pytest.raises(SettingsError, match="from share 0 to share 1"):
        Between("a", "b", "cosine", (step, step), lambda: None)
    monkeypatch.setattr(Encoder, "decodes", False)
    with pytest.raises(EngineError, match="the way between two pictures needs one"):
        engine.between(A, B)
