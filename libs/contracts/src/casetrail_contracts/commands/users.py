"""Commands on people and their shifts; routing answers them."""

from pydantic import ConfigDict, Field

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.fields import Moment, ShortText, UserId
from casetrail_contracts.registry.user import Role


class CreateUserBody(Body):
    """A person who acts. `id` is used in `agent:<id>`."""

    id: UserId
    name: ShortText
    role: Role = "agent"
    capacity: int = Field(default=10, ge=0, le=1000)
    skills: list[ShortText] = Field(default_factory=list, max_length=50)
    languages: list[ShortText] = Field(default_factory=list, max_length=20)


class CreateUser(Command):
    """Adds a user."""

    service = "routing"
    verb = "user_create"

    user: CreateUserBody


class StartShiftBody(Body):
    """Go on duty."""

    ends_at: Moment | None = None


class StartShift(Command, StartShiftBody):
    """Puts a user on duty."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "shift_start"

    user_id: UserId


class EndShift(Command):
    """Takes a user off duty."""

    service = "routing"
    verb = "shift_end"

    user_id: UserId
