"""A webhook body becomes events, each item on its own, and nothing authentic is lost."""

import base64
import copy
import json
from datetime import UTC, datetime
from typing import Any

from casetrail_contracts.envelope import Event, parse_event
from casetrail_contracts.registry.message import MessageReceived, MessageStatusChanged
from casetrail_contracts.registry.webhook import WebhookQuarantined, WebhookUnrecognised
from casetrail_ingest.domain.events import events_of
from casetrail_ingest.domain.reading import Reading, Workspaces
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 10, 14, 3, tzinfo=UTC)
NUMBER = "100200300"
KEY = b"workspace key of the tests"


def text_message(wamid: str = "wamid.A", text: str = "Salam", sender: str = "923001234567") -> Any:
    """A text message as WhatsApp sends it."""
    return {
        "from": sender,
        "id": wamid,
        "timestamp": "1795342443",
        "type": "text",
        "text": {"body": text},
    }


def body_of(*values: dict[str, Any], field: str = "messages") -> bytes:
    """One entry with a change per value."""
    changes = [
        {
            "field": field,
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "92", "phone_number_id": NUMBER},
                **value,
            },
        }
        for value in values
    ]
    document = {"object": "whatsapp_business_account", "entry": [{"id": "9", "changes": changes}]}
    return json.dumps(document).encode()


def read(body: bytes, workspaces: dict[str, str] | None = None) -> list[Event]:
    """The events of a body, for a workspace `main` that owns every number."""
    mapping = {"*": "main"} if workspaces is None else workspaces
    return events_of(Reading(body, NOW, Workspaces(mapping), KEY))


def test_a_text_message_is_typed_and_its_personal_values_are_private() -> None:
    """Nothing outside `private` shows the phone, the name, the text or the wamid."""
    contact = {"wa_id": "923001234567", "profile": {"name": "Sana Khan", "username": "@sana"}}
    (event,) = read(body_of({"contacts": [contact], "messages": [text_message()]}))
    assert isinstance(event.data, MessageReceived)
    assert event.private_values()["text"] == "Salam"
    assert event.private_values()["name"] == "Sana Khan"
    assert event.time == datetime(2026, 11, 22, 10, 14, 3, tzinfo=UTC)
    assert event.conversationid is not None
    public = event.model_copy(update={"private": None}).to_bytes()
    for personal in (b"923001234567", b"Sana", b"Salam", b"wamid.A"):
        assert personal not in public
    assert parse_event(event.to_bytes()) == event


def test_every_item_of_a_batch_becomes_one_event() -> None:
    """INVARIANT I2: several messages, statuses, changes and kinds in one body are all taken."""
    status = {"id": "wamid.S", "status": "read", "timestamp": "1795342443", "recipient_id": "92300"}
    image = {"from": "92300", "id": "wamid.I", "type": "image", "image": {"id": "5"}}
    events = read(
        body_of(
            {"messages": [text_message("wamid.1"), text_message("wamid.2"), image]},
            {"statuses": [status, {**status, "status": "delivered"}], "errors": [{"code": 1}]},
        )
    )
    kinds = [event.noun_verb for event in events]
    assert kinds.count("message.received") == 3
    assert kinds.count("message.status_changed") == 2
    assert kinds.count("channel.error_reported") == 1
    assert len({event.id for event in events}) == len(events)


def test_one_odd_item_costs_no_other() -> None:
    """INVARIANT I2: items of impossible shapes are kept beside the good ones."""
    odd: list[Any] = [None, 7, "x", [], {}, {"id": 5, "type": "text"}, {"type": "text", "text": 3}]
    events = read(body_of({"messages": [text_message("wamid.1"), *odd, text_message("wamid.2")]}))
    assert [e.noun_verb for e in events].count("message.received") == 2
    assert [e.noun_verb for e in events].count("webhook.unrecognised") == len(odd)


def test_a_retry_batched_otherwise_gives_the_same_ids() -> None:
    """INVARIANT I3: ids hang on the item, not on the body it came in."""
    together = read(body_of({"messages": [text_message("wamid.1"), text_message("wamid.2")]}))
    alone = read(body_of({"messages": [text_message("wamid.2")]}))
    assert together[1].id == alone[0].id
    assert together[0].id != together[1].id


