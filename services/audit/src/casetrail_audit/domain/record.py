"""A message made into the record that the log keeps of it.

A record is a plain document (docs/reference/log.md) and a pure function of the message, the log's
key and, for a duplicate, of the first copy: a rebuild from the stream gives the same records.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from casetrail_evidence import canonical, leaves
from casetrail_evidence.errors import (
    EvidenceError,
    NotCanonical,
    PrivateMalformed,
    SaltMalformed,
)

from casetrail_audit.domain import envelope as read
from casetrail_audit.domain.message import Message

Record = dict[str, Any]

NOT_CANONICAL: Final = "The message is not JSON with a canonical form."
NOT_AN_OBJECT: Final = "The message is JSON, but not an object."
PRIVATE_MALFORMED: Final = "The private part of the message is no object."
SALT_MALFORMED: Final = "The salt of the message is not 16 bytes or more in base64."
NOT_STORABLE: Final = "MongoDB cannot take the message as a document."
"""Why a message is poison, for people; the leaf holds the word of `POISON_WORDS`."""

POISON_WORDS: Final = {
    NOT_CANONICAL: "not-canonical-json",
    NOT_AN_OBJECT: "not-an-object",
    PRIVATE_MALFORMED: "private-malformed",
    SALT_MALFORMED: "salt-malformed",
    NOT_STORABLE: "not-storable",
}
"""Fixed words (docs/reference/leaf-format.md): what a library says of a message differs from
version to version and may name what the message holds."""

_EMPTY: Final[Record] = dict.fromkeys(
    [
        "subject_nats",
        "recorded_at",
        "workspace",
        "event_id",
        "type",
        "source",
        "occurred_at",
        "actor",
        "actor_ref",
        "on_behalf_of",
        "action",
        "target",
        "conversation_id",
        "case_id",
        "ticket_id",
        "sequence",
        "changes",
        "reason",
        "data",
        "correlation_id",
        "causation_id",
        "private",
        "of",
        "of_event_id",
        "differs",
        "problem",
        "leaf_input",
        "leaf",
    ]
)


_TEXTS: Final = (
    "source",
    "subject",
    "conversationid",
    "caseid",
    "ticketid",
    "correlationid",
    "causationid",
)
"""Attributes of the envelope that a record holds as they are."""


def record_of(
    message: Message,
    key: bytes,
    parsed: dict[str, Any] | None = None,
    encode: leaves.Encode = canonical.canonical_json,
) -> Record:
    """The `event` record of a message, or its `poison` record.

    `parsed` is what a quicker parser made of the message; where that has no canonical form the
    strict one has the last word, so the record is the same with or without it. `encode` gives the
    canonical JSON of what is parsed, by whatever way.
    """
    if parsed is not None:
        try:
            return _event(message, key, parsed, encode)
        except EvidenceError:
            return record_of(message, key)
    try:
        value = canonical.parse_json(message.data)
        if isinstance(value, dict):
            return _event(message, key, value)
        problem, detail = NOT_AN_OBJECT, ""
    except NotCanonical as fault:
        problem, detail = NOT_CANONICAL, str(fault)
    except SaltMalformed as fault:
        problem, detail = SALT_MALFORMED, str(fault)
    except EvidenceError as fault:
        problem, detail = PRIVATE_MALFORMED, str(fault)
    return poison(message, key, problem, detail or None)


def poison(message: Message, key: bytes, problem: str, detail: str | None = None) -> Record:
    """The record of a message that cannot be one of an event: its bytes, and why."""
    salt = leaves.derived_salt(key, message.log, message.seq)
    return _sealed(
        {
            **_placed("poison", message),
            "problem": problem,
            "workspace": read.workspace_of(None, message.subject),
            "private": _kept(message.data, salt, detail),
        },
        leaves.leaf_input(
            log=message.log,
            seq=message.seq,
            kind="poison",
            recorded_at=leaves.recorded_at_text(message.recorded_at),
            subject=message.subject,
            reason=POISON_WORDS[problem],
            bytes_commitment=leaves.commit_bytes(salt, message.data),
        ),
    )


def gap(log: str, seq: int, problem: str, noted_at: datetime) -> Record:
    """The record of a sequence that the stream no longer has."""
    return _sealed(
        {**_EMPTY, "_id": seq, "kind": "gap", "recorded_at": noted_at, "problem": problem},
        leaves.leaf_input(log=log, seq=seq, kind="gap", reason=problem),
    )


def problem_of(word: str | None) -> str:
    """The sentence for a poison's fixed word."""
    sentences = {known: sentence for sentence, known in POISON_WORDS.items()}
    return sentences.get(word or "", NOT_AN_OBJECT)


