from __future__ import annotations

import asyncio
import threading

import pytest

from lookalike.errors import QueryError
from lookalike.serve.batching import Batcher
from lookalike.serve.errors import Refusal


def test_what_waits_is_answered_together():
    seen, first = [], threading.Event()

    def answer(batch):
        seen.append(list(batch))
        first.wait(5)
        return [number * 10 for number in batch]

    async def run():
        batcher = Batcher("test", answer, most=4, queue=20)
        tasks = [asyncio.create_task(batcher.ask(0))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(batcher.ask(number)) for number in range(1, 7)]
        await asyncio.sleep(0.05)
        assert batcher.pending == 6
        first.set()
        assert await asyncio.gather(*tasks) == [number * 10 for number in range(7)]
        assert (batcher.batches, batcher.answered) == (3, 7)
        batcher.close()

    asyncio.run(run())
    assert seen == [[0], [1, 2, 3, 4], [5, 6]]


def test_one_too_many_is_told_to_come_back():
    go = threading.Event()

    def answer(batch):
        go.wait(5)
        return list(batch)

    async def run():
        batcher = Batcher("test", answer, most=1, queue=2)
        tasks = [asyncio.create_task(batcher.ask(0))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(batcher.ask(number)) for number in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await batcher.ask(3)
        assert (refused.value.status, refused.value.retry_after) == (429, 1)
        go.set()
        assert await asyncio.gather(*tasks) == [0, 1, 2]
        batcher.close()

    asyncio.run(run())


def test_each_gets_an_error_of_its_own():
    def answer(batch):
        return [QueryError("no") if number == 1 else number for number in batch]

    async def run():
        batcher = Batcher("test", answer, most=9, queue=9)
        found = await asyncio.gather(*(batcher.ask(n) for n in range(3)), return_exceptions=True)
        assert (found[0], found[2]) == (0, 2)
        assert isinstance(found[1], QueryError)
        batcher.close()

    asyncio.run(run())


def test_an_error_of_all_reaches_all_and_the_next_is_answered():
    calls = []

    def answer(batch):
        calls.append(batch)
        if len(calls) == 1:
            raise ZeroDivisionError
        return list(batch)

    async def run():
        batcher = Batcher("test", answer, most=9, queue=9)
        with pytest.raises(ZeroDivisionError):
            await batcher.ask(0)
        assert await batcher.ask(1) == 1
        batcher.close()

    asyncio.run(run())


def test_who_has_gone_is_not_searched_for():
    seen, go = [], threading.Event()

    def answer(batch):
        seen.extend(batch)
        go.wait(5)
        return list(batch)

    async def run():
        batcher = Batcher("test", answer, most=9, queue=9)
        tasks = [asyncio.create_task(batcher.ask(number)) for number in range(1)]
        await asyncio.sleep(0.05)
        gone = asyncio.create_task(batcher.ask(1))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*tasks, gone, return_exceptions=True)
        assert await batcher.ask(2) == 2
        batcher.close()

    asyncio.run(run())
    assert seen == [0, 2]