def test_one_id_with_two_texts_is_two_events() -> None:
    """INVARIANT I2: a sender that reuses a wamid for another text loses nothing by it."""
    first, second = text_message("wamid.1", "one"), text_message("wamid.1", "two")
    events = read(body_of({"messages": [first, second, first]}))
    assert len({event.id for event in events}) == 2
    assert events[0].id == events[2].id
    assert events[0].subject == events[1].subject


def test_a_new_media_url_is_the_same_message() -> None:
    """INVARIANT I3: WhatsApp makes the link anew for each delivery."""
    image = {"from": "92300", "id": "wamid.I", "type": "image", "image": {"id": "5", "url": "a"}}
    again = {**image, "image": {"id": "5", "url": "b"}}
    events = read(body_of({"messages": [image, again]}))
    assert events[0].id == events[1].id


def test_statuses_of_several_group_members_differ() -> None:
    """One wamid has one status per participant."""
    status = {"id": "wamid.G", "status": "read", "timestamp": "1", "recipient_id": "g@g.us"}
    members = [{**status, "recipient_participant_id": person} for person in ("92300", "92301")]
    events = read(body_of({"statuses": members}))
    assert len({event.id for event in events}) == 2


def test_an_unknown_status_is_still_a_status() -> None:
    """WhatsApp adds values without notice."""
    status = {"id": "wamid.S", "status": "teleported", "timestamp": 1795342443}
    (event,) = read(body_of({"statuses": [status]}))
    assert isinstance(event.data, MessageStatusChanged)
    assert event.data.status == "teleported"
    assert event.conversationid is None


def test_contacts_are_matched_by_id_and_unclaimed_ones_are_kept() -> None:
    """The second message's name is not the first contact's."""
    contacts = [
        {"wa_id": "1", "profile": {"name": "One"}},
        {"wa_id": "2", "profile": {"name": "Two"}},
        {"wa_id": "3", "profile": {"name": "Three"}},
    ]
    messages = [text_message("wamid.2", sender="2"), text_message("wamid.1", sender="1")]
    events = read(body_of({"contacts": contacts, "messages": messages}))
    assert [e.private_values().get("name") for e in events[:2]] == ["Two", "One"]
    assert isinstance(events[2].data, WebhookUnrecognised)
    assert "Three" in events[2].private_values()["raw"]


def test_a_business_scoped_id_decides_the_conversation_wherever_it_stands() -> None:
    """INVARIANT I3: the id in `from_user_id` or put into `from` is the same customer."""
    proper = {**text_message("wamid.1"), "from_user_id": "PK.13491208655302741918"}
    misplaced = text_message("wamid.2", sender="PK.13491208655302741918")
    without = text_message("wamid.3")
    events = read(body_of({"messages": [proper, misplaced, without]}))
    events = [event for event in events if isinstance(event.data, MessageReceived)]
    assert events[0].conversationid == events[1].conversationid
    assert events[2].conversationid != events[0].conversationid


def test_a_message_from_nobody_is_kept_unrecognised() -> None:
    """Without a sender there is no conversation to put it in."""
    message = text_message()
    del message["from"]
    (event,) = read(body_of({"messages": [message]}))
    assert isinstance(event.data, WebhookUnrecognised)
    assert event.data.item_kind == "messages/text"


def test_other_fields_are_kept_verbatim_per_item() -> None:
    """Two of a list nobody knows are one event; a field of one thing is one."""
    calls = [{"id": "c1", "event": "connect"}, {"id": "c2", "event": "terminate"}]
    assert len(read(body_of({"calls": calls}, field="telepathy"))) == 2
    (event,) = read(body_of({"event": "VERIFIED_ACCOUNT"}, field="consumer_profile"))
    assert isinstance(event.data, WebhookUnrecognised)
    assert json.loads(event.private_values()["raw"])["event"] == "VERIFIED_ACCOUNT"


def test_what_stands_beside_the_known_lists_is_kept() -> None:
    """A new key in `value` is not dropped because messages are there too."""
    events = read(body_of({"messages": [text_message()], "novelty": {"a": 1}}))
    assert "novelty" in events[1].private_values()["raw"]


