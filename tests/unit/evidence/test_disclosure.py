"""Disclosure: present, withheld and false are told apart."""

import base64

import pytest
from casetrail_evidence.disclosure import Disclosed, disclose, open_field, open_fields, without
from casetrail_evidence.errors import CommitmentMismatch, Malformed, Withheld
from casetrail_evidence.leaves import commitments

PRIVATE = {
    "salt": base64.b64encode(bytes(range(32))).decode(),
    "text": "where is my parcel",
    "phone": "+923001234567",
    "name": None,
}
COMMITTED = commitments(PRIVATE)


def test_what_is_disclosed_opens_and_the_rest_is_withheld() -> None:
    """One field can be shown without the others; a null value is a value."""
    shown = disclose(PRIVATE, "text", "name")
    assert open_fields(COMMITTED, shown) == (
        {"text": "where is my parcel", "name": None},
        ["phone"],
    )
    with pytest.raises(Withheld, match="phone"):
        open_field(COMMITTED, shown, "phone")


def test_a_disclosure_opens_no_other_field() -> None:
    """INVARIANT I8: neither the event's salt nor another field's is in a disclosure."""
    shown = disclose(PRIVATE, "text")
    everything = disclose(PRIVATE, "text", "phone")
    assert shown["text"].salt not in (PRIVATE["salt"], everything["phone"].salt)
    with pytest.raises(CommitmentMismatch):
        open_field(COMMITTED, {"phone": Disclosed(PRIVATE["phone"], shown["text"].salt)}, "phone")


def test_false_values_and_fields_are_caught() -> None:
    """INVARIANT I7: another value, or a field the record never had, is a mismatch."""
    shown = disclose(PRIVATE, "text")
    with pytest.raises(CommitmentMismatch, match="text"):
        open_field(COMMITTED, {"text": Disclosed("all fine", shown["text"].salt)}, "text")
    with pytest.raises(CommitmentMismatch, match="no private field"):
        open_fields(COMMITTED, {"extra": shown["text"]})
    with pytest.raises(CommitmentMismatch, match="no private field"):
        open_field({}, {}, "text")


def test_what_is_left_after_an_erasure_opens_as_before_and_nothing_else_does() -> None:
    """INVARIANT I8: the event's salt goes with a field; those left keep their own, again too."""
    left = without(PRIVATE, ["phone"])
    assert left is not None
    assert str(PRIVATE["salt"]) not in str(left)
    assert disclose(left, "text", "name") == disclose(PRIVATE, "text", "name")
    less = without(left, ["name"])
    assert less is not None
    assert disclose(less, "text") == disclose(PRIVATE, "text")
    assert set(less) == {"text", "salt"}
    assert without(less, ["text"]) is None
    with pytest.raises(KeyError):
        disclose(less, "phone")


@pytest.mark.parametrize("salt", ["zz", "ab", ""])
def test_a_salt_that_is_none_is_malformed(salt: str) -> None:
    """A field salt is 32 bytes of hex."""
    with pytest.raises(Malformed):
        open_field(COMMITTED, {"text": Disclosed("x", salt)}, "text")
