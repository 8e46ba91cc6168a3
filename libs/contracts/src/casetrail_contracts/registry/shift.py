"""Who is on duty. Versioned with the user: `subject` is `user/<id>`."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData


def _absent(value: object) -> bool:
    return value is None


class ShiftStarted(EventData):
    """The user takes cases from now on."""

    type_name: ClassVar[str] = "shift.started"

    shift_id: str
    user_id: str
    ends_at: AwareDatetime | None = None
    """Planned; a shift ends when somebody ends it."""
    time_zone: str | None = Field(default=None, exclude_if=_absent)
    """IANA name of the wall clock the shift was planned by."""


class ShiftEnded(EventData):
    """The user takes no new cases."""

    type_name: ClassVar[str] = "shift.ended"

    shift_id: str
    user_id: str
