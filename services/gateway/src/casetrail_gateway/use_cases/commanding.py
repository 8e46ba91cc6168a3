"""Commands of people, sent to the service that owns what they change."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from casetrail_contracts import Actor, Command, CommandReply, Event
from casetrail_contracts.commands import (
    Body,
    BulkTickets,
    BulkTicketsBody,
    ChangePresence,
    CreateTicket,
    CreateUser,
    CreateUserBody,
    EndShift,
    HandleLetter,
    HandleLetterBody,
    HandleRoutingLetter,
    HandleTicketsLetter,
    LinkBody,
    LinkConversation,
    LinkTicket,
    LinkTicketBody,
    OnCase,
    OnTicket,
    OnUser,
    OpenHandover,
    SendMessage,
    SignHandover,
    SignHandoverBody,
    StartShift,
)
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import Erase, PlaceHold, ReleaseHold
from casetrail_contracts.registry.command import CommandRejected

from casetrail_gateway.domain.errors import (
    Fault,
    LetterOfAnother,
    MovedOn,
    NotFound,
    NotPermitted,
    PreconditionNotAvailable,
)
from casetrail_gateway.domain.letters import HERE
from casetrail_gateway.domain.people import Caller
from casetrail_gateway.ports import Clock, Commands, EventStream
from casetrail_gateway.use_cases.conflicts import Moved, TellChanges
from casetrail_gateway.use_cases.finding import Finder, Found
from casetrail_gateway.use_cases.looking import SOURCE, actor_of

OwnCommand = type[StartShift] | type[EndShift] | type[ChangePresence]
HandoverCommand = type[OpenHandover] | type[SignHandover]
CaseCommand = type[OnCase] | type[CreateTicket]
_NEW: Final[dict[type[Command], str]] = {CreateTicket: "ticket", SendMessage: "message"}
"""What these commands on a case make: it has no version that somebody could have seen."""
_HANDLES: Final[Mapping[str, type[HandleLetter]]] = {
    "routing": HandleRoutingLetter,
    "tickets": HandleTicketsLetter,
}
NOWHERE: Final = Found()
"""Where a command is aimed at no case and no ticket."""
PrivacyCommand = type[Erase] | type[PlaceHold] | type[ReleaseHold]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a request says beside its body."""

    caller: Caller
    permitted: bool
    correlation_id: str
    idempotency_key: str | None = None
    expected_version: int | None = None


