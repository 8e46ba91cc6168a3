"""A message of the stream, as far as the log cares."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Message:
    """What the stream keeps under one sequence; never changed (ADR 46).

    `log` is the stream's name, `msg_id` the header `Nats-Msg-Id`, `recorded_at` JetStream's own
    timestamp, cut to microseconds.
    """

    log: str
    seq: int
    subject: str
    data: bytes
    msg_id: str | None
    recorded_at: datetime


def moment(nanoseconds: int) -> datetime:
    """The time of a JetStream timestamp, cut to microseconds.

    Integers only: a float of so many nanoseconds is off by up to 0.2 microseconds, and the same
    message must give the same leaf whichever way it is read.
    """
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
