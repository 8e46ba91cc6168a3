"""An erasure that is killed between its steps goes on where it was."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from casetrail_audit.domain.erased import kept_as_logged
from casetrail_audit.privacy.assembly import PRIVACY_INDEXES, Privacy, make_privacy
from casetrail_contracts import Actor
from casetrail_contracts.ids import derive_id
from casetrail_contracts.privacy_commands import Erase, PlaceHold, ScopeBody
from casetrail_contracts.subjects import ROUTING_DURABLE, TICKETS_DURABLE
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.mongo import ensure_indexes
from casetrail_runtime.publisher import StreamPublisher
from nats.errors import TimeoutError as NothingLeft
from nats.js import JetStreamContext

from tests.integration.audit.replica import Replica, settings_for
from tests.integration.privacy.office import CV, messages, said
from tests.support.processes import python_process
from tests.support.servers import NatsForTests
from tests.support.waiting import eventually

COUNT = 25
"""Messages of the customer; twenty are erased side by side."""


async def read_by_everybody(js: JetStreamContext) -> None:
    """Acknowledges what is there for routing and tickets, which do not run here."""
    for durable in (ROUTING_DURABLE, TICKETS_DURABLE):
        reader = await js.pull_subscribe_bind(durable, "SUPPORT")
        while True:
            try:
                found = await reader.fetch(100, timeout=0.5)
            except (NothingLeft, TimeoutError):
                break
            for message in found:
                await message.ack_sync()


async def asked(replica: Replica, js: JetStreamContext, fields: list[str] | None = None) -> None:
    """An erasure of a customer with many messages, asked for and recorded."""
    publisher = StreamPublisher(replica.broker, "SUPPORT")
    await publisher.publish_all([said(n, f"zebra {n}") for n in range(1, COUNT + 1)])
    await publisher.close()
    await replica.complete(COUNT)
    reply = await CommandClient(replica.broker).send(
        Erase(
            id=derive_id("erase"),
            workspace="main",
            actor=Actor(kind="admin", id="admin"),
            scope=ScopeBody(customer=CV),
            policy="customer-request",
            reason="asked by letter",
            fields=fields,
        )
    )
    assert reply.status == "ok", reply
    await replica.complete(COUNT + 1)
    await read_by_everybody(js)


@asynccontextmanager
async def asked_and_killed(
    nats_url: str,
    mongo_url: str,
    js: JetStreamContext,
    method: str,
    calls: int,
    *,
    fields: list[str] | None = None,
) -> AsyncIterator[tuple[Replica, Privacy]]:
    """A log with an erasure that was killed after so many calls of a step."""
    replica = await Replica(settings_for(nats_url, mongo_url)).prepare()
    await ensure_indexes(replica.db, PRIVACY_INDEXES)
    privacy = make_privacy(replica.broker, replica.db, "replica-1")
    await replica.start()
    await privacy.relay.start()
    try:
        await asked(replica, js, fields)
        arguments = (mongo_url, nats_url, method, str(calls))
        async with python_process("tests.support.eraser_process", *arguments) as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        yield replica, privacy
    finally:
        await privacy.stop()
        await replica.stop()


@pytest.mark.parametrize(
    ("method", "calls"),
    [("erase", 1), ("erase", 22), ("forget", 1), ("forget", 21), ("handle", 1), ("certified", 2)],
)
async def test_it_goes_on_where_it_was_killed(
    nats_server: NatsForTests, mongo_url: str, js: JetStreamContext, method: str, calls: int
) -> None:
    """INVARIANT I10: killed -9 after any step, the next eraser finishes, with one certificate."""
    async with asked_and_killed(nats_server.url, mongo_url, js, method, calls) as (
        replica,
        privacy,
    ):
        await privacy.eraser.start()

        async def finished() -> bool:
            records = {r["_id"]: r for r in await replica.records()}
            certificates = [r for r in records.values() if r["action"] == "privacy.erased"]
            listed = [each["seq"] for c in certificates for each in c["data"]["records"]]
            assert sorted(listed) == list(range(1, COUNT + 1))
            assert [c["data"]["stage"] for c in certificates] == ["complete"]
            assert all(records[n]["private"] is None for n in range(1, COUNT + 1))
            assert all(records[n]["erased"]["certified"] for n in range(1, COUNT + 1))
            return True

        await eventually(finished, within=30)
        left = await messages(js, "SUPPORT")
        assert not [seq for seq, data in left if b"zebra" in data]


@pytest.mark.parametrize(("method", "calls"), [("erase", 3), ("forget", 22), ("handle", 1)])
async def test_an_erasure_of_single_fields_goes_on_as_well(
    nats_server: NatsForTests, mongo_url: str, js: JetStreamContext, method: str, calls: int
) -> None:
    """INVARIANT I10: the named field is gone and certified once; what it left opens its leaf."""
    killed = asked_and_killed(nats_server.url, mongo_url, js, method, calls, fields=["phone"])
    async with killed as (replica, privacy):
        await privacy.eraser.start()

        async def finished() -> list[dict[str, Any]]:
            records = await replica.records()
            told = [r["data"] for r in records if r["action"] == "privacy.erased"]
            assert [each["stage"] for each in told] == ["complete"]
            assert [r["seq"] for r in told[0]["records"]] == list(range(1, COUNT + 1))
            assert {tuple(r["fields"]) for r in told[0]["records"]} == {("phone", "raw")}
            return records

        records = (await eventually(finished, within=30))[:COUNT]
        assert {tuple(sorted(r["private"])) for r in records} == {("name", "salt", "text")}
        assert all(kept_as_logged(r) for r in records)
        left = await messages(js, "SUPPORT")
        assert not [seq for seq, data in left if b"923001114291" in data]


async def test_a_hold_in_between_stops_it(
    nats_server: NatsForTests, mongo_url: str, js: JetStreamContext
) -> None:
    """A hold placed during an erasure: what is gone is certified, the rest is kept whole."""
    async with asked_and_killed(nats_server.url, mongo_url, js, "forget", 15) as (replica, privacy):
        reply = await CommandClient(replica.broker).send(
            PlaceHold(
                id=derive_id("hold"),
                workspace="main",
                actor=Actor(kind="admin", id="admin"),
                scope=ScopeBody(customer=CV),
                reason="a claim is open",
            )
        )
        assert reply.status == "ok"
        assert len(reply.result["erasures_under_way"]) == 1
        await privacy.eraser.start()

        async def stopped() -> Any:
            records = await replica.records()
            told = [r["data"] for r in records if r["action"] == "privacy.erased"]
            assert [each["stage"] for each in told] == ["stopped"]
            return records, told[0]

        records, told = await eventually(stopped, within=30)
        assert told["hold_check"]["holds"] == [reply.result["hold_id"]]
        gone = [r["_id"] for r in records[:COUNT] if r["private"] is None]
        assert [each["seq"] for each in told["records"]] == gone
        assert 0 < len(gone) < COUNT
        assert all(r["private"]["text"] for r in records[:COUNT] if r["_id"] not in gone)