def provisional_duplicate(message: Message, key: bytes, of: int, event_id: str) -> Record:
    """The record of a copy before it is certain which copy is the first."""
    return {
        **_placed("duplicate", message),
        "of": of,
        "of_event_id": event_id,
        "provisional": True,
        "recorded_exact": leaves.recorded_at_text(message.recorded_at),
        "workspace": read.workspace_of(None, message.subject),
        "private": _kept(message.data, leaves.derived_salt(key, message.log, message.seq)),
    }


def message_of(log: str, provisional: Record) -> Message | None:
    """The message of a provisional record as it kept it; None when it did not."""
    kept: bytes | None = None
    if provisional.get("recorded_exact") is not None:
        kept = provisional["private"]["bytes"]
    if kept is None:
        return None
    return Message(
        log=log,
        seq=provisional["_id"],
        subject=provisional["subject_nats"],
        data=kept,
        msg_id=provisional["of_event_id"],
        recorded_at=datetime.fromisoformat(provisional["recorded_exact"]),
    )


def duplicate(message: Message, key: bytes, first: Mapping[str, Any]) -> Record:
    """The final record of a later copy of the event of `first`, an event record below it."""
    salt = leaves.derived_salt(key, message.log, message.seq)
    parsed = canonical.parse_json(message.data)
    differs = differences(canonical.parse_json(first["leaf_input"])["event"], parsed)
    return _sealed(
        {
            **_placed("duplicate", message),
            "of": first["_id"],
            "of_event_id": first["event_id"],
            "differs": differs,
            "workspace": read.workspace_of(parsed, message.subject),
            "private": _kept(message.data, salt),
        },
        leaves.leaf_input(
            log=message.log,
            seq=message.seq,
            kind="duplicate",
            recorded_at=leaves.recorded_at_text(message.recorded_at),
            subject=message.subject,
            of=first["_id"],
            reason=f"differs in {', '.join(differs)}" if differs else None,
            bytes_commitment=leaves.commit_bytes(salt, message.data),
        ),
    )


def erased_duplicate(log: str, provisional: Record, first: Mapping[str, Any]) -> Record:
    """The final record of a copy whose message is gone from the stream and was not kept."""
    leaf_input: str | None = provisional["leaf_input"]
    known: dict[str, Any] = {} if leaf_input is None else canonical.parse_json(leaf_input)
    return _sealed(
        {
            **_EMPTY,
            "_id": provisional["_id"],
            "kind": "duplicate",
            "subject_nats": provisional["subject_nats"],
            "recorded_at": provisional["recorded_at"],
            "of": first["_id"],
            "of_event_id": first["event_id"],
            "workspace": provisional["workspace"],
        },
        leaves.leaf_input(
            log=log,
            seq=provisional["_id"],
            kind="duplicate",
            recorded_at=known.get("recorded_at") or provisional["recorded_exact"],
            subject=provisional["subject_nats"],
            of=first["_id"],
            reason="the message is gone from the stream",
        ),
    )


