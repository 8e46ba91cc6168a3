"""Leaves: what of a record is hashed into the log, and how private fields are committed to.

A leaf is public for ever. It therefore holds the event with every private field replaced by a
salted commitment: whoever is given a value and the salt of that one field can check it, and once
value and salt are erased nobody can guess it, while the leaf, the root and every proof stay valid.
The format is described, with a worked example, in docs/reference/leaf-format.md.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NewType, get_args

from casetrail_evidence.canonical import canonical_json
from casetrail_evidence.errors import (
    CommitmentMismatch,
    LeafMalformed,
    LeafMismatch,
    PrivateMalformed,
    SaltMalformed,
    SaltMissing,
)

Encode = Callable[[Any], bytes]
"""`canonical_json`, or what gives the same bytes for the values at hand more quickly."""

LEAF_VERSION = 1
SALT_KEY = "salt"
MIN_SALT_BYTES = 16

LeafKind = Literal["event", "duplicate", "gap", "poison"]
_KINDS = frozenset(get_args(LeafKind))
_REASONED = frozenset({"gap", "poison"})
PublicEvent = NewType("PublicEvent", dict[str, Any])
"""An envelope whose `private` holds commitments; made by `public_event` only."""

_FIELD_TAG = b"casetrail private field v1\x00"
_BYTES_TAG = b"casetrail bytes v1\x00"
_BYTES_NAME = b"\xffbytes"  # 0xff is in no UTF-8 text, so no field can have this name
_DERIVED_TAG = b"casetrail derived salt v1\x00"
_BLOCK = 64
_FRESH = hashlib.sha256()
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_HEX_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


# ---- commitments


def commitments(private: Mapping[str, Any], encode: Encode = canonical_json) -> dict[str, str]:
    """The hex commitment of every private field, by name; the salt itself is left out.

    Raises `SaltMissing` when there are fields but no `salt`, `SaltMalformed` when the salt is not
    base64 of at least 16 bytes, `NotCanonical` when a value has no canonical form.
    """
    names = [name for name in private if name != SALT_KEY]
    if not names:
        return {}
    keyed = _keyed(event_salt(private))
    return {name: commit(_hmac(keyed, _utf8(name)), name, private[name], encode) for name in names}


def event_salt(private: Mapping[str, Any]) -> bytes:
    """The bytes of `private["salt"]` (base64); raises `SaltMissing` or `SaltMalformed`."""
    text = private.get(SALT_KEY)
    if text is None:
        raise SaltMissing("The private fields came without a salt.")
    if not isinstance(text, str):
        raise SaltMalformed("The salt is not text.")
    try:
        salt = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SaltMalformed("The salt is not base64.") from error
    if len(salt) < MIN_SALT_BYTES:
        raise SaltMalformed(f"The salt has {len(salt)} bytes; at least {MIN_SALT_BYTES} are needed")
    return salt


def field_salt(salt: bytes, name: str) -> bytes:
    """The salt of one field: HMAC-SHA256 keyed by the event's salt, over the field's UTF-8 name.

    Handing it out with the field's value tells nothing about any other field.
    """
    return _hmac(_keyed(salt), _utf8(name))


def field_salts(private: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, str]:
    """The hex salts of the fields named, by name (default: of all fields).

    They are disclosed beside values; and they are what is kept of the other fields when the
    event's salt goes in the erasure of one field: then they stand in its place (`without`).
    """
    chosen = [name for name in private if name != SALT_KEY] if names is None else names
    kept = private.get(SALT_KEY)
    if isinstance(kept, Mapping):
        return {name: kept[name] for name in chosen}
    keyed = _keyed(event_salt(private))
    return {name: _hmac(keyed, _utf8(name)).hex() for name in chosen}


def commit(salt_of_field: bytes, name: str, value: Any, encode: Encode = canonical_json) -> str:
    """The hex commitment: SHA-256(tag ‖ field salt ‖ length of name ‖ name ‖ canonical value).

    The length is four bytes, big endian, and counts the bytes of the UTF-8 name.
    """
    encoded = _utf8(name)
    length = len(encoded).to_bytes(4, "big")
    parts = (_FIELD_TAG, salt_of_field, length, encoded, encode(value))
    return _sha256(b"".join(parts)).hexdigest()


def verify_commitment(commitment: str, salt_of_field: bytes, name: str, value: Any) -> None:
    """Nothing when `value` is what was committed to, else `CommitmentMismatch`."""
    if not hmac.compare_digest(commit(salt_of_field, name, value), commitment):
        raise CommitmentMismatch(f"The value shown for {name!r} is not the one that was logged.")


def commit_bytes(salt: bytes, data: bytes) -> str:
    """The hex commitment to the raw bytes of a message: for `poison` and `duplicate` leaves."""
    return hashlib.sha256(_BYTES_TAG + hmac.digest(salt, _BYTES_NAME, "sha256") + data).hexdigest()


def verify_bytes(commitment: str, salt: bytes, data: bytes) -> None:
    """Nothing when `data` is what was committed to, else `CommitmentMismatch`."""
    if not hmac.compare_digest(commit_bytes(salt, data), commitment):
        raise CommitmentMismatch("The bytes shown for the message are not the ones that came.")


def derived_salt(key: bytes, log: str, seq: int) -> bytes:
    """The salt for a message that brought none: HMAC-SHA256 over the log and the sequence.

    It depends on nothing but the log's own key and the place, so a rebuild finds it again.
    """
    return hmac.digest(key, _DERIVED_TAG + _utf8(log) + b"\x00" + str(seq).encode(), "sha256")


# ---- the leaf


def public_event(
    envelope: Mapping[str, Any],
    fallback_salt: bytes | None = None,
    encode: Encode = canonical_json,
) -> PublicEvent:
    """The envelope with `private` replaced by its commitments: what of an event is hashed.

    `private` absent or null stays as it is. Without a salt in it `fallback_salt` is used if given
    (see `derived_salt`), else `SaltMissing` is raised.
    """
    private = envelope.get("private")
    if private is None:
        return PublicEvent({**envelope})
    if not isinstance(private, dict | Mapping):  # dict first: an abstract class is slow to ask
        raise PrivateMalformed("The event's `private` is not an object.")
    if fallback_salt is not None and private.get(SALT_KEY) is None:
        private = {**private, SALT_KEY: base64.b64encode(fallback_salt).decode()}
    return PublicEvent({**envelope, "private": commitments(private, encode)})


def leaf_input(
    *,
    log: str,
    seq: int,
    kind: LeafKind,
    recorded_at: str | None = None,
    subject: str | None = None,
    event: PublicEvent | None = None,
    of: int | None = None,
    reason: str | None = None,
    bytes_commitment: str | None = None,
    encode: Encode = canonical_json,
) -> str:
    """The canonical JSON text whose RFC 6962 leaf hash is the record's place in the tree.

    Always the same ten members, null where a kind has none: `event` needs an event; `duplicate`
    needs `of` (the sequence of the first copy); `poison` needs a reason and `bytes_commitment`;
    `gap` needs a reason, and alone may lack `subject` and `recorded_at`, since nothing is left that
    could tell them. Raises `LeafMalformed`, `PrivateMalformed` or `NotCanonical`.
    """
    sourced = kind != "gap"
    for holds, rule in (
        (kind in _KINDS, "there is no such kind"),
        (isinstance(seq, int) and seq >= 1, "seq is a stream sequence from 1"),
        (log != "", "log names a stream"),
        ((event is not None) == (kind == "event"), "an event leaf, and no other, has an event"),
        ((of is not None) == (kind == "duplicate"), "a duplicate leaf, and no other, has of"),
        (of is None or 1 <= of < seq, "of is an earlier sequence"),
        (bool(reason) or kind not in _REASONED, "a gap or poison leaf has a reason"),
        (bytes_commitment is not None or kind != "poison", "a poison leaf has bytes"),
        (bytes_commitment is None or sourced, "a gap leaf has no bytes"),
        (bool(subject) or not sourced, "all but a gap leaf have a subject"),
        (recorded_at is not None or not sourced, "all but a gap leaf have recorded_at"),
        (
            recorded_at is None or _TIMESTAMP.fullmatch(recorded_at) is not None,
            "recorded_at is a UTC time like 2026-11-22T10:14:03.120000Z",
        ),
        (
            bytes_commitment is None or _HEX_DIGEST.fullmatch(bytes_commitment) is not None,
            "bytes is a hex SHA-256",
        ),
    ):
        if not holds:
            raise LeafMalformed(f"Leaf {seq!r} of kind {kind!r}: {rule}.")
    if event is not None:
        _require_commitments(event.get("private"))
    leaf = {
        "v": LEAF_VERSION,
        "log": log,
        "seq": seq,
        "recorded_at": recorded_at,
        "subject": subject,
        "kind": kind,
        "event": event,
        "of": of,
        "reason": reason,
        "bytes": bytes_commitment,
    }
    return encode(leaf).decode()


def event_leaf_input(
    *,
    log: str,
    seq: int,
    recorded_at: datetime,
    subject: str,
    event: PublicEvent,
    encode: Encode = canonical_json,
) -> str:
    """`leaf_input` of an event whose parts are typed already: without checking each again.

    `event` must come from `public_event`, which puts nothing but commitments into `private`.
    """
    if seq < 1 or not log or not subject:
        raise LeafMalformed(f"Leaf {seq!r} of kind 'event': log, seq and subject are needed.")
    leaf = {
        "v": LEAF_VERSION,
        "log": log,
        "seq": seq,
        "recorded_at": recorded_at_text(recorded_at),
        "subject": subject,
        "kind": "event",
        "event": event,
        "of": None,
        "reason": None,
        "bytes": None,
    }
    return encode(leaf).decode()


def leaf_hash(data: bytes | str) -> bytes:
    """The 32-byte RFC 6962 §2.1 leaf hash: SHA-256(0x00 ‖ data); text is taken as UTF-8."""
    return _sha256(b"\x00" + (data.encode() if isinstance(data, str) else data)).digest()


def verify_leaf(data: bytes | str, leaf: bytes) -> None:
    """Nothing when `data` hashes to the leaf that is in the log, else `LeafMismatch`."""
    if not hmac.compare_digest(leaf_hash(data), leaf):
        raise LeafMismatch("The record does not hash to its leaf: it is not what was logged.")


def recorded_at_text(moment: datetime) -> str:
    """The one spelling of a time in a leaf: UTC, six digits of a second, `Z`."""
    if moment.tzinfo is None:
        raise LeafMalformed("A time in a leaf needs its time zone.")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds')[:-6]}Z"


def _require_commitments(private: Any) -> None:
    if private is None:
        return
    if not isinstance(private, Mapping) or SALT_KEY in private:
        raise PrivateMalformed("A leaf holds commitments, never private values.")
    for name, value in private.items():
        if not isinstance(value, str) or _HEX_DIGEST.fullmatch(value) is None:
            raise PrivateMalformed(f"The private field {name!r} is not replaced by a commitment.")


def _sha256(message: bytes) -> "hashlib._Hash":
    """The hash of a message; a copy of a fresh one, because making one costs more than using it."""
    made = _FRESH.copy()
    made.update(message)
    return made


def _keyed(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """The two hashes of HMAC-SHA256 (RFC 2104) that a key begins, for many messages under it."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(_BLOCK, b"\x00")
    return _sha256(key.translate(_INNER)), _sha256(key.translate(_OUTER))


def _hmac(keyed: "tuple[hashlib._Hash, hashlib._Hash]", message: bytes) -> bytes:
    """HMAC-SHA256 under a key that was made ready.

    For messages as short as names it takes a third of what `hmac.digest` takes; the tests hold
    both together.
    """
    inner, outer = keyed[0].copy(), keyed[1].copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise PrivateMalformed("A field name holds a lone surrogate.") from error
