"""Pictures and engines that several tests share; nothing here touches the network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores test already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from drawing import KINDS, draw_picture


@pytest.fixture(scope="session", autouse=True)
def _recordings() -> Iterator[None]:
    """Spare the many engines of one kind what takes longest in building them."""
    from recordings import recorded_once

    import lookalike.encoder.exporting as exporting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "record", recorded_once(exporting.record))
        yield


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 36 readable pictures in three sub-folders, and one broken file."""
    root = tmp_path_factory.mktemp("photos")
    for kind in KINDS:
        (root / kind).mkdir()
        for number in range(12):
            suffix = ("png", "jpg")[number % 2]
            draw_picture(kind, number).save(root / kind / f"{number:02}.{suffix}")
    (root / "disc" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    return root


@pytest.fixture(scope="session")
def engine_path(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine over `photos`, with its report. Tests must not change it."""
    import lookalike

    place = tmp_path_factory.mktemp("engines") / "photos.lookalike"
    lookalike.build(photos, place, epochs=2, batch_size=8, size=32, device="cpu")
    return place
