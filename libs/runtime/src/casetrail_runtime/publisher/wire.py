"""What goes over the wire to store messages: one by one, or as an atomic batch (NATS ADR-50).

A batch is n messages with the same `Nats-Batch-Id` and a counted `Nats-Batch-Sequence`; the last
carries `Nats-Batch-Commit` and gets the only acknowledgement. The server stores all or none of
them, in one write and one fsync, under consecutive sequences.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.js.api import Header

MAX_BATCH: Final = 1_000
"""Messages in one atomic batch: the server's limit."""

_TOGETHER: Final = 64
"""Messages of a batch that are written to the connection at once."""
_TRY_AGAIN: Final = frozenset({10008, 10009, 10118, 10158})
"""JetStream errors that pass: no leader yet, stream offline, the same id not agreed on yet (10158:
a leader that has lost its peers says so to who asks again). An incomplete batch (10176) is not one
of them: a message that is too large is missing from it every time."""
_FULL: Final = frozenset({10047, 10077})
_PLAIN_SUBJECT: Final = re.compile(r"[A-Za-z0-9$_.-]+")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
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


async def store_each(
    client: Client, stream: str, messages: Sequence[Message], *, wait: float
) -> list[Ack | Refused | Unanswered]:
    """What became of each of a few messages that are sent at once, each on its own.

    They go over one connection, so the server takes them in this order. For a few this is much
    quicker than a batch, whose commit costs the server several milliseconds however small it is.
    """

    async def one(message: Message) -> Ack | Refused | Unanswered:
        try:
            answer = await _answer(client, message, message.headers, wait)
            return Ack(_sequence(answer, stream), bool(answer.get("duplicate")))
        except (Refused, Unanswered) as fault:
            return fault

    asked = asyncio.gather(*[one(message) for message in messages])
    try:
        return await while_connected(client, asked)
    except Unanswered as lost:
        return [lost for _ in messages]


async def store_batch(
    client: Client, stream: str, messages: Sequence[Message], *, wait: float
) -> list[Ack]:
    """The acks of two or more messages that are stored together, or none of them is."""
    batch = uuid.uuid4().hex
    last = len(messages)
    for start in range(0, last - 1, _TOGETHER):
        part = enumerate(messages[start : min(start + _TOGETHER, last - 1)], start=start + 1)
        await _send(client, [(message, _in_batch(batch, number)) for number, message in part])
        await asyncio.sleep(0)
    commit = {**_in_batch(batch, last), Header.BATCH_COMMIT.value: "1"}
    final = messages[-1]
    answer = await _request(client, final, {**final.headers, **commit}, wait)
    seq = _sequence(answer, stream)
    if answer.get("batch") != batch or answer.get("count") != last:
        # A server that knows no batches stored each message on its own and acks the last.
        raise Refused("the server does not do atomic batches")
    return [Ack(seq - last + number, duplicate=False) for number in range(1, last + 1)]


async def while_connected(client: Client, asking: Awaitable[T]) -> T:
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


def _in_batch(batch: str, number: int) -> dict[str, str]:
    return {Header.BATCH_ID.value: batch, Header.BATCH_SEQUENCE.value: str(number)}


async def _send(client: Client, part: Sequence[tuple[Message, dict[str, str]]]) -> None:
    """Writes these without waiting for an answer.

    As `Client.publish` would one by one, for less: the first goes through the client,
    which checks the connection, and so does each that has anything unusual in its headers; the
    others are written in the same form (`HPUB <subject> <header bytes> <bytes>`).
    """
    pieces: list[bytes] = []
    try:
        for position, (message, more) in enumerate(part):
            written = None if position == 0 else _written(message, more)
            if written is not None and len(message.data) <= client.max_payload:
                pieces.append(written)
                continue
            await _flush(client, pieces)
            await client.publish(message.subject, message.data, headers={**message.headers, **more})
        await _flush(client, pieces)
    except nats.errors.Error as error:
        raise Unanswered(f"NATS took no message: {error}") from error


async def _flush(client: Client, pieces: list[bytes]) -> None:
    if not pieces:
        return
    if not client.is_connected:
        raise Unanswered("the connection to NATS was lost")
    await client._send_command(b"".join(pieces))  # noqa: SLF001 - no public way for many
    pieces.clear()


def _written(message: Message, more: Mapping[str, str]) -> bytes | None:
    """The message as it goes over the wire; None when the client had better look at it."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in message.headers.items()])
    if (
        lines.count("\n") != len(message.headers)
        or lines.count("\r") != len(message.headers)
        or _PLAIN_SUBJECT.fullmatch(message.subject) is None
        or not all(map(_PLAIN_NAME.fullmatch, message.headers))
    ):
        return None
    own = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
    headers = f"NATS/1.0\r\n{lines}{own}\r\n".encode()
    size = len(headers)
    command = f"HPUB {message.subject} {size} {size + len(message.data)}\r\n".encode()
    return b"".join((command, headers, message.data, b"\r\n"))


async def _request(
    client: Client, message: Message, headers: Mapping[str, str], wait: float
) -> dict[str, Any]:
    """The stream's answer as JSON, as long as the connection lasts."""
    return await while_connected(client, _answer(client, message, headers, wait))


async def _answer(
    client: Client, message: Message, headers: Mapping[str, str], wait: float
) -> dict[str, Any]:
    """The stream's answer as JSON."""
    try:
        asking = client.request(message.subject, message.data, timeout=wait, headers=dict(headers))
        answer = json.loads((await asking).data)
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
