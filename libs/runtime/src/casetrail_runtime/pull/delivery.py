"""One event as the stream delivered it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self

from casetrail_contracts import Event, parse_event
from nats.aio.msg import Msg

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Delivery:
    """One event with what the stream knows about it; never changed (ADR 46).

    `seq` numbers the log, `recorded_at` is JetStream's own timestamp, `num_delivered` is 1 the
    first time. `raw` is the NATS message with its bytes and headers; the runtime acks it.
    """

    event: Event
    seq: int
    recorded_at: datetime
    num_delivered: int
    raw: Msg

    @property
    def subject(self) -> str:
        """The subject it was published on."""
        return self.raw.subject

    @classmethod
    def of(cls, msg: Msg) -> Self:
        """The delivery of a JetStream message; raises `MalformedEvent`.

        A message without JetStream's reply subject (an in-memory test broker's) is delivery 1 of
        sequence 0, recorded when it happened.
        """
        event = parse_event(msg.data)
        if not is_from_stream(msg):
            return cls(event, 0, event.time, 1, msg)
        place = place_of(msg)
        return cls(event, place.seq, place.recorded_at, place.num_delivered, msg)


class Place(NamedTuple):
    """What JetStream says of a message in its reply subject (NATS ADR-15), read without detours.

    The client's own `Msg.metadata` makes four objects and takes the time through a float.
    """

    stream: str
    num_delivered: int
    seq: int
    nanoseconds: int
    pending: int

    @property
    def recorded_at(self) -> datetime:
        """When the stream recorded it, cut to microseconds; whole numbers only, a float is off."""
        return _EPOCH + timedelta(microseconds=self.nanoseconds // 1000)


_SHORT_REPLY: Final = 9
"""Tokens of the reply subject of a server without domains."""


def place_of(msg: Msg) -> Place:
    """The place of a message that JetStream delivered."""
    tokens = msg.reply.split(".")
    if len(tokens) == _SHORT_REPLY:
        # $JS ACK stream consumer delivered seq consumer_seq time pending
        _, _, stream, _, delivered, seq, _, nanoseconds, pending = tokens
    else:  # $JS ACK domain account stream consumer delivered seq … time pending …
        _, _, _, _, stream, _, delivered, seq, _, nanoseconds, pending, *_ = tokens
    return Place(stream, int(delivered), int(seq), int(nanoseconds), int(pending))


def seq_of(msg: Msg) -> int:
    """The stream sequence of a message that JetStream delivered."""
    tokens = msg.reply.split(".")
    return int(tokens[5] if len(tokens) == _SHORT_REPLY else tokens[7])


def is_from_stream(msg: Msg) -> bool:
    """Whether JetStream delivered this message (and not its server a status, nor a test broker)."""
    return msg.reply.startswith("$JS.ACK.")
