"""What `lookalike search` does beyond a search: notes, folders, queries that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import lookalike
from lookalike.engine.searching import search_engine


def test_at_most_ten_labels_are_named(tmp_path: Path):
    for number in range(13):
        (tmp_path / "photos" / f"kind{number:02}").mkdir(parents=True)
        pixels = np.full((16, 16, 3), number * 19, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"kind{number:02}" / "a.png")
    place = tmp_path / "e.lookalike"
    lookalike.build(tmp_path / "photos", place, epochs=1, size=16, device="cpu", report=False)
    (note,) = search_engine(place, ["kind00/a.png"], where="LABEL = 'none'").notes
    assert note.endswith(
        "; the labels are " + ", ".join(f"kind{n:02}" for n in range(10)) + " and 3 more"
    )
