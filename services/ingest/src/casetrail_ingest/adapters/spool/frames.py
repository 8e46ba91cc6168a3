"""How a message is written to disk, and read again from a file that may be damaged.

A frame is `CTS1`, the length and the CRC-32 of its payload (both 32 bits, big endian), and the
payload: subject, a line feed, id, a line feed, the event's bytes. A reader that meets a damaged
frame goes on at the next whole one, so that damage costs what it hit and nothing else.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from casetrail_ingest.domain.outgoing import Outgoing

MAGIC: Final = b"CTS1"
_HEAD: Final = struct.Struct("!4sII")


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: what it holds, and where it ends in its file."""

    message: Outgoing
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no frame; `torn` when the file ends inside of what began like one."""

    start: int
    end: int
    torn: bool


def framed(message: Outgoing) -> bytes:
    """The frame of a message."""
    payload = b"\n".join((message.subject.encode(), message.id.encode(), message.data))
    return _HEAD.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def scan(data: bytes, start: int = 0) -> Iterator[Frame | Damage]:
    """The frames from a place of a file on, and what is damaged between and after them."""
    at = start
    while at < len(data):
        frame = _frame_at(data, at)
        if frame is not None:
            yield frame
            at = frame.end
            continue
        after = _next_whole(data, at + 1)
        end = len(data) if after is None else after
        yield Damage(at, end, torn=after is None and _is_torn(data, at))
        at = end


def _frame_at(data: bytes, at: int) -> Frame | None:
    if at + _HEAD.size > len(data):
        return None
    magic, length, checksum = _HEAD.unpack_from(data, at)
    begin = at + _HEAD.size
    end = begin + length
    if magic != MAGIC or end > len(data):
        return None
    payload = data[begin:end]
    if zlib.crc32(payload) != checksum:
        return None
    try:
        subject, identity, body = payload.split(b"\n", 2)
        return Frame(Outgoing(subject.decode(), identity.decode(), body), at, end)
    except ValueError:  # a right checksum over something we never wrote
        return None


def _next_whole(data: bytes, at: int) -> int | None:
    """Where the next whole frame begins: the magic alone may be part of a message's text."""
    while (found := data.find(MAGIC, at)) != -1:
        if _frame_at(data, found) is not None:
            return found
        at = found + 1
    return None


def _is_torn(data: bytes, at: int) -> bool:
    """Whether the file ends before the frame that begins here is complete."""
    if at + _HEAD.size > len(data):
        return MAGIC.startswith(data[at : at + len(MAGIC)])
    magic, length, _ = _HEAD.unpack_from(data, at)
    return bool(magic == MAGIC and at + _HEAD.size + length > len(data))
