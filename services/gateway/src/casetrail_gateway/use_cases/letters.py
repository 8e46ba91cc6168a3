"""Which messages were set aside."""

from collections.abc import AsyncIterator
from typing import Final

from casetrail_contracts.letters_api import DeadLetter, DeadLetterPage

from casetrail_gateway.domain.letters import Letter
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import EventStream
from casetrail_gateway.use_cases.looking import Look

READ_AT_MOST: Final = 500
"""Letters looked at for one page: those of other workspaces are passed over."""


class ListLetters:
    """The letters of the caller's workspace above `after`, the oldest first."""

    def __init__(self, stream: EventStream, caller: Caller, *, after: int, limit: int) -> None:
        self._stream = stream
        self._caller = caller
        self._after = after
        self._limit = limit

    async def look(self) -> Look:
        """A look at what was set aside."""
        return Look(what="dead_letters", filters={"after": self._after} if self._after else {})

    async def answer(self) -> DeadLetterPage:
        """A page; short where others' letters were passed over, and then with where to go on."""
        found: list[DeadLetter] = []
        last, read = self._after, 0
        async for letter in self._above(self._after):
            if len(found) == self._limit or read == READ_AT_MOST:
                return DeadLetterPage(letters=found, next_after=last)
            last, read = letter.seq, read + 1
            if letter.workspace == self._caller.workspace:
                found.append(_told(letter))
        return DeadLetterPage(letters=found, next_after=None)

    async def _above(self, after: int) -> AsyncIterator[Letter]:
        while (letter := await self._stream.next_letter(after)) is not None:
            yield letter
            after = letter.seq


def _told(letter: Letter) -> DeadLetter:
    return DeadLetter(
        letter=letter.seq,
        service=letter.service,
        handler=letter.handler,
        subject=letter.subject,
        stream=letter.stream,
        seq=letter.stream_sequence,
        failed=letter.reason,
        deliveries=letter.num_delivered,
        set_aside_at=letter.set_aside_at,
        handled_again=letter.handled_again,
    )
