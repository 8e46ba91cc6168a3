"""What happens to a message whose handler fails: tried again, set aside, never lost."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import nats.errors
import structlog
from casetrail_contracts.subjects import DEAD, dead_subject
from faststream.nats import NatsBroker
from nats.aio.msg import Msg
from pymongo.errors import ConnectionFailure, PyMongoError

from casetrail_runtime.publisher import NotStored, StreamPublisher
from casetrail_runtime.redaction import describe_error
from casetrail_runtime.telemetry import telemetry_of

log = structlog.get_logger(__name__)

RECORDED_AT: Final = "recorded_at"
"""The header of a dead letter with the time at which its stream took the message."""
_PASSING_LABELS: Final = (
    "RetryableWriteError",
    "TransientTransactionError",
    "NetworkError",
    "SystemOverloadedError",
)
_NATS_AWAY: Final = (
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    nats.errors.NoRespondersError,
    nats.errors.OutboundBufferLimitError,
    nats.errors.StaleConnectionError,
)


class PermanentError(Exception):
    """Raised by a handler: no retry can heal this message; it is set aside at once."""


class Retry(Exception):
    """Raised by a handler: try again after `delay` seconds, as often as it takes (not counted)."""

    def __init__(self, delay: float, reason: str = "") -> None:
        super().__init__(reason or f"asked to be tried again in {delay} s")
        self.delay = delay


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """How often and how far apart a failed message is tried again.

    The delay doubles from `first_delay` to `max_delay` seconds, give or take a fifth. Errors that
    say "a server is away" (`is_outage`) are tried again for ever and not counted: an hour without
    MongoDB sets nothing aside.
    """

    attempts: int = 8
    first_delay: float = 0.1
    max_delay: float = 5.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after this many failures in a row (1 is the first)."""
        grown = self.first_delay * 2.0 ** min(failures - 1, 30)
        return min(grown, self.max_delay) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load


def is_outage(error: BaseException) -> bool:
    """Whether a server is away (MongoDB, NATS, a socket), so that waiting heals it."""
    if isinstance(error, PyMongoError):
        return (
            isinstance(error, ConnectionFailure)
            or error.timeout
            or any(error.has_error_label(label) for label in _PASSING_LABELS)
        )
    if isinstance(error, NotStored):
        return error.passing
    return isinstance(error, (Retry, ConnectionError, TimeoutError, *_NATS_AWAY))


class DeadLetters:
    """Sets messages aside on `dead.<service>.<handler>`, as they were and with the reason."""

    def __init__(self, broker: NatsBroker, service: str, handler: str) -> None:
        self._subject = dead_subject(service, handler)
        self._handler = handler
        self._broker = broker
        self._publisher = StreamPublisher(broker, DEAD, timeout=2.0)

    async def set_aside(self, msg: Msg, error: BaseException) -> None:
        """Returns when the message is stored on the DEAD stream; raises `NotStored` otherwise.

        The same message of the same handler is stored once within the duplicate window. A message
        too large to carry the extra headers goes without its bytes (`bytes_omitted`): they stay in
        the stream it came from, under `stream_sequence`.
        """
        meta = msg.metadata
        added = {
            "reason": describe_error(error),
            "stream": meta.stream,
            "stream_sequence": str(meta.sequence.stream),
            "num_delivered": str(meta.num_delivered),
            "original_subject": msg.subject,
            RECORDED_AT: meta.timestamp.isoformat(),
        }
        msg_id = f"dead:{meta.stream}:{meta.sequence.stream}:{self._handler}"
        headers = original_headers(msg.headers) | added
        if self._publisher.fits(msg.data, headers, msg_id):
            await self._publisher.publish_raw(self._subject, msg.data, msg_id, headers)
        else:
            cut = added | {"bytes_omitted": str(len(msg.data))}
            await self._publisher.publish_raw(self._subject, b"", msg_id, cut)
        telemetry_of(self._broker).dead.labels(self._handler).inc()
        log.error(
            "message set aside",
            durable=self._handler,
            stream=meta.stream,
            stream_sequence=meta.sequence.stream,
            num_delivered=meta.num_delivered,
            reason=added["reason"],
        )


def original_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers a message came with, safe to publish again.

    Those that command the server (`Nats-…`: ids, batches, expectations, schedules, TTLs) get the
    prefix `original-`, so that they are kept and have no effect.
    """
    return {
        f"original-{key}" if key.lower().startswith("nats-") else key: value
        for key, value in (headers or {}).items()
    }
