"""Figures for Prometheus, in a registry of each service's own."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lookalike.serve.state import State

__all__ = ["CONTENT_TYPE_LATEST", "Measured", "Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What one service counts.

    Args:
        state: of the service.
    """

    def __init__(self, state: State) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "lookalike_requests", "Requests answered.", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "lookalike_request_seconds", "From a request to its answer.", ["route"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        figures = {
            "pictures": ("Pictures that are searched.", lambda: len(state.opened.gallery)),
            "gallery_version": ("State of the gallery.", lambda: state.opened.version),
            "uploads": ("Uploaded pictures that are kept.", lambda: len(state.uploads)),
            "upload_bytes": ("That these take.", lambda: state.uploads.bytes),
            "prepared_bytes": ("That kept queries take.", lambda: state.prepared.bytes),
            "thumbnail_bytes": ("That small copies take.", lambda: state.thumbnails.bytes),
            "waiting_work": ("Reading and decoding under way.", lambda: state.work.pending),
            "waiting_searches": ("Searches that wait.", lambda: state.quick.pending),
            "waiting_reranks": ("Slow searches that wait.", lambda: state.slow.pending),
            "searches": ("Searches answered.", lambda: state.quick.answered),
            "search_batches": ("In so many batches.", lambda: state.quick.batches),
        }
        for name, (text, figure) in figures.items():
            Gauge(f"lookalike_{name}", text, registry=self.registry).set_function(figure)

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)


class Measured:
    """Counts requests and their time.

    Args:
        app: what answers.
        metrics: what they are counted in.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            # A path as it was asked for would make a figure of its own of every picture.
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if route != "none" else "any"
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
