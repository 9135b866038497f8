"""From what a person gives as a query to what is searched: an embedding, or a place in the gallery.

Kinds, in the order in which they are tried: a query that was found out about before; bytes or an
array; a picture file (if it is one of the gallery's, it does not find itself, and its embedding is
known while its content is the same); a path of the gallery; a path of the collection that is kept
as a query (its `test` split). A `Cropped` is a part of any of these but the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.query_reader import PictureLike, QueryReader, query_reader
from lookalike.engine.sources import find_path
from lookalike.errors import PictureError, QueryError, SettingsError, UnreadableQueryError
from lookalike.images import Crop, IntakeLimits, crop
from lookalike.images.reading import read_bytes
from lookalike.names import name_of_file

if TYPE_CHECKING:
    from lookalike.gallery import Gallery
    from lookalike.images import ImageSpec, PictureCache, Places

__all__ = [
    "Cropped",
    "Query",
    "QueryLike",
    "Standing",
    "first_of",
    "resolve",
    "resolve_all",
]

QueryLike: TypeAlias = "PictureLike | Cropped | Query"


@dataclass(frozen=True)
class Cropped:
    """A part of a picture as a query.

    Attributes:
        picture: a file, a path of the gallery, bytes, an array or a Pillow image.
        box: which part.
    """

    picture: PictureLike
    box: Crop


@dataclass(frozen=True)
class Standing:
    """How a query stands to the whole gallery, whatever is asked about it later.

    Attributes:
        best: the score of its nearest picture, plain, by the engine's own metric.
        known: whether the gallery has its like.
        include_self: whether a picture of the gallery was let find itself.
    """

    best: float
    known: bool
    include_self: bool


@dataclass(frozen=True)
class Query:
    """One query. As it is, it can be searched with again; see `Engine.prepare`.

    Attributes:
        name: what the answer calls it.
        position: its place in the gallery, or -1.
        pixels: uint8 (H, W, C) as the encoder wants them; None where the gallery's embedding is it.
        picture: what a thumbnail is made from; None for the original or the copy of that name.
        label: its weak label, if it is a picture of the collection that has one.
        embedding: float32 (D,), where it is known already.
        standing: likewise.
        error: how badly the decoder rebuilds the pixels, where it was asked.
    """

    name: str
    position: int
    pixels: NDArray[np.uint8] | None
    picture: PictureLike | None
    label: str | None = None
    embedding: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    standing: Standing | None = None
    error: float | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.position < 0 and self.pixels is None and self.embedding is None:
            raise QueryError(f"query {self.name}: wanted a place in the gallery or pixels")


def resolve_all(
    queries: Sequence[QueryLike],
    *,
    gallery: Gallery,
    places: Places,
    image: ImageSpec,
    cache: Callable[[], PictureCache | None],
    limits: IntakeLimits | None = None,
    on_unreadable: Callable[[UnreadableQueryError], None] | None = None,
) -> list[Query]:
    """Find out what each query means; see `resolve`.

    Args:
        queries: paths, or pictures as bytes, arrays or Pillow images.
        gallery: the gallery that is searched.
        places: where the gallery's pictures lie.
        image: how the encoder wants pictures.
        cache: opens the decoded pictures, among them those kept as queries.
        limits: what one picture may cost; time and memory are looked after where there are many.
        on_unreadable: told of each query that cannot be read, which is left out; None raises.

    Raises:
        SettingsError: one query was given instead of a list.
        QueryError: a query names nothing, or it cannot be read and `on_unreadable` is None.
    """
    if isinstance(queries, str | bytes | Path):
        raise SettingsError("wanted a list of queries, got one: use Engine.search for one")
    resolved = []
    with query_reader(image, limits or IntakeLimits(), len(queries)) as reader:
        for number, query in enumerate(queries, start=1):
            try:
                found = resolve(
                    query, number, gallery=gallery, places=places, reader=reader, cache=cache
                )
                resolved.append(found)
            except UnreadableQueryError as error:
                error.place = number - 1
                if on_unreadable is None:
                    raise
                on_unreadable(error)
    return resolved


def first_of(queries: Sequence[Query]) -> Query:
    """Return the first of several examples, with its label if all have the same."""
    labels = {query.label for query in queries}
    return queries[0] if len(labels) == 1 else replace(queries[0], label=None)


def resolve(
    query: QueryLike,
    number: int,
    *,
    gallery: Gallery,
    places: Places,
    reader: QueryReader,
    cache: Callable[[], PictureCache | None],
) -> Query:
    """Find out what `query` means.

    Args:
        query: a path, or a picture as bytes, array or Pillow image.
        number: used to name a query without a path.
        gallery: the gallery that is searched.
        places: where the gallery's pictures lie.
        reader: reads pictures as the encoder wants them.
        cache: opens the decoded pictures, among them those kept as queries.

    Raises:
        QueryError: it is neither a readable picture nor a path of the gallery.
    """
    if isinstance(query, Query):
        return query
    if isinstance(query, Cropped):
        return _cropped(query, number, gallery=gallery, places=places, reader=reader)
    if not isinstance(query, str | Path):
        return _decoded(query, f"query {number}", reader)
    if not str(query):
        raise QueryError("a query is empty: give a picture file, or a path that a search has shown")
    path = find_path(query)
    if path is not None and path.is_file():
        digest = _digest(path, reader.limits)
        position = _position_of_file(path, digest, gallery, places)
        if position is None:
            return _decoded(path, name_of_file(str(query)), reader)
        (name,), (label,) = gallery.paths_at([position]), gallery.labels_at([position])
        if digest == gallery.sha256_at(position):
            return Query(name, position, None, path.absolute(), label)
        return replace(_decoded(path, name, reader, position), label=label)
    position = gallery.position(str(query))
    if position is not None:
        return Query(str(query), position, None, None, gallery.labels_at([position])[0])
    decoded = cache()
    kept = None if decoded is None else decoded.position(str(query))
    if decoded is not None and kept is not None:
        return Query(str(query), -1, np.asarray(decoded.pixels[kept]), None, decoded.labels[kept])
    what = (
        "is a folder"
        if path is not None and path.is_dir()
        else "is neither a picture file nor in the gallery"
    )
    raise QueryError(
        f"{name_of_file(str(query))} {what}: give a picture file, or a path that a search has shown"
    )


def _cropped(
    query: Cropped, number: int, *, gallery: Gallery, places: Places, reader: QueryReader
) -> Query:
    """Return a part of a picture as a query; a gallery picture keeps its place."""
    source, name, position = query.picture, f"query {number}", None
    if isinstance(source, str | Path):
        path, name = find_path(source), name_of_file(str(source))
        if path is not None and path.is_file():
            position = _position_of_file(path, _digest(path, reader.limits), gallery, places)
        else:
            name = str(source)
            position = gallery.position(name)
            path = find_path(places.file(name))
        if path is None or not path.is_file():
            raise QueryError(f"{name} cannot be cropped: there is no such file, give one")
        source, name = path, name if position is None else gallery.paths_at([position])[0]
    try:
        part = crop(source, query.box, reader.limits)
        pixels = reader.pixels(part)
    except PictureError as error:
        raise UnreadableQueryError(f"the query cannot be cropped: {error}") from error
    if position is None:
        return Query(name, -1, pixels, part)
    return Query(name, position, pixels, part, gallery.labels_at([position])[0])


def _decoded(query: PictureLike, name: str, reader: QueryReader, position: int = -1) -> Query:
    with _readable():
        pixels = reader.pixels(query)
    # The working directory may be another one when the picture is drawn.
    picture = Path(query).absolute() if isinstance(query, str | Path) else query
    return Query(name, position, pixels, picture)


def _digest(path: Path, limits: IntakeLimits) -> str:
    with _readable():
        return hashlib.sha256(read_bytes(path, limits)).hexdigest()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except PictureError as error:
        raise UnreadableQueryError(f"the query cannot be read: {error}") from error


def _position_of_file(path: Path, digest: str, gallery: Gallery, places: Places) -> int | None:
    """Return the place of a file in the gallery, by its name or as the same file of another."""
    for place in (path.absolute(), path.parent.resolve() / path.name, path.resolve()):
        for name in places.paths(place):
            position = gallery.position(name)
            if position is not None:
                return position
    for position in gallery.positions_of(digest):
        original = find_path(places.file(gallery.paths_at([position])[0]))
        if original is not None and original.samefile(path):
            return position
    return None
