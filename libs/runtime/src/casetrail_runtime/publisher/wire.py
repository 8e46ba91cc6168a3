"""What goes over the wire to store messages: one by one, or as an atomic batch (NATS ADR-50).

A batch is n messages with the same `Nats-Batch-Id` and a counted `Nats-Batch-Sequence`; the last
carries `Nats-Batch-Commit` and gets the only acknowledgement. The server stores all or none of
them, in one write and one fsync, under consecutive sequences.
"""

import asyncio
import json
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.js.api import Header

MAX_BATCH: Final = 1_000
"""Messages in one atomic batch: the server's limit."""

_YIELD_EVERY: Final = 64
_TRY_AGAIN: Final = frozenset({10008, 10009, 10118})
"""JetStream errors that pass: no leader yet, stream offline. An incomplete batch (10176) is not
one of them: a message that is too large is missing from it every time."""
_FULL: Final = frozenset({10047, 10077})
_HEADER_LINE: Final = len(b"NATS/1.0\r\n\r\n")


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ack:
    """Where the stream keeps a message: its sequence, and whether it was there before."""

    seq: int
    duplicate: bool


class NotStored(Exception):
    """The stream refused, or did not acknowledge in time; safe to publish again with the same id.

    `reason` is one sentence. `acks` are those of the same call that were stored before: always a
    prefix of what was given. `passing` says whether trying again later may help (a message too
    large stays too large). Without an acknowledgement a message may have been stored all the same;
    the same id then comes back as a duplicate.
    """

    def __init__(self, reason: str, acks: Sequence[Ack] = (), *, passing: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.acks = list(acks)


class Refused(Exception):
    """JetStream said no; `full` when it has no room, which may change."""

    def __init__(self, reason: str, *, full: bool = False) -> None:
        super().__init__(reason)
        self.full = full


class Unanswered(Exception):
    """No answer, or one that passes: to be tried again."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it is stored, `headers` with its Nats-Msg-Id."""

    subject: str
    data: bytes
    headers: Mapping[str, str]

    @property
    def size(self) -> int:
        """Bytes of headers and body, as the server counts them."""
        return len(self.data) + header_size(self.headers)


def header_size(headers: Mapping[str, str]) -> int:
    """Bytes the headers take on the wire."""
    lines = sum(len(key.encode()) + len(value.encode()) + 4 for key, value in headers.items())
    return _HEADER_LINE + lines


async def store_one(client: Client, stream: str, message: Message, *, wait: float) -> Ack:
    """The ack of one message."""
    answer = await _request(client, message, message.headers, wait)
    return Ack(_sequence(answer, stream), bool(answer.get("duplicate")))


async def store_batch(
    client: Client, stream: str, messages: Sequence[Message], *, wait: float
) -> list[Ack]:
    """The acks of two or more messages that are stored together, or none of them is."""
    batch = uuid.uuid4().hex
    last = len(messages)
    for number, message in enumerate(messages, start=1):
        headers = {
            **message.headers,
            Header.BATCH_ID.value: batch,
            Header.BATCH_SEQUENCE.value: str(number),
        }
        if number < last:
            await _send(client, message, headers)
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        else:
            headers[Header.BATCH_COMMIT.value] = "1"
            answer = await _request(client, message, headers, wait)
    seq = _sequence(answer, stream)
    if answer.get("batch") != batch or answer.get("count") != last:
        # A server that knows no batches stored each message on its own and acks the last.
        raise Refused("the server does not do atomic batches")
    return [Ack(seq - last + number, duplicate=False) for number in range(1, last + 1)]


async def while_connected(client: Client, asking: Coroutine[Any, Any, T]) -> T:
    """The result; gives up (`Unanswered`) as soon as the connection it was asked on is gone."""
    connection = client.stats["reconnects"]
    asked = asyncio.ensure_future(asking)
    try:
        while not (await asyncio.wait({asked}, timeout=0.1))[0]:
            if not client.is_connected or client.stats["reconnects"] != connection:
                raise Unanswered("the connection to NATS was lost")
        return asked.result()
    finally:
        asked.cancel()


async def _send(client: Client, message: Message, headers: Mapping[str, str]) -> None:
    try:
        await client.publish(message.subject, message.data, headers=dict(headers))
    except nats.errors.Error as error:
        raise Unanswered(f"NATS took no message: {error}") from error


async def _request(
    client: Client, message: Message, headers: Mapping[str, str], wait: float
) -> dict[str, Any]:
    """The stream's answer as JSON."""
    asking = client.request(message.subject, message.data, timeout=wait, headers=dict(headers))
    try:
        answer = json.loads((await while_connected(client, asking)).data)
    except nats.errors.NoRespondersError as error:
        raise Unanswered(f"no stream takes {message.subject}") from error
    except nats.errors.TimeoutError as error:
        raise Unanswered(f"no acknowledgement within {wait:g} s") from error
    except nats.errors.Error as error:
        raise Unanswered(f"NATS took no message: {error}") from error
    except ValueError as error:
        raise Refused("what answered is not a stream") from error
    if not isinstance(answer, dict):
        raise Refused("what answered is not a stream")
    return answer


def _sequence(answer: Mapping[str, Any], stream: str) -> int:
    """The acknowledged sequence; raises what the answer says instead."""
    if (fault := answer.get("error")) is not None:
        code, text = fault.get("err_code"), fault.get("description", "no reason given")
        if code in _FULL:
            raise Refused(f"the stream {stream} is full or cannot write: {text}", full=True)
        if code in _TRY_AGAIN or (fault.get("code") == 503):  # noqa: PLR2004 - not available now
            raise Unanswered(f"JetStream cannot store now: {text}")
        raise Refused(f"JetStream refuses: {text}")
    if answer.get("stream") != stream:
        raise Refused(f"it is stored in {answer.get('stream')!r}, not in {stream!r}")
    return int(answer["seq"])
