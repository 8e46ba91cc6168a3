"""What a command takes, what it refuses, and what it overlooks."""

from datetime import UTC, datetime

import pytest
from casetrail_contracts import commands
from casetrail_contracts.commands import (
    Body,
    Command,
    CreateTicketBody,
    HandOffTicketBody,
    StartShiftBody,
)
from pydantic import BaseModel, ValidationError

EVERY = [
    value
    for value in vars(commands).values()
    if isinstance(value, type) and issubclass(value, Command) and hasattr(value, "verb")
]


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.__name__)
def test_a_newer_sender_may_say_more(command: type[Command]) -> None:
    """A rolling upgrade: a field this version does not know is overlooked, not refused."""
    assert command.model_config.get("extra") == "ignore"


def test_a_person_is_told_of_a_field_nobody_knows() -> None:
    """The bodies of the API refuse what is probably a typing mistake."""
    bodies = [v for v in vars(commands).values() if isinstance(v, type) and issubclass(v, Body)]
    alone = [body for body in bodies if not issubclass(body, Command)]
    assert len(alone) > 5
    assert all(body.model_config.get("extra") == "forbid" for body in alone)


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2026-11-23T12:00:00",
        "tomorrow",
        5,
    ],
)
@pytest.mark.parametrize(
    ("body", "field"), [(HandOffTicketBody, "expected_at"), (StartShiftBody, "ends_at")]
)
def test_a_time_that_not_every_reader_can_show_is_refused(
    body: type[BaseModel], field: str, moment: object
) -> None:
    """One planned time out of reach once made a whole timeline unreadable."""
    with pytest.raises(ValidationError, match="give a time"):
        body.model_validate({field: moment})


def test_a_planned_time_is_kept_in_utc() -> None:
    """Whatever the zone it was given in."""
    body = HandOffTicketBody.model_validate({"expected_at": "2026-11-23T17:00:00+05:00"})
    assert body.expected_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert body.expected_at.tzinfo == UTC


@pytest.mark.parametrize("name", ["Sana Khan", "+923001234567", "", "شکایت", "a" * 41])
def test_public_words_have_no_room_for_names(name: str) -> None:
    """INVARIANT I8: category and receiver are public in the log, so they are short codes."""
    with pytest.raises(ValidationError):
        CreateTicketBody.model_validate({"title": "t", "category": name})
    with pytest.raises(ValidationError):
        HandOffTicketBody.model_validate({"to": name})


@pytest.mark.parametrize("reference", ["TCS-88121", "7731234567", "LEO/2026.11-9"])
def test_a_couriers_code_is_taken(reference: str) -> None:
    """Digits only, or with letters and the usual signs."""
    assert HandOffTicketBody.model_validate({"reference": reference}).reference == reference


@pytest.mark.parametrize("reference", ["ask for Sana Khan", "۱۲۳", "x" * 41])
def test_a_sentence_is_no_reference(reference: str) -> None:
    """INVARIANT I8: free words belong into a note."""
    with pytest.raises(ValidationError):
        HandOffTicketBody.model_validate({"reference": reference})
