"""The colours keep the contrast that the design promises."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lookalike.pictures import style


def luminance(colour):
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (v / 255 for v in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
@pytest.mark.parametrize("ground", ["page", "card", "tint"])
@pytest.mark.parametrize("text", ["ink", "muted", "accent"])
def test_text_can_be_read(theme, ground, text):
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("tone", [style.SAME, style.OTHER])
def test_tones_stand_out(tone):
    assert contrast(tone, style.PAGE) >= 4.5


def test_twelve_label_colours_differ():
    assert len(set(style.CATEGORIES)) == 12
    distances = [
        sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
        for i, one in enumerate(style.CATEGORIES)
        for other in style.CATEGORIES[:i]
    ]
    assert min(distances) > 55


def test_importing_pictures_is_cheap():
    heavy = ["matplotlib", "openTSNE", "faiss", "sklearn", "scipy", "torch"]
    code = f"import sys, lookalike.pictures; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
