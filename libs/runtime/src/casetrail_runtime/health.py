"""Whether a service is alive and ready, and its figures, over HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import orjson
from faststream.nats import NatsBroker
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from casetrail_runtime.publisher.facts import connected_client
from casetrail_runtime.redaction import describe_error

Ping = Callable[[], Awaitable[object]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_READY: Final = 200
_NOT_READY: Final = 503


def nats_ping(broker: NatsBroker) -> Ping:
    """A round trip to NATS; raises when there is none.

    The client's own "connected" flag stays true in a client whose read loop has died.
    """

    async def ping() -> None:
        client = connected_client(broker)
        if client is None or not client.is_connected:
            raise ConnectionError("not connected")
        await client.flush(timeout=2)

    return ping


async def check(pings: Mapping[str, Ping], timeout: float) -> dict[str, dict[str, Any]]:  # noqa: ASYNC109 - per ping
    """Per ping `{"ok", "ms"}` and, when it is not ok, the `error` in one line.

    A ping that returns a mapping has its details shown beside.
    """

    async def one(ping: Ping) -> dict[str, Any]:
        started = time.perf_counter()
        problem = None
        details: dict[str, Any] = {}
        try:
            found = await asyncio.wait_for(ping(), timeout)
            details = dict(found) if isinstance(found, Mapping) else {}
        except TimeoutError:
            problem = f"no answer within {timeout:g} s"
        except Exception as error:  # noqa: BLE001 - whatever a ping raises means: not ready
            problem = describe_error(error)
        took = round((time.perf_counter() - started) * 1000, 1)
        if problem is not None:
            return {"ok": False, "error": problem}
        return {"ok": True, "ms": took, **details}

    results = await asyncio.gather(*(one(ping) for ping in pings.values()))
    return dict(zip(pings, results, strict=True))


class _Live:
    """`/livez`: the event loop turns. What else is down is readiness, not a reason to restart."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send_json(send, _READY, {"status": "live"})


class _Ready:
    """`/readyz`: every ping answers."""

    def __init__(self, pings: Mapping[str, Ping], timeout: float) -> None:
        self._pings = dict(pings)
        self._timeout = timeout

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        checks = await check(self._pings, self._timeout)
        down = [name for name, result in checks.items() if not result["ok"]]
        status = "not ready" if down else "ready"
        body = {"status": status, "down": down, "checks": checks}
        await send_json(send, _NOT_READY if down else _READY, body)


class _Metrics:
    """`/metrics`: Prometheus text, or OpenMetrics for who accepts it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        accept = next((v.decode() for k, v in scope["headers"] if k == b"accept"), "")
        encode, content_type = choose_encoder(accept)
        await _respond(send, 200, encode(self._registry), content_type)


def health_routes(
    pings: Mapping[str, Ping],
    registry: CollectorRegistry,
    *,
    timeout: float = 2.0,
) -> list[tuple[str, AsgiApp]]:
    """`/livez`, `/readyz` and `/metrics` as (path, ASGI app).

    AsgiFastStream: `make_app(broker, routes=health_routes(...))`. FastAPI:
    `for path, app in health_routes(...): api.router.routes.append(Route(path, app))`.
    `/readyz` is JSON per ping, 503 when one raises or takes longer than `timeout` seconds.
    """
    return [
        ("/livez", _Live()),
        ("/readyz", _Ready(pings, timeout)),
        ("/metrics", _Metrics(registry)),
    ]


async def send_json(send: Send, status: int, body: object) -> None:
    """Sends a whole JSON response."""
    await _respond(send, status, orjson.dumps(body), "application/json")


async def _respond(send: Send, status: int, body: bytes, content_type: str) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
