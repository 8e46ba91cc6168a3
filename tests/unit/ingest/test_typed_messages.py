"""Every message type of the facts becomes the event it is, its words in `private.text`."""

from typing import Any

import pytest
from casetrail_contracts.registry import message as m

from tests.unit.ingest.payloads import NUMBER, OURS, PHONE, cv, message, ms, one

FILE = {"id": "1350001", "mime_type": "image/jpeg", "sha256": "q", "url": "https://example.test/m"}
TYPES: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    (message("text", {"body": "parcel nahi aya"}), {}, "parcel nahi aya"),
    (message("text"), {}, None),
    (message("image", {**FILE, "caption": "torn box"}), {}, "torn box"),
    (message("video", FILE), {}, None),
    (message("document", {**FILE, "filename": "receipt.pdf"}), {}, None),
    (message("sticker", {**FILE, "animated": "true"}), {}, None),
    (message("location", {"latitude": 31.5, "longitude": 74.3, "name": "Depot"}), {}, "Depot"),
    (
        message("contacts", [{"name": {"formatted_name": "Ali"}}, {"name": None}, 7]),
        {"things": 3},
        "Ali",
    ),
    (
        message(
            "interactive", {"type": "button_reply", "button_reply": {"id": "y", "title": "Yes"}}
        ),
        {"subtype": "button_reply"},
        "Yes",
    ),
    (
        message("interactive", {"list_reply": {"id": "1", "title": "Refund", "description": "d"}}),
        {"subtype": "list_reply"},
        "Refund",
    ),
    (
        message("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "[not json"}}),
        {"subtype": "nfm_reply"},
        None,
    ),
    (
        message(
            "interactive",
            {"type": "call_permission_reply", "call_permission_reply": {"response": "accept"}},
        ),
        {"subtype": "call_permission_reply"},
        None,
    ),
    (message("interactive"), {"subtype": None}, None),
    (message("button", {"text": "Track it", "payload": "track"}), {}, "Track it"),
    (
        message("order", {"catalog_id": "c", "text": "jaldi", "product_items": [{}, {}]}),
        {"things": 2},
        "jaldi",
    ),
    (message("request_welcome"), {}, None),
    (
        message(
            "unsupported",
            {"type": "poll_creation"},
            errors=[{"code": "131051", "title": "Message type unknown"}],
        ),
        {"subtype": "poll_creation"},
        None,
    ),
    (message("unknown", errors=[{"code": 131051, "details": "a string"}]), {}, None),
]


@pytest.mark.parametrize(("body", "facts", "text"), TYPES)
def test_a_message_of_each_type_is_received(
    body: dict[str, Any], facts: dict[str, Any], text: str | None
) -> None:
    """A type is found by its name; what somebody wrote is `text` whatever the type."""
    event = one({"messages": [body]})
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.message_type == body["type"]
    assert {key: getattr(event.data, key) for key in facts} == facts
    assert event.private_values().get("text") == text
    assert event.conversationid == cv(PHONE)


@pytest.mark.parametrize(("body", "facts", "text"), TYPES)
def test_nothing_personal_stands_outside_private(
    body: dict[str, Any], facts: dict[str, Any], text: str | None
) -> None:
    """INVARIANT I8: neither words nor files nor numbers of a customer are public."""
    event = one({"messages": [body]})
    public = event.model_copy(update={"private": None}).to_bytes().decode()
    for personal in (PHONE, "wamid.A", "1350001", "receipt.pdf", "31.5", text):
        assert personal is None or personal not in public


@pytest.mark.parametrize("odd", [None, 7, "x", [], {}, [[]], {"body": 5, "type": []}, True])
@pytest.mark.parametrize("kind", [body["type"] for body, _, _ in TYPES])
def test_a_part_of_any_shape_is_still_that_message(kind: str, odd: Any) -> None:
    """INVARIANT I2: every property is optional, and of any type."""
    event = one({"messages": [{**message(kind), kind: odd}]})
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.message_type == kind


def test_media_facts_are_public_and_the_file_is_private() -> None:
    """A reader sees a voice note; its id and digest can be erased."""
    voice = {**FILE, "mime_type": "audio/ogg; codecs=opus", "voice": True}
    event = one({"messages": [message("audio", voice)]})
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.media is not None
    assert (event.data.media.mime_type, event.data.media.voice) == ("audio/ogg; codecs=opus", True)
    assert event.private_values()["media"]["id"] == "1350001"


def test_a_form_is_read_when_it_is_json() -> None:
    """`response_json` is JSON inside a string; the string itself is kept as well."""
    reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "response_json": '{"stars": 4}'}}
    event = one({"messages": [message("interactive", reply)]})
    assert event.private_values()["reply"]["response"] == {"stars": 4}


