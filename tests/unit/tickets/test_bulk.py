"""One action on many tickets: all or each, resumed by anybody, one event per ticket."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import pytest
from casetrail_contracts import commands
from casetrail_contracts.commands import BulkTickets, BulkTicketsBody, ReadBulk
from casetrail_contracts.ids import derive_id
from casetrail_tickets.domain.bulk import UNDER_WAY, Bulk, Outcome, State
from casetrail_tickets.use_cases.bulk import STRIDE, CarryOutBulk, TakeBulk, TellBulk
from pydantic import ValidationError

from tests.unit.tickets.desk import AGENT, MONDAY, Desk

NOTE = "Courier strike: delivered by our own riders."


@dataclass
class MemoryBulks:
    """`Bulks` in a dictionary, without leases: whoever asks goes on."""

    bulks: dict[str, Bulk] = field(default_factory=dict)
    dies_after: int | None = None
    """Notes until the process dies."""

    async def add(self, bulk: Bulk) -> None:
        self.bulks.setdefault(bulk.bulk_id, bulk)

    async def find(self, workspace: str, bulk_id: str) -> tuple[Bulk, str | None] | None:
        bulk = self.bulks.get(bulk_id)
        return None if bulk is None or bulk.workspace != workspace else (bulk, None)

    async def claim(self) -> Bulk | None:
        return next((bulk for bulk in self.bulks.values() if bulk.state in UNDER_WAY), None)

    async def note(self, bulk: Bulk, outcomes: Mapping[str, Outcome], *, state: State) -> bool:
        if self.dies_after == 0:
            self.dies_after = None
            raise ConnectionError("killed")
        if self.dies_after is not None:
            self.dies_after -= 1
        self._set(bulk, outcomes, state)
        return True

    async def decided(
        self, bulk: Bulk, faults: Mapping[str, Outcome], state: Literal["running", "refusing"]
    ) -> Bulk:
        if self.bulks[bulk.bulk_id].state == "accepted":
            self._set(bulk, faults, state)
        return self.bulks[bulk.bulk_id]

    async def end(self, bulk: Bulk, state: Literal["done", "refused"], at: datetime) -> None:
        kept = self.bulks[bulk.bulk_id]
        self.bulks[bulk.bulk_id] = replace(kept, state=state, ended_at=at, asked=None)

    def _set(self, bulk: Bulk, outcomes: Mapping[str, Outcome], state: State) -> None:
        kept = self.bulks[bulk.bulk_id]
        after = {**kept.outcomes, **outcomes}
        self.bulks[bulk.bulk_id] = replace(kept, state=state, outcomes=after)


class Lead:
    """A lead in front of the tickets service."""

    def __init__(self) -> None:
        self.desk = Desk(())
        self.bulks = MemoryBulks()
        self.take = TakeBulk(self.bulks, lambda: MONDAY)
        self.carry_out = CarryOutBulk(
            self.bulks, self.desk.act_on, self.desk.assign, self.desk.stream, lambda: MONDAY
        )

    async def tickets(self, count: int) -> list[str]:
        """That many tickets, each being worked on."""
        made = [await self.desk.make(f"make {n}") for n in range(count)]
        for ticket in made:
            key = f"begin {ticket}"
            await self.desk.do(commands.ChangeTicketStatus, ticket, key, status="in_progress")
        return made

    async def ask(self, tickets: list[str], action: dict[str, Any], **fields: Any) -> str:
        """The id of the bulk."""
        command = BulkTickets.model_validate(
            {
                "id": derive_id(fields.pop("key", "bulk")),
                "workspace": "main",
                "actor": AGENT,
                "ticket_ids": tickets,
                "action": action,
                "mode": "each",
                **fields,
            }
        )
        return str((await self.take(command)).result["bulk_id"])

    async def progress(self, bulk_id: str) -> dict[str, Any]:
        """How far it is."""
        asked = ReadBulk(id="read", workspace="main", actor=AGENT, bulk_id=bulk_id)
        return (await TellBulk(self.bulks)(asked)).result


async def test_each_does_what_can_be_done() -> None:
    """One event per ticket; what cannot be done is told for each, and recorded as refused."""
    lead = Lead()
    tickets = await lead.tickets(3)
    await lead.desk.do(commands.CloseTicket, tickets[1], "closed before", note="found")
    bulk = await lead.ask([*tickets, "T-9999"], {"kind": "close", "note": NOTE})
    assert await lead.carry_out() == 1
    told = await lead.progress(bulk)
    assert (told["state"], told["total"], told["done"], told["refused"]) == ("done", 4, 2, 2)
    codes = [each["code"] for each in told["tickets"]]
    assert codes == [None, "transition-not-allowed", None, "ticket-not-found"]
    for ticket in (tickets[0], tickets[2]):
        assert lead.desk.names(ticket)[-2:] == ["ticket.resolved", "ticket.closed"]
        resolved = lead.desk.events(ticket)[-2]
        assert resolved.private_values() == {"resolution_note": NOTE}
        assert resolved.correlationid == bulk
    refused = [
        *(e for e in lead.desk.tickets.published if e.noun_verb == "command.rejected"),
        *lead.desk.stream.events,
    ]
    assert [event.ticketid for event in refused] == [tickets[1], None]
    assert await lead.carry_out() == 0


async def test_all_or_nothing_is_decided_before_anything_changes() -> None:
    """One that cannot: nothing is done, one refusal is recorded, and it says which ones."""
    lead = Lead()
    tickets = await lead.tickets(3)
    await lead.desk.do(commands.CloseTicket, tickets[2], "closed before", note="found")
    before = list(lead.desk.tickets.published)
    bulk = await lead.ask(tickets, {"kind": "close", "note": NOTE}, mode="all")
    await lead.carry_out()
    told = await lead.progress(bulk)
    assert (told["state"], told["done"], told["refused"]) == ("refused", 0, 1)
    assert [each["ticket_id"] for each in told["tickets"]] == [tickets[2]]
    assert lead.desk.tickets.published == before
    (event,) = lead.desk.stream.events
    data = event.data.model_dump()
    assert (data["code"], data["target"]) == ("bulk-refused", f"bulk/{bulk}")
    assert f"1 of 3 tickets cannot take it. {tickets[2]}:" in data["detail"]


async def test_all_that_can_are_changed() -> None:
    """When every one can, every one is."""
    lead = Lead()
    tickets = await lead.tickets(3)
    bulk = await lead.ask(tickets, {"kind": "assign", "owner": "b"}, mode="all")
    await lead.carry_out()
    assert (await lead.progress(bulk))["done"] == 3
    assert {(await lead.desk.ticket(each)).owner for each in tickets} == {"agent:b"}


async def test_no_bulk_closes_without_a_resolution_note() -> None:
    """The rule of the domain holds on this path as on every other."""
    lead = Lead()
    tickets = await lead.tickets(2)
    for key, action in (("1", {"kind": "close"}), ("2", {"kind": "resolve", "note": " "})):
        bulk = await lead.ask(tickets, action, key=key)
        await lead.carry_out()
        told = await lead.progress(bulk)
        assert {each["code"] for each in told["tickets"]} == {"resolution-note-missing"}
    assert {(await lead.desk.ticket(each)).status for each in tickets} == {"in_progress"}


async def test_versions_are_those_that_were_seen() -> None:
    """A ticket that moved on since is left alone."""
    lead = Lead()
    first, second = await lead.tickets(2)
    bulk = await lead.ask(
        [first, second],
        {"kind": "priority", "priority": "urgent"},
        versions={first: 1, second: 2},
    )
    await lead.carry_out()
    codes = [each["code"] for each in (await lead.progress(bulk))["tickets"]]
    assert codes == ["version-conflict", None]


@pytest.mark.parametrize("dies_after", [0, 1, 2])
async def test_a_bulk_goes_on_after_a_kill(dies_after: int) -> None:
    """INVARIANT I10: killed after changes that were not noted, each ticket is changed once."""
    lead = Lead()
    tickets = await lead.tickets(2 * STRIDE + 5)
    lead.bulks.dies_after = dies_after
    bulk = await lead.ask(tickets, {"kind": "note", "note": NOTE})
    with pytest.raises(ConnectionError):
        await lead.carry_out()
    await lead.carry_out()
    told = await lead.progress(bulk)
    assert (told["state"], told["done"]) == ("done", len(tickets))
    assert {lead.desk.names(each).count("ticket.note_added") for each in tickets} == {1}


async def test_the_same_bulk_again_is_the_same() -> None:
    """INVARIANT I3: one id, one bulk; its texts are gone when it has ended."""
    lead = Lead()
    tickets = await lead.tickets(2)
    for _ in range(2):
        bulk = await lead.ask(tickets, {"kind": "note", "note": NOTE})
        await lead.carry_out()
    assert lead.desk.names(tickets[0]).count("ticket.note_added") == 1
    assert lead.bulks.bulks[bulk].asked is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ticket_ids": []}, "at least 1 item"),
        ({"ticket_ids": ["T-1"] * 2}, "twice"),
        ({"ticket_ids": [f"T-{n}" for n in range(1, 1002)]}, "at most 1000"),
        ({"versions": {"T-2": 1}}, "not in ticket_ids"),
        ({"mode": "some"}, "'all' or 'each'"),
        ({"action": {"kind": "delete"}}, "kind"),
    ],
)
def test_what_is_no_bulk_is_refused(fields: dict[str, Any], said: str) -> None:
    """The fault says what to mend."""
    good = {"ticket_ids": ["T-1"], "mode": "each", "action": {"kind": "close"}}
    with pytest.raises(ValidationError, match=said):
        BulkTicketsBody.model_validate({**good, **fields})
