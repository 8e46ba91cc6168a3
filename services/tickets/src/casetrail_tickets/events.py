"""Facts of a ticket as events of the contract."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from casetrail_contracts import EVENT_TYPES, Actor, Change, Command, CommandReply, Event
from casetrail_contracts.ids import derive_id
from casetrail_contracts.registry.command import CommandRejected

from casetrail_tickets.domain.ticket import Fact, Ticket

SERVICE: Final = "tickets"


def events_of(
    ticket: Ticket, facts: Iterable[Fact], command: Command, *, version: int, at: datetime
) -> list[Event]:
    """The events of these facts, numbered from `version` + 1, with ids derived from the command."""
    return [
        _event(ticket, fact, command, number, at) for number, fact in enumerate(facts, version + 1)
    ]


def _event(ticket: Ticket, fact: Fact, command: Command, number: int, at: datetime) -> Event:
    model = EVENT_TYPES[fact.name].model
    if model is None:
        raise LookupError(f"{fact.name} has no model in the registry")
    data = model.model_validate(
        {
            **fact.fields,
            "actor": command.actor,
            "on_behalf_of": command.on_behalf_of,
            "changes": [Change(field=name, old=old, new=new) for name, old, new in fact.changes],
        }
    )
    private = dict(fact.private or {})
    if fact.reason is not None:
        private["reason"] = fact.reason
    return Event.build(
        data,
        workspace=command.workspace,
        source=SERVICE,
        subject=f"ticket/{ticket.ticket_id}",
        time=at,
        id=derive_id(command.id, fact.name, number),
        correlationid=correlation(command),
        causationid=command.id,
        sequence=number,
        conversationid=ticket.conversation_id,
        caseid=ticket.case_id,
        ticketid=ticket.ticket_id,
        private=private,
    )


def rejection(
    command: Command, reply: CommandReply, *, target: str, at: datetime, **place: Any
) -> Event:
    """The event of a refused command: who tried what on which ticket, and why not.

    `place` are `conversationid`, `caseid`, `ticketid`, as far as they are known.
    """
    return Event.build(
        CommandRejected(
            actor=Actor.model_validate(command.actor.model_dump()),
            on_behalf_of=command.on_behalf_of,
            command=command.command_name(),
            command_id=command.id,
            target=target,
            code=reply.code or "refused",
            detail=reply.detail or "",
            refused_by=SERVICE,
        ),
        workspace=command.workspace,
        source=SERVICE,
        subject=f"command/{command.id}",
        time=at,
        id=derive_id(command.id, "rejected"),
        correlationid=correlation(command),
        causationid=command.id,
        **place,
    )


def correlation(command: Command) -> str:
    """What the command belongs to: the caller's id, else its own."""
    return command.id if command.correlation_id is None else command.correlation_id
