"""The page of duplicates: every picture with what it is, safe and self-contained."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lookalike.errors import SettingsError
from lookalike.pictures import CopyCard, CopyGroup, DuplicatesPage, render_duplicates

THUMBNAIL = np.full((80, 120, 3), 90, np.uint8)


def card(path: str, tag: str = "same bytes", *, kept: bool = False, **facts: str) -> CopyCard:
    return CopyCard(THUMBNAIL, path, tag, {"Size": "120×80", **facts}, kept)


def page(*cards: CopyCard, **settings: object) -> str:
    group = CopyGroup("1. 2 pictures: same bytes", "· 2 kB", "Kept: the oldest.", cards)
    return render_duplicates(
        DuplicatesPage("Duplicates in e", "One.", {"Pictures": "3"}, (group,), **settings)  # type: ignore[arg-type]
    )


def test_what_is_on_it():
    html = page(card("a/b.png", "keep", kept=True), card("c.png"))
    for text in ("Duplicates in e", "One.", "Pictures", "1. 2 pictures: same bytes", "· 2 kB",
                 "Kept: the oldest.", ">b.png<", ">a/<", ">c.png<", "same bytes"):  # fmt: skip
        assert text in html
    assert html.count('<li class="card') == 2
    assert html.count('<li class="card kept"') == 1
    assert html.count("data:image/jpeg;base64,") == 2
    assert 'class="group pair"' in html
    assert 'class="pages"' not in html


def test_what_differs_is_marked():
    html = page(
        card("a.png", "keep", kept=True, Format="PNG", Bytes="2 MB"),
        card("b.jpg", Format="JPEG", Bytes="2 MB"),
        card("c.png", Format="PNG", Bytes="2 MB"),
    )
    assert re.findall(r'class="differs">([^<]*)<', html) == ["PNG", "JPEG", "PNG"]
    assert 'class="group">' in html


def test_texts_cannot_become_markup():
    html = page(card("<script>alert(1)</script>/\"'&.png\udcff", "keep", kept=True), card("b"),
                notes=("<b>",), commands=("rm <i>",))  # fmt: skip
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert "default-src 'none'" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    html.encode("utf-8")


def test_pages_lead_to_each_other():
    html = page(card("a", "keep", kept=True), number=2, files=("d.html", "d-2.html", "d-3.html"))
    assert html.count('<nav class="pages"') == 2
    assert 'href="d.html"' in html
    assert 'href="d-3.html"' in html
    assert 'href="d-2.html"' not in html
    assert "page 2 of 3" in html


def test_small_pictures_keep_their_pixels():
    tiny = CopyCard(np.zeros((8, 8, 3), np.uint8), "a", "keep", {}, kept=True)
    html = page(tiny)
    assert 'class="tiny"' in html
    assert "data:image/png;base64," in html


def test_the_one_to_keep_comes_first():
    with pytest.raises(SettingsError, match="the picture to keep first"):
        CopyGroup("t", "", "", (card("a"),))
