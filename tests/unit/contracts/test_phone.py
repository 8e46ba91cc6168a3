"""One number, all its forms, on look-up only."""

import pytest
from casetrail_contracts.phone import number_forms
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("+92 300 1112233", ("923001112233",)),
        ("0092-300-1112233", ("923001112233",)),
        ("+55 11 98765-4321", ("5511987654321", "551187654321")),
        ("55 11 8765 4321", ("551187654321", "5511987654321")),
        ("+55 11 3456-7890", ("551134567890",)),
        ("+52 55 1234 5678", ("525512345678", "5215512345678")),
        ("5215512345678", ("5215512345678", "525512345678")),
        ("+54 9 11 1234-5678", ("5491112345678", "541112345678")),
        ("541112345678", ("541112345678", "5491112345678")),
    ],
)
def test_a_number_is_found_in_each_of_its_forms(typed: str, forms: tuple[str, ...]) -> None:
    """What was typed comes first; only Brazil, Mexico and Argentina have a second form."""
    assert number_forms(typed) == forms


@pytest.mark.parametrize(
    "typed", ["", "+", "sana", "03001112233", "12345", "1" * 16, "+55 11 x", "\u0661\u0662\u0663"]
)
def test_what_is_no_international_number_has_no_form(typed: str) -> None:
    """National numbers are not guessed at: whose country would it be?"""
    assert number_forms(typed) == ()


@given(st.from_regex(r"(52|521|54|549|55[1-9]{2}9?)[0-9]{8,10}", fullmatch=True))
def test_each_form_of_a_number_leads_to_the_same_forms(digits: str) -> None:
    """Looking up either form finds the same customer: the forms are a closed set."""
    forms = number_forms(digits)
    assert forms[0] == digits
    assert all(set(number_forms(form)) == set(forms) for form in forms)
