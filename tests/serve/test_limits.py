"""How much may be asked for."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from lookalike.serve.limits import RateLimit, UnderWay
from lookalike.serve.settings import ServeSettings

API = "/api/v1"


def asked(app, path="/", client="1.2.3.4"):
    """Return the status and headers of an answer."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": (client, 1)}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_a_client_that_asks_too_often_is_told_when_to_come_again():
    now = [0.0]
    settings = ServeSettings(requests=2, burst=3)
    limited = RateLimit(PlainTextResponse("ok"), settings, clock=lambda: now[0])
    assert [asked(limited)[0] for _ in range(4)] == [200, 200, 200, 429]
    status, headers = asked(limited)
    assert (status, headers[b"retry-after"]) == (429, b"1")
    assert asked(limited, client="5.6.7.8")[0] == 200
    now[0] = 0.5
    assert [asked(limited)[0] for _ in range(2)] == [200, 429]
    now[0] = 1_000.0
    assert [asked(limited)[0] for _ in range(4)] == [200, 200, 200, 429]


def test_small_copies_cost_little():
    limited = RateLimit(PlainTextResponse("ok"), ServeSettings(requests=1, burst=1), lambda: 0.0)
    found = [asked(limited, f"{API}/pictures/{n}/thumbnail")[0] for n in range(11)]
    assert found.count(200) in (9, 10)


def test_no_more_than_so_many_at_once():
    async def run():
        released = asyncio.Event()

        async def slow(scope, receive, send):
            await released.wait()
            await PlainTextResponse("ok")(scope, receive, send)

        bounded = UnderWay(slow, ServeSettings(connections=2))
        statuses = []

        async def one():
            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
            await bounded(scope, None, send)

        tasks = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert statuses == [429]
        released.set()
        await asyncio.gather(*tasks)
        assert statuses == [429, 200, 200]
        await one()  # there is room again
        assert statuses[-1] == 200

    asyncio.run(run())


def test_a_body_that_does_not_go_on_is_given_up(monkeypatch):
    monkeypatch.setattr("lookalike.serve.limits._BODY_SECONDS", 0.01)
    seen = []

    async def app(scope, receive, send):
        seen.append((await receive())["type"])
        seen.append((await receive())["type"])

    parts = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive():
        if parts:
            return parts.pop()
        return await asyncio.sleep(60)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(UnderWay(app, ServeSettings())(scope, receive, None))
    assert seen == ["http.request", "http.disconnect"]


def parts(size):
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    for _ in range(size // 10_000):
        yield b"\0" * 10_000
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize("path", [f"{API}/uploads", f"{API}/search/picture"])
def test_an_oversized_upload_is_refused(serving, path):
    small = serving(upload_bytes=50_000)
    known = small.post(path, files={"file": ("a.png", b"\0" * 400_000)})
    assert (known.status_code, known.json()["error"]["kind"]) == (413, "too_large")
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    unknown = small.post(path, content=parts(400_000), headers=form)
    assert (unknown.status_code, unknown.json()["error"]["kind"]) == (413, "too_large")
    a_little = small.post(path, files={"file": ("a.png", b"\0" * 60_000)})
    assert a_little.status_code == 413
    assert "60 KB" in a_little.json()["error"]["message"]


def test_an_oversized_search_is_refused(client):
    answer = client.post(
        f"{API}/search", content=b" " * 1_100_000, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_length_of_many_digits_is_too_large(client):
    answer = client.post(f"{API}/search", content=b"{}", headers={"Content-Length": "9" * 5_000})
    assert answer.status_code == 413


def test_what_all_have_sent_is_bounded():
    settings = ServeSettings(upload_bytes=1_000, body_bytes=0)  # room for one of the largest
    statuses = []

    async def run(lengths):
        released = asyncio.Event()

        async def app(scope, receive, send):
            await receive()
            await released.wait()
            await PlainTextResponse("ok")(scope, receive, send)

        bounded = UnderWay(app, settings)

        async def one(size, told):
            async def receive():
                return {"type": "http.request", "body": b"0" * size, "more_body": False}

            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            headers = [(b"content-type", b"multipart/form-data; boundary=b")]
            if told:
                headers.append((b"content-length", str(size).encode()))
            scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
            try:
                await bounded(scope, receive, send)
            except HTTPException as error:
                statuses.append(error.status_code)

        tasks = [asyncio.create_task(one(size, told)) for size, told in lengths]
        await asyncio.sleep(0.01)
        assert statuses == [429, 429]
        released.set()
        await asyncio.gather(*tasks)
        assert statuses == [429, 429, 200]
        await one(150_000, True)  # there is room again
        assert statuses[-1] == 200

    asyncio.run(run([(150_000, True), (150_000, True), (150_000, False)]))


def test_whether_it_lives_is_told_however_busy_it_is(serving):
    busy = serving(requests=1e-6, burst=1)
    assert busy.get(f"{API}/ready").status_code in (200, 503)
    assert busy.get(f"{API}/ready").status_code == 429
    assert [busy.get(path).status_code for path in ("/health", f"{API}/health")] == [200, 200]

    async def run():
        async def app(scope, receive, send):
            if scope["path"] == "/":
                await asyncio.sleep(60)
            statuses.append(200)

        statuses, bounded = [], UnderWay(app, ServeSettings(connections=1))
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        held = asyncio.create_task(bounded(scope, None, None))
        await asyncio.sleep(0)
        await bounded({**scope, "path": "/health"}, None, None)
        held.cancel()
        return statuses

    assert asyncio.run(run()) == [200]
