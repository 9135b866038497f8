import json

import pytest

from lookalike.benchmark import Bar, Contest, Outcome, Way
from lookalike.benchmark.table import as_markdown, update_json, update_page
from lookalike.errors import SettingsError

OUTCOME = Outcome(
    (Contest("top 10", "queries", 1, "ours", (Way("ours", (0.5,)), Way("faiss flat", (1.0,)))),),
    (Bar("one query", "≤ 1.1", "0.5", True), Bar("many", "≥ 1", "0.9", False)),
    {"copy GB/s": 12.3},
    ("usearch",),
    ({"pictures": 1000, "build s": 9.5},),
)


def test_tables_hold_bars_ratios_rows_figures_and_what_was_absent():
    text = as_markdown(OUTCOME)
    assert "| one query | ≤ 1.1 | 0.5 | yes |" in text
    assert "| many | ≥ 1 | 0.9 | **no** |" in text
    assert "| **ours** | 2.00 (2.00 to 2.00) | 1 |" in text
    assert "| faiss flat | 1.00 (1.00 to 1.00) | 2.00 (2.00 to 2.00) |" in text
    assert "| 1,000 | 9.5 |" in text
    assert "- copy GB/s: 12.3" in text
    assert "Not to be had here, so not in the run: usearch." in text


def test_a_page_keeps_all_but_what_was_measured(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(
        "# Speed\n<!-- search: measured -->\nold\n<!-- search: end -->\nrest\n", encoding="utf-8"
    )
    update_page(page, "search", "new")
    update_page(page, "start", "quick")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Speed\n<!-- search: measured -->\nnew\n<!-- search: end -->\nrest\n")
    assert text.endswith("<!-- start: measured -->\nquick\n<!-- start: end -->\n")


def test_a_page_with_half_a_place_is_left_alone(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("<!-- search: measured -->\nold\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="put them in"):
        update_page(page, "search", "new")
    assert page.read_text(encoding="utf-8") == "<!-- search: measured -->\nold\n"


def test_figures_of_other_benchmarks_stay_in_the_file(tmp_path):
    file = tmp_path / "figures.json"
    update_json(file, {"seed": 0, "benchmarks": {"search": {"rows": []}}})
    update_json(file, {"seed": 1, "benchmarks": {"start": {"rows": []}}})
    assert json.loads(file.read_text()) == {
        "benchmarks": {"search": {"seed": 0, "rows": []}, "start": {"seed": 1, "rows": []}}
    }


def test_a_file_of_something_else_is_left_alone(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text("[1, 2]")
    with pytest.raises(SettingsError, match="left alone"):
        update_json(file, {"benchmarks": {}})
    assert file.read_text() == "[1, 2]"
