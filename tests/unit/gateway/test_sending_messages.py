"""Writing to the customer of a case: whom it goes to is looked up, never shown or asked for."""

import pytest
from casetrail_contracts.commands import SendMessage

from tests.unit.gateway.story import CV, PHONE
from tests.unit.gateway.world import World

PATH = "/v1/cases/CASE-1001/messages"
WRITTEN = "ms_" + "a" * 26


def world_with_a_message(**private: str) -> World:
    """A gateway whose log has a message of the customer."""
    world = World()
    message = next(d for d in world.log.documents.values() if d["action"] == "message.received")
    message["data"] = {**message["data"], "phone_number_id": "100"}
    message["private"] = private or {"phone": PHONE, "wamid": "wamid.IN", "text": "hello?"}
    message["target"] = f"message/{WRITTEN}"
    for document in world.log.documents.values():
        if document["action"] == "message.received" and document is not message:
            document["private"], document["data"] = message["private"], message["data"]
    return world


async def test_the_address_is_looked_up_and_stays_inside() -> None:
    """The command names the customer's number; the answer does not."""
    world = world_with_a_message()
    answer = await world.post(PATH, {"text": "We are on it"}, "token-agent")
    assert answer.status_code == 201, answer.text
    (command,) = world.commands.sent
    assert isinstance(command, SendMessage)
    assert (command.wa_id, command.phone_number_id) == (PHONE, "100")
    assert (command.conversation_id, command.text) == (CV, "We are on it")
    assert PHONE not in answer.text


async def test_a_reply_names_its_message_by_whatsapps_id() -> None:
    """`reply_to` takes our id of the message; WhatsApp gets its own."""
    world = world_with_a_message()
    await world.post(PATH, {"text": "Yes", "reply_to": WRITTEN})
    (command,) = world.commands.sent
    assert isinstance(command, SendMessage)
    assert command.about_wamid == "wamid.IN"
    answer = await world.post(PATH, {"text": "Yes", "reply_to": "ms_" + "b" * 26})
    assert answer.status_code == 404


async def test_an_erased_customer_cannot_be_written_to() -> None:
    """409 with the reason, and no command."""
    world = world_with_a_message(text="only the words were kept")
    answer = await world.post(PATH, {"text": "Hello?"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:casetrail:problem:customer-address-unknown"
    assert not world.commands.sent


async def test_the_same_key_is_the_same_command_whatever_the_customer_wrote_since() -> None:
    """INVARIANT I3: what is looked up is no part of what was asked."""
    world = world_with_a_message()
    for phone in (PHONE, "923009999999"):
        for document in world.log.documents.values():
            if document["action"] == "message.received":
                document["private"] = {**document["private"], "phone": phone}
        await world.post(PATH, {"text": "Yes"}, "token-agent", idempotency_key="k")
    first, second = world.commands.sent
    assert (first.id, first.digest) == (second.id, second.digest)


@pytest.mark.parametrize("token", ["token-reviewer", "token-service", "token-other"])
async def test_who_does_not_work_the_case_cannot_write(token: str) -> None:
    """INVARIANT I9: 403, and the attempt is in the log."""
    world = world_with_a_message()
    answer = await world.post(PATH, {"text": "x"}, token)
    assert answer.status_code == 403
    assert world.stream.events[-1].type == "casetrail.command.rejected.v1"