class SendCommand:
    """Checks whose it is, gives the command its id, sends it; refusals leave a record."""

    def __init__(
        self,
        finder: Finder,
        commands: Commands,
        stream: EventStream,
        clock: Clock,
        changes: TellChanges,
    ) -> None:
        self._finder = finder
        self._commands = commands
        self._stream = stream
        self._clock = clock
        self._changes = changes

    async def on_case(
        self,
        asked: Asked,
        command: CaseCommand,
        case_id: str,
        body: Body,
        more: Callable[[Found], Awaitable[dict[str, Any]]] | None = None,
    ) -> CommandReply:
        """A command on a case; the case names its conversation.

        `more` gives further fields of the command once the caller is known to be allowed to.
        """
        found = await self._finder.case(asked.caller, case_id)
        await self._allow(asked, command, f"case/{case_id}", found)
        if command in _NEW:
            _nothing_expected(asked, _NEW[command])
        further = {} if more is None else await more(found)
        named = {"case_id": case_id, "conversation_id": found.conversation_id}
        fields = {**_fields(body), **named}
        return await self._send(asked, command, f"case/{case_id}", fields, found, further=further)

    async def on_ticket(
        self, asked: Asked, command: type[OnTicket], ticket_id: str, body: Body
    ) -> CommandReply:
        """A command on a ticket."""
        found = await self._finder.ticket(asked.caller, ticket_id)
        await self._allow(asked, command, f"ticket/{ticket_id}", found)
        fields = {**_fields(body), "ticket_id": ticket_id}
        return await self._send(asked, command, f"ticket/{ticket_id}", fields, found)

    async def link(self, asked: Asked, ticket_id: str, body: LinkTicketBody) -> CommandReply:
        """The ticket tied to a case or ticket; the caller must be allowed to open both."""
        found = await self._finder.ticket(asked.caller, ticket_id)
        await self._allow(asked, LinkTicket, f"ticket/{ticket_id}", found)
        if body.case_id is not None:
            target, relation = f"case/{body.case_id}", "concerns"
            other = await self._finder.case(asked.caller, body.case_id)
        else:
            target, relation = f"ticket/{body.ticket_id}", body.relation or "related"
            other = await self._finder.ticket(asked.caller, str(body.ticket_id))
        await self._allow(asked, LinkTicket, target, other)
        fields = {
            "ticket_id": ticket_id,
            "target": target,
            "relation": relation,
            "target_conversation_id": other.conversation_id,
            "reason": body.reason,
        }
        return await self._send(asked, LinkTicket, f"ticket/{ticket_id}", fields, found)

    async def link_case(self, asked: Asked, case_id: str, body: LinkBody) -> CommandReply:
        """The case linked to another, which goes on; the caller must be allowed to open both."""

        async def into(_: Found) -> dict[str, Any]:
            other = await self._finder.case(asked.caller, body.into_case_id)
            await self._allow(asked, LinkConversation, f"case/{body.into_case_id}", other)
            return {"into_conversation_id": other.conversation_id}

        return await self.on_case(asked, LinkConversation, case_id, body, into)

    async def on_many_tickets(self, asked: Asked, body: BulkTicketsBody) -> CommandReply:
        """One action on many tickets; leads only, so that every ticket is theirs to act on."""
        await self._allow(asked, BulkTickets, "tickets/bulk", Found())
        _nothing_expected(asked, "bulk")
        return await self._send(asked, BulkTickets, "tickets/bulk", _fields(body))

    async def create_user(self, asked: Asked, body: CreateUserBody) -> CommandReply:
        """A new user; a lead adds agents, an admin anybody."""
        fault = None
        if asked.caller.role == "lead" and body.role != "agent":
            fault = NotPermitted(
                f"A lead adds agents; only an admin adds people of the role {body.role}."
            )
        target = f"user/{body.id}"
        await self._allow(asked, CreateUser, target, Found(fault=fault))
        _nothing_expected(asked, "user")
        return await self._send(asked, CreateUser, target, {"user": _fields(body)})

    async def on_own(
        self, asked: Asked, command: OwnCommand, user_id: str, body: Body | None
    ) -> CommandReply:
        """A shift or a presence; an agent's own, or anybody's for a lead."""
        fault = None
        if asked.caller.role == "agent" and user_id != asked.caller.id:
            fault = NotPermitted("An agent says so of their own shift and presence only.")
        return await self._on_user(asked, command, user_id, body, fault)

    async def on_user(
        self, asked: Asked, command: type[OnUser], user_id: str, body: Body | None
    ) -> CommandReply:
        """A command on a person; routing holds leads to their agents."""
        return await self._on_user(asked, command, user_id, body, None)

    async def on_shift(
        self, asked: Asked, command: HandoverCommand, shift_id: str, body: Body
    ) -> CommandReply:
        """A command on the hand-over of a shift; the shift says whose it was."""
        found = await self._finder.shift(asked.caller, shift_id)
        target = f"shift/{shift_id}" if found.shift is not None else "shift/unknown"
        await self._allow(asked, command, target, found)
        assert found.shift is not None
        if isinstance(body, SignHandoverBody):
            found.shift.must_cover(body.through, await self._finder.complete_through())
        fields = {**_fields(body), "shift_id": shift_id, "user_id": found.shift.user_id}
        return await self._send(asked, command, target, fields)

    async def _on_user(
        self,
        asked: Asked,
        command: type[OnUser],
        user_id: str,
        body: Body | None,
        fault: NotPermitted | None,
    ) -> CommandReply:
        target = f"user/{user_id}"
        await self._allow(asked, command, target, Found(fault=fault))
        fields = {} if body is None else _fields(body)
        return await self._send(asked, command, target, {**fields, "user_id": user_id})

    async def on_privacy(
        self, asked: Asked, command: PrivacyCommand, body: Body, hold_id: str | None = None
    ) -> CommandReply:
        """An erasure asked for, a hold placed or released."""
        target = "privacy/scope" if hold_id is None else f"hold/{hold_id}"
        await self._allow(asked, command, target, Found())
        if hold_id is None:
            _nothing_expected(asked, "erasure" if command is Erase else "hold")
        named = {} if hold_id is None else {"hold_id": hold_id}
        return await self._send(asked, command, target, {**_fields(body), **named})

    async def on_letter(self, asked: Asked, seq: int, body: HandleLetterBody) -> CommandReply:
        """A message that was set aside, handled again by the service that could not take it."""
        letter = await self._stream.letter(seq) if asked.permitted else None
        if letter is not None and letter.workspace != asked.caller.workspace:
            letter = None
        fault: Fault | None = None
        service = None if letter is None else letter.service
        if letter is not None and letter.handled_again != HERE:
            text = f"It is handled again by the operator: `{letter.handled_again}`."
            fault = LetterOfAnother(text)
        elif letter is None and asked.permitted:
            # Handled and gone: who repeats the command is answered by the service that did it.
            service = await self._finder.handled_letter(asked.caller, seq)
            if service is None:
                fault = NotFound("letter", f"No message {seq} is set aside.")
        command = _HANDLES.get(service or "", HandleRoutingLetter)
        await self._allow(asked, command, f"letter/{seq}", Found(fault=fault))
        _nothing_expected(asked, "letter")
        return await self._send(asked, command, f"letter/{seq}", {**_fields(body), "letter": seq})

    async def _allow(self, asked: Asked, command: type[Command], target: str, found: Found) -> None:
        """Nothing, or the fault; a refusal is recorded before it is told."""
        fault = found.fault
        if not asked.permitted:
            fault = NotPermitted(f"The role {asked.caller.role} may not do this.")
        if isinstance(fault, NotPermitted):
            await self._record_refusal(asked, command, target, found, fault)
        if fault is not None:
            raise fault

    async def _record_refusal(
        self,
        asked: Asked,
        command: type[Command],
        target: str,
        found: Found,
        fault: NotPermitted,
    ) -> None:
        new_id = self._clock.new_id()
        command_id = self._command_id(asked, command, target)
        await self._stream.record(
            Event.build(
                CommandRejected(
                    actor=actor_of(asked.caller),
                    command=command.command_name(),
                    command_id=command_id,
                    target=target,
                    code=fault.slug,
                    detail=fault.detail,
                    refused_by=SOURCE,
                ),
                workspace=asked.caller.workspace,
                source=SOURCE,
                subject=f"command/{command_id}",
                time=self._clock.now(),
                id=new_id,
                correlationid=asked.correlation_id,
                conversationid=found.conversation_id,
                caseid=found.case_id,
                ticketid=None if found.ticket is None else found.ticket.ticket_id,
            )
        )

    async def _send(
        self,
        asked: Asked,
        command: type[Command],
        target: str,
        fields: dict[str, Any],
        found: Found = NOWHERE,
        *,
        further: Mapping[str, Any] | None = None,
    ) -> CommandReply:
        """The reply; `further` fields were looked up, so they are no part of what was asked."""
        actor: Actor = actor_of(asked.caller)
        reply = await self._commands.send(
            command.model_validate(
                {
                    "id": self._command_id(asked, command, target),
                    "workspace": asked.caller.workspace,
                    "actor": actor,
                    "correlation_id": asked.correlation_id,
                    "expected_version": asked.expected_version,
                    "digest": None if asked.idempotency_key is None else _digest(fields),
                    **fields,
                    **(further or {}),
                }
            )
        )
        seen = asked.expected_version
        if reply.code != "version-conflict" or reply.version is None or seen is None:
            return reply
        if issubclass(command, OnCase):
            target = f"conversation/{found.conversation_id}"
        moved = Moved(
            target=target,
            seen=seen,
            now=reply.version,
            conversation_id=found.conversation_id,
            case_id=found.case_id,
            ticket_id=None if found.ticket is None else found.ticket.ticket_id,
        )
        changed = await self._changes(asked.caller, moved, asked.correlation_id)
        raise MovedOn(reply.detail or "It has moved on.", reply.version, changed)

    def _command_id(self, asked: Asked, command: type[Command], target: str) -> str:
        """The same for the same key of the same person on the same thing, else a new one.

        The command and its target are part of it: one key used by mistake for two different
        commands must not answer the second with the result of the first.
        """
        if asked.idempotency_key is None:
            return self._clock.new_id()
        who = f"{asked.caller.role}:{asked.caller.id}"
        name = command.command_name()
        return derive_id(asked.caller.workspace, who, name, target, asked.idempotency_key)


def _nothing_expected(asked: Asked, noun: str) -> None:
    """Nothing, or the fault: what is new has no version that somebody could have seen."""
    if asked.expected_version is not None:
        raise PreconditionNotAvailable(
            f"A new {noun} has no version yet: leave If-Match out. An Idempotency-Key keeps it "
            "from being made twice."
        )


def _digest(fields: dict[str, Any]) -> str:
    """Four hex digits that differ, but for one time in 65,536, when something else is asked."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode()).hexdigest()[:4]


def _fields(body: Body) -> dict[str, Any]:
    """The body's fields; times and all as the command's own model reads them."""
    return body.model_dump()
