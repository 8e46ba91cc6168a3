"""Commands in: each verb with the use case that answers it."""

from casetrail_contracts import CommandReply, commands
from casetrail_contracts.commands import OnTicket
from casetrail_runtime.commands import serve
from faststream.nats import NatsBroker

from casetrail_tickets.events import SERVICE
from casetrail_tickets.use_cases.acting import ActOnTicket, AssignTicket, MakeTicket
from casetrail_tickets.use_cases.actions import ACTIONS, Act
from casetrail_tickets.use_cases.bulk import TakeBulk, TellBulk


def serve_bulks(broker: NatsBroker, take: TakeBulk, tell: TellBulk) -> None:
    """Answers what is asked of many tickets at once."""
    serve(broker, commands.BulkTickets, take.__call__, service=SERVICE)
    serve(broker, commands.ReadBulk, tell.__call__, service=SERVICE)


def serve_commands(
    broker: NatsBroker, make_ticket: MakeTicket, act_on: ActOnTicket, assign: AssignTicket
) -> None:
    """Answers every `command.tickets.*` on one ticket."""

    def on(kind: type[OnTicket], act: Act) -> None:
        async def handle(command: OnTicket) -> CommandReply:
            return await act_on(command, act)

        serve(broker, kind, handle, service=SERVICE)

    serve(broker, commands.CreateTicket, make_ticket.__call__, service=SERVICE)
    serve(broker, commands.AssignTicket, assign.__call__, service=SERVICE)
    for kind, act in ACTIONS.items():
        on(kind, act)
