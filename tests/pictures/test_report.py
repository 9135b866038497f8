"""The report: well formed, self-contained, escaped, complete."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from lookalike.errors import SettingsError
from lookalike.pictures import (
    MetricRow,
    Report,
    ReportPicture,
    ReportSection,
    SkippedFile,
    render_report,
    to_png,
    write_report,
)

VOID = {"meta", "img", "br", "link"}
EVIL = "<script>alert('x')</script>\"&.png"
PNG = to_png(Image.new("RGB", (40, 30), (1, 2, 3)))


class Page(HTMLParser):
    """Every element with its attributes and text; raises where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((tuple(self.open), data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag=None):
        return "|".join(data for path, data in self.texts if tag is None or tag in path)


@pytest.fixture
def report():
    return Report(
        title="photos " + EVIL,
        headline="Of ten hits, 79% are right.",
        facts={"Pictures": "8,000", EVIL: EVIL},
        metrics=(
            MetricRow("raw-pixels", {"P@1": 0.9, "P@10": 0.5, "kNN": float("nan")}),
            MetricRow("ours", {"P@1": 0.8, "P@10": 0.75, "kNN": None}, is_engine=True),
            MetricRow("hog", {"P@1": 0.1, "P@10": 0.7501}),
        ),
        definitions={"P@1": "Share of first hits with the query's label."},
        protocol="Measured on " + EVIL,
        sections=(
            ReportSection("Neighbours", "text", (ReportPicture("Grid", PNG, EVIL, "a grid"),)),
            ReportSection("Map", "", (ReportPicture("Map " + EVIL, PNG),)),
        ),
        settings={"epochs": "20", EVIL: EVIL},
        skipped=tuple(SkippedFile(f"{i}-{EVIL}", EVIL) for i in range(60)),
        skipped_count=73,
        versions={"torch": "2.6"},
        command=f"lookalike build '{EVIL}'",
    )


@pytest.fixture
def page(report):
    return Page(render_report(report))


def test_tags_are_balanced_and_ids_unique(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"].removeprefix("#") for a in page.all("a")]
    assert sorted(links) == sorted(ids)


def test_nothing_is_fetched_from_outside(report, page):
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "poster", "background"):
            assert re.match(r"(#|data:image/png;base64,)", attributes.get(name) or "#")
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    style = page.text("style")
    assert "url(" not in style
    assert "@import" not in style
    assert "http://" not in render_report(report)
    assert "https://" not in render_report(report)


def test_every_foreign_text_is_escaped(report, page):
    assert "<script" not in render_report(report)
    assert not any(name.startswith("on") for _, a in page.elements for name in a)
    for tag in ("h1", "dl", "pre", "td", "th", "figcaption", "p", "title"):
        assert EVIL in page.text(tag)


def test_the_page_is_accessible(page):
    assert page.all("html")[0]["lang"] == "en"
    assert [a["alt"] for a in page.all("img")] == ["a grid", "Map " + EVIL]
    assert all(a["scope"] in {"col", "row"} for a in page.all("th"))
    assert len(page.all("h1")) == 1
    assert "prefers-color-scheme: dark" in page.text("style")
    assert "@media print" in page.text("style")
    assert any(a.get("name") == "viewport" for a in page.all("meta"))


def test_pictures_are_inside_with_their_size(page):
    image = page.all("img")[0]
    assert base64.b64decode(image["src"].split(",")[1]) == PNG
    assert (image["width"], image["height"]) == ("40", "30")


def test_the_engine_comes_first_and_the_best_are_bold(report):
    html = render_report(report)
    table = html[html.index('<table class="metrics">') : html.index("</table>")]
    rows = re.findall(r"<tr.*?</tr>", table)
    assert rows[1].startswith('<tr class="engine"><th scope="row">ours</th>')
    assert "<td>0.800</td><td><strong>0.750</strong></td><td>–</td>" in rows[1]
    assert "<td><strong>0.900</strong></td><td>0.500</td><td>–</td>" in rows[2]
    assert "<td>0.100</td><td><strong>0.750</strong></td><td>–</td>" in rows[3]


def test_the_first_fifty_skipped_files_are_named(page):
    text = page.text("main")
    assert "73 files were not read and left out; the first 50 of them." in text
    assert f"49-{EVIL}" in text
    assert f"50-{EVIL}" not in text


@pytest.mark.parametrize(
    ("count", "words"), [(0, "None: every file was read"), (1, "1 file was not read")]
)
def test_few_skipped_files(report, count, words):
    few = replace(report, skipped=report.skipped[:count], skipped_count=count)
    assert words in render_report(few)


def test_a_bare_report_is_a_page():
    page = Page(render_report(Report("t", "h")))
    assert not page.all("table")
    assert not page.all("nav")


def test_the_file_is_the_page_even_with_names_that_are_no_unicode(report, tmp_path):
    odd = replace(report, title="a\udcff\x00b")
    write_report(odd, tmp_path / "reports" / "report.html")
    text = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    assert text == render_report(odd)
    assert "a\\udcff\N{REPLACEMENT CHARACTER}b" in text


def test_only_png_goes_in():
    with pytest.raises(SettingsError, match="not a PNG"):
        ReportPicture("x", b"GIF89a")
