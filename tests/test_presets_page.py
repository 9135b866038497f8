"""The page of measured presets says what its generator says."""

from __future__ import annotations

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_each_table_says_whose_error_it_shows(tmp_path: Path):
    generator = runpy.run_path(str(ROOT / "benchmarks" / "presets_table.py"))
    page = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    generated = generator["_page"](tmp_path)
    for data, heading in generator["HEADINGS"].items():
        start = f"## {heading}\n\n{generator['ERRORS'][data]}\n\n| preset |"
        assert start in page
        assert start in generated
    assert generator["ERRORS"].keys() == generator["HEADINGS"].keys()
    assert f"{generator['RECONSTRUCTED']:,} test pictures" in generator["ERRORS"]["fashion-mnist"]
    assert "trained on" in generator["ERRORS"]["stamps"]
