"""The page of duplicates: groups of copies side by side, each with the one to keep.

Every text that comes from outside passes through `escape`; thumbnails are in the file itself.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lookalike.errors import SettingsError
from lookalike.pictures.page import escape
from lookalike.pictures.page_style import style_sheet

__all__ = ["CopyCard", "CopyGroup", "DuplicatesPage", "render_duplicates"]

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_QUALITY = 86
# Below this side a thumbnail is so small that its pixels are to be seen.
_PIXELS_SHOWN = 64

_RULES = """
.groups { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2rem; }
.group {
  grid-column: 1 / -1; margin: 2.25rem 0 0; padding: 1.25rem 0 0;
  border-top: 1px solid var(--line);
}
.group h2 { margin: 0; font-size: 1.1rem; }
.group h2 span { color: var(--muted); font-weight: 400; }
.group > p { margin: .15rem 0 .9rem; }
.cards {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr));
  gap: .9rem; margin: 0; padding: 0; list-style: none;
}
.pair { grid-column: auto; }
.pair .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.card {
  display: flex; flex-direction: column; min-width: 0; background: var(--card);
  border: 1px solid var(--line); border-radius: .6rem; overflow: hidden;
}
.kept { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.shot {
  display: flex; align-items: center; justify-content: center; height: 12.5rem; padding: .6rem;
  background: var(--paper);
}
.kept .shot { padding: calc(.6rem - 1px); margin: 1px 1px 0; border-radius: .5rem .5rem 0 0; }
.shot img { max-width: 100%; max-height: 100%; width: auto; height: auto; }
.shot .tiny { image-rendering: pixelated; min-height: 50%; object-fit: contain; }
.card .text { padding: .7rem .85rem .85rem; border-top: 1px solid var(--line); flex: 1; }
.tag {
  display: inline-block; padding: .1rem .55rem; border-radius: 1rem; font-size: .85rem;
  font-weight: 600; background: var(--page); border: 1px solid var(--line); color: var(--muted);
}
.kept .tag { background: var(--accent); border-color: var(--accent); color: var(--page); }
.name { margin: .5rem 0 0; font-weight: 600; line-height: 1.35; }
.folder { margin: 0; color: var(--muted); font-size: .85rem; line-height: 1.35; }
.card dl {
  display: grid; grid-template-columns: auto 1fr; gap: .1rem .7rem; margin: .55rem 0 0;
  font-size: .88rem;
}
.card dt { color: var(--muted); }
.card dd { margin: 0; color: var(--muted); font-variant-numeric: tabular-nums; }
.card .differs { color: var(--ink); font-weight: 600; }
.pages { margin: 2.5rem 0 0; display: flex; gap: .35rem 1rem; flex-wrap: wrap; }
.pages a, .pages span { padding: .3rem 0; }
.pages [aria-current] { font-weight: 700; }
@media (max-width: 58rem) { .groups { display: block; } }
@media (max-width: 44rem) {
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
  .shot { height: 8.5rem; padding: .4rem; }
  .card .text { padding: .55rem .6rem .7rem; }
  .card dl { grid-template-columns: 1fr; gap: 0; }
  .card dt { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
}
@media print { .group, .card { break-inside: avoid; } .pages { display: none; } }
"""


@dataclass(frozen=True, eq=False)
class CopyCard:
    """One picture of a group.

    Attributes:
        thumbnail: uint8 (H, W, 3).
        path: of the picture, with forward slashes.
        tag: what it is, in a word or two: "keep", "same bytes", "edited copy, 97 %".
        facts: name to value, such as the size; the same names on all cards of a group.
        kept: it is the one to keep.
    """

    thumbnail: NDArray[np.uint8]
    path: str
    tag: str
    facts: Mapping[str, str]
    kept: bool = False


@dataclass(frozen=True, eq=False)
class CopyGroup:
    """Copies of one picture, the one to keep first.

    Attributes:
        title: such as "3 pictures, the same bytes".
        aside: what stands behind it, such as what moving the others would free.
        reason: why the first is kept.
        cards: of its pictures.
        more: pictures of it that have no card.
    """

    title: str
    aside: str
    reason: str
    cards: tuple[CopyCard, ...]
    more: int = 0

    def __post_init__(self) -> None:
        if not self.cards or not self.cards[0].kept:
            raise SettingsError(f"group {self.title!r}: wanted the picture to keep first")


@dataclass(frozen=True, eq=False)
class DuplicatesPage:
    """One page of several.

    Attributes:
        title: of all pages.
        headline: the one sentence to remember.
        facts: key facts, name to value.
        groups: those of this page.
        number: of this page, from 1.
        files: names of all pages, which lie in one folder.
        notes: what the person should know.
        commands: what to do next.
    """

    title: str
    headline: str
    facts: Mapping[str, str]
    groups: tuple[CopyGroup, ...]
    number: int = 1
    files: tuple[str, ...] = ("duplicates.html",)
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = field(default=())


def render_duplicates(page: DuplicatesPage) -> str:
    """Return the page as HTML that needs nothing from outside and runs no script."""
    several = f" – page {page.number} of {len(page.files)}" if len(page.files) > 1 else ""
    notes = "".join(f'<p class="muted">{escape(note)}</p>\n' for note in page.notes)
    groups = "\n".join(_group(group) for group in page.groups)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(page.title + several)} – Lookalike</title>
<style>
{style_sheet()}{_RULES}</style>
</head>
<body>
<header>
<h1>{escape(page.title + several)}</h1>
<p class="headline">{escape(page.headline)}</p>
{notes}{_facts(page.facts)}{_pages(page)}</header>
<main>
<div class="groups">
{groups}
</div>
{_commands(page.commands)}</main>
{_pages(page)}</body>
</html>
"""


def _facts(facts: Mapping[str, str]) -> str:
    items = "\n".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">\n{items}\n</dl>\n' if facts else ""


def _pages(page: DuplicatesPage) -> str:
    if len(page.files) < 2:
        return ""
    links = "\n".join(
        f'<span aria-current="page">{number}</span>'
        if number == page.number
        else f'<a href="{escape(name)}">{number}</a>'
        for number, name in enumerate(page.files, start=1)
    )
    return f'<nav class="pages" aria-label="Pages"><span>Page</span>\n{links}\n</nav>\n'


def _commands(commands: Sequence[str]) -> str:
    if not commands:
        return ""
    lines = escape("\n".join(commands))
    return (
        f"<section>\n<h2>What to do with them</h2>\n<pre><code>{lines}</code></pre>\n</section>\n"
    )


def _group(group: CopyGroup) -> str:
    differing = _differing(group.cards)
    cards = "\n".join(_card(card, differing) for card in group.cards)
    aside = f" <span>{escape(group.aside)}</span>" if group.aside else ""
    more = f'<p class="muted">and {group.more:,} more</p>\n' if group.more else ""
    pair = " pair" if len(group.cards) == 2 else ""
    return (
        f'<section class="group{pair}">\n<h2>{escape(group.title)}{aside}</h2>\n'
        f'<p class="muted">{escape(group.reason)}</p>\n'
        f'<ul class="cards">\n{cards}\n</ul>\n{more}</section>'
    )


def _differing(cards: Iterable[CopyCard]) -> set[str]:
    """Return the names of the facts that are not the same on all cards."""
    values: dict[str, set[str]] = {}
    for card in cards:
        for name, value in card.facts.items():
            values.setdefault(name, set()).add(value)
    return {name for name, several in values.items() if len(several) > 1}


def _card(card: CopyCard, differing: set[str]) -> str:
    path = PurePosixPath(card.path)
    folder = "" if str(path.parent) == "." else f'<p class="folder">{escape(str(path.parent))}/</p>'
    facts = "\n".join(
        f"<dt>{escape(name)}</dt><dd{_mark(name in differing)}>{escape(value)}</dd>"
        for name, value in card.facts.items()
    )
    return (
        f'<li class="card{" kept" if card.kept else ""}">\n<div class="shot">{_image(card)}</div>\n'
        f'<div class="text"><span class="tag">{escape(card.tag)}</span>\n'
        f'<p class="name">{escape(path.name)}</p>{folder}\n<dl>\n{facts}\n</dl></div>\n</li>'
    )


def _mark(differs: bool) -> str:
    return ' class="differs"' if differs else ""


def _image(card: CopyCard) -> str:
    height, width = card.thumbnail.shape[:2]
    tiny = max(height, width) < _PIXELS_SHOWN
    file = BytesIO()
    image = Image.fromarray(card.thumbnail)
    if tiny:
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=_QUALITY)
    source = base64.b64encode(file.getvalue()).decode("ascii")
    kind, shown = ("png", ' class="tiny"') if tiny else ("jpeg", "")
    return (
        f'<img{shown} loading="lazy" src="data:image/{kind};base64,{source}" '
        f'width="{width}" height="{height}" alt="{escape(card.path)}">'
    )
