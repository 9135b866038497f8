"""Who may call the service, and from where."""

from __future__ import annotations

import pytest

TOKEN = "correct-horse"
API = "/api/v1"


@pytest.fixture
def guarded(serving, monkeypatch):
    monkeypatch.setattr("lookalike.serve.security.WRONG_TOKEN_SECONDS", 0.0)
    monkeypatch.setattr("lookalike.serve.login.WRONG_TOKEN_SECONDS", 0.0)
    return serving(token=TOKEN)


def test_without_the_token_nothing_is_told(guarded):
    for path in ("/", f"{API}/engine", f"{API}/pictures/0/thumbnail", "/metrics", "/openapi.json"):
        answer = guarded.get(path)
        assert answer.status_code == 401, path
        assert answer.json()["error"]["kind"] == "token"
        assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded.post(f"{API}/search", json={"queries": [{"id": 0}]}).status_code == 401
    assert guarded.get("/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong-token"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer \xff\xfe".encode("latin-1")},
        {"Cookie": "lookalike-80=wrong"},
        {"Cookie": f"other={TOKEN}"},
        {"Cookie": f"lookalike-9000={TOKEN}"},
        {"Cookie": ";;=;\x01"},
    ],
)
def test_a_wrong_token_opens_nothing(guarded, headers):
    assert guarded.get(f"{API}/engine", headers=headers).status_code == 401
    assert guarded.get(f"{API}/engine?token=wrong", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {TOKEN}"}, {"Cookie": f"lookalike-80={TOKEN}"}]
)
def test_the_token_opens_as_header_and_as_cookie(guarded, headers):
    assert guarded.get(f"{API}/engine", headers=headers).status_code == 200


def test_guessing_takes_its_time_however_the_token_is_sent(guarded, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("lookalike.serve.security.asyncio.sleep", sleep)
    assert guarded.get(f"{API}/engine").status_code == 401
    assert waited == []
    for headers in ({"Authorization": "Bearer wrong-token"}, {"Cookie": "lookalike-80=wrong"}):
        waited.clear()
        assert guarded.get(f"{API}/engine", headers=headers).status_code == 401
        assert len(waited) == 1
    waited.clear()
    assert guarded.get(f"{API}/engine?token=wrong-token").status_code == 401
    assert len(waited) == 1


def test_the_token_leaves_the_address_at_once(guarded):
    answer = guarded.get(f"/?q=id:3&token={TOKEN}&b=.5", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?q=id%3A3&b=.5")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("lookalike-80=")  # services at other ports have their own
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert guarded.get("/").status_code == 200  # the client keeps the cookie
    again = guarded.get(f"/?token={TOKEN}", follow_redirects=False)
    assert again.headers["location"] == "/"


@pytest.mark.parametrize("path", ["//evil.example/", "/%5Cevil.example", "/%0d%0aX-Evil:1"])
def test_the_way_on_leads_nowhere_else(guarded, path):
    answer = guarded.get(f"http://localhost{path}?token={TOKEN}", follow_redirects=False)
    assert answer.status_code in (303, 404)
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "x-evil" not in answer.headers


def test_a_person_is_asked_for_the_token(guarded):
    page = guarded.get("/?q=<script>", headers={"Accept": "text/html"})
    assert page.status_code == 401
    assert '<form method="post" action="/login"' in page.text
    assert "<script>" not in page.text
    assert guarded.get("/static/css/login.css").status_code == 200
    wrong = guarded.post("/login", data={"token": "wrong", "next": "//evil.example"})
    assert wrong.status_code == 401
    assert "//evil.example" not in wrong.text
    answer = guarded.post("/login", data={"token": TOKEN, "next": "/?b=1"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?b=1")
    assert guarded.get(f"{API}/engine").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_another_name_is_not_answered(client, host):
    answer = client.get(f"{API}/engine", headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (421, "host")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:9000", "LOCALHOST"])
def test_own_names_are_answered(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_names_that_were_allowed(serving):
    allowed = serving(allow_hosts=("photos.example",))
    assert allowed.get("/health", headers={"Host": "photos.example:80"}).status_code == 200
    assert allowed.get("/health", headers={"Host": "other.example"}).status_code == 421


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_servers_change_nothing(client, headers):
    answer = client.post(f"{API}/search", json={"queries": [{"id": 0}]}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "origin")


def test_pages_of_other_servers_read_nothing(client):
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get(f"{API}/pictures/0/thumbnail", headers=elsewhere).status_code == 403
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=followed).status_code == 200
    answer = client.get(f"{API}/engine", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_the_own_page_may_ask(client):
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = client.post(f"{API}/search", json={"queries": [{"id": 0}]}, headers=own)
    assert answer.status_code == 200


def test_an_origin_that_was_allowed(serving):
    origin = "https://example.org"
    allowed = serving(allow_origins=(origin,))
    answer = allowed.post(
        f"{API}/search", json={"queries": [{"id": 0}]}, headers={"Origin": origin}
    )
    assert answer.headers["access-control-allow-origin"] == origin
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert allowed.options(f"{API}/search", headers=asked).status_code == 200
    assert allowed.get("/health", headers={"Origin": "https://other.org"}).headers.get(
        "access-control-allow-origin"
    ) in (None,)


def test_every_answer_tells_browsers_to_run_nothing_from_elsewhere(client):
    for path in ("/", f"{API}/engine", f"{API}/nothing", f"{API}/pictures/0/file", "/health"):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("origin", ["http://[", "http://]", "null", "", "//"])
def test_an_origin_that_is_none_is_refused(client, origin):
    answer = client.post(f"{API}/search", json={}, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "origin")


@pytest.mark.parametrize("other", ['a={"x":1}', "a b=1", "=", 'a="'])
def test_odd_cookies_of_other_servers_do_not_hide_the_token(guarded, other):
    header = {"Cookie": f"{other}; lookalike-80={TOKEN}"}
    assert guarded.get(f"{API}/engine", headers=header).status_code == 200
