"""Batches that go side by side give what they give one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.encoder.exporting import Recorded
from lookalike.encoder.onnx_runtime import OnnxRuntime, onnx_batch
from lookalike.images import ImageSpec
from lookalike.models import build_model, get_preset
from lookalike.whitening import fit_whitening

IMAGE = ImageSpec(28, 28, 1)
SIZE = onnx_batch(IMAGE)


@pytest.fixture(scope="module")
def files():
    recorded = Recorded(build_model(get_preset("digits-conv16"), IMAGE, seed=0).eval(), IMAGE)
    return recorded.encoder(), recorded.decoder()


@pytest.fixture(scope="module")
def pixels():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (20 * SIZE, 28, 28, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def alone(files):
    return OnnxRuntime(IMAGE, *files, threads=1)


@pytest.mark.parametrize("threads", [2, 3, 9])
@pytest.mark.parametrize("count", [0, 1, SIZE, SIZE + 1, 3 * SIZE, 9 * SIZE + 5, 20 * SIZE])
def test_they_are_the_same_in_order(threads, count, files, alone, pixels):
    runtime = OnnxRuntime(IMAGE, *files, threads=threads)
    rows = np.random.default_rng(1).permutation(len(pixels))[:count]
    for way in ("latents", "embeddings"):
        ours, theirs = ([*getattr(one, way)(pixels, rows)] for one in (runtime, alone))
        assert [len(batch) for batch in ours] == [len(batch) for batch in theirs]
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-5)
    rebuilt = [runtime.rebuilt(pixels, rows), alone.rebuilt(pixels, rows)]
    for mine, other in zip(*rebuilt, strict=True):
        np.testing.assert_allclose(mine[0], other[0], atol=1e-5)
        np.testing.assert_allclose(mine[1], other[1], rtol=1e-4)
    latents = np.random.default_rng(2).normal(size=(count, 16)).astype(np.float32)
    for mine, other in zip(runtime.decoded(latents), alone.decoded(latents), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_what_is_begun_comes_in_order(threads, pixels):
    recorded = Recorded(build_model(get_preset("digits-conv16"), IMAGE, seed=0).eval(), IMAGE)
    latents = np.concatenate(
        [*OnnxRuntime(IMAGE, recorded.encoder()).latents(pixels, np.arange(len(pixels)))]
    )
    whitening = fit_whitening(latents)
    runtime = OnnxRuntime(IMAGE, recorded.encoder(whitening), threads=threads)
    count = 9 * SIZE + 5
    for output, wanted in (("latents", latents), ("embedding", whitening.apply(latents))):
        begun = runtime.begin(pixels[:count], output) + runtime.begin(pixels[count:], output)
        found = np.concatenate([one.result() for one in begun])
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        assert runtime.begin(pixels[:0], output) == []


def test_one_batch_alone_gets_all_threads(files, pixels):
    runtime = OnnxRuntime(IMAGE, *files, threads=2)
    for one in runtime.begin(pixels[:3], "latents"):
        one.result()
    assert set(runtime._encoder._opened) == {2}


def test_who_stops_asking_is_not_waited_for(files, pixels):
    runtime = OnnxRuntime(IMAGE, *files, threads=2)
    given = runtime.latents(pixels, np.arange(len(pixels)))
    next(given)
    given.close()
    assert len([*runtime.latents(pixels, np.arange(3 * SIZE))]) == 3


def test_an_error_of_one_batch_is_raised(files, pixels):
    runtime = OnnxRuntime(IMAGE, *files, threads=2)
    rows = np.arange(5 * SIZE)
    rows[3 * SIZE] = len(pixels)  # there is no such row
    with pytest.raises(IndexError):
        list(runtime.latents(pixels, rows))
