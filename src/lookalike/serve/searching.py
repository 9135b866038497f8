"""From the body of a search to what it found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lookalike.engine.queries import Query
from lookalike.errors import EngineError, LookalikeError
from lookalike.search import SearchSettings
from lookalike.serve.errors import Refusal
from lookalike.serve.facts import pictures_at
from lookalike.serve.filters import where_of
from lookalike.serve.queries import QueryKey, find_query, key_of
from lookalike.serve.schemas import MOST, FoundHit, SearchBody, SearchFound
from lookalike.serve.state import Opened, State
from lookalike.types import Hits

__all__ = ["MOST_QUICK", "Asked", "answer_all", "search", "search_in"]

# Hits beyond which a search is no quick one, those before the offset among them.
MOST_QUICK = 2 * MOST
# Queries that weigh less count as if they were not there: means of such weights are no numbers.
LIGHTEST = 1e-6


@dataclass(frozen=True, eq=False)
class Asked:
    """A search that is to be made.

    Attributes:
        state: of the service.
        opened: the engine that is searched.
        body: what is asked for.
        queries: those of its queries that weigh anything.
        keys: what each is kept under once it is prepared.
        weights: of these.
        where: its filters, as SQL.
        settings: of the search.
    """

    state: State
    opened: Opened
    body: SearchBody
    queries: tuple[Query, ...]
    keys: tuple[QueryKey, ...]
    weights: tuple[float, ...]
    where: str | None
    settings: SearchSettings

    @property
    def wanted(self) -> int:
        """How many hits, those left out by the offset among them."""
        return self.body.offset + self.body.k

    @property
    def is_quick(self) -> bool:
        """Whether it takes about one pass over the gallery; others must not wait for more."""
        plain = self.settings.plain and self.body.combine == "mean"
        return plain and self.wanted <= MOST_QUICK

    @property
    def kind(self) -> tuple[object, ...] | None:
        """Searches of one kind are made together; None for one that is made alone."""
        if len(self.queries) > 1:
            return None
        k = None if self.settings.plain else self.wanted
        return id(self.opened), self.where, self.settings, self.body.include_self, k


async def search(state: State, body: SearchBody) -> SearchFound:
    """Answer a search.

    Raises:
        Refusal: a query is not there, or too much is asked at once.
        LookalikeError: it means nothing.
    """
    return (await search_in(state, body))[1]


async def search_in(state: State, body: SearchBody) -> tuple[Opened, SearchFound]:
    """Answer a search, and say in which state of the engine; see `search`."""
    began, opened = time.perf_counter(), state.opened
    try:
        found = await _search(state, opened, body)
    except EngineError:
        # Another process may have made the engine anew, a moment ago.
        if not await state.refresh():
            raise
        opened = state.opened
        found = await _search(state, opened, body)
    found.took_ms = round((time.perf_counter() - began) * 1000, 1)
    return opened, found


async def _search(state: State, opened: Opened, body: SearchBody) -> SearchFound:
    if not len(opened.gallery):
        raise Refusal(409, "the gallery holds no pictures yet")
    settings = SearchSettings(body.expand, rerank=body.rerank, balance=body.balance)
    chosen = [one for one in body.queries if abs(one.weight) >= LIGHTEST]
    if not any(one.weight > 0 for one in chosen):
        raise Refusal(422, "a search wants at least one query of a weight above 0")
    keys = tuple(key_of(opened, one, body.include_self) for one in chosen)
    queries = [
        await find_query(state, opened, one, key) for one, key in zip(chosen, keys, strict=True)
    ]
    weights = tuple(one.weight for one in chosen)
    where = where_of(body.filters)
    asked = Asked(state, opened, body, tuple(queries), keys, weights, where, settings)
    return await (state.quick if asked.is_quick else state.slow).ask(asked)


def answer_all(batch: Sequence[Asked]) -> list[SearchFound | Exception]:
    """Answer searches: what they have in common is done once."""
    try:
        batch = _prepared(batch)
    except LookalikeError as error:
        if len(batch) > 1:
            return [answer for one in batch for answer in answer_all([one])]
        return [error]
    kinds: dict[object, list[int]] = {}
    for number, asked in enumerate(batch):
        kinds.setdefault(asked.kind or number, []).append(number)
    answers: list[SearchFound | Exception] = [Refusal(503, "not answered")] * len(batch)
    for numbers in kinds.values():
        found = _answer_alike([batch[number] for number in numbers])
        for number, answer in zip(numbers, found, strict=True):
            answers[number] = answer
    return answers


def _prepared(batch: Sequence[Asked]) -> list[Asked]:
    """Embed what is not known yet, all at once, and keep it for the next search."""
    fresh: dict[QueryKey, tuple[Query, Asked]] = {}
    for asked in batch:
        for key, query in zip(asked.keys, asked.queries, strict=True):
            if query.embedding is None:
                fresh[key] = (query, asked)
    known: dict[QueryKey, Query] = {}
    groups: dict[tuple[int, bool], list[QueryKey]] = {}
    for key, (_, asked) in fresh.items():
        groups.setdefault((id(asked.opened), asked.body.include_self), []).append(key)
    for keys in groups.values():
        asked = fresh[keys[0]][1]
        made = asked.opened.engine.prepare(
            [fresh[key][0] for key in keys], include_self=asked.body.include_self
        )
        for key, query in zip(keys, made, strict=True):
            known[key] = replace(query, pixels=None)
            asked.state.prepared.put(key, known[key])
    return [
        replace(
            asked,
            queries=tuple(
                known.get(key, query) for key, query in zip(asked.keys, asked.queries, strict=True)
            ),
        )
        for asked in batch
    ]


def _answer_alike(batch: Sequence[Asked]) -> list[SearchFound | Exception]:
    """Answer searches of one kind."""
    try:
        if batch[0].kind is None:
            return [_found(batch[0], _by_examples(batch[0]))]
        first = batch[0]
        hits = first.opened.engine.search_many(
            [asked.queries[0] for asked in batch],
            max(asked.wanted for asked in batch),
            where=first.where,
            include_self=first.body.include_self,
            settings=first.settings,
        )
        return [_found(asked, found) for asked, found in zip(batch, hits, strict=True)]
    except LookalikeError as error:
        if len(batch) > 1:
            return [answer for one in batch for answer in _answer_alike([one])]
        return [error]


def _by_examples(asked: Asked) -> Hits:
    pairs = list(zip(asked.queries, asked.weights, strict=True))
    like = [(query, weight) for query, weight in pairs if weight > 0]
    unlike = [(query, -weight) for query, weight in pairs if weight < 0]
    # Weights that are all 1 need not be told: combined by the best match, they mean nothing.
    weighed = any(abs(weight) != 1 for weight in asked.weights)
    return asked.opened.engine.search_examples(
        [query for query, _ in like],
        asked.wanted,
        unlike=[query for query, _ in unlike],
        like_weights=[weight for _, weight in like] if weighed else None,
        unlike_weights=[weight for _, weight in unlike] if weighed else None,
        combine=asked.body.combine,
        where=asked.where,
        include_self=asked.body.include_self,
        settings=asked.settings,
    )


def _found(asked: Asked, hits: Hits) -> SearchFound:
    opened, body = asked.opened, asked.body
    some = hits.hits[body.offset : asked.wanted]
    by_path = opened.gallery.places_of([hit.path for hit in some])
    shown = pictures_at(opened, [by_path[hit.path] for hit in some])
    passing = opened.gallery.positions(asked.where)
    return SearchFound(
        hits=[
            FoundHit(
                rank=hit.rank,
                score=hit.score,
                probability=hit.probability,
                percentile=hit.percentile,
                band=hit.band,
                picture=picture,
            )
            for hit, picture in zip(some, shown, strict=True)
        ],
        total=len(opened.gallery) if passing is None else len(passing),
        offset=body.offset,
        known=hits.known,
        metric=hits.metric,
        took_ms=0.0,
        gallery_version=opened.version,
        upload=next((one.upload for one in body.queries if one.upload), None),
    )
