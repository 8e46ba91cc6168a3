"""Who is at their desk. Versioned with the user: `subject` is `user/<id>`."""

from typing import ClassVar, Literal

from casetrail_contracts.envelope import EventData

Presence = Literal["available", "away", "offline"]


class PresenceChanged(EventData):
    """A person came, went, or will be back; rules give cases to those who are available only."""

    type_name: ClassVar[str] = "presence.changed"

    user_id: str
    presence: Presence
    previous_presence: Presence
