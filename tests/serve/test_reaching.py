from __future__ import annotations

import errno
import socket

import pytest

from lookalike.serve.reaching import link, network_address, web_address
from lookalike.serve.settings import ServeSettings

API = "/api/v1"
TOKEN = "known-to-us"


class Probe:
    """A socket of a machine that is at one address of its network, if there is a network."""

    def __init__(self, family, own):
        self.family, self.own = family, own

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def connect(self, address):
        if self.own is None:
            raise OSError(errno.ENETUNREACH, "unreachable")

    def getsockname(self):
        return (self.own, 9)


@pytest.fixture
def network(monkeypatch):
    """Puts this machine at an address for each kind of address."""

    def put(own):
        monkeypatch.setattr(socket, "socket", lambda family, _: Probe(family, own.get(family)))
        monkeypatch.setattr(socket, "gethostname", lambda: "museum")

    return put


@pytest.mark.parametrize(
    ("host", "own", "wanted"),
    [
        ("127.0.0.1", {}, "127.0.0.1"),
        ("192.168.1.7", {}, "192.168.1.7"),
        ("0.0.0.0", {socket.AF_INET: "10.0.0.5"}, "10.0.0.5"),
        ("0.0.0.0", {socket.AF_INET6: "fd00::5"}, "museum"),
        ("::", {socket.AF_INET6: "fd00::5"}, "fd00::5"),
        ("::", {socket.AF_INET: "10.0.0.5", socket.AF_INET6: "fd00::5"}, "10.0.0.5"),
        ("::", {}, "museum"),
    ],
)
def test_where_others_find_it(network, host, own, wanted):
    network(own)
    assert network_address(ServeSettings(host=host, token=TOKEN)) == wanted


def test_a_name_of_its_own_goes_first(network):
    network({socket.AF_INET: "10.0.0.5"})
    settings = ServeSettings(host="0.0.0.0", token=TOKEN, allow_hosts=("photos.example",))
    assert network_address(settings) == "photos.example"


def test_addresses_for_browsers():
    assert web_address("10.0.0.5", 8000) == "http://10.0.0.5:8000/"
    assert web_address("fd00::5", 8000) == "http://[fd00::5]:8000/"
    assert link("http://10.0.0.5:8000/", "a+b/c=d&e") == (
        "http://10.0.0.5:8000/?token=a%2Bb%2Fc%3Dd%26e"
    )


def test_a_service_of_this_machine_is_found_nowhere_else(client):
    answer = client.get(f"{API}/reach")
    assert answer.json() == {"address": None, "names": [], "token": None}
    assert answer.headers["cache-control"] == "no-store"


def test_the_token_is_told_to_those_who_have_it_only(serving):
    guarded = serving(host="192.168.1.7", token=TOKEN)
    assert TOKEN not in guarded.get(f"{API}/reach").text
    answer = guarded.get(f"{API}/reach", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json() == {"address": "http://192.168.1.7:80/", "names": [], "token": TOKEN}


def test_names_of_its_own_are_told(serving):
    named = serving(host="0.0.0.0", token=TOKEN, allow_hosts=("photos.example",))
    answer = named.get(f"{API}/reach", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json() == {"address": None, "names": ["photos.example"], "token": TOKEN}
