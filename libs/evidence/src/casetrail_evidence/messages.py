"""From the bytes of a stream message to its leaf: the one place that decides event or poison.

The decision uses the bytes alone, never a model of an event: models become stricter or looser with
versions, and a rebuild years later must still find the same leaves. For the same reason a reason
that is hashed is a short fixed word and never the text of an error.
"""

from dataclasses import dataclass
from typing import Any, Literal

from casetrail_evidence.canonical import parse_json
from casetrail_evidence.errors import NotCanonical, PrivateMalformed, SaltMalformed
from casetrail_evidence.leaves import (
    LeafKind,
    PublicEvent,
    commit_bytes,
    leaf_hash,
    leaf_input,
    public_event,
)

PoisonReason = Literal[
    "not-canonical-json", "not-an-object", "private-malformed", "salt-malformed", "not-storable"
]
"""`not-storable` is the recorder's own: its database cannot take the event as a document."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was read: an event with its public part, or the reason it is poison.

    `fault` says in a sentence what was found, for people and logs; it is not hashed.
    """

    data: bytes
    fallback_salt: bytes
    envelope: dict[str, Any] | None = None
    public: PublicEvent | None = None
    poison: PoisonReason | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is put into the tree for one stream sequence."""

    seq: int
    kind: LeafKind
    text: str
    hash: bytes


def read_message(data: bytes, fallback_salt: bytes) -> Message:
    """The message of these bytes; never raises, since whatever was published gets a record.

    `fallback_salt` (see `derived_salt`) is used when the message brings no salt of its own.
    """
    try:
        envelope = parse_json(data)
    except NotCanonical as fault:
        return Message(data, fallback_salt, poison="not-canonical-json", fault=str(fault))
    if not isinstance(envelope, dict):
        fault_text = f"The message is a JSON {type(envelope).__name__}, not an object."
        return Message(data, fallback_salt, poison="not-an-object", fault=fault_text)
    try:
        public = public_event(envelope, fallback_salt)
    except PrivateMalformed as fault:
        return Message(data, fallback_salt, poison="private-malformed", fault=str(fault))
    except SaltMalformed as fault:
        return Message(data, fallback_salt, poison="salt-malformed", fault=str(fault))
    return Message(data, fallback_salt, envelope, public)


def message_leaf(
    message: Message,
    *,
    log: str,
    seq: int,
    recorded_at: str,
    subject: str,
    duplicate_of: int | None = None,
    differs: str | None = None,
) -> Leaf:
    """The leaf of a message that the stream has: `event`, `poison`, or `duplicate`.

    It is a duplicate when `duplicate_of`, the sequence of the first message with its event id, is
    given; then and for poison the leaf holds a commitment to the bytes instead of the event.
    `differs` is a duplicate's reason: which public attributes are not those of the first.
    """
    kind: LeafKind = "event"
    if duplicate_of is not None:
        kind = "duplicate"
    elif message.public is None:
        kind = "poison"
    text = leaf_input(
        log=log,
        seq=seq,
        kind=kind,
        recorded_at=recorded_at,
        subject=subject,
        event=message.public if kind == "event" else None,
        of=duplicate_of,
        reason={"poison": message.poison, "duplicate": differs}.get(kind),
        bytes_commitment=None
        if kind == "event"
        else commit_bytes(message.fallback_salt, message.data),
    )
    return Leaf(seq, kind, text, leaf_hash(text))


def gap_leaf(*, log: str, seq: int, reason: str) -> Leaf:
    """The leaf of a sequence that the stream no longer has; `reason` is a short fixed word."""
    text = leaf_input(log=log, seq=seq, kind="gap", reason=reason)
    return Leaf(seq, "gap", text, leaf_hash(text))
