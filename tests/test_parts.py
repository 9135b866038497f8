from __future__ import annotations

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.parts import LatentPart, PartedWhitening, fit_parts

PARTS = (
    LatentPart("edges", 6, "appearance", 1.0),
    LatentPart("colours", 4, "appearance", 0.5),
    LatentPart("meaning", 5, "meaning"),
)


def latents(count: int = 60) -> np.ndarray:
    random = np.random.default_rng(0)
    return (random.normal(size=(count, 15)) * random.uniform(0.1, 5, 15)).astype(np.float32)


def cosines(x: np.ndarray, whitening: PartedWhitening) -> list[np.ndarray]:
    """Each part's cosines between all rows, part by part and by its own whitening."""
    found, start = [], 0
    for part, one in zip(whitening.parts, whitening.whitenings, strict=True):
        unit = one.apply(x[:, start : start + part.width])
        found.append(unit @ unit.T)
        start += part.width
    return found


@pytest.mark.parametrize("balance", [0.1, 0.5, 0.9])
def test_products_are_the_weighted_mean_of_the_parts_cosines(balance: float):
    x = latents()
    whitening = fit_parts(x, PARTS, balance=balance)
    embeddings = whitening.apply(x)
    weights = [(1 - balance) / 1.5, (1 - balance) * 0.5 / 1.5, balance]
    assert whitening.weights == pytest.approx(weights)
    wanted = sum(w * c for w, c in zip(weights, cosines(x, whitening), strict=True))
    np.testing.assert_allclose(embeddings @ embeddings.T, wanted, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("balance", [0.0, 0.3, 1.0])
def test_a_query_weighs_its_parts_anew(balance: float):
    x = latents()
    whitening = fit_parts(x, PARTS)
    embeddings = whitening.apply(x)
    found = whitening.balanced(embeddings, balance) @ embeddings.T
    edges, colours, meaning = cosines(x, whitening)
    wanted = (1 - balance) * (edges + 0.5 * colours) / 1.5 + balance * meaning
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert whitening.balanced(embeddings, None) is embeddings


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.5, 1.0])
def test_rebalanced_is_what_another_balance_would_have_given(balance: float):
    x = latents()
    whitening = fit_parts(x, PARTS)
    embeddings = whitening.apply(x)
    moved = whitening.rebalanced(embeddings, balance)
    np.testing.assert_allclose(
        moved @ moved.T, whitening.balanced(embeddings, balance) @ embeddings.T, atol=1e-5
    )
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    if 0 < balance < 1:
        np.testing.assert_allclose(moved, fit_parts(x, PARTS, balance=balance).apply(x), atol=1e-6)


def test_arrays_bring_it_back():
    whitening = fit_parts(latents(), PARTS, balance=0.4)
    again = PartedWhitening.from_arrays(whitening.arrays(), PARTS, 0.4)
    assert (again.apply(latents()) == whitening.apply(latents())).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_parts(latents()[:, :3], PARTS), "wanted .N, 15."),
        (lambda: fit_parts(latents(), PARTS).apply(latents()[:, :3]), "wanted .N, 15."),
        (lambda: fit_parts(latents(), PARTS).balanced(latents(), 1.5), "looks like"),
        (lambda: fit_parts(latents(), PARTS).balanced(latents()[:, :2], 0.5), "wanted .N, 15."),
        (lambda: fit_parts(latents(), PARTS).rebalanced(latents(), -0.1), "looks like"),
        (lambda: fit_parts(latents(), PARTS).rebalanced(latents()[:, :2], 0.5), "wanted .N, 15."),
        (lambda: fit_parts(latents(), PARTS, balance=0), "between 0 and 1"),
        (lambda: LatentPart("none", 0, "meaning"), "above 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, message: str):
    with pytest.raises(SettingsError, match=message):
        call()
