"""Messages that were set aside: seen, and sent again as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from casetrail_contracts.subjects import DEAD, DEAD_SUBJECTS, SUPPORT
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

HOP_HEADER: Final = "Casetrail-Replay-Hop"
MAX_HOPS: Final = 5
"""A message that was set aside this often is not sent again: repeating does not heal it."""

_ADDED: Final = frozenset(
    {
        *("reason", "stream", "stream_sequence", "num_delivered"),
        *("original_subject", "recorded_at", "bytes_omitted"),
    }
)


@dataclass(frozen=True)
class DeadLetter:
    """One message of the DEAD stream."""

    seq: int
    subject: str
    headers: dict[str, str]
    data: bytes

    @property
    def reason(self) -> str:
        """Why it was set aside."""
        return self.headers.get("reason", "")

    @property
    def origin(self) -> str:
        """Stream and sequence it came from."""
        return f"{self.headers.get('stream', '?')} {self.headers.get('stream_sequence', '?')}"

    @property
    def hops(self) -> int:
        """How often it was sent again already."""
        value = self.headers.get(HOP_HEADER, "0")
        return int(value) if value.isdigit() else MAX_HOPS


async def letters(stream: JetStreamContext, first: int, limit: int) -> list[DeadLetter]:
    """Up to `limit` dead letters from sequence `first` on."""
    found: list[DeadLetter] = []
    seq = first
    while len(found) < limit:
        try:
            raw = await stream.get_msg(DEAD, seq=seq, subject=DEAD_SUBJECTS, next=True)
        except NotFoundError:
            break
        at = raw.seq or seq
        found.append(DeadLetter(at, raw.subject or "", dict(raw.headers or {}), raw.data or b""))
        seq = at + 1
    return found


async def replay(stream: JetStreamContext, letter: DeadLetter) -> str:
    """What became of one letter, sent again to the subject it first had, byte for byte.

    The log keeps the copy as a duplicate record; the handler that failed gets another chance. The
    message id is the letter's own, so that replaying twice at once sends one copy.
    """
    subject = letter.headers.get("original_subject")
    source = letter.headers.get("stream")
    if subject is None or source is None:
        return "not sent: it does not say where it came from"
    if source != SUPPORT:
        return f"not sent: what stands on {source} stands there once (a webhook: `webhooks resend`)"
    if letter.hops >= MAX_HOPS:
        return f"not sent: it came back {letter.hops} times already"
    data = letter.data
    if "bytes_omitted" in letter.headers:
        try:
            raw = await stream.get_msg(source, seq=int(letter.headers["stream_sequence"]))
        except NotFoundError:
            return "not sent: its bytes were left in the stream, which no longer has them"
        data = raw.data or b""
    headers = {
        key: value
        for key, value in letter.headers.items()
        if key not in _ADDED and not key.lower().startswith(("nats-", "original-"))
    }
    hop = letter.hops + 1
    headers |= {HOP_HEADER: str(hop), "Nats-Msg-Id": f"replay:{letter.seq}:{hop}"}
    ack = await stream.publish(subject, data, stream=source, headers=headers)
    return "sent already" if ack.duplicate else f"sent: {ack.stream} {ack.seq}"
