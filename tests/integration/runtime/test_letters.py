"""Messages that were set aside, handled again by the service that could not take them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from casetrail_contracts import Actor, CommandReply, Event, parse_event
from casetrail_contracts.commands import HandleLetter
from casetrail_contracts.subjects import DEAD
from casetrail_runtime.broker import ServiceBroker
from casetrail_runtime.commands import CommandClient
from casetrail_runtime.failure import PermanentError
from casetrail_runtime.letters import LetterBox, serve_letters
from casetrail_runtime.outbox.model import Applied
from casetrail_runtime.publisher import StreamPublisher
from casetrail_runtime.pull import Delivery, subscribe_keyed
from nats.aio.client import Client

from tests.integration.runtime.conftest import QUICK, about, dead_letters, event, idle, number
from tests.support.waiting import eventually

pytestmark = pytest.mark.servers


class HandleDeskLetter(HandleLetter):
    """The command of the service of these tests."""

    service = "desk"


@dataclass
class Answers:
    """Commands answered already, in memory."""

    known: dict[str, Applied] = field(default_factory=dict)

    async def seen(self, id: str) -> Applied | None:  # noqa: A002 - the document's word
        return self.known.get(id)

    async def mark(self, id: str, result: Mapping[str, Any], version: int = 0) -> None:  # noqa: A002
        self.known.setdefault(id, Applied(dict(result), version))


@dataclass
class Desk:
    """A service whose handler fails until it is repaired."""

    broker: ServiceBroker
    client: Client
    fault: Exception | None = field(default_factory=lambda: ValueError("not yet"))
    handled: list[Delivery] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Serves the durable and the command."""
        worker = subscribe_keyed(
            self.broker, "routing", self._handle, key=about, service="desk", policy=QUICK
        )
        self.publisher = StreamPublisher(self.broker, "SUPPORT")
        self.answers = Answers()
        serve_letters(
            self.broker,
            HandleDeskLetter,
            {"routing": worker},
            answered=self.answers,
            publisher=self.publisher,
            now=lambda: datetime.now(UTC),
        )
        await self.broker.start()

    async def _handle(self, delivery: Delivery) -> None:
        if delivery.event.noun_verb != "message.noted":
            return  # what is told of letters comes here too
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.fault is not None:
            raise self.fault
        self.handled.append(delivery)

    async def set_aside(self, sent: Event | bytes) -> int:
        """The sequence in SUPPORT of a message that is set aside."""
        before = len(await dead_letters(self.client))
        if isinstance(sent, bytes):
            ack = await self.publisher.publish_raw("support.main.message.noted", sent, "odd")
        else:
            ack = await self.publisher.publish(sent)

        async def aside() -> bool:
            return len(await dead_letters(self.client)) > before

        await eventually(aside)
        return ack.seq

    async def again(self, letter: int, id_: str = "c1", **given: Any) -> CommandReply:
        """The reply to the command."""
        command = HandleDeskLetter.model_validate(
            {
                "id": id_,
                "workspace": "main",
                "actor": Actor(kind="admin", id="root"),
                "letter": letter,
                "reason": "the rule file was repaired",
                **given,
            }
        )
        return await CommandClient(self.broker).send(command)

    async def told(self, action: str) -> list[Event]:
        """The events of this type in the stream."""
        js = self.client.jetstream()
        last = (await js.stream_info("SUPPORT")).state.last_seq
        found = [await js.get_msg("SUPPORT", seq) for seq in range(1, last + 1)]
        subject = f"support.main.{action}"
        return [parse_event(one.data or b"") for one in found if one.subject == subject]


@pytest.fixture
async def office(desk: ServiceBroker, client: Client) -> Desk:
    """The service, started."""
    made = Desk(desk, client)
    await made.start()
    return made


async def test_a_letter_is_handled_told_and_gone(office: Desk, client: Client) -> None:
    """By the handler that failed, as its stream had it; no other record than that it happened."""
    sent = event(7)
    seq = await office.set_aside(sent)
    stored = await client.jetstream().get_msg("SUPPORT", seq)
    office.fault = None
    reply = await office.again(1)
    assert (reply.status, reply.result) == ("ok", {"letter": 1, "event_seq": seq})
    (delivery,) = office.handled
    assert (delivery.event.to_bytes(), delivery.seq) == (sent.to_bytes(), seq)
    assert delivery.num_delivered == 2
    assert stored.time is not None
    assert abs(delivery.recorded_at - stored.time).total_seconds() < 0.001
    assert await LetterBox(office.broker).next(0) is None
    (told,) = await office.told("letter.handled")
    data = told.data.model_dump()
    assert (data["letter"], data["handler"], data["event_seq"]) == (1, "routing", seq)
    assert (data["actor"]["id"], data["failed"]) == ("root", "ValueError: not yet")
    assert told.causationid == sent.id
    assert told.private_values() == {"reason": "the rule file was repaired"}
    assert await office.again(1) == reply, "the same command is answered the same"
    assert len(office.handled) == 1
    missing = await office.again(1, "c2")
    assert (missing.status, missing.code) == ("rejected", "letter-not-found")


