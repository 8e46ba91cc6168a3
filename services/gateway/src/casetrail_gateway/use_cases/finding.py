"""The case or ticket somebody names, and whether it is theirs to open."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from casetrail_gateway.domain.errors import Fault, NotFound, NotPermitted, ShiftNotEnded
from casetrail_gateway.domain.log import Case, CaseNow, Page, RecordFilter, Ticket
from casetrail_gateway.domain.people import Caller, may_open
from casetrail_gateway.domain.shift import Shift, shift_of
from casetrail_gateway.ports import EventStream, Log

PATIENCE: Final = 2.0
"""Seconds to wait for the log before saying "not there" about something that just happened."""
_PAUSE: Final = 0.03


@dataclass(frozen=True, slots=True)
class Found:
    """What was named; `fault` says why it cannot be opened."""

    case: Case | None = None
    ticket: Ticket | None = None
    fault: Fault | None = None
    shift: Shift | None = None
    now: CaseNow | None = None
    """The case with the head it is as of and the tickets linked to it, where that was asked for."""

    @property
    def case_id(self) -> str | None:
        """The case, also when only the ticket knows it."""
        if self.case is not None:
            return self.case.case_id
        return None if self.ticket is None else self.ticket.case_id

    @property
    def conversation_id(self) -> str | None:
        """The conversation of the case or of the ticket."""
        if self.case is not None:
            return self.case.conversation_id
        return None if self.ticket is None else self.ticket.conversation_id


class Finder:
    """Finds cases and tickets of the caller's workspace.

    The log is written a moment after things happen. What is missing, or not theirs, is therefore
    looked up once more as soon as the log holds what the stream held when it was missed: the answer
    "not there" then means never, not "not yet". After `patience` seconds it is given anyway.
    """

    def __init__(self, log: Log, stream: EventStream, patience: float = PATIENCE) -> None:
        self._log = log
        self._stream = stream
        self._patience = patience

    async def case(self, caller: Caller, case_id: str) -> Found:
        """The case, with a fault when it is not there or not theirs."""
        return await self._patiently(lambda: self._case(caller, case_id))

    async def case_now(self, caller: Caller, case_id: str) -> Found:
        """The same, with what goes with the case (`Found.now`): one question for a look at it."""
        return await self._patiently(lambda: self._case_now(caller, case_id))

    async def ticket(self, caller: Caller, ticket_id: str) -> Found:
        """The ticket with its case, with a fault when it is not there or not theirs."""
        return await self._patiently(lambda: self._ticket(caller, ticket_id))

    async def user(self, caller: Caller, user_id: str) -> bool:
        """True when the log knows a user of this id."""
        return await self._log.knows_user(caller.workspace, user_id)

    async def handled_letter(self, caller: Caller, seq: int) -> str | None:
        """The service that handled a message after it was set aside; None when none did."""
        await self.catch_up()
        wanted = RecordFilter(action="letter.handled", target=f"letter/{seq}")
        for record in await self._log.records(caller.workspace, wanted, Page(1)):
            service = record.data.get("service")
            return service if isinstance(service, str) else None
        return None

    async def shift(self, caller: Caller, shift_id: str) -> Found:
        """The shift, with a fault when it is not there or goes on."""
        return await self._patiently(lambda: self._shift(caller, shift_id))

    async def _shift(self, caller: Caller, shift_id: str) -> Found:
        shift = shift_of(shift_id, await self._log.shift(caller.workspace, shift_id))
        if shift is None:
            return Found(fault=NotFound("shift", f"There is no shift {shift_id}."))
        if shift.ended is None:
            text = f"The shift of {shift.user_id} goes on: it is handed over once it has ended."
            return Found(shift=shift, fault=ShiftNotEnded(text))
        return Found(shift=shift)

    async def complete_through(self) -> int:
        """The record up to which the log is complete."""
        return (await self._log.head()).complete_through

    async def _case(self, caller: Caller, case_id: str) -> Found:
        case = await self._log.case(caller.workspace, case_id)
        return _found_case(caller, case_id, case)

    async def _case_now(self, caller: Caller, case_id: str) -> Found:
        now = await self._log.case_now(caller.workspace, case_id)
        return replace(_found_case(caller, case_id, now.case), now=now)

    async def _ticket(self, caller: Caller, ticket_id: str) -> Found:
        ticket = await self._log.ticket(caller.workspace, ticket_id)
        if ticket is None:
            return Found(fault=NotFound("ticket", f"There is no ticket {ticket_id}."))
        if ticket.case_id is None:
            return Found(None, ticket)
        case = await self._log.case(caller.workspace, ticket.case_id)
        if case is None:  # its case is not in the views yet: who owns it is not known
            fault = caseless(caller, f"ticket {ticket_id}")
            return Found(None, ticket, fault)
        return Found(case, ticket, not_theirs(caller, case))

    async def _patiently(self, ask: Callable[[], Awaitable[Found]]) -> Found:
        found = await ask()
        if found.fault is None:
            return found
        await self.catch_up()
        return await ask()

    @property
    def patience(self) -> float:
        """Seconds it waits for the log."""
        return self._patience

    async def catch_up(self) -> bool:
        """True when the log holds what the stream holds now; False after `patience` seconds."""
        target = await self._stream.last_seq()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while (await self._log.head()).complete_through < target:
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_PAUSE)
        return True


def _found_case(caller: Caller, case_id: str, case: Case | None) -> Found:
    if case is None:
        return Found(fault=NotFound("case", f"There is no case {case_id}."))
    return Found(case, None, not_theirs(caller, case))


def not_theirs(caller: Caller, case: Case) -> Fault | None:
    """The refusal, when an agent may not open the case."""
    if may_open(caller, case.owner, case.held_by):
        return None
    return NotPermitted(
        f"{case.case_id} is with somebody else: an agent opens cases they own, once held, "
        "or that nobody owns. A lead can look, or assign it to you."
    )


def caseless(caller: Caller, what: str) -> Fault | None:
    """The refusal of an agent where no case says whose it is."""
    if caller.role != "agent":
        return None
    return NotPermitted(
        f"The {what} belongs to no case that could be yours: only leads and reviewers open it."
    )
