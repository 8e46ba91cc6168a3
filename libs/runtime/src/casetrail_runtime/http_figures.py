"""What Prometheus is told of HTTP requests: how many, how they ended, how long until an answer.

Labelled by route, never by path: ids grow without bound. The time is that until the answer begins,
so that a stream which goes on for a quarter of an hour is no slow request.
"""

import time
from collections.abc import MutableMapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram

from casetrail_runtime.health import AsgiApp, Receive, Scope, Send
from casetrail_runtime.telemetry import Telemetry, trace_context

_BOUNDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNNAMED: Final = "other"
"""What no route of the application took: a path that nobody knows, or a page of errors."""


_NO_SPAN: Final = nullcontext()


class HttpFigures:
    """The figures of one application, and a span around each request when spans are collected."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._telemetry = telemetry
        self._requests = Counter(
            "casetrail_http_requests",
            "HTTP requests by route and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "casetrail_http_seconds",
            "Seconds until the answer to an HTTP request begins.",
            ["route"],
            buckets=_BOUNDS,
            registry=registry,
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.in_progress = Gauge(
            "casetrail_http_in_progress", "HTTP requests being answered now.", registry=registry
        )

    def span(self, scope: Scope) -> AbstractContextManager[object]:
        """A span around a request, in the trace that its headers name; nothing if none collects."""
        if not self._telemetry.traces:
            return _NO_SPAN
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        return self._telemetry.tracer.start_as_current_span(
            f"HTTP {scope['method']}", context=trace_context(headers), kind=SpanKind.SERVER
        )

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request more; methods that nobody asks with are one, as anybody can make them up."""
        kind = (route, method if method in _METHODS else _UNNAMED, status)
        known = self._known.get(kind)
        if known is None:
            counted = self._requests.labels(*kind[:2], str(status))
            known = self._known[kind] = (counted, self._seconds.labels(route))
        known[0].inc()
        known[1].observe(seconds)


class MeasuredHttp:
    """Middleware that counts every HTTP request of an application."""

    def __init__(self, app: AsgiApp, figures: HttpFigures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        told = False

        def tell(status: int) -> None:
            nonlocal told
            told = True
            seconds = time.perf_counter() - began
            self._figures.answered(route_of(scope), scope["method"], status, seconds)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and not told:
                tell(message["status"])
            await send(message)

        with self._figures.in_progress.track_inprogress(), self._figures.span(scope):
            try:
                await self._app(scope, receive, sending)
            finally:
                if not told:  # the client went before there was an answer
                    tell(499)


def route_of(scope: Scope) -> str:
    """The route that took a request, as it was declared; `other` for none."""
    route: Any = scope.get("route")
    path = getattr(route, "path", None)
    return path if isinstance(path, str) else _UNNAMED
