"""Commands: asked by request/reply, answered by the one service that owns the verb."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import nats.errors
import structlog
from casetrail_contracts.commands import Command, CommandReply
from casetrail_contracts.commands.envelope import UNDER_WAY
from casetrail_contracts.subjects import command_subject
from faststream import Response
from faststream.message import StreamMessage
from faststream.nats import NatsBroker
from faststream.nats.subscriber.specification import NatsSubscriberSpecification
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from casetrail_runtime.failure import is_outage
from casetrail_runtime.publisher.facts import connected_client
from casetrail_runtime.pull.subscriber import EventSpecification
from casetrail_runtime.redaction import describe_error, describe_traceback
from casetrail_runtime.telemetry import telemetry_of, trace_context, trace_headers

log = structlog.get_logger(__name__)

C = TypeVar("C", bound=Command)

_JSON = {"content-type": "application/json"}
_REUSED = (
    "This Idempotency-Key was used for the same command with another body. Nothing was done now: "
    "repeat it with the first body to get its answer, or send this one with a new key."
)


class CommandUnanswered(Exception):
    """Nobody answered in time; whether the command was carried out is not known.

    Send it again with the same id: a command has one effect per id.
    """

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason


def serve(
    broker: NatsBroker,
    command_type: type[C],
    handler: Callable[[C], Awaitable[CommandReply]],
    *,
    service: str,
    workers: int = 16,
) -> None:
    """Answers `command.<service>.<verb>` of this type with `handler`.

    Replicas share the work (queue group = `service`); up to `workers` commands of the type run at
    once. Bytes that are no such command are answered failed/`invalid`, an unexpected exception
    failed/`internal`, one that says a server is away failed/`unavailable`; never a traceback.
    Call it before `broker.start()`.
    """
    subject = command_subject(service, command_type.verb)

    async def answer(body: bytes) -> Response:
        reply = await carry_out(command_type, handler, body)
        return Response(reply.model_dump_json().encode(), headers=_JSON)

    subscriber = broker.subscriber(
        subject,
        queue=service,
        max_workers=workers,
        title=subject,
        description=command_type.__doc__,
    )
    subscriber(answer, decoder=_undecoded)
    spec = subscriber.specification
    assert isinstance(spec, NatsSubscriberSpecification)
    subscriber.specification = EventSpecification.of(spec, command_type)  # type: ignore[assignment]


async def carry_out(
    command_type: type[C], handler: Callable[[C], Awaitable[CommandReply]], body: bytes
) -> CommandReply:
    """The handler's reply, or a failed one that says what a caller may know.

    A stored reply to something else that was asked under the same id is not given out again.
    """
    try:
        command = command_type.model_validate_json(body)
    except ValidationError as error:
        return CommandReply.failed("invalid", _faults(error))
    under_way = UNDER_WAY.set(command.digest)
    try:
        reply = await _handled(command, handler)
    finally:
        UNDER_WAY.reset(under_way)
    if command.digest is not None and reply.digest not in (None, command.digest):
        return CommandReply.failed("idempotency-key-reused", _REUSED)
    return reply


async def _handled(command: C, handler: Callable[[C], Awaitable[CommandReply]]) -> CommandReply:
    with structlog.contextvars.bound_contextvars(
        command_id=command.id, correlation_id=command.correlation_id
    ):
        try:
            return await handler(command)
        except Exception as error:  # noqa: BLE001 - every command gets an answer
            away = is_outage(error)
            log.error(  # noqa: TRY400 - the traceback is in `exception`, redacted
                "command failed",
                command=command.command_name(),
                reason=describe_error(error),
                exception=describe_traceback(error),
            )
    if away:
        detail = "A server this needs is away; nothing is known to be done. Try again."
        return CommandReply.failed("unavailable", detail)
    detail = f"The command could not be carried out; the log names it by its id {command.id}."
    return CommandReply.failed("internal", detail)


def _faults(error: ValidationError) -> str:
    """A sentence per wrong field, without the input."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
        for fault in faults[:10]
    )


async def _undecoded(message: StreamMessage[Any]) -> bytes:
    """The bytes as they came, so that odd ones reach `carry_out` and get an answer."""
    body: bytes = message.body
    return body


class CommandClient:
    """Sends commands and gives back their replies."""

    def __init__(self, broker: NatsBroker) -> None:
        self._broker = broker

    async def send(self, command: Command, timeout: float = 5.0) -> CommandReply:  # noqa: ASYNC109 - the name in the contract
        """The service's reply; raises `CommandUnanswered` after `timeout` seconds.

        While nobody serves the command (the service is starting) it is asked again until then.
        """
        subject = command.subject()
        tracer = telemetry_of(self._broker).tracer
        parent = trace_context(headers) if (headers := trace_headers()) else None
        with tracer.start_as_current_span(f"command {subject}", parent, SpanKind.CLIENT):
            body = command.model_dump_json().encode()
            headers = {**_JSON, **trace_headers()}
            data = await self._ask(subject, body, headers, timeout)
        try:
            return CommandReply.model_validate_json(data)
        except ValidationError as error:
            raise CommandUnanswered(subject, "what answered is no reply") from error

    async def _ask(
        self,
        subject: str,
        body: bytes,
        headers: dict[str, str],
        timeout: float,  # noqa: ASYNC109 - see send
    ) -> bytes:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        obstacle = "NATS is not connected"
        while (left := deadline - loop.time()) > 0:
            client = connected_client(self._broker)
            if client is not None and client.is_connected:
                try:
                    reply = await client.request(subject, body, timeout=left, headers=headers)
                except nats.errors.NoRespondersError:
                    obstacle = "no service answers this command"
                except nats.errors.TimeoutError as error:
                    raise CommandUnanswered(subject, f"no reply within {timeout:g} s") from error
                except nats.errors.Error as error:
                    raise CommandUnanswered(subject, f"not sent: {error}") from error
                else:
                    return reply.data
            await asyncio.sleep(min(0.1, left))
        raise CommandUnanswered(subject, obstacle)
