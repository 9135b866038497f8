from __future__ import annotations

import asyncio
import threading

import pytest

from lookalike.serve.errors import Refusal
from lookalike.serve.pool import Pool


def test_no_more_wait_than_may():
    async def run():
        pool, go = Pool("test", threads=2, queue=1), threading.Event()
        tasks = [asyncio.create_task(pool.run(go.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert pool.pending == 3
        with pytest.raises(Refusal) as refused:
            await pool.run(int)
        assert refused.value.status == 429
        go.set()
        assert await asyncio.gather(*tasks) == [True] * 3
        assert (pool.pending, await pool.run(int)) == (0, 0)
        pool.close()

    asyncio.run(run())


def test_who_has_gone_counts_until_the_work_is_done():
    async def run():
        pool, go = Pool("test", threads=1, queue=1), threading.Event()
        task = asyncio.create_task(pool.run(go.wait, 5))
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert pool.pending == 1
        go.set()
        await pool.run(int)
        assert pool.pending == 0
        pool.close()

    asyncio.run(run())


def test_errors_are_those_of_the_call():
    async def run():
        pool = Pool("test", threads=1, queue=1)
        with pytest.raises(ZeroDivisionError):
            await pool.run(divmod, 1, 0)
        pool.close()

    asyncio.run(run())