@pytest.mark.parametrize(
    ("context", "facts"),
    [
        ({"from": OURS, "id": "wamid.Q"}, {"in_reply_to": ms("wamid.Q")}),
        ({"forwarded": True}, {"forwarded": "once"}),
        ({"frequently_forwarded": "true"}, {"forwarded": "often"}),
        (
            {"referred_product": {"catalog_id": "c", "product_retailer_id": "p"}},
            {"about_product": True},
        ),
        ("odd", {"in_reply_to": None}),
    ],
)
def test_the_context_of_a_message_is_told(context: Any, facts: dict[str, Any]) -> None:
    """A forwarded context has no id, a reply has one."""
    event = one({"messages": [message("text", {"body": "x"}, context=context)]})
    assert {key: getattr(event.data, key) for key in facts} == facts


def test_an_advertisement_is_named_without_its_words() -> None:
    """Which ad is public; the click id and the words are not."""
    referral = {"source_type": "ad", "source_id": "7", "ctwa_clid": "CLICK", "headline": "Sale"}
    event = one({"messages": [message("text", {"body": "hi"}, referral=referral)]})
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.referral == m.Referral(source_type="ad", source_id="7")
    assert event.private_values()["referral"]["ctwa_clid"] == "CLICK"


def test_a_message_without_type_is_told_by_its_only_part() -> None:
    """Some bodies leave `type` out."""
    body = message("location", {"latitude": 1, "longitude": 2})
    del body["type"]
    event = one({"messages": [body]})
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.message_type == "location"


@pytest.mark.parametrize("kind", ["hologram", "ephemeral", "hsm", "voice"])
def test_an_unknown_type_stays_unrecognised(kind: str) -> None:
    """It is kept verbatim, in the customer's conversation."""
    event = one({"messages": [message(kind, {"a": 1})]})
    assert event.noun_verb == "webhook.unrecognised"
    assert event.conversationid == cv(PHONE)
    assert '"a":1' in event.private_values()["raw"]


@pytest.mark.parametrize(("emoji", "removed"), [("👍", False), ("", True), (None, True)])
def test_a_reaction_and_its_removal(*, emoji: str | None, removed: bool) -> None:
    """No emoji, or an empty one, takes the reaction back."""
    part = {"message_id": "wamid.S", **({} if emoji is None else {"emoji": emoji})}
    event = one({"messages": [message("reaction", part)]})
    assert isinstance(event.data, m.MessageReacted)
    assert (event.data.message_id, event.data.removed) == (ms("wamid.S"), removed)
    assert event.private_values().get("emoji") == (emoji or None)


def test_an_edit_tells_the_new_words_of_the_old_message() -> None:
    """The event stands under the message that was changed; a new link is the same edit."""
    image = {"type": "image", "image": {**FILE, "caption": "the box"}}
    part = {"original_message_id": "wamid.S", "message": image}
    event = one({"messages": [message("edit", part)]})
    assert isinstance(event.data, m.MessageEdited)
    assert (event.data.message_id, event.data.message_type) == (ms("wamid.S"), "image")
    assert event.private_values()["text"] == "the box"
    image["image"] = {**FILE, "caption": "the box", "url": "https://example.test/another"}
    assert one({"messages": [message("edit", part)]}).id == event.id


def test_a_revoke_names_the_message_that_is_gone() -> None:
    """The customer deleted it for everyone; its record stays."""
    event = one({"messages": [message("revoke", {"original_message_id": "wamid.S"})]})
    assert isinstance(event.data, m.MessageRevoked)
    assert event.data.message_id == ms("wamid.S")
    assert event.data.actor.kind == "customer"