def test_a_number_of_nobody_is_quarantined_and_named() -> None:
    """A webhook for an unknown business number is kept, in the workspace for such things."""
    (event,) = read(body_of({"messages": [text_message()]}), {"1": "shop", "2": "other"})
    assert event.workspace == "unrouted"
    assert isinstance(event.data, WebhookQuarantined)
    assert "INGEST_WORKSPACES" in event.data.problem


def test_bodies_that_are_no_webhook_are_quarantined_whole() -> None:
    """Authentic but odd: the bytes are kept, with a sentence that says what is odd."""
    for body in (
        b"",
        b"nonsense",
        b"[1]",
        b"null",
        b'{"field":"messages","value":{}}',
        b"\xff\xfe",
    ):
        (event,) = read(body)
        assert isinstance(event.data, WebhookQuarantined)
        kept = event.private_values()["body"]
        encoded = event.data.encoding == "base64"
        assert (base64.b64decode(kept) if encoded else kept.encode()) == body


def test_entries_without_changes_are_quarantined_beside_the_good_ones() -> None:
    """INVARIANT I2: an odd entry does not cost the next one."""
    document = json.loads(body_of({"messages": [text_message()]}))
    document["entry"] = [{"id": "1"}, None, {"changes": [{"field": "x"}]}, *document["entry"]]
    events = read(json.dumps(document).encode())
    assert [e.noun_verb for e in events].count("webhook.quarantined") == 3
    assert [e.noun_verb for e in events].count("message.received") == 1


def test_a_body_too_large_for_one_message_is_kept_in_parts() -> None:
    """The parts joined are the body; each fits NATS' default limit."""
    body = json.dumps({"field": "history", "value": "ش" * 700_000}, ensure_ascii=False).encode()
    events = read(body)
    assert len(events) > 1
    assert "".join(e.private_values()["body"] for e in events).encode() == body
    assert all(len(event.to_bytes()) < 1_000_000 for event in events)
    assert len({event.id for event in events}) == len(events)


def test_an_item_too_large_is_kept_in_parts_and_the_others_are_typed() -> None:
    """INVARIANT I2: size is no reason to lose anything."""
    huge = {**text_message("wamid.H"), "text": {"body": "x" * 1_500_000}}
    events = read(body_of({"messages": [huge, text_message("wamid.1")]}))
    parts = [e for e in events if isinstance(e.data, WebhookQuarantined)]
    assert "".join(e.private_values()["body"] for e in parts).count("x" * 1_500_000) == 1
    assert [e.noun_verb for e in events].count("message.received") == 1


def test_lone_surrogates_are_kept_escaped() -> None:
    """Half an emoji is valid JSON and no valid UTF-8."""
    body = body_of({"messages": [text_message(text="MARK")]}).replace(b"MARK", b"a\\ud83d")
    (event,) = read(body)
    assert isinstance(event.data, MessageReceived)
    assert "\\ud83d" in event.private_values()["raw"]


def test_deep_nesting_is_quarantined() -> None:
    """A body built to exhaust the stack is kept like any other odd one."""
    deep = b'{"entry":[{"changes":[{"value":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}]}"
    (event, *_) = read(deep)
    assert isinstance(event.data, WebhookQuarantined)


def test_odd_timestamps_fall_back_to_the_time_of_receipt() -> None:
    """A bad time never costs the message."""
    stamps: list[Any] = [
        "soon",
        -1,
        0,
        10**30,
        None,
        1e400,
        [],
        "1795342443000000",
        1,
        253402300799,
    ]
    for stamp in stamps:
        message = {**text_message(), "timestamp": stamp}
        body = body_of({"messages": [message]})
        (event,) = read(body)
        assert isinstance(event.data, MessageReceived)
        assert event.time == NOW
        assert event.data.time_source == "received"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(
        st.sampled_from(["messages", "statuses", "contacts", "calls", "x"]), json_values
    )
)
def test_no_value_raises_and_every_event_can_be_published(value: dict[str, Any]) -> None:
    """INVARIANT I2: whatever stands in `value`, every event parses back."""
    for event in read(body_of(copy.deepcopy(value))):
        assert parse_event(event.to_bytes()).id == event.id


@given(st.binary(max_size=300))
def test_no_bytes_raise(body: bytes) -> None:
    """INVARIANT I2: any authentic bytes become at least one event or are an empty webhook."""
    for event in read(body):
        parse_event(event.to_bytes())
