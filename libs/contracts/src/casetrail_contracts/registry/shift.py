"""Who is on duty, and hand-overs. Versioned with the user: `subject` is `user/<id>`.

Private: note (of a signature).
"""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from casetrail_contracts.envelope import EventData, Open


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


class HeldCase(Open):
    """A case somebody held; `version` is the conversation's then."""

    case_id: str
    conversation_id: str
    version: int
    escalated: bool = False


class ShiftEnded(EventData):
    """The user takes no new cases."""

    type_name: ClassVar[str] = "shift.ended"

    shift_id: str
    user_id: str
    cases: list[HeldCase] | None = Field(default=None, exclude_if=_absent)
    """The cases they held: what is to be handed over. Null in events from before hand-overs."""


class HandoverOpened(EventData):
    """A lead hands the cases of an ended shift over; two leads are to sign."""

    type_name: ClassVar[str] = "shift.handover_opened"

    shift_id: str
    user_id: str
    to: str | None = None
    """User id of the lead who takes over; null: any other lead."""


class HandoverSigned(EventData):
    """The actor has seen what became of the cases, by the log through that sequence."""

    type_name: ClassVar[str] = "shift.handover_signed"

    shift_id: str
    user_id: str
    through: int
    complete: bool
    """True for the second signature."""
