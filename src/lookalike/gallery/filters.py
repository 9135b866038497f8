"""Filters over the gallery: the part of SQL that Lance takes, without what it takes silently."""

from __future__ import annotations

import re

from lookalike.errors import GalleryError

__all__ = ["FILTERS", "filter_help", "lance_filter"]

FILTERS = ("path", "label", "split", "width", "height")
_HIDDEN = ("embedding", "sha256", "_rowid", "_rowaddr")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")
# Before one of these stands what is compared: a column, not a text.
_OPERATOR = re.compile(r"\s*(?:[=<>!~]|(?:not|in|like|ilike|is|between)\b)", re.IGNORECASE)


def lance_filter(where: str) -> str:
    """Return a filter that Lance reads to its last character, or not at all.

    Lance reads an expression and ignores what follows it, and takes texts in double quotes, which
    name columns in SQL, for strings. So the filter is put in brackets, and double quotes around a
    column's name are taken away.

    Args:
        where: SQL over path, label, split, width and height.

    Raises:
        GalleryError: it is empty, uses a hidden column, or holds more than one expression.

    >>> lance_filter('"width" > 100').split()
    ['(width', '>', '100', ')']
    """
    if not where.strip():
        raise GalleryError(f"the filter is empty: {filter_help()}")
    bare = _QUOTED.sub(lambda found: "''" if found[0].startswith("'") else found[0], where)
    for name in _HIDDEN:
        if re.search(rf"\b{name}\b", bare, re.IGNORECASE):
            raise GalleryError(f"the filter may not use {name}: {filter_help()}")
    _check_is_one_expression(where)
    return f"({_QUOTED.sub(_without_double_quotes, where)}\n)"


def filter_help() -> str:
    """Return what a filter may be, for a message."""
    return f"write SQL over {', '.join(FILTERS)}, such as \"label = 'cat' AND width > 100\""


def _check_is_one_expression(where: str) -> None:
    """Refuse what would end the brackets around the filter, or hide a part of it."""
    code = _QUOTED.sub("''", where)
    for mark in (";", "--", "/*"):
        if mark in code:
            raise GalleryError(f"the filter {where!r} holds {mark}: {filter_help()}")
    depth = 0
    for letter in code:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            raise GalleryError(f"the filter {where!r} closes a bracket too many: {filter_help()}")


def _without_double_quotes(found: re.Match[str]) -> str:
    name = found[0][1:-1]
    if not found[0].startswith('"'):
        return found[0]
    if name.lower() in FILTERS:
        return name.lower()
    if _OPERATOR.match(found.string, found.end()):
        raise GalleryError(f"the filter names {found[0]}, which is no column: {filter_help()}")
    return found[0]
