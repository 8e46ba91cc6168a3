"""Whether somebody is at their desk: rules give new cases to those who are available only."""

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

Presence = Literal["available", "away", "offline"]
AVAILABLE: Final[Presence] = "available"


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """The person came, went, or will be back."""

    type_name: ClassVar[str] = "presence.changed"

    presence: Presence
