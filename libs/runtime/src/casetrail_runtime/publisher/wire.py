"""What goes over the wire to store messages: one by one, or as an atomic batch (NATS ADR-50).

A batch is n messages with the same `Nats-Batch-Id` and a counted `Nats-Batch-Sequence`; the last
carries `Nats-Batch-Commit` and gets the only acknowledgement. The server stores all or none of
them, in one write and one fsync, under consecutive sequences.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.js.api import Header

from casetrail_runtime.publisher.answers import Answer, answers_of
from casetrail_runtime.publisher.writing import TOGETHER, Message, Sending, Unanswered, write

MAX_BATCH: Final = 1_000
"""Messages in one atomic batch: the server's limit."""

_TRY_AGAIN: Final = frozenset({10008, 10009, 10118, 10158})
"""JetStream errors that pass: no leader yet, stream offline, the same id not agreed on yet (10158:
a leader that has lost its peers says so to who asks again). An incomplete batch (10176) is not one
of them: a message that is too large is missing from it every time."""
_FULL: Final = frozenset({10047, 10077})


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


async def store_one(client: Client, stream: str, message: Message, *, wait: float) -> Ack:
    """The ack of one message."""
    (answer,) = await answers_of(client).ask(client, [message], wait=wait)
    return _ack(_said(answer), stream)


async def store_each(
    client: Client, stream: str, messages: Sequence[Message], *, wait: float
) -> list[Ack | Refused | Unanswered]:
    """What became of each of a few messages that are sent at once, each on its own.

    They go over one connection, so the server takes them in this order. For a few this is much
    quicker than a batch, whose commit costs the server several milliseconds however small it is.
    """

    def one(answer: Answer) -> Ack | Refused | Unanswered:
        try:
            return _ack(_said(answer), stream)
        except (Refused, Unanswered) as fault:
            return fault

    try:
        return [one(a) for a in await answers_of(client).ask(client, messages, wait=wait)]
    except Unanswered as lost:
        return [lost for _ in messages]


async def store_batch(
    client: Client, stream: str, messages: Sequence[Message], *, wait: float
) -> list[Ack]:
    """The acks of two or more messages that are stored together, or none of them is."""
    batch = uuid.uuid4().hex
    last = len(messages)
    for start in range(0, last - 1, TOGETHER):
        part = enumerate(messages[start : min(start + TOGETHER, last - 1)], start=start + 1)
        await write(client, [Sending(each, _in_batch(batch, number)) for number, each in part])
        await asyncio.sleep(0)
    commit = {**_in_batch(batch, last), Header.BATCH_COMMIT.value: "1"}
    (given,) = await answers_of(client).ask(client, [messages[-1]], wait=wait, more=commit)
    answer = _said(given)
    seq = _sequence(answer, stream)
    if answer.get("batch") != batch or answer.get("count") != last:
        # A server that knows no batches stored each message on its own and acks the last.
        raise Refused("the server does not do atomic batches")
    return [Ack(seq - last + number, duplicate=False) for number in range(1, last + 1)]


def _in_batch(batch: str, number: int) -> dict[str, str]:
    return {Header.BATCH_ID.value: batch, Header.BATCH_SEQUENCE.value: str(number)}


def _said(answer: Answer) -> dict[str, Any]:
    """The stream's answer as JSON; raises why there is none."""
    if isinstance(answer, Unanswered):
        raise answer
    try:
        said = orjson.loads(answer)
    except ValueError as error:
        raise Refused("what answered is not a stream") from error
    if not isinstance(said, dict):
        raise Refused("what answered is not a stream")
    return said


def _ack(answer: Mapping[str, Any], stream: str) -> Ack:
    return Ack(_sequence(answer, stream), bool(answer.get("duplicate")))


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