async def test_one_that_fails_again_stays_and_leaves_a_record(office: Desk) -> None:
    """Of who tried; once it is repaired another command handles it."""
    await office.set_aside(event(1))
    office.fault = PermanentError("still no rule")
    reply = await office.again(1)
    assert (reply.status, reply.code) == ("rejected", "letter-failed-again")
    assert "still no rule" in (reply.detail or "")
    letter = await LetterBox(office.broker).letter(1)
    assert letter is not None
    (refused,) = await office.told("command.rejected")
    assert refused.data.model_dump()["target"] == "letter/1"
    office.fault = None
    assert (await office.again(1, "c2")).status == "ok"


async def test_an_outage_is_no_verdict(office: Desk) -> None:
    """The letter stays, nothing is told, and the same command may be given again."""
    await office.set_aside(event(1))
    office.fault = ConnectionError("MongoDB is away")
    reply = await office.again(1)
    assert (reply.status, reply.code) == ("failed", "unavailable")
    assert await office.told("command.rejected") == []
    office.fault = None
    assert (await office.again(1)).status == "ok"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"workspace": "other"}, "letter-not-found"),
        ({"letter": 9}, "letter-not-found"),
    ],
)
async def test_what_is_not_there_for_the_caller_is_not_found(
    office: Desk, given: dict[str, Any], code: str
) -> None:
    """Of another workspace, or of no letter: one answer for both."""
    await office.set_aside(event(1))
    office.fault = None
    reply = await office.again(**{"letter": 1, **given})
    assert (reply.status, reply.code) == ("rejected", code)
    assert office.handled == []
    assert await LetterBox(office.broker).letter(1) is not None


async def test_what_cannot_be_handled_here_says_why(office: Desk, client: Client) -> None:
    """Bytes that are no event, bytes left in the stream, letters of another service: all stay."""
    await office.set_aside(b"no event")
    office.fault = None
    js = client.jetstream()
    headers = {"original_subject": "support.main.message.noted", "stream": "SUPPORT"}
    placed = {**headers, "stream_sequence": "1"}
    omitted = {**placed, "bytes_omitted": "9000000"}
    elsewhere = event(3).model_copy(update={"workspace": "other"}).to_bytes()
    await js.publish("dead.desk.routing", b"", headers=omitted)
    await js.publish("dead.audit.webhook", b"{}", headers={**placed, "stream": "AUDIT"})
    await js.publish("dead.desk.routing", event(2).to_bytes(), headers=headers)
    await js.publish("dead.desk.routing", elsewhere, headers=placed)
    codes = [(await office.again(letter, f"c{letter}")).code for letter in range(1, 6)]
    assert codes == [
        "letter-no-event",
        "letter-without-bytes",
        *("letter-of-another", "letter-of-another"),
        "letter-not-found",
    ]
    assert (await js.stream_info(DEAD)).state.messages == 5
    assert office.handled == []


async def test_it_is_taken_behind_what_runs_for_the_same_thing(
    office: Desk, client: Client
) -> None:
    """An event of the same conversation that is being handled is finished first."""
    await office.set_aside(event(1, about="cv"))
    office.fault = None
    running, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        running.set()
        await go_on.wait()

    office.meanwhile = wait
    await office.publisher.publish(event(2, about="cv"))
    await running.wait()
    asked = asyncio.create_task(office.again(1))
    await asyncio.sleep(0.3)
    assert office.handled == []
    go_on.set()
    assert (await asked).status == "ok"
    assert [number(one.event) for one in office.handled] == [2, 1]
    await eventually(lambda: idle(client, "routing"))


async def test_a_service_that_ends_leaves_the_letter(office: Desk) -> None:
    """Who asked is told that nothing is known to be done."""
    await office.set_aside(event(1))
    office.fault = None
    running = asyncio.Event()

    async def wait() -> None:
        running.set()
        await asyncio.sleep(60)

    office.meanwhile = wait
    asked = asyncio.create_task(office.again(1))
    await running.wait()
    stopping = asyncio.create_task(office.broker.stop())
    asked.cancel()
    await asyncio.wait_for(stopping, 30)
    assert office.handled == []
