"""The service under load from a second process on loopback; its memory over many requests.

python -m benchmarks.service --engine E [--seconds 15] [--requests 10000] [--json]

Gallery pictures are drawn at random, so few are asked for twice; every upload is another file, a
JPEG of a gallery picture with noise, so none is known. Each client waits for its answer before it
asks again. Answers hold 60 hits. Of the memory, what is kept on purpose is told beside it: uploads,
embeddings of queries and small copies, each bounded.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CLIENTS = (1, 8, 64)
SIDE = 280
API = "/api/v1"


@dataclass(frozen=True)
class Row:
    """What one load came to; milliseconds."""

    kind: str
    clients: int
    per_second: float
    p50: float
    p99: float
    refused: int
    failed: int


class Server:
    """`lookalike serve` as a process of its own."""

    def __init__(self, engine: str) -> None:
        command = [sys.executable, "-m", "lookalike.cli", "serve", engine, "--port", "0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        self.port = int(line.split("http://127.0.0.1:")[1].split("/")[0])

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        """Make one request on a connection of its own."""
        status, data = ask(self.connection(), method, path, body, kind)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {data[:200]!r}")
        return data

    def connection(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait(self) -> None:
        """Wait until searches are answered."""
        while ask(self.connection(), "GET", f"{API}/ready")[0] != 200:
            time.sleep(0.2)

    def memory(self) -> float:
        """Return the resident memory in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1000
        raise RuntimeError("no VmRSS")

    def kept(self) -> float:
        """Return what of it is kept on purpose, in MB: uploads, queries and small copies."""
        text = self.ask("GET", "/metrics").decode()
        found = re.findall(r"^lookalike_(?:upload|prepared|thumbnail)_bytes (\S+)", text, re.M)
        return sum(map(float, found)) / 1e6

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(20)


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None,
    kind: str = "",
) -> tuple[int, bytes]:  # fmt: skip
    """Return the status and the body of an answer."""
    connection.request(method, path, body, {"Content-Type": kind} if kind else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


Request = Callable[[int], tuple[str, str, bytes, str]]


def by_picture(ids: list[int]) -> Request:
    """Return requests that search by gallery pictures."""

    def made(number: int) -> tuple[str, str, bytes, str]:
        body = {"queries": [{"id": ids[number % len(ids)]}], "k": 60}
        return "POST", f"{API}/search", json.dumps(body).encode(), "application/json"

    return made


def by_upload(pictures: list[np.ndarray]) -> Request:
    """Return requests that search by uploads, each another file."""

    def made(number: int) -> tuple[str, str, bytes, str]:
        random = np.random.default_rng(number)
        noise = random.integers(-12, 13, (SIDE, SIDE, 3))
        pixels = np.clip(pictures[number % len(pictures)] + noise, 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=85)
        head = (
            '--b\r\nContent-Disposition: form-data; name="file"; filename="q.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        tail = '\r\n--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n60\r\n--b--\r\n'
        body = head.encode() + file.getvalue() + tail.encode()
        return "POST", f"{API}/search/picture", body, "multipart/form-data; boundary=b"

    return made


def load(
    server: Server, kind: str, clients: int, requests: list[tuple[str, str, bytes, str]],
    seconds: float = float("inf"),
) -> Row:  # fmt: skip
    """Ask with so many clients at once until the time, or the requests, are over."""
    times: list[float] = []
    refused, failed = [0], [0]
    left, lock = iter(requests), threading.Lock()
    end = time.perf_counter() + seconds

    def client() -> None:
        connection = server.connection()
        while time.perf_counter() < end:
            with lock:
                request = next(left, None)
            if request is None:
                return
            began = time.perf_counter()
            status, _ = ask(connection, *request)
            took = time.perf_counter() - began
            with lock:
                if status == 200:
                    times.append(took * 1000)
                elif status == 429:
                    refused[0] += 1
                else:
                    failed[0] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    p99 = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    return Row(
        kind, clients, round(len(times) / took, 1), round(statistics.median(times), 1),
        round(p99, 1), refused[0], failed[0],
    )  # fmt: skip


def pictures_of(server: Server, ids: list[int]) -> list[np.ndarray]:
    """Return some pictures of the gallery, int16 (SIDE, SIDE, 3)."""
    found = []
    for number in ids:
        data = server.ask("GET", f"{API}/pictures/{number}/thumbnail?size=256")
        image = Image.open(io.BytesIO(data)).convert("RGB").resize((SIDE, SIDE))
        found.append(np.asarray(image).astype(np.int16))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    server = Server(arguments.engine)
    try:
        server.wait()
        rows, memory = measure(server, arguments.seconds, arguments.requests)
    finally:
        server.stop()
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], **memory}))
        return
    print("kind      clients  queries/s      p50      p99  refused  failed")
    for row in rows:
        print(
            f"{row.kind:<10}{row.clients:>7}{row.per_second:>11}{row.p50:>9}{row.p99:>9}"
            f"{row.refused:>9}{row.failed:>8}"
        )
    print(", ".join(f"{name} {value}" for name, value in memory.items()))


def measure(server: Server, seconds: float, requests: int) -> tuple[list[Row], dict[str, float]]:
    """Return the loads, and the memory in MB before and after many requests."""
    random = np.random.default_rng(0)
    page = json.loads(server.ask("GET", f"{API}/pictures?limit=1000"))
    total = page["total"]
    ids = random.permutation(total).tolist()  # of an engine that was never synced
    uploads = by_upload(pictures_of(server, [one["id"] for one in page["pictures"][:20]]))
    most = int(seconds * 400)
    made = [uploads(number) for number in range(min(most, 4_000))]
    rows, start = [], 0
    for clients in CLIENTS:
        asked = [by_picture(ids)(number) for number in range(most)]
        rows.append(load(server, "picture", clients, asked, seconds))
    for clients in CLIENTS:
        row = load(server, "upload", clients, made[start:], seconds)
        start += round(row.per_second * seconds) + clients
        rows.append(row)
    memory = {"before_mb": server.memory(), "kept_before_mb": server.kept()}
    mixed = [by_picture(ids)(one) if one % 2 else uploads(10_000 + one) for one in range(requests)]
    rows.append(load(server, "mixed", 8, mixed))
    memory |= {"after_mb": server.memory(), "kept_after_mb": server.kept()}
    return rows, {name: round(value) for name, value in memory.items()}


if __name__ == "__main__":
    main()
