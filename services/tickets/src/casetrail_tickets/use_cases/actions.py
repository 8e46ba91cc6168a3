"""Each command on a ticket with the action of the domain it stands for."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from casetrail_contracts import commands
from casetrail_contracts.commands import OnTicket

from casetrail_tickets.domain import actions
from casetrail_tickets.domain.actions import By
from casetrail_tickets.domain.ticket import HandOff, Link, Outcome, Ticket

Act = Callable[[Ticket, Any, By], Outcome]


def _change_status(ticket: Ticket, command: commands.ChangeTicketStatus, by: By) -> Outcome:
    return actions.change_status(ticket, command.status, by)


def _change_priority(ticket: Ticket, command: commands.ChangeTicketPriority, by: By) -> Outcome:
    return actions.change_priority(ticket, command.priority, by)


def _link(ticket: Ticket, command: commands.LinkTicket, by: By) -> Outcome:
    to = Link(command.target, command.relation)
    return actions.link(ticket, to, command.target_conversation_id, by)


def _hand_off(ticket: Ticket, command: commands.HandOffTicket, by: By) -> Outcome:
    expected = None if command.expected_at is None else command.expected_at.isoformat()
    return actions.hand_off(ticket, HandOff(command.to, command.reference, expected), by)


def _chase(ticket: Ticket, command: commands.ChaseTicket, by: By) -> Outcome:
    expected = None if command.expected_at is None else command.expected_at.isoformat()
    return actions.chase(ticket, expected, by)


def _add_note(ticket: Ticket, command: commands.AddTicketNote, _: By) -> Outcome:
    return actions.add_note(ticket, command.note, note_id=command.id)


def _resolve(ticket: Ticket, command: commands.ResolveTicket, by: By) -> Outcome:
    return actions.resolve(ticket, command.note, by)


def _close(ticket: Ticket, command: commands.CloseTicket, by: By) -> Outcome:
    return actions.close(ticket, command.note, by)


def _reopen(ticket: Ticket, _: commands.ReopenTicket, by: By) -> Outcome:
    return actions.reopen(ticket, by)


ACTIONS: Final[Mapping[type[OnTicket], Act]] = {
    commands.ChangeTicketStatus: _change_status,
    commands.ChangeTicketPriority: _change_priority,
    commands.LinkTicket: _link,
    commands.HandOffTicket: _hand_off,
    commands.ChaseTicket: _chase,
    commands.AddTicketNote: _add_note,
    commands.ResolveTicket: _resolve,
    commands.CloseTicket: _close,
    commands.ReopenTicket: _reopen,
}
"""Every command that one ticket decides by itself; assigning looks at people first."""
