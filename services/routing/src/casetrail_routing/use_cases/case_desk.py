"""What the commands on a case share: finding it, keeping the change, answering."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from casetrail_contracts import CommandReply
from casetrail_contracts.commands import OnCase

from casetrail_routing.domain.conversation import Conversation
from casetrail_routing.domain.decisions import Holder
from casetrail_routing.domain.facts import ConversationFact
from casetrail_routing.domain.refusals import (
    CaseIsClosed,
    CaseIsOpen,
    CaseNotCurrent,
    CaseNotFound,
)
from casetrail_routing.ports import Clock, DrainRequests, Key, Loaded
from casetrail_routing.use_cases import causes
from casetrail_routing.use_cases.answering import Answering, Target, check_version
from casetrail_routing.use_cases.causes import Cause
from casetrail_routing.use_cases.custody import Custody


@dataclass(frozen=True)
class Change:
    """What a command does to a case; `holder` is who got a slot for it."""

    facts: Sequence[ConversationFact]
    result: Mapping[str, Any]
    holder: Holder | None = None


Wanted = Literal["open", "closed", "any"]
"""In which state the case must be for a command."""

Decide = Callable[[Loaded[Conversation], Conversation, Cause], Awaitable[Change]]
"""What to do with the case, given as loaded and its state; raises `Refused`."""


@dataclass(frozen=True)
class CaseDesk:
    """What the commands on a case share: finding it, keeping the change, answering."""

    custody: Custody
    answering: Answering
    drain: DrainRequests
    clock: Clock

    async def answer(
        self,
        command: OnCase,
        decide: Decide,
        *,
        reason: str | None,
        note: str | None = None,
        wanted: Wanted = "open",
    ) -> CommandReply:
        """The reply, after the write; whoever waits is served if custody ended."""
        key = Key(command.workspace, command.conversation_id)
        target = Target(
            "conversation",
            self.custody.conversations.name,
            key,
            command.conversation_id,
            command.case_id,
        )

        async def attempt() -> CommandReply:
            cause = causes.of_command(command, self.clock(), reason=reason, note=note)
            return await self._attempt(command, target, decide, cause, wanted)

        return await self.answering(command, target, attempt)

    async def _attempt(
        self, command: OnCase, target: Target, decide: Decide, cause: Cause, wanted: Wanted
    ) -> CommandReply:
        key = target.key
        current = await self.custody.load(key)
        known = await self.answering.before(command, target, current)
        if known is not None:
            return known
        state = _current_case(command, current.state, wanted)
        change = await decide(current, state, cause)
        reply = CommandReply.ok(
            current.version + len(change.facts), case_id=state.case_id, **change.result
        )
        sealed = await self.custody.commit(
            key, current, change.facts, cause, reply.model_dump(mode="json"), change.holder
        )
        if state.slot not in {None, sealed.state.slot}:
            self.drain.ask(key.workspace, sealed.events[-1].id, cause.correlation_id)
        return reply


def _current_case(command: OnCase, state: Conversation | None, wanted: Wanted) -> Conversation:
    """The state, when its case is the command's and as wanted; else raises what is not so."""
    if state is None:
        raise CaseNotFound(f"There is no case {command.case_id}: check its number.")
    if state.linked_to is not None:
        raise CaseNotCurrent(
            f"{command.case_id} has ended: its customer is served in {state.case_id} now."
        )
    if state.case_id != command.case_id:
        raise CaseNotCurrent(
            f"{command.case_id} is not the current case of this conversation: "
            f"that is {state.case_id}."
        )
    check_version(command, state.version)
    if wanted == "open" and not state.is_open:
        raise CaseIsClosed(
            f"{state.case_id} is closed: it opens again when the customer writes, or by hand."
        )
    if wanted == "closed" and state.is_open:
        raise CaseIsOpen(f"{state.case_id} is open: there is nothing to reopen.")
    return state
