"""Which values go with a named field, and how the marks of several erasures add up."""

from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_audit.domain.erased import mark, marks
from casetrail_audit.privacy.fields import going, wanted

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAID = {
    "salt": "c2FsdHNhbHRzYWx0c2FsdA==",
    "text": "call 923001114291, Sana",
    "phone": "923001114291",
    "name": "Sana",
    "username": "ok",
    "note": "ok so",
    "raw": "{}",
    "list": [{"to": "923001114291"}],
}


@pytest.mark.parametrize(
    ("named", "gone"),
    [
        (["phone"], ("list", "phone", "raw", "text")),
        (["name"], ("name", "raw", "text")),
        (["username"], ("raw", "username")),  # too short to be looked for in sentences
        (["note"], ("note",)),
        (["note", "phone"], ("list", "note", "phone", "raw", "text")),
        (["another"], ("raw",)),
    ],
)
def test_what_repeats_a_field_goes_with_it(named: list[str], gone: tuple[str, ...]) -> None:
    """INVARIANT I8: the item as it came always, others when the value stands in them."""
    fields = wanted(named)
    assert fields is not None
    assert going(SAID, fields) == gone


def test_without_names_everything_goes() -> None:
    """No restriction is not an empty one."""
    assert wanted(None) is None
    assert going({"text": ""}, {"text"}) == ("text",)


def erasure(number: int) -> dict[str, Any]:
    """An erasure."""
    return {"erasure_id": f"er_{number}", "policy": f"p{number}", "policy_version": 1}


def test_each_value_keeps_the_policy_that_took_it() -> None:
    """A certified mark stays beside the next one; for one that is not, the next answers."""
    first = mark(erasure(1), ["phone"], AT)
    assert marks(first) == [first]
    second = mark(erasure(2), ["text"], AT, {**first, "certified": True})
    assert [(each["policy"], each["fields"]) for each in marks(second)] == [
        ("p1", ["phone"]),
        ("p2", ["text"]),
    ]
    third = mark(erasure(3), ["name"], AT, second)  # the second has no certificate yet
    assert [(each["policy"], each["fields"]) for each in marks(third)] == [
        ("p1", ["phone"]),
        ("p3", ["name", "text"]),
    ]
    assert marks(None) == []
