"""The event stream: looks and refusals go in, figures come out."""

from collections.abc import Awaitable
from typing import Final

import nats.errors
from casetrail_contracts import Event, subjects
from casetrail_runtime.letters import Letter as SetAside
from casetrail_runtime.letters import LetterBox
from casetrail_runtime.publisher import Ack, NotStored, StreamPublisher
from casetrail_runtime.publisher.facts import connected_client
from faststream.nats import NatsBroker
from nats.js.api import StreamState
from nats.js.errors import Error as JetStreamError

from casetrail_gateway.domain.errors import AccessNotRecorded, StreamUnavailable
from casetrail_gateway.domain.letters import Letter

_ANSWER_WITHIN: Final = 2.0
_SILENT: Final = "The event stream does not answer. Try again."


class JetStreamEvents:
    """SUPPORT, and what is set aside in DEAD."""

    def __init__(self, broker: NatsBroker, publisher: StreamPublisher) -> None:
        self._broker = broker
        self._box = LetterBox(broker)
        self._publisher = publisher

    async def record(self, event: Event) -> int:
        """The sequence of the stored event, known from JetStream's acknowledgement."""
        return (await self._publish(event)).seq

    async def store(self, event: Event) -> bool:
        """True when the stream took the event; False when it had one of this id already."""
        return not (await self._publish(event)).duplicate

    async def _publish(self, event: Event) -> Ack:
        try:
            return await self._publisher.publish(event)
        except NotStored as error:
            raise AccessNotRecorded(
                "What you ask for is recorded before it is answered, and it could not be recorded "
                "now. Nothing was given out. Try again."
            ) from error

    async def last_seq(self) -> int:
        """The newest sequence of SUPPORT."""
        return (await self._state(subjects.SUPPORT)).last_seq

    async def dead_letters(self) -> int:
        """How many messages are set aside."""
        return (await self._state(subjects.DEAD)).messages

    async def letter(self, seq: int) -> Letter | None:
        """What was set aside under this number; None when there is nothing, or no more."""
        return await self._letter(self._box.letter(seq))

    async def next_letter(self, after: int) -> Letter | None:
        """What was set aside next above a number; None when there is nothing."""
        return await self._letter(self._box.next(after))

    async def _letter(self, reading: Awaitable[SetAside | None]) -> Letter | None:
        try:
            found = await reading
        except ConnectionError as error:
            raise StreamUnavailable(_SILENT) from error
        if found is None:
            return None
        return Letter(
            seq=found.seq,
            service=found.service,
            handler=found.handler,
            workspace=found.workspace,
            subject=found.subject,
            stream=found.stream,
            stream_sequence=found.stream_sequence,
            reason=found.reason,
            num_delivered=found.num_delivered,
            set_aside_at=found.set_aside_at,
            bytes_omitted=found.bytes_omitted,
        )

    async def _state(self, stream: str) -> StreamState:
        client = connected_client(self._broker)
        try:
            if client is None or not client.is_connected:
                raise nats.errors.ConnectionClosedError
            info = await client.jetstream(timeout=_ANSWER_WITHIN).stream_info(stream)
        except (nats.errors.Error, JetStreamError) as error:
            raise StreamUnavailable(_SILENT) from error
        return info.state
