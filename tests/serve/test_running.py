"""The service as a process: started, asked, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

# Lets Ctrl-C interrupt the program although the tests were started where it is ignored.
HEEDS_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from lookalike.cli import main; main()"
)


def command(*words):
    return [sys.executable, "-W", "error", "-c", HEEDS_CTRL_C, "serve", *map(str, words)]


@contextmanager
def served(*words):
    """Give a running service and its address."""
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+/", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def asked(address, body=None):
    kind = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(address, json.dumps(body).encode() if body else None, kind)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def until_ready(address):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return asked(f"{address}ready")
        except urllib.error.HTTPError:  # 503: the engine is being opened
            time.sleep(0.1)
    raise AssertionError("never ready")


def running(pid):
    """The processes that a process has started and that are still there."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return found.stdout.split()


@pytest.mark.server
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -15)])
def test_it_is_served_and_stops(engine_path, number, code, picture):
    with served(engine_path, "--port", 0) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        until_ready(address)
        found = asked(f"{address}api/v1/search", {"queries": [{"id": 0}], "k": 3})
        assert len(found["hits"]) == 3
        boxed = {"queries": [{"id": 0, "box": [0, 0, 0.5, 0.5]}], "k": 3}
        assert len(asked(f"{address}api/v1/search", boxed)["hits"]) == 3
        children = running(process.pid)
        assert children, "what decodes is a process of its own"
        process.send_signal(number)
        hint, _, said = process.stderr.read().partition("\n")
        assert hint.startswith("  for others in your network: ")
        assert hint.endswith(f" serve {engine_path} --host 0.0.0.0")
        assert process.wait(20) == code
        assert said == ("lookalike: stopped\n" if code == 0 else "")
    end = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in children):  # noqa: PTH110
        assert time.monotonic() < end, "a process was left behind"
        time.sleep(0.05)


def failed(*words):
    done = subprocess.run(command(*words), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.server
def test_programs_are_told_the_address(engine_path):
    words = command(engine_path, "--port", 0, "--json")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        assert asked(f"{told['address']}health") == {"status": "ok"}
        process.terminate()


@pytest.mark.server
def test_a_port_that_is_taken(engine_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = failed(engine_path, "--port", port)
        assert re.search(rf":{port} is taken by another program: .*--port \d+", said)


@pytest.mark.server
def test_others_are_let_in_by_a_link_with_a_new_token(engine_path):
    with served(engine_path, "--host", "0.0.0.0", "--port", 0) as (process, address):
        said = [process.stderr.readline() for _ in range(3)]
        opened = re.search(r"on other machines of your network: (\S+)", said[0])[1]
        token = opened.removeprefix(f"{address}?token=")
        assert re.fullmatch("[0-9a-f]{32}", token)
        assert "whoever has this link sees the pictures" in said[1]
        port = address.rpartition(":")[2].strip("/")
        assert f"let port {port} through the firewall" in said[2]
        here = f"http://127.0.0.1:{port}"
        until_ready(f"{here}/")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            asked(f"{here}/api/v1/reach")
        request = urllib.request.Request(
            f"{here}/api/v1/reach", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer) == {"address": address, "names": [], "token": token}


@pytest.mark.server
def test_two_serve_one_engine(engine_path):
    with served(engine_path, "--port", 0) as one, served(engine_path, "--port", 0) as other:
        body = {"queries": [{"id": 1}], "k": 4}
        answers = []
        for _, address in (one, other):
            until_ready(address)
            answers.append(asked(f"{address}api/v1/search", body)["hits"])
        assert answers[0] == answers[1]
