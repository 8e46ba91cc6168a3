"""Derived ids, held against the standard library."""

import base64
import hmac
import uuid

import pytest
from casetrail_contracts.ids import NAMESPACE, conversation_id, derive_id, mac, message_id
from hypothesis import given
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(st.lists(TEXTS.filter(lambda text: "\x1f" not in text), min_size=1, max_size=5))
def test_a_derived_id_is_a_uuid5(parts: list[str]) -> None:
    """RFC 9562, version 5, over the parts joined by the unit separator."""
    assert derive_id(*parts) == str(uuid.uuid5(NAMESPACE, "\x1f".join(parts)))


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_a_mac_is_the_hmac_of_the_standard_library(key: bytes, content: bytes) -> None:
    """RFC 2104 with SHA-256, for keys of any length, and the same when it is asked again."""
    expected = hmac.digest(key, content, "sha256")
    assert mac(key, content) == expected
    assert mac(key, content + b"x") != expected
    assert mac(key, content) == expected


@given(st.binary(min_size=1, max_size=80), TEXTS, TEXTS)
def test_a_keyed_id_is_half_of_a_mac_in_base_32(key: bytes, number: str, customer: str) -> None:
    """26 characters of RFC 4648 without filling: 128 bits that nobody guesses without the key."""
    for kind, made in (("conversation", conversation_id), ("message", message_id)):
        parts = (part.replace("\x1f", "\x1f\x1f") for part in (kind, number, customer))
        digest = hmac.digest(key, "\x1f".join(parts).encode(), "sha256")[:16]
        written = base64.b32encode(digest).decode().rstrip("=").lower()
        assert made(key, number, customer).partition("_")[2] == written


def test_an_empty_key_makes_no_id() -> None:
    """Such ids could be guessed from a list of numbers."""
    with pytest.raises(ValueError, match="workspace key is empty"):
        message_id(b"", "1", "2")
