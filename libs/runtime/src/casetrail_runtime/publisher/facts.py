"""What a publisher must know about its stream before it sends."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import nats.errors
from faststream.exceptions import IncorrectState
from faststream.nats import NatsBroker
from nats.aio.client import Client
from nats.js.api import StreamInfo
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from casetrail_runtime.publisher.answers import while_connected
from casetrail_runtime.publisher.writing import Unanswered


def connected_client(broker: NatsBroker) -> Client | None:
    """The broker's NATS client; None before it was ever connected and after it was stopped."""
    try:
        return broker.connection
    except IncorrectState:
        return None


@lru_cache(maxsize=1024)
def covers(pattern: str, subject: str) -> bool:
    """Whether a subject matches a pattern with `*` (one token) and `>` (one or more at the end)."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, part in enumerate(wanted):
        if part == ">":
            return len(given) > position
        if position >= len(given) or part not in {"*", given[position]}:
            return False
    return len(wanted) == len(given)


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """A stream's subjects and whether it takes atomic batches, as seen on one connection."""

    atomic: bool
    subjects: tuple[str, ...]
    connection: tuple[int, int]

    @classmethod
    def from_info(cls, info: StreamInfo, client: Client) -> Self:
        """The facts of this answer of the server."""
        return cls(
            atomic=bool(info.config.allow_atomic),
            subjects=tuple(info.config.subjects or ()),
            connection=(id(client), client.stats["reconnects"]),
        )

    def of(self, client: Client) -> bool:
        """Whether they were read on the client's current connection."""
        return self.connection == (id(client), client.stats["reconnects"])

    def takes(self, subject: str) -> bool:
        """Whether the stream stores what is published on this subject."""
        return any(covers(pattern, subject) for pattern in self.subjects)


async def read_facts(client: Client, stream: str) -> StreamFacts:
    """The stream's facts, asked of the server; raises `Unanswered`."""
    try:
        info = await while_connected(client, client.jetstream(timeout=2).stream_info(stream))
    except NotFoundError as error:
        raise Unanswered(f"there is no stream {stream}") from error
    except (JetStreamError, nats.errors.Error) as error:
        raise Unanswered(f"JetStream does not answer: {error}") from error
    return StreamFacts.from_info(info, client)
