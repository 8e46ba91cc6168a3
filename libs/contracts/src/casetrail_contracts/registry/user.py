"""People who work cases."""

from typing import ClassVar, Literal

from pydantic import Field

from casetrail_contracts.envelope import EventData

Role = Literal["agent", "lead", "reviewer", "admin", "service"]


class UserCreated(EventData):
    """A person (or integration) can now act."""

    type_name: ClassVar[str] = "user.created"

    user_id: str
    name: str
    role: Role
    capacity: int
    skills: list[str] = Field(default_factory=list)
    languages: list[str] = Field(default_factory=list)