def differences(first: Mapping[str, Any], copy: Mapping[str, Any]) -> list[str]:
    """The public top-level attributes in which a copy differs from the first, sorted.

    `private` does not count (each copy may have its own salt), nor does when and in which webhook
    the same thing was received.
    """
    names = {*first, *copy} - {"private"}
    return sorted(n for n in names if _comparable(first, n) != _comparable(copy, n))


def event_id_of(envelope: Mapping[str, Any], message: Message) -> str:
    """The id by which copies of an event are known."""
    return read.text(envelope, "id") or message.msg_id or f"{message.log}:{message.seq}"


def _comparable(envelope: Mapping[str, Any], name: str) -> Any:
    value = envelope.get(name)
    data = envelope.get("data")
    if name == "time" and isinstance(data, dict) and data.get("time_source") == "received":
        return None
    if name == "data" and isinstance(value, dict):
        return {k: v for k, v in value.items() if k not in {"origin", "received_at"}}
    return value


def _event(
    message: Message,
    key: bytes,
    parsed: dict[str, Any],
    encode: leaves.Encode = canonical.canonical_json,
) -> Record:
    given = parsed.get("private")
    private = _salted(given, message, key)
    public = leaves.public_event(
        parsed if private is given else {**parsed, "private": private}, encode=encode
    )
    leaf_input = leaves.event_leaf_input(
        log=message.log,
        seq=message.seq,
        recorded_at=message.recorded_at,
        subject=message.subject,
        event=public,
        encode=encode,
    )
    type_ = read.type_of(parsed, message.subject)
    data = read.data_of(parsed)
    actor, behalf, changes = data.get("actor"), data.get("on_behalf_of"), data.get("changes")
    action = read.action_of(type_)
    source, target, conversation, case, ticket, correlation, causation = read.texts(parsed, _TEXTS)
    record = {
        "_id": message.seq,
        "kind": "event",
        "subject_nats": message.subject,
        "recorded_at": message.recorded_at,
        "workspace": read.workspace_of(parsed, message.subject),
        "event_id": event_id_of(parsed, message),
        "type": type_,
        "source": source,
        "occurred_at": read.time_of(parsed.get("time")),
        "actor": actor if isinstance(actor, dict) else None,
        "actor_ref": read.actor_ref(actor),
        "on_behalf_of": behalf if isinstance(behalf, dict) else None,
        "action": action,
        "target": target,
        "conversation_id": conversation,
        "case_id": case,
        "ticket_id": ticket,
        "sequence": read.version_of(parsed),
        "changes": changes if isinstance(changes, list) else None,
        "reason": read.text(data, "reason"),
        "data": data,
        "correlation_id": correlation,
        "causation_id": causation,
        "private": private,
        "of": None,
        "of_event_id": None,
        "differs": None,
        "problem": None,
        "leaf_input": leaf_input,
        "leaf": leaves.leaf_hash(leaf_input),
    }
    if read.is_look(action):
        record["look"] = True
    return record


def _salted(private: Any, message: Message, key: bytes) -> dict[str, Any] | None:
    """The private values with a salt: their own, or the one derived for their place."""
    if private is None:
        return None
    if not isinstance(private, dict):
        raise PrivateMalformed("`private` is not an object.")
    if private.get(leaves.SALT_KEY) is not None or not (private.keys() - {leaves.SALT_KEY}):
        return private
    salt = leaves.derived_salt(key, message.log, message.seq)
    return {**private, leaves.SALT_KEY: base64.b64encode(salt).decode()}


def _placed(kind: str, message: Message) -> Record:
    return {
        **_EMPTY,
        "_id": message.seq,
        "kind": kind,
        "subject_nats": message.subject,
        "recorded_at": message.recorded_at,
    }


def _kept(data: bytes, salt: bytes, detail: str | None = None) -> dict[str, Any]:
    return {"bytes": data, leaves.SALT_KEY: base64.b64encode(salt).decode(), "detail": detail}


def _sealed(record: Record, leaf_input: str) -> Record:
    return {**record, "leaf_input": leaf_input, "leaf": leaves.leaf_hash(leaf_input)}
