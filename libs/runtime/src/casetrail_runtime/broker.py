"""The NATS connection of a service, with the rules that keep it alive.

Each rule answers a failure of the library underneath: a closed connection freezes FastStream's
loop, so the process ends; its error callback kills reconnecting, so it is replaced; a reconnect
task may die silently, so a watchdog looks; any error acks as "never again", so acks are manual.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NoReturn

import nats.errors
import structlog
from faststream import AckPolicy
from faststream.asgi import AsgiFastStream
from faststream.asgi.types import ASGIApp, Receive, Scope, Send
from faststream.nats import NatsBroker
from faststream.specification import AsyncAPI
from nats.aio.client import Client

from casetrail_runtime.connecting import Entrance, NatsSettings, give_up_on_silence
from casetrail_runtime.health import send_json
from casetrail_runtime.redaction import describe_error, redact_text
from casetrail_runtime.tasks import end
from casetrail_runtime.telemetry import Telemetry

log = structlog.get_logger(__name__)

CONNECTION_LOST: Final = 70
"""Exit code of a process whose NATS connection is gone for good; its supervisor starts it again."""
_REPEAT: Final = 30.0


class ServiceBroker(NatsBroker):
    """A NATS broker that reconnects for ever or ends the process, never something in between."""

    def __init__(
        self,
        entrance: Entrance,
        service: str,
        *,
        telemetry: Telemetry,
        exit_after: float | None,
        graceful_timeout: float,
    ) -> None:
        super().__init__(
            entrance.servers,
            name=f"casetrail-{service}",
            max_reconnect_attempts=-1,
            ping_interval=5,  # a silent server is left after ten to fifteen seconds
            max_outstanding_pings=2,
            graceful_timeout=graceful_timeout,
            ack_policy=AckPolicy.MANUAL,
            middlewares=telemetry.middlewares(),
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            closed_cb=self._on_closed,
            js_options={"timeout": 5},
            logger=None,
            description=f"Casetrail {service}",
        )
        # FastStream wraps `error_cb` in one that raises inside the reconnect task and ends it.
        self._connection_kwargs["error_cb"] = self._on_error
        # The wait between two attempts; typed as an int, used as a number of seconds.
        self._connection_kwargs["reconnect_time_wait"] = 0.25
        self._connection_kwargs.update(entrance.options())
        self._entrance = entrance
        self.service = service
        self.telemetry = telemetry
        self.shutting_down = False
        self._exit_after = exit_after
        self._watchdog: asyncio.Task[None] | None = None
        self._last_error = ("", 0.0)

    async def start(self) -> None:
        """Connects, waiting for NATS as long as it takes, and starts the subscribers."""
        self.shutting_down = False
        await super().start()
        # From here on others find what this service serves. Twice: the client writes a PING ahead
        # of the subscriptions that still wait in its buffer, so the first answer proves nothing.
        await self.connection.flush()
        await self.connection.flush()
        if self._exit_after is not None and self._watchdog is None:
            self._watchdog = asyncio.create_task(self._watch(self._exit_after))

    async def _connect(self) -> Client:
        """As FastStream connects, with a client that knows the user's key."""
        client = self._entrance.client()
        await client.connect(**self._connection_kwargs)
        give_up_on_silence(client)
        self.config.connect(client)
        return client

    async def stop(self, *args: Any, **kwargs: Any) -> None:
        """Ends the subscribers in good order and closes the connection, even while NATS is away."""
        self.shutting_down = True
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        connection = self._connection
        try:
            await super().stop(*args, **kwargs)
        except (nats.errors.Error, OSError) as error:  # draining needs a server at the other end
            log.warning("stopped without NATS", reason=describe_error(error))
            if connection is not None:
                await connection.close()
                await _end_reconnecting(connection)
            self._connection = None
            self.config.disconnect()

    async def _watch(self, exit_after: float) -> None:
        """Ends the process after `exit_after` seconds in a row without a connection."""
        connected_at = time.monotonic()
        while True:
            await asyncio.sleep(min(1.0, exit_after / 4))
            if self._connection is not None and self._connection.is_connected:
                connected_at = time.monotonic()
            elif time.monotonic() - connected_at > exit_after:
                leave(f"no connection to NATS for {exit_after:g} s")

    async def _on_closed(self) -> None:
        if not self.shutting_down:
            leave("the connection to NATS was closed for good")

    async def _on_disconnected(self) -> None:
        if not self.shutting_down:
            log.warning("disconnected from NATS")

    async def _on_reconnected(self) -> None:
        if self._connection is not None:
            give_up_on_silence(self._connection)
        log.info("connected to NATS again")

    async def _on_error(self, error: Exception) -> None:
        """Logs and never raises; the same error again is logged every half minute."""
        text, now = redact_text(f"{type(error).__name__}: {error}"), time.monotonic()
        if text != self._last_error[0] or now - self._last_error[1] > _REPEAT:
            self._last_error = (text, now)
            log.warning("NATS connection error", reason=text)


