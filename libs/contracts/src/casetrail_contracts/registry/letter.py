"""Messages that were set aside. Private: reason."""

from typing import ClassVar

from pydantic import Field

from casetrail_contracts.envelope import EventData


class LetterHandled(EventData):
    """A message that had been set aside was handled after all, because somebody asked for it.

    `letter` was its sequence in the stream `DEAD`; `service` and `handler` say who could not take
    it and then did, `failed` why not. `event_seq` and `event_type` are of the event it holds, which
    `causationid` names.
    """

    type_name: ClassVar[str] = "letter.handled"

    letter: int = Field(ge=1)
    service: str
    handler: str
    failed: str
    event_seq: int = Field(ge=1)
    event_type: str
