from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """Forty-five pictures of noise, 8×8 grey."""
    return np.random.default_rng(0).integers(0, 256, (45, 8, 8, 1), dtype=np.uint8)
