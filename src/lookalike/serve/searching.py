"""From the body of a search to what it found."""

from __future__ import annotations

import time

from lookalike.engine.queries import Cropped, QueryLike
from lookalike.images import Crop
from lookalike.search import SearchSettings
from lookalike.serve.errors import Refusal
from lookalike.serve.facts import pictures_at
from lookalike.serve.filters import where_of
from lookalike.serve.schemas import FoundHit, QueryBody, SearchBody, SearchFound
from lookalike.serve.state import Opened, State
from lookalike.types import Hits

__all__ = ["search"]


async def search(state: State, body: SearchBody) -> SearchFound:
    """Answer a search.

    Raises:
        Refusal: a query is not there, or too much is asked at once.
        LookalikeError: it means nothing.
    """
    began = time.perf_counter()
    opened = state.opened
    found = await state.search.run(_search, state, opened, body)
    found.took_ms = round((time.perf_counter() - began) * 1000, 1)
    return found


def _search(state: State, opened: Opened, body: SearchBody) -> SearchFound:
    engine, where = opened.engine, where_of(body.filters)
    settings = SearchSettings(body.expand, rerank=body.rerank, balance=body.balance)
    like = [_query(state, opened, one) for one in body.queries if one.weight >= 0]
    unlike = [_query(state, opened, one) for one in body.queries if one.weight < 0]
    wanted = body.offset + body.k
    if len(like) == 1 and not unlike:
        hits = engine.search(
            like[0], wanted, where=where, include_self=body.include_self, settings=settings
        )
    else:
        hits = engine.search_examples(
            like, wanted, unlike=unlike, combine=body.combine, where=where,
            include_self=body.include_self, settings=settings,
        )  # fmt: skip
    places = opened.gallery.positions(where)
    total = len(opened.gallery) if places is None else len(places)
    return _found(opened, hits, body, total)


def _query(state: State, opened: Opened, query: QueryBody) -> QueryLike:
    if (query.id is None) == (query.upload is None):
        raise Refusal(422, "a query is either an id or an upload: give one of them")
    if query.upload is not None:
        picture: bytes | str = state.uploads.find(query.upload).data
    else:
        picture = opened.gallery.paths_at([opened.place(query.id or 0)])[0]
    if query.box is None:
        return picture
    left, top, right, bottom = query.box
    return Cropped(picture, Crop(left, top, right - left, bottom - top))


def _found(opened: Opened, hits: Hits, body: SearchBody, total: int) -> SearchFound:
    some = hits.hits[body.offset :]
    by_path = opened.gallery.places_of([hit.path for hit in some])
    shown = pictures_at(opened, [by_path[hit.path] for hit in some])
    return SearchFound(
        hits=[
            FoundHit(
                rank=hit.rank, score=hit.score, probability=hit.probability,
                percentile=hit.percentile, band=hit.band, picture=picture,
            )
            for hit, picture in zip(some, shown, strict=True)
        ],
        total=total,
        offset=body.offset,
        known=hits.known,
        metric=hits.metric,
        took_ms=0.0,
        gallery_version=opened.version,
    )  # fmt: skip
