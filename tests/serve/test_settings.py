from __future__ import annotations

import pytest

from lookalike.errors import SettingsError
from lookalike.serve.settings import ServeSettings, is_loopback


def test_this_machine_alone_by_default():
    settings = ServeSettings()
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", 8000, None)
    assert not settings.allow_origins


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "photos.example", ""])
def test_other_machines_need_a_token(host):
    with pytest.raises(SettingsError, match=r"give a token \(--token\)"):
        ServeSettings(host=host)
    assert ServeSettings(host=host, token="a-good-token").host == host


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"token": "short"}, "8 or more letters"),
        ({"token": "two words here"}, "8 or more letters"),
        ({"token": "täglich-neu"}, "8 or more letters"),
        ({"port": 70_000}, "port is 70000"),
        ({"threads": 0}, "threads is 0"),
        ({"upload_bytes": 0}, "upload_bytes is 0"),
        ({"allow_origins": ("example.org",)}, "wanted one as https://example.org"),
        ({"allow_origins": ("https://example.org/page",)}, "wanted one as https://example.org"),
        ({"allow_hosts": ("photos.example:8000",)}, "a name or an address alone"),
        ({"allow_hosts": ("https://photos.example",)}, "a name or an address alone"),
        ({"allow_hosts": ("*.example",)}, "a name or an address alone"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(SettingsError, match=words):
        ServeSettings(**wrong)


def test_names_and_origins_are_kept_as_browsers_send_them():
    settings = ServeSettings(
        allow_hosts=("Photos.Example", "[FE80::1]"),
        allow_origins=("https://Photos.Example:443", "http://photos.example:8080"),
    )
    assert settings.allow_hosts == ("photos.example", "fe80::1")
    assert settings.allow_origins == ("https://photos.example", "http://photos.example:8080")


def test_loopback():
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.8.8.8", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example"]))
