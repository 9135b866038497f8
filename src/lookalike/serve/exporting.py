"""What a search found, as a file to take along."""

from __future__ import annotations

import csv
import io
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.files import is_file_of_its_own
from lookalike.engine.looking import short_name
from lookalike.names import file_of_name
from lookalike.pictures import GridCell, GridRow, draw_grid, to_png
from lookalike.serve.facts import shown_path
from lookalike.serve.schemas import ExportKind, FoundHit, SearchFound
from lookalike.serve.state import Opened
from lookalike.serve.thumbnails import gallery_pixels

__all__ = ["SHEET", "Exported", "export"]

# Hits that a contact sheet shows.
SHEET = 100
_THUMBNAIL = 160
_COLUMNS = (
    "rank", "score", "probability", "percentile", "band", "id", "path", "label", "width", "height",
)  # fmt: skip
# A table's program takes a text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FOLDER = "lookalike-links"
_README = """These are links to the pictures that a search found, named by their rank.

Unpack the archive in the folder of the pictures, so that {folder}/ lies beside them:
the links are relative to it. On Windows, where archives hold no links, see paths.txt.
"""


@dataclass(frozen=True)
class Exported:
    """A file.

    Attributes:
        name: for a browser to save it under.
        kind: its media type.
        data: its bytes.
    """

    name: str
    kind: str
    data: bytes


def _csv(found: SearchFound) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for hit in found.hits:
        values = {**hit.model_dump(exclude={"picture"}), **hit.picture.model_dump()}
        writer.writerow([_cell(values[column]) for column in _COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    """Return a value as it may stand in a table: a text is never a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _links(opened: Opened, found: SearchFound) -> bytes:
    """Return an archive of links, relative to the folder of the pictures."""
    data = io.BytesIO()
    places = {hit.rank: opened.place(hit.picture.id) for hit in found.hits}
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{_FOLDER}/README.txt", _README.format(folder=_FOLDER))
        paths = "".join(f"{hit.rank}\t{hit.picture.path}\n" for hit in found.hits)
        archive.writestr(f"{_FOLDER}/paths.txt", paths)
        for hit in found.hits:
            (path,) = opened.gallery.paths_at([places[hit.rank]])
            if _may_be_linked(opened, path):
                _add_link(archive, hit, path)
    return data.getvalue()


def _may_be_linked(opened: Opened, path: str) -> bool:
    """Whether a path leads from the pictures' folder to a file in it."""
    return (
        is_file_of_its_own(path)
        and not opened.engine.places.folder_of(path)
        and shown_path(path) == path
        and ".." not in PurePosixPath(path).parts
    )


def _add_link(archive: zipfile.ZipFile, hit: FoundHit, path: str) -> None:
    name = path.rpartition("/")[2]
    link = zipfile.ZipInfo(f"{_FOLDER}/{hit.rank:04}-{name}")
    link.create_system = 3  # Unix: what follows is its mode
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(link, os.fsencode(f"../{file_of_name(path)}"))


def _sheet(opened: Opened, found: SearchFound, query: NDArray[np.uint8]) -> bytes:
    """Return a picture of the query and the first of what it found."""
    cells = tuple(
        GridCell(
            gallery_pixels(opened, opened.place(hit.picture.id), _THUMBNAIL),
            caption=f"{hit.score:.3f}",
            detail=hit.picture.label or "",
            name=short_name(hit.picture.path),
        )
        for hit in found.hits[:SHEET]
    )
    note = f"The first {SHEET} of {len(found.hits):,}." if len(found.hits) > SHEET else None
    return to_png(draw_grid([GridRow(GridCell(query), cells)], note=note))


_KINDS = {
    "csv": ("lookalike.csv", "text/csv; charset=utf-8"),
    "json": ("lookalike.json", "application/json"),
    "links": ("lookalike-links.zip", "application/zip"),
    "sheet": ("lookalike.png", "image/png"),
}


def export(
    opened: Opened, found: SearchFound, kind: ExportKind, query: NDArray[np.uint8]
) -> Exported:
    """Return what a search found as a file.

    Args:
        opened: the engine that was searched.
        found: what was found.
        kind: of the file.
        query: uint8 (h, w, 3), what a contact sheet shows as the query.
    """
    if kind == "csv":
        data = _csv(found)
    elif kind == "json":
        data = found.model_dump_json(indent=2, exclude={"took_ms"}).encode()
    elif kind == "links":
        data = _links(opened, found)
    else:
        data = _sheet(opened, found, query)
    name, media = _KINDS[kind]
    return Exported(name, media, data)
