"""`audit.checkpoint` on JetStream: where MongoDB cannot take a checkpoint back."""

from typing import Final

import nats.errors
from casetrail_contracts.subjects import AUDIT, CHECKPOINT_SUBJECT
from casetrail_runtime.publisher import NotStored, StreamPublisher
from casetrail_runtime.publisher.facts import connected_client
from faststream.nats import NatsBroker
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

_WAIT: Final = 5.0
HEADERS: Final = {"content-type": "text/plain; charset=utf-8"}


class JetStreamCheckpoints:
    """The subject `audit.checkpoint` of the stream AUDIT."""

    def __init__(self, broker: NatsBroker, publisher: StreamPublisher) -> None:
        self._broker = broker
        self._publisher = publisher

    async def last(self) -> str | None:
        """The note published last, by the word of the stream's leader; None when there is none."""
        client = connected_client(self._broker)
        if client is None or not client.is_connected:
            raise ConnectionError("NATS is not connected")
        try:
            found = await client.jetstream(timeout=_WAIT).get_last_msg(AUDIT, CHECKPOINT_SUBJECT)
        except NotFoundError:
            return None
        except (nats.errors.Error, JetStreamError) as error:
            raise ConnectionError(f"{AUDIT} does not answer: {error}") from error
        return (found.data or b"").decode("utf-8", "replace")

    async def publish(self, size: int, root: bytes, note: str) -> None:
        """Stores it on the stream; raises `ConnectionError` when that is not sure."""
        origin = note.partition("\n")[0]  # a log that began anew may have the same root again
        msg_id = f"checkpoint:{origin}:{size}:{root.hex()}"
        try:
            await self._publisher.publish_raw(CHECKPOINT_SUBJECT, note.encode(), msg_id, HEADERS)
        except NotStored as error:
            raise ConnectionError(f"the checkpoint is not published: {error.reason}") from error
