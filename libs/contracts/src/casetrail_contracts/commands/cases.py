"""Commands on a case; routing answers them."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.fields import ShortText, Slug, Text, UserId


class OnCase(Command):
    """A command on one case; the gateway resolves the case to its conversation."""

    conversation_id: str
    case_id: str


class AssignBody(Body):
    """Give the case to somebody."""

    owner: UserId
    reason: ShortText | None = None


class AssignConversation(OnCase, AssignBody):
    """Gives a case to an owner."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "assign"


class EscalateBody(Body):
    """Mark the case Escalated."""

    reason: ShortText


class EscalateConversation(OnCase, EscalateBody):
    """Marks a case Escalated, by a person."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "escalate"


class CloseCaseBody(Body):
    """End the case."""

    reason: ShortText
    note: Text | None = None


class CloseConversation(OnCase, CloseCaseBody):
    """Ends a case."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "close"


class ClaimConversation(OnCase):
    """Gives a case that nobody owns to whoever asks."""

    service = "routing"
    verb = "claim"


class AcceptConversation(OnCase):
    """Takes a case that is offered to whoever asks."""

    service = "routing"
    verb = "accept"


class DeclineBody(Body):
    """Do not take the case that is offered, and say why."""

    reason: ShortText


class DeclineConversation(OnCase, DeclineBody):
    """Leaves a case that is offered to somebody else."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "decline"


class TransferBody(Body):
    """Hand the case to somebody else; the note is for them."""

    owner: UserId
    reason: ShortText | None = None
    note: Text | None = None


class TransferConversation(OnCase, TransferBody):
    """Hands a case from its owner to another."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "transfer"


class ReleaseBody(Body):
    """Give the case back to the queue, and say why."""

    reason: ShortText


class ReleaseConversation(OnCase, ReleaseBody):
    """Puts a case back into the queue."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "release"


class DeescalateBody(Body):
    """Take the mark Escalated away, and say why."""

    reason: ShortText


class DeescalateConversation(OnCase, DeescalateBody):
    """Takes the mark Escalated from a case, by a person."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "deescalate"


class TagsBody(Body):
    """Tags to put on the case and to take off; words of the team's own list."""

    add: list[Slug] = Field(default_factory=list, max_length=20)
    remove: list[Slug] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.add and not self.remove:
            raise ValueError("name at least one tag in add or remove")
        if set(self.add) & set(self.remove):
            raise ValueError("a tag is in add and in remove: leave it in one of them")
        return self


class TagConversation(OnCase, TagsBody):
    """Puts tags on a case and takes some off."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "tag"


class AddCaseNoteBody(Body):
    """Write a note."""

    note: Text


class AddCaseNote(OnCase, AddCaseNoteBody):
    """Adds a note to a case."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "note"


class ReopenCaseBody(Body):
    """Go on with a closed case."""

    reason: ShortText


class ReopenConversation(OnCase, ReopenCaseBody):
    """Reopens a closed case by hand."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "reopen"


class LinkBody(Body):
    """Let another case go on in the place of this one: both are the same customer's."""

    into_case_id: str = Field(pattern=r"^CASE-[1-9][0-9]*$")
    """The case that goes on."""
    reason: ShortText


class LinkConversation(OnCase, LinkBody):
    """Links the conversation of a case to that of another; an open case is merged into it."""

    model_config = ConfigDict(extra="ignore")
    service = "routing"
    verb = "link"

    into_conversation_id: str
