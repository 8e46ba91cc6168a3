"""Who is on duty. Versioned with the user: `subject` is `user/<id>`."""

from typing import ClassVar

from pydantic import AwareDatetime

from casetrail_contracts.envelope import EventData


class ShiftStarted(EventData):
    """The user takes cases from now on."""

    type_name: ClassVar[str] = "shift.started"

    shift_id: str
    user_id: str
    ends_at: AwareDatetime | None = None


class ShiftEnded(EventData):
    """The user takes no new cases."""

    type_name: ClassVar[str] = "shift.ended"

    shift_id: str
    user_id: str
