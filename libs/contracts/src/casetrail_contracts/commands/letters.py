"""Commands on messages that a service set aside; the service that did answers them."""

from pydantic import ConfigDict, Field

from casetrail_contracts.commands.envelope import Body, Command
from casetrail_contracts.commands.fields import ShortText


class HandleLetterBody(Body):
    """Why it is handled again now: what was repaired. Kept erasable beside the event."""

    reason: ShortText


class HandleLetter(Command, HandleLetterBody):
    """Handles a message again that was set aside; `letter` is its sequence in the stream `DEAD`."""

    model_config = ConfigDict(extra="ignore")

    verb = "handle_letter"

    letter: int = Field(ge=1)


class HandleRoutingLetter(HandleLetter):
    """Has routing handle a message again that it set aside."""

    service = "routing"


class HandleTicketsLetter(HandleLetter):
    """Has tickets handle a message again that it set aside."""

    service = "tickets"
