"""One action on many tickets: taken on, carried out ticket by ticket, and told.

A bulk is a document of its own; each ticket is changed by a command whose id follows from the
bulk's id and the ticket's. Whoever goes on with a bulk after a crash repeats commands that are
answered as before, so each ticket is changed once, and any number of replicas may go on at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from casetrail_contracts import CommandReply, commands
from casetrail_contracts.commands import BulkTickets, OnTicket, ReadBulk
from casetrail_contracts.ids import derive_id

from casetrail_tickets.domain.bulk import Bulk, Outcome, refusal_of
from casetrail_tickets.events import rejection
from casetrail_tickets.ports import Bulks, Clock, Stream
from casetrail_tickets.use_cases.acting import ActOnTicket, AssignTicket
from casetrail_tickets.use_cases.actions import ACTIONS, Act

AT_ONCE: Final = 8
"""Tickets changed side by side; beside them people go on working."""
STRIDE: Final = 40
"""Tickets between two notes of how far it is."""
COMMANDS: Final[dict[str, type[OnTicket]]] = {
    "status": commands.ChangeTicketStatus,
    "assign": commands.AssignTicket,
    "priority": commands.ChangeTicketPriority,
    "handoff": commands.HandOffTicket,
    "note": commands.AddTicketNote,
    "resolve": commands.ResolveTicket,
    "close": commands.CloseTicket,
    "reopen": commands.ReopenTicket,
}


@dataclass(frozen=True)
class TakeBulk:
    """Takes a bulk on; from then on it is carried out, whatever dies."""

    bulks: Bulks
    clock: Clock

    async def __call__(self, command: BulkTickets) -> CommandReply:
        """The bulk as it stands; the same command again is the same bulk."""
        await self.bulks.add(
            Bulk(
                bulk_id=command.id,
                workspace=command.workspace,
                kind=command.action.kind,
                mode=command.mode,
                ticket_ids=command.ticket_ids,
                asked=command.model_dump(mode="json"),
                state="accepted",
                outcomes={},
                taken_at=self.clock(),
            )
        )
        found = await self.bulks.find(command.workspace, command.id)
        assert found is not None
        bulk, digest = found
        reply = CommandReply.ok(bulk_id=bulk.bulk_id, state=bulk.state, total=len(bulk.ticket_ids))
        return reply.model_copy(update={"digest": digest})


@dataclass(frozen=True)
class TellBulk:
    """Tells how far a bulk is."""

    bulks: Bulks

    async def __call__(self, command: ReadBulk) -> CommandReply:
        """The progress; rejected when there is no such bulk."""
        found = await self.bulks.find(command.workspace, command.bulk_id)
        if found is None:
            return CommandReply.rejected("bulk-not-found", "There is no such bulk any more.")
        return CommandReply.ok(**found[0].progress())


@dataclass(frozen=True)
class CarryOutBulk:
    """Goes on with one bulk that nobody is at."""

    bulks: Bulks
    act_on: ActOnTicket
    assign: AssignTicket
    stream: Stream
    clock: Clock

    async def __call__(self) -> int:
        """1 when a bulk was carried on, 0 when there is none to carry on."""
        bulk = await self.bulks.claim()
        if bulk is None:
            return 0
        command = BulkTickets.model_validate(bulk.asked)
        act = await self._act(command)
        if bulk.state == "accepted":
            bulk = await self._decide(bulk, command, act)
        if bulk.state == "refusing":
            await self._refuse(bulk, command)
            return 1
        left = bulk.left
        for start in range(0, len(left), STRIDE):
            stretch = left[start : start + STRIDE]
            replies = await self._side_by_side(command, stretch, act, look=False)
            if not await self.bulks.note(bulk, replies, state="running"):
                return 1  # somebody else goes on with it
        await self.bulks.end(bulk, "done", self.clock())
        return 1

    async def _act(self, command: BulkTickets) -> Act:
        """The action on one ticket; whom to give them to is looked up once for all."""
        one = self._one(command, command.ticket_ids[0])
        if isinstance(one, commands.AssignTicket):
            return await self.assign.act_for(one)
        return ACTIONS[type(one)]

    async def _decide(self, bulk: Bulk, command: BulkTickets, act: Act) -> Bulk:
        """With `all`, every ticket is looked at before the first is changed."""
        faults: dict[str, Outcome] = {}
        if bulk.mode == "all":
            for start in range(0, len(bulk.ticket_ids), STRIDE):
                stretch = bulk.ticket_ids[start : start + STRIDE]
                found = await self._side_by_side(command, stretch, act, look=True)
                faults |= {name: each for name, each in found.items() if each.status == "refused"}
                await self.bulks.note(bulk, {}, state="accepted")
        return await self.bulks.decided(bulk, faults, "refusing" if faults else "running")

    async def _refuse(self, bulk: Bulk, command: BulkTickets) -> None:
        detail = refusal_of(bulk.outcomes, len(bulk.ticket_ids))
        reply = CommandReply.rejected("bulk-refused", detail)
        event = rejection(command, reply, target=f"bulk/{bulk.bulk_id}", at=self.clock())
        await self.stream.publish(event)
        await self.bulks.end(bulk, "refused", self.clock())

    async def _side_by_side(
        self, command: BulkTickets, tickets: Sequence[str], act: Act, *, look: bool
    ) -> dict[str, Outcome]:
        places = asyncio.Semaphore(AT_ONCE)

        async def one(ticket_id: str) -> Outcome:
            async with places:
                single = self._one(command, ticket_id)
                ask = self.act_on.look if look else self.act_on
                return _outcome(await ask(single, act))

        return dict(zip(tickets, await asyncio.gather(*map(one, tickets)), strict=True))

    def _one(self, command: BulkTickets, ticket_id: str) -> OnTicket:
        """The command on one ticket that the bulk stands for."""
        fields: dict[str, Any] = command.action.model_dump(exclude={"kind"})
        return COMMANDS[command.action.kind].model_validate(
            {
                **fields,
                "id": derive_id(command.id, ticket_id),
                "workspace": command.workspace,
                "actor": command.actor,
                "on_behalf_of": command.on_behalf_of,
                "correlation_id": command.correlation_id or command.id,
                "expected_version": command.versions.get(ticket_id),
                "ticket_id": ticket_id,
            }
        )


def _outcome(reply: CommandReply) -> Outcome:
    if reply.status == "ok":
        return Outcome("done", version=reply.version)
    return Outcome("refused", reply.code, reply.detail, reply.version)
