"""What is shown of personal values."""

import pytest
from casetrail_gateway.domain.masking import masked_name, masked_phone, masked_private
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("923001114291", "····4291"),
        ("+92 300 111-4291", "····4291"),
        ("1234567", "····"),
        ("", "····"),
    ],
)
def test_a_phone_shows_its_last_four_digits(phone: str, shown: str) -> None:
    """And a short one nothing, since four digits would be most of it."""
    assert masked_phone(phone) == shown


def test_a_name_shows_its_first_letter() -> None:
    """And a name of one letter nothing."""
    assert masked_name(" Sana ") == "S····"
    assert masked_name("S") == "····"


@given(
    st.dictionaries(
        st.sampled_from(
            ["raw", "body", "wamid", "bytes", "detail", "query", "new", "phone", "name", "salt"]
        ),
        st.text(min_size=5) | st.binary(min_size=5) | st.lists(st.text(min_size=5), min_size=1),
    )
)
def test_nothing_unknown_is_shown(private: dict[str, object]) -> None:
    """A field nobody thought of is hidden, whatever its type; the salt is not even named."""
    shown = masked_private(private, reads_text=True)
    assert "salt" not in shown
    for key, value in shown.items():
        assert value == "····" or (key == "phone" and len(value) == 8) or key == "name"
        assert value != private[key]


def test_text_is_for_people() -> None:
    """Message text and notes are shown to who reads text, hidden from a program."""
    private = {"text": "hello", "context": [{"from": "customer", "text": "hi"}]}
    assert masked_private(private, reads_text=True) == private
    assert masked_private(private, reads_text=False) == {"text": "····", "context": "····"}
