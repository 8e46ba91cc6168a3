"""Derived identifiers: the same cause gives the same id on every machine and in every retry.

Nothing here is random, so delivering a webhook, an event or a command twice cannot make two things
of it. Identifiers of customers and messages are keyed (HMAC), so that they can stand in public
fields: WhatsApp's own message id encodes the sender's phone number.
"""

import hashlib
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

NAMESPACE: Final = uuid.UUID("6c0a1f5e-3f0e-5d0b-9a53-0c1d3b8f7a11")
"""UUID namespace of every derived id. Never changes: stored ids depend on it."""

_IN_NAMESPACE: Final = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
_SEPARATOR: Final = "\x1f"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS: Final = [one + other for one in _ALPHABET for other in _ALPHABET]
_PLACES: Final = tuple(range(120, -1, -10))
_BLOCK: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_VERSION_5: Final = 5 << 76 | 2 << 62
_NO_VERSION: Final = ~(15 << 76 | 3 << 62)


def derive_id(*parts: str | int) -> str:
    """A UUIDv5 (RFC 9562) text that is the same whenever the parts are the same, in order.

    Parts are joined by the ASCII unit separator, with that character doubled inside a part, so
    `("a", "bc")` and `("ab", "c")` differ.
    """
    name = _joined([str(part) for part in parts])
    # What uuid.uuid5 gives, without the objects it makes on the way: this runs for every event.
    named = _IN_NAMESPACE.copy()
    named.update(name.encode())
    number = int.from_bytes(named.digest()[:16], "big") & _NO_VERSION | _VERSION_5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=10_000)  # a customer writes more than once, and a batch is of few customers
def conversation_id(workspace_key: bytes, phone_number_id: str, customer: str) -> str:
    """The public id of one customer's conversation with one business number: `cv_` + 26 characters.

    Args:
        workspace_key: the secret of the workspace; another key gives unrelated ids.
        phone_number_id: WhatsApp's id of the business number.
        customer: the business-scoped user id when WhatsApp sent one, else the `wa_id` verbatim.
    """
    return "cv_" + _keyed(workspace_key, "conversation", phone_number_id, customer)


def message_id(workspace_key: bytes, phone_number_id: str, wamid: str) -> str:
    """The public id of one WhatsApp message: `ms_` + 26 characters."""
    return "ms_" + _keyed(workspace_key, "message", phone_number_id, wamid)


def call_id(workspace_key: bytes, phone_number_id: str, wacid: str) -> str:
    """The public id of one WhatsApp call: `cl_` + 26 characters."""
    return "cl_" + _keyed(workspace_key, "call", phone_number_id, wacid)


def alias_id(workspace_key: bytes, workspace: str, kind: str, value: str) -> str:
    """What a customer is looked up by, their number standing nowhere: `al_` + 26 characters.

    Args:
        workspace_key: the secret of the workspace.
        workspace: its name: the same number in two workspaces has nothing in common.
        kind: `phone`, `user_id` or `username`.
        value: the number as digits, or the id or name as it is.
    """
    return "al_" + _keyed(workspace_key, "alias", workspace, kind, value)


def mac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of a content under a key that is used again and again.

    What `hmac.digest` gives, which looks its hash up and begins with the key each time: that takes
    three times as long for a content as short as a name.
    """
    begun = _begun(key)
    inner, outer = begun[0].copy(), begun[1].copy()
    inner.update(content)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=64)
def _begun(key: bytes) -> "tuple[hashlib._Hash, hashlib._Hash]":
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\x00")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def _keyed(key: bytes, *parts: str) -> str:
    if not key:
        raise ValueError("the workspace key is empty: ids made without a key could be guessed")
    digest = mac(key, _joined(parts).encode("utf-8", "surrogatepass"))[:16]
    # Base 32 (RFC 4648) without padding, two characters at a time: 128 bits and two of filling.
    number = int.from_bytes(digest, "big") << 2
    return "".join([_PAIRS[number >> at & 1023] for at in _PLACES])


def _joined(parts: Sequence[str]) -> str:
    joined = _SEPARATOR.join(parts)
    if joined.count(_SEPARATOR) == len(parts) - 1:
        return joined
    return _SEPARATOR.join(part.replace(_SEPARATOR, _SEPARATOR * 2) for part in parts)
