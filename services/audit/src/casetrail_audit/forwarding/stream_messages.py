"""The messages of an endpoint: a durable of AUDIT that hands out one at a time."""

from dataclasses import dataclass
from typing import Final

import nats.errors
from casetrail_contracts.subjects import AUDIT, DEAD, dead_subject
from casetrail_runtime.failure import original_headers
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.publisher.facts import connected_client
from casetrail_runtime.streams import DurableSpec
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from casetrail_audit.forwarding.endpoint import Delivery, Endpoint, message_id

_LOOK: Final = 2.0
_JSON: Final = "application/cloudevents+json"
_TEXT: Final = "text/plain; charset=utf-8"


def durable_of(endpoint: Endpoint, ack_wait: float) -> DurableSpec:
    """The durable that the stream owner declares for an endpoint."""
    return DurableSpec(
        stream=AUDIT,
        name=endpoint.durable,
        filter_subjects=endpoint.subjects,
        description="A webhook; one message at a time, so that order holds whoever forwards.",
        ack_wait=ack_wait,
        max_ack_pending=1,
        deliver_policy="all" if endpoint.start == "beginning" else "new",
    )


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A message that nobody else has."""

    msg: Msg
    letters: StreamPublisher

    @property
    def delivery(self) -> Delivery:
        """What is sent: the bytes as they were published."""
        headers, seq = self.msg.headers or {}, self.msg.metadata.sequence.stream
        kind = headers.get("content-type") or (_JSON if self.msg.data[:1] == b"{" else _TEXT)
        return Delivery(message_id(headers, seq, self.msg.data), seq, self.msg.data, kind)

    async def done(self) -> None:
        """The next one may come."""
        await self.msg.ack_sync()

    async def keep(self) -> None:
        """It is still being worked on."""
        await self.msg.in_progress()

    async def give_back(self) -> None:
        """Somebody else may have it."""
        await self.msg.nak()

    async def set_aside(self, endpoint: str, reason: str, attempts: int) -> None:
        """Stores it as `dead.audit.webhook`; a second time within two minutes changes nothing."""
        seq = self.msg.metadata.sequence.stream
        headers = original_headers(self.msg.headers) | {
            "reason": reason,
            "stream": AUDIT,
            "stream_sequence": str(seq),
            "num_delivered": str(attempts),
            "original_subject": self.msg.subject,
            "endpoint": endpoint,
        }
        subject, letter = dead_subject("audit", "webhook"), f"dead:{AUDIT}:{seq}:{endpoint}"
        await self.letters.publish_raw(subject, self.msg.data, letter, headers)


class StreamMessages:
    """Bound to a durable that exists; nothing is declared here."""

    def __init__(self, broker: NatsBroker, durable: str) -> None:
        self._broker = broker
        self._durable = durable
        self._letters = StreamPublisher(broker, DEAD)
        self._bound: tuple[Client, JetStreamContext.PullSubscription] | None = None

    async def next(self) -> StreamMessage | None:
        """The next one; None when there is none for two seconds."""
        reader = await self._reader()
        try:
            (msg,) = await reader.fetch(1, timeout=_LOOK)
        except nats.errors.TimeoutError:
            return None
        except nats.errors.Error as error:
            self._bound = None
            raise ConnectionError(f"NATS does not hand out messages: {error}") from error
        return StreamMessage(msg, self._letters)

    async def close(self) -> None:
        """Ends the publishing of dead letters."""
        await self._letters.close()

    async def _reader(self) -> JetStreamContext.PullSubscription:
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            raise ConnectionError("NATS is not connected")
        if self._bound is None or self._bound[0] is not client:
            js = client.jetstream()
            self._bound = client, await js.pull_subscribe_bind(self._durable, AUDIT)
        return self._bound[1]
