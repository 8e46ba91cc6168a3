"""Messages as they go over the connection, several at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import nats.errors
from nats.aio.client import Client

TOGETHER: Final = 64
"""Messages that are written to the connection at once."""
_PLAIN_SUBJECT: Final = re.compile(r"[A-Za-z0-9$_.-]+")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_HEADER_LINE: Final = len(b"NATS/1.0\r\n\r\n")


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


@dataclass(frozen=True, slots=True)
class Sending:
    """A message on its way: with more headers, and where the answer is to go."""

    message: Message
    more: Mapping[str, str]
    reply: str = ""


def header_size(headers: Mapping[str, str]) -> int:
    """Bytes the headers take on the wire."""
    lines = sum(len(key.encode()) + len(value.encode()) + 4 for key, value in headers.items())
    return _HEADER_LINE + lines


async def write(client: Client, sendings: Sequence[Sending]) -> None:
    """Writes these in this order, without waiting for an answer; raises `Unanswered`.

    As `Client.publish` would one by one, for less: each that has anything unusual goes through the
    client, the others are written in the same form (`HPUB <subject> [reply] <header bytes>
    <bytes>`).
    """
    pieces: list[bytes] = []
    try:
        for sending in sendings:
            piece = written(sending)
            if piece is not None and len(sending.message.data) <= client.max_payload:
                pieces.append(piece)
                continue
            await _put(client, pieces)
            message = sending.message
            headers = {**message.headers, **sending.more}
            await client.publish(message.subject, message.data, sending.reply, headers)
        await _put(client, pieces)
    except nats.errors.Error as error:
        raise Unanswered(f"NATS took no message: {error}") from error


async def _put(client: Client, pieces: list[bytes]) -> None:
    if not pieces:
        return
    if not client.is_connected or client.is_draining_pubs:
        raise Unanswered("the connection to NATS was lost")
    # there is no public way for many; what follows is the end of `Client.publish`
    await client._send_command(b"".join(pieces))  # noqa: SLF001
    if client._flush_queue is not None and client._flush_queue.empty():  # noqa: SLF001
        await client._flush_pending()  # noqa: SLF001
    pieces.clear()


def written(sending: Sending) -> bytes | None:
    """The message as it goes over the wire; None when the client had better look at it."""
    message = sending.message
    lines = "".join([f"{name}: {value}\r\n" for name, value in message.headers.items()])
    if (
        lines.count("\n") != len(message.headers)
        or lines.count("\r") != len(message.headers)
        or _PLAIN_SUBJECT.fullmatch(message.subject) is None
        or not all(map(_PLAIN_NAME.fullmatch, message.headers))
    ):
        return None
    own = "".join([f"{name}: {value}\r\n" for name, value in sending.more.items()])
    headers = f"NATS/1.0\r\n{lines}{own}\r\n".encode()
    size = len(headers)
    where = f"{message.subject} {sending.reply}" if sending.reply else message.subject
    command = f"HPUB {where} {size} {size + len(message.data)}\r\n".encode()
    return b"".join((command, headers, message.data, b"\r\n"))
