"""Filters as a page gives them, as the SQL that the gallery takes: every value quoted."""

from __future__ import annotations

from collections.abc import Iterator

from lookalike.serve.schemas import Filters

__all__ = ["where_of"]


def where_of(filters: Filters | None) -> str | None:
    """Return the filter as SQL; None where it lets everything pass.

    >>> where_of(Filters(labels=["it's"], min_width=10))
    "(label IN ('it''s')) AND (width >= 10)"
    """
    parts = [] if filters is None else list(_parts(filters))
    return " AND ".join(f"({part})" for part in parts) or None


def _parts(filters: Filters) -> Iterator[str]:
    if filters.labels:
        yield f"label IN ({', '.join(map(_quoted, filters.labels))})"
    if filters.folders:
        yield " OR ".join(
            f"starts_with(path, {_quoted(folder.strip('/') + '/')})" for folder in filters.folders
        )
    for column in ("width", "height"):
        least, most = getattr(filters, f"min_{column}"), getattr(filters, f"max_{column}")
        if least is not None:
            yield f"{column} >= {least:d}"
        if most is not None:
            yield f"{column} <= {most:d}"
    if filters.text:
        yield f"contains(lower(path), lower({_quoted(filters.text)}))"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
