"""A message to a customer, over fakes: what is asked of WhatsApp, and what is told of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casetrail_contracts.commands import SendMessage
from casetrail_contracts.ids import message_id
from casetrail_ingest.domain.sending import Accepted, Letter, NotSent, understood
from casetrail_ingest.use_cases.send_message import ATTEMPTS, SendMessages, letter_of
from casetrail_runtime.outbox import Aggregates

from tests.support.memory import MemoryAggregateCollection, MemoryProcessedLog

KEY = b"a key of the tests, long enough to be one"
AGAIN = NotSent("refused", again=True, code=130429, title="Rate limit hit")
NO = NotSent("refused", again=False, code=131047, title="Re-engagement message")


def command(number: int = 1, **more: Any) -> SendMessage:
    """A command that sends a text."""
    said = more or {"text": "Your parcel is on its way"}
    return SendMessage.model_validate(
        {
            "id": f"command-{number}",
            "workspace": "main",
            "actor": {"kind": "agent", "id": "a", "name": "Agent A"},
            "conversation_id": "cv_x",
            "case_id": "CASE-1001",
            "phone_number_id": "100",
            "wa_id": "923001234567",
            **said,
        }
    )


class Script:
    """WhatsApp that answers from a list; an exception ends the process it is asked from."""

    def __init__(self, *answers: Accepted | NotSent | BaseException) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    async def send(self, phone_number_id: str, request: dict[str, Any]) -> Accepted | NotSent:
        self.requests.append({"from": phone_number_id, **request})
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class World:
    """The use case over fakes."""

    def __init__(self, *answers: Accepted | NotSent | BaseException) -> None:
        self.whatsapp = Script(*answers)
        self.store = MemoryAggregateCollection("sendings")
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.pauses: list[float] = []
        self.send = SendMessages(
            Aggregates(self.store, MemoryProcessedLog()),
            self,
            self.whatsapp,
            KEY,
            lambda: self.at,
            self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def under_way(self, *, before: datetime) -> Sequence[tuple[str, dict[str, Any]]]:
        found = []
        for number in (1, 2):
            loaded = await self.store.load(f"main:command-{number}")
            state = None if loaded is None else loaded.state
            if state and state["status"] == "sending" and state["at"] < before:
                found.append((f"main:command-{number}", state))
        return found


async def test_a_message_is_sent_once_for_each_command() -> None:
    """INVARIANT I3: the same command again is answered the same, and WhatsApp is asked once."""
    world = World(Accepted("wamid.A"))
    first = await world.send(command())
    again = await world.send(command())
    public_id = message_id(KEY, "100", "wamid.A")
    assert first.result == again.result == {"status": "sent", "message_id": public_id}
    assert len(world.whatsapp.requests) == 1
    (event,) = world.store.published
    assert (event.type, event.subject) == ("casetrail.message.sent.v1", f"message/{public_id}")
    assert event.causationid == "command-1"
    assert event.private_values()["text"] == "Your parcel is on its way"
    assert "923001234567" not in event.data.model_dump_json()


async def test_copies_of_a_command_at_once_are_one_message() -> None:
    """INVARIANT I3: fifty at once."""
    world = World(Accepted("wamid.A"))
    replies = await asyncio.gather(*(world.send(command()) for _ in range(50)))
    assert {reply.status for reply in replies} == {"ok"}
    assert len(world.whatsapp.requests) == len(world.store.published) == 1


async def test_what_may_pass_is_tried_again_with_longer_pauses() -> None:
    """429, 5xx and the documented codes: again, and as long as Retry-After asks."""
    slow = NotSent("refused", again=True, code=131056, title="pair rate", wait=7.0)
    world = World(AGAIN, slow, AGAIN, Accepted("wamid.A"))
    assert (await world.send(command())).result["status"] == "sent"
    assert world.pauses == [0.5, 7.0, 2.0]


async def test_a_refusal_is_told_with_its_code_and_not_repeated() -> None:
    """A message outside the 24 hours: one request, one event, an answer that says why."""
    world = World(NO)
    reply = await world.send(command())
    assert (reply.status, reply.code) == ("rejected", "message-refused")
    assert "131047" in (reply.detail or "")
    (event,) = world.store.published
    assert event.type == "casetrail.message.send_failed.v1"
    assert (await world.send(command())).code == "message-refused"
    assert len(world.whatsapp.requests) == 1


async def test_it_gives_up_in_the_end_and_says_so() -> None:
    """A WhatsApp that stays away is unreachable, after so many attempts."""
    away = NotSent("unreachable", again=True, title="WhatsApp cannot be reached")
    world = World(*[away] * ATTEMPTS)
    reply = await world.send(command())
    assert reply.code == "message-unreachable"
    assert len(world.whatsapp.requests) == ATTEMPTS


async def test_a_process_that_dies_leaves_an_unknown_never_a_second_message() -> None:
    """INVARIANT I10: killed while WhatsApp was asked, it is told as unknown, and not sent again."""
    world = World(RuntimeError("killed"))
    task = asyncio.gather(world.send(command()), return_exceptions=True)
    await task
    assert (await world.send(command())).result == {"status": "sending"}
    world.at += timedelta(minutes=6)
    assert await world.send.settle_forgotten() == 1
    assert (await world.send(command())).code == "message-unknown"
    assert len(world.whatsapp.requests) == 1
    (event,) = world.store.published
    assert getattr(event.data, "outcome", None) == "unknown"
    assert await world.send.settle_forgotten() == 0


@pytest.mark.parametrize(
    ("said", "kind", "content"),
    [
        ({"text": "Salam"}, "text", {"body": "Salam"}),
        (
            {"template": {"name": "parcel_late", "language": "ur"}},
            "template",
            {"name": "parcel_late", "language": {"code": "ur"}},
        ),
        (
            {"media": {"type": "image", "id": "77", "caption": "the label"}},
            "image",
            {"id": "77", "caption": "the label"},
        ),
        (
            {"reaction": {"message_id": "ms_" + "a" * 26, "emoji": "👍"}, "about_wamid": "wamid.R"},
            "reaction",
            {"emoji": "👍", "message_id": "wamid.R"},
        ),
    ],
)
def test_each_kind_of_message_is_asked_as_documented(
    said: dict[str, Any], kind: str, content: dict[str, Any]
) -> None:
    """Text, template, file and reaction."""
    request = letter_of(command(**said)).request("mark")
    assert request["type"] == kind
    assert request[kind] == content
    assert (request["to"], request["biz_opaque_callback_data"]) == ("923001234567", "mark")
    assert request["messaging_product"] == "whatsapp"


def test_a_reply_names_its_message_and_a_user_id_is_a_recipient() -> None:
    """`context` for a reply; `recipient` for a customer without a number."""
    request = Letter("text", {"body": "x"}, None, "PK.1349", "wamid.Q").request("m")
    assert request["context"] == {"message_id": "wamid.Q"}
    assert request["recipient"] == "PK.1349"
    assert "to" not in request


@pytest.mark.parametrize(
    ("status", "answer", "outcome", "again"),
    [
        (400, {"error": {"code": 131047, "message": "Re-engagement"}}, "refused", False),
        (400, {"error": {"code": 130429, "message": "Rate limit hit"}}, "refused", True),
        (401, {"error": {"code": 190, "message": "token"}}, "refused", False),
        (429, None, "refused", True),
        (503, "<html>", "refused", True),
        (500, {"error": "odd"}, "refused", True),
        (400, {"error": {"code": "131026"}}, "refused", False),
        (200, {"messages": []}, "unknown", False),
        (200, [], "unknown", False),
    ],
)
def test_answers_of_every_shape_are_understood(
    status: int, answer: Any, outcome: str, again: object
) -> None:
    """No shape of an answer is a crash, and only what may pass is tried again."""
    found = understood(status, answer)
    assert isinstance(found, NotSent)
    assert (found.outcome, found.again) == (outcome, again)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": " "},
        {"text": "a", "template": {"name": "x", "language": "en"}},
        {"media": {"type": "image"}},
        {"media": {"type": "image", "link": "http://plain.example/x"}},
        {"reply_to": "wamid.1", "text": "a"},
    ],
)
def test_a_body_that_says_nothing_or_two_things_is_refused(body: dict[str, Any]) -> None:
    """Exactly one of text, template, media, reaction."""
    with pytest.raises(ValueError, match=r"exactly one|empty|match pattern"):
        command(**body, wa_id="923001234567")