@pytest.mark.parametrize("kind", ["edit", "revoke", "reaction", "system"])
@pytest.mark.parametrize("odd", [None, 7, [], {}, {"message_id": 5}])
def test_one_that_names_no_message_stays_unrecognised(kind: str, odd: Any) -> None:
    """INVARIANT I2: it is kept, not guessed at."""
    assert one({"messages": [{**message(kind), kind: odd}]}).noun_verb == "webhook.unrecognised"


def test_a_group_has_a_conversation_of_its_own() -> None:
    """Who wrote is private; statuses of the group stand in the same conversation."""
    event = one({"messages": [message("text", {"body": "salam all"}, group_id="g-1")]})
    assert isinstance(event.data, m.MessageReceived)
    assert (event.conversationid, event.data.group) == (cv("g-1"), True)
    assert event.data.actor.id == cv(PHONE)
    status = {"id": "wamid.S", "status": "read", "recipient_id": "g-1", "recipient_type": "group"}
    told = one({"statuses": [{**status, "recipient_participant_id": PHONE}]})
    assert told.conversationid == cv("g-1")
    assert told.private_values()["phone"] == PHONE


def test_a_message_in_standby_says_so() -> None:
    """WhatsApp's business agent has the chat; the message is part of the trail all the same."""
    event = one({"messages": [message("text", {"body": "hello"})]}, "standby")
    assert isinstance(event.data, m.MessageReceived)
    assert event.data.standby is True


@pytest.mark.parametrize("field", ["smb_message_echoes", "message_echoes", "standby"])
def test_an_echo_is_a_message_the_business_sent(field: str) -> None:
    """From the phone app, or by WhatsApp's agent: in the customer's conversation."""
    body = message("text", {"body": "on its way"}, to=PHONE)
    event = one({"message_echoes": [{**body, "from": OURS}]}, field)
    assert isinstance(event.data, m.MessageSent)
    assert event.conversationid == cv(PHONE)
    assert event.private_values()["text"] == "on its way"
    assert event.data.via == ("business_agent" if field == "standby" else "phone_app")


@pytest.mark.parametrize("kind", ["edit", "revoke"])
def test_the_business_changes_and_deletes_too(kind: str) -> None:
    """An echo of an edit or a revoke is ours, even where from and to are exchanged."""
    part = {"original_message_id": "wamid.S", "message": {"type": "text", "text": {"body": "n"}}}
    for ends in ({"from": OURS, "to": PHONE}, {"from": PHONE, "to": OURS}):
        echo = {**message(kind, part), **ends}
        event = one({"message_echoes": [echo]}, "smb_message_echoes")
        assert event.noun_verb == f"message.{'edited' if kind == 'edit' else 'revoked'}"
        assert event.data.actor.kind == "agent"
        assert event.conversationid == cv(PHONE)


def test_a_status_tells_price_and_payment() -> None:
    """What is charged is public; what we attached ourselves is not."""
    status = {
        "id": "wamid.S",
        "status": "captured",
        "recipient_id": PHONE,
        "type": "payment",
        "pricing": {"billable": "true", "pricing_model": "PMP", "category": "utility"},
        "conversation": {"id": "x", "origin": {"type": "service"}},
        "biz_opaque_callback_data": "order 5",
        "errors": [{"code": "131026", "title": "Undeliverable"}, "odd"],
    }
    event = one({"statuses": [status]})
    assert isinstance(event.data, m.MessageStatusChanged)
    assert event.data.about == "payment"
    assert event.data.pricing == m.Pricing(billable=True, model="PMP", category="utility")
    assert event.data.conversation_origin == "service"
    assert [error.code for error in event.data.errors] == [131026]
    assert event.private_values()["callback_data"] == "order 5"


def test_a_number_that_is_written_as_one_is_understood() -> None:
    """Ints come as strings and strings as ints."""
    event = one({"messages": [{**message("text", {"body": "x"}), "from": int(PHONE)}]})
    assert event.conversationid == cv(PHONE)
    assert event.data.phone_number_id == NUMBER  # type: ignore[attr-defined]
