"""What was set aside, as the gateway answers it."""

from datetime import datetime

from casetrail_contracts.api import Answer


class DeadLetter(Answer):
    """A message that a service could not handle and set aside; never what is in it.

    `letter` is its number, `subject` the one it was published on, `seq` its record in the log when
    it is one. `handled_again` tells how it gets another chance: `here` by this API, else by the
    operator's command that is named.
    """

    letter: int
    service: str
    handler: str
    subject: str
    stream: str
    seq: int
    failed: str
    deliveries: int
    set_aside_at: datetime
    handled_again: str


class DeadLetterPage(Answer):
    """Messages that were set aside, the oldest first; `next_after` goes on, null at the end."""

    letters: list[DeadLetter]
    next_after: int | None