async def _end_reconnecting(client: Client) -> None:
    """Returns once the client's reconnect task has ended.

    `Client.close` cancels it once, and a cancellation can be swallowed by a connection attempt that
    fails in the same moment; the task would go on for ever and keep the process from ending.
    """
    task: asyncio.Task[None] | None = getattr(client, "_reconnection_task", None)
    if task is not None:
        await end(task)


def leave(reason: str) -> NoReturn:
    """Ends the process at once with exit code 70; its event loop may not be able to."""
    log.critical("the process ends", reason=reason, exit_code=CONNECTION_LOST)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(CONNECTION_LOST)


def make_broker(
    settings: NatsSettings,
    service: str,
    *,
    user: str | None = None,
    telemetry: Telemetry | None = None,
    exit_after: float | None = 30.0,
    graceful_timeout: float = 20.0,
) -> ServiceBroker:
    """A broker, not connected yet.

    Reconnects for ever; a closed connection ends the process with exit code 70 unless it is
    shutting down; so does `exit_after` seconds without a connection once it was there (None:
    never, for a service that has something useful to do without NATS). Acks are always manual.
    `user` is the user of NATS it comes in as, when it is not named like the service.
    `telemetry` is made from `settings` when it is not given, and is `broker.telemetry`.
    """
    if telemetry is None:
        endpoint = getattr(settings, "otlp_endpoint", None)
        telemetry = Telemetry(service, otlp_endpoint=None if endpoint is None else str(endpoint))
    return ServiceBroker(
        Entrance.of(settings, user or service),
        service,
        telemetry=telemetry,
        exit_after=exit_after,
        graceful_timeout=graceful_timeout,
    )


def make_app(
    broker: NatsBroker,
    *,
    title: str,
    version: str,
    description: str = "",
    routes: Sequence[tuple[str, ASGIApp]] = (),
    on_startup: Sequence[Callable[[], Awaitable[object]]] = (),
    after_startup: Sequence[Callable[[], Awaitable[object]]] = (),
    on_shutdown: Sequence[Callable[[], Awaitable[object]]] = (),
    after_shutdown: Sequence[Callable[[], Awaitable[object]]] = (),
) -> AsgiFastStream:
    """The ASGI application of a service whose work is messages.

    `on_startup` runs before the broker starts (call `streams.require` there), `on_shutdown` before
    it stops. `/asyncapi.json` describes it; there is no "try it out", which would let anybody
    publish and would switch the live producer off for the length of a request.
    """
    app = AsgiFastStream(
        broker,
        asgi_routes=list(routes),
        specification=AsyncAPI(
            title=title, version=version, description=description, schema_version="3.0.0"
        ),
        on_startup=on_startup,
        after_startup=after_startup,
        on_shutdown=on_shutdown,
        after_shutdown=after_shutdown,
        asyncapi_path=None,
        logger=None,
    )

    async def asyncapi(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_json(send, 200, app.schema.to_specification().to_jsonable())

    app.mount("/asyncapi.json", asyncapi)
    return app
